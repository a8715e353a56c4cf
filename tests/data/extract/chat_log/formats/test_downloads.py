# ruff: noqa: E501 (what apps export has long lines)
"""What services let their users download of their messages: recognized, and each reply beside what it answers."""

import json
from pathlib import Path
from typing import Any

import pytest

from offbook.core.errors import UsageError
from offbook.data.extract import extract, listing
from offbook.data.extract.chat_log.formats import CHAT_FORMATS
from offbook.data.extract.chat_log.message import Content
from tests.data.extract.reading import numbered


def replies(path: Path, role: str) -> list[tuple[str, ...]]:
    """(prompt, reply) of every row."""
    return [tuple(message["content"] for message in row["messages"]) for row in extract([path], role).rows]


def snap(sender: str, kind: str, clock: str, content: str | None, is_mine: bool) -> dict[str, Any]:
    return {
        "From": sender,
        "Media Type": kind,
        "Created": f"2024-05-01 {clock} UTC",
        "Content": content,
        "Conversation Title": None,
        "IsSender": is_mine,
        "Created(microseconds)": 1714599000000 + 60000 * int(clock[3:5]),
    }


SNAPCHAT = {
    "mara.lie": [
        snap("mara.lie", "TEXT", "21:35:00", "Good.", False),
        snap("odd.b", "STATUSMISSEDCALL", "21:34:00", "", True),
        snap("odd.b", "TEXT", "21:33:00", "Sama 😀", True),
        snap("mara.lie", "TEXT", "21:32:00", "Jeg fryser", False),
        snap("mara.lie", "MEDIA", "21:31:30", "", False),
        snap("odd.b", "TEXT", "21:31:00", "Siden fire.", True),
        snap("mara.lie", "TEXT", "21:30:00", "Er lampa tent?", False),
    ],
    "ine": [],
}
OLD_SNAPCHAT = {
    "Received Saved Chat History": [
        {"From": "mara.lie", "Media Type": "TEXT", "Created": "2021-05-12 21:30:00 UTC", "Text": "Lit?"}
    ],
    "Sent Saved Chat History": [
        {"To": "mara.lie", "Media Type": "TEXT", "Created": "2021-05-12 21:31:00 UTC", "Text": "Since four."}
    ],
}
TIKTOK = {
    "Activity": {"Video Browsing History": {"VideoList": [{"Date": "2024-05-01 10:00:00", "Link": "https://x"}]}},
    "Direct Messages": {
        "Chat History": {
            "ChatHistory": {
                "Chat History with mara_lie:": [
                    {"Date": "2024-05-01 21:30:00", "From": "mara_lie", "Content": "lamba yandı mı"},
                    {"Date": "2024-05-01 21:31:00", "From": "odd.b", "Content": "dörtten beri"},
                    {
                        "Date": "2024-05-01 21:32:00",
                        "From": "mara_lie",
                        "Content": "https://www.tiktokv.com/share/video/7/",
                    },
                    {"Date": "2024-05-01 21:33:00", "From": "odd.b", "Content": "komik"},
                ],
                "Chat History with ine:": [{"Date": "2024-05-01 21:32:00", "From": "ine", "Content": "selam"}],
            }
        }
    },
}


def tweet(sender: str, text: str, minute: int, **fields: Any) -> dict[str, Any]:
    created = {"recipientId": "9", "reactions": [], "urls": [], "text": text, "mediaUrls": [], "senderId": sender}
    return {
        "messageCreate": {
            **created,
            "id": str(minute),
            "createdAt": f"2024-05-01T21:{minute}:00.000Z",
            "editHistory": [],
        }
        | fields
    }


X = [
    {
        "dmConversation": {
            "conversationId": "1-2",
            "messages": [
                {"reactionCreate": {"senderId": "1", "reactionKey": "like", "eventId": "7", "createdAt": "x"}},
                tweet("2", "Look https://t.co/abc", 34, mediaUrls=["https://ton.twitter.com/1.jpg"]),
                tweet("2", "Since four &amp; trimmed: https://t.co/x", 31, urls=[{"url": "https://t.co/x", "expanded": "https://lamp.example"}]),
                tweet("1", "Lit?", 30),
            ],
        }
    }
]  # fmt: skip


def grouped(name: str, text: str | None, minute: int, **fields: Any) -> dict[str, Any]:
    return {
        "attachments": [],
        "created_at": 1714599000 + 60 * minute,
        "favorited_by": [],
        "group_id": "5",
        "id": str(minute),
        "name": name,
        "sender_id": name,
        "sender_type": "user",
        "system": False,
        "text": text,
    } | fields


GROUPME = [
    grouped("GroupMe", "Ine was added to the group.", 9, system=True, sender_type="system"),
    grouped("Odd", None, 5, attachments=[{"type": "image", "url": "x"}]),
    grouped("Odd", "Since four.", 4, attachments=[{"type": "reply", "reply_id": "0", "base_reply_id": "0"}]),
    grouped("Ine", "Tea?", 2),
    grouped("Mara", "Is it lit?", 0),
]


def node(name: str, parent: str | None, role: str, parts: list[Any], **fields: Any) -> dict[str, Any]:
    content = {"content_type": fields.pop("content_type", "text"), "parts": parts}
    message = {
        "id": name,
        "author": {"role": role},
        "create_time": 1714599000.5,
        "content": content,
        "recipient": "all",
    }
    return {"id": name, "message": message | fields, "parent": parent, "children": []}


CHATGPT = [
    {
        "title": "Lamp",
        "create_time": 1714599000.0,
        "mapping": {
            "root": {"id": "root", "message": None, "parent": None, "children": ["s"]},
            "s": node("s", "root", "system", [""]),
            "u": node("u", "s", "user", ["How long does oil last?"]),
            "a0": node("a0", "u", "assistant", ["I cannot say."]),
            "t": node("t", "u", "assistant", ["search('oil')"], recipient="browser"),
            "a": node("a", "t", "assistant", ["Two nights.\nThree in spring."]),
            "u2": node("u2", "a", "user", [{"asset_pointer": "file-1"}, "And this?"], content_type="multimodal_text"),
            "a2": node("a2", "u2", "assistant", ["A wick."]),
        },
        "current_node": "a2",
    }
]


def _deepseek_node(parent: str, **fragments: str) -> dict[str, Any]:
    parts = [{"type": kind, "content": content} for kind, content in fragments.items()]
    message = {"files": [], "model": "deepseek-chat", "inserted_at": "2025-02-01T10:00:00+08:00", "fragments": parts}
    return {"id": "x", "parent": parent, "children": [], "message": message}


DEEPSEEK = [
    {
        "id": "1",
        "title": "Oil",
        "inserted_at": "2025-02-01T10:00:00+08:00",
        "mapping": {
            "root": {"id": "root", "parent": None, "children": ["1"], "message": None},
            "1": _deepseek_node("root", REQUEST="How long does oil last?"),
            "2": _deepseek_node("1", RESPONSE="Who knows."),
            "3": _deepseek_node("1", THINK="Hm.", RESPONSE="Two nights."),
        },
    }
]
CLAUDE = [
    {
        "uuid": "c1",
        "name": "Lamp",
        "created_at": "2024-05-01T21:30:00.000000Z",
        "account": {"uuid": "x"},
        "chat_messages": [
            {"uuid": "m1", "text": "How long does oil last?", "content": [{"type": "text", "text": "How long does oil last?"}], "sender": "human", "created_at": "2024-05-01T21:30:00.000000Z", "attachments": [], "files": []},
            {"uuid": "m2", "text": "", "content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Two nights."}], "sender": "assistant", "created_at": "2024-05-01T21:30:10.000000Z", "attachments": [], "files": []},
        ],
    }
]  # fmt: skip


def graph(name: str | None, content: str, minute: int, **fields: Any) -> dict[str, Any]:
    return {
        "id": str(minute),
        "replyToId": None,
        "messageType": "message",
        "createdDateTime": f"2024-05-01T21:{minute}:00.123Z",
        "deletedDateTime": None,
        "from": {"application": None, "user": {"id": name, "displayName": name}} if name else None,
        "body": {"contentType": "html", "content": content},
        "attachments": [],
    } | fields


TEAMS = {
    "@odata.context": "x",
    "value": [
        graph(None, "<systemEventMessage/>", 36, messageType="systemEventMessage"),
        graph("Odd Berg", "<div><img alt='x' src='y'></div>", 35),
        graph(
            "Odd Berg",
            '<attachment id="30"></attachment><p>Since four.&nbsp;</p><p>Trimmed.</p>',
            34,
            attachments=[{"id": "30", "contentType": "messageReference", "content": "{}"}],
        ),
        graph("Ine", "<p>Tea?</p>", 33),
        graph("Mara", "<div><div>Is it lit?</div></div>", 30),
    ],
}


@pytest.mark.parametrize(
    ("name", "value", "format", "role", "expected"),
    [
        (
            "chat_history.json",
            SNAPCHAT,
            "snapchat",
            "odd.b",
            [("Er lampa tent?", "Siden fire."), ("Jeg fryser", "Sama 😀")],
        ),
        ("chat_history.json", OLD_SNAPCHAT, "snapchat", "Me", [("Lit?", "Since four.")]),
        ("user_data_tiktok.json", TIKTOK, "tiktok", "odd.b", [("lamba yandı mı", "dörtten beri")]),
        ("message.json", GROUPME, "groupme", "Odd", [("Ine: Tea?\nMara: Is it lit?", "Since four.")]),
        (
            "conversations.json",
            CHATGPT,
            "chatgpt",
            "assistant",
            [("How long does oil last?", "Two nights.\nThree in spring."), ("And this?", "A wick.")],
        ),
        ("conversations.json", DEEPSEEK, "chatgpt", "assistant", [("How long does oil last?", "Two nights.")]),
        ("conversations.json", CLAUDE, "claude", "assistant", [("How long does oil last?", "Two nights.")]),
        ("messages.json", TEAMS, "teams", "Odd Berg", [("Ine: Tea?\nMara: Is it lit?", "Since four.\n\nTrimmed.")]),
    ],
)
def test_a_download_is_recognized_and_its_replies_are_read(
    name: str, value: Any, format: str, role: str, expected: list[tuple[str, str]], tmp_path: Path
) -> None:
    path = tmp_path / name
    for indent in (None, 2):
        path.write_text(json.dumps(value, indent=indent, ensure_ascii=indent is None), encoding="utf-8")
        assert list(listing([path]).formats.values()) == [format]
        assert replies(path, role) == expected


@pytest.mark.parametrize("with_account", [True, False])
def test_x_names_people_by_number_and_the_owner_by_name(with_account: bool, tmp_path: Path) -> None:
    path = tmp_path / "direct-messages.js"
    path.write_text("window.YTD.direct_messages.part0 = " + json.dumps(X, indent=2), encoding="utf-8")
    if with_account:
        account = [{"account": {"email": "x", "username": "oddberg", "accountId": "2"}}]
        (tmp_path / "account.js").write_text("window.YTD.account.part0 = " + json.dumps(account, indent=2))
    assert list(listing([path]).formats.values()) == ["x"]
    answers = replies(path, "oddberg" if with_account else "2")
    assert answers == [("Lit?", "Since four & trimmed: https://lamp.example")]


def test_tiktok_s_text_has_the_newest_first(tmp_path: Path) -> None:
    path = tmp_path / "Direct Messages.txt"
    path.write_text(
        ">>> Chat History with mara_lie::\n\n"
        "2024-05-01 21:33:00 UTC odd.b: komik\n2024-05-01 21:32:00 UTC mara_lie: https://www.tiktokv.com/share/video/7/\n"
        "2024-05-01 21:31:00 UTC odd.b: dörtten beri\nve hep\n2024-05-01 21:30:00 UTC mara_lie: lamba yandı mı\n\n"
        ">>> Chat History with ine::\n\n2024-05-01 21:32:00 UTC ine: selam\n",
        encoding="utf-8",
    )
    assert list(listing([path]).formats.values()) == ["tiktok"]
    assert replies(path, "odd.b") == [("lamba yandı mı", "dörtten beri\nve hep")]


def test_what_is_no_text_of_a_download_is_known() -> None:
    def contents(name: str, value: Any) -> list[Content]:
        return [message.content for message in CHAT_FORMATS[name].read(numbered(json.dumps(value)))]

    text, media = Content.TEXT, Content.MEDIA
    assert contents("snapchat", SNAPCHAT) == [text, text, media, text, text, Content.CALL, text]
    assert contents("tiktok", TIKTOK) == [text, text, media, text, text]
    assert contents("groupme", GROUPME) == [text, text, text, media, Content.NOTE]
    assert contents("teams", TEAMS) == [text, text, text, media, Content.NOTE]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("messages.csv", "ID,Timestamp,Contents,Attachments\n10,2021-05-12 21:30:00,Since four.,\n"),
        ("messages.json", '[{"ID": 10, "Timestamp": "2021-05-12 21:30:00", "Contents": "Since four.", "Attachments": ""}]'),
    ],
)  # fmt: skip
def test_what_discord_keeps_of_oneself_is_refused(name: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match="nobody else writes") as refusal:
        listing([path])
    assert "DiscordChatExporter" in str(refusal.value.fix)


def hangouts(number: int, account: str, second: int, text: str = "", **more: Any) -> dict[str, Any]:
    written = {"segment": [{"type": "TEXT", "text": part} for part in text.split("|")]} if text else {}
    return {
        "conversation_id": {"id": "Ugx1"},
        "sender_id": {"gaia_id": account, "chat_id": account},
        "timestamp": f"{1462000000 + second}000000",
        "chat_message": {"message_content": {**written, **more}},
        "event_id": f"7-H{number}",
        "event_type": "REGULAR_CHAT_MESSAGE",
    }


def test_hangouts_of_google_takeout(tmp_path: Path) -> None:
    people = [{"id": {"gaia_id": str(at)}, "fallback_name": name} for at, name in enumerate(["Mara Lie", "Odd Berg"])]
    events = [
        hangouts(1, "0", 0, "Is the |lamp lit?"),
        hangouts(2, "1", 20, "Since four."),
        hangouts(3, "0", 30, attachment=[{"embed_item": {"type": ["PLUS_PHOTO"]}}]),
        hangouts(4, "1", 40, "Bright."),
        {**hangouts(5, "0", 50), "event_type": "HANGOUT_EVENT", "hangout_event": {"event_type": "START_HANGOUT"}},
        hangouts(6, "1", 90, "Bye."),
    ]
    head = {"conversation_id": {"id": "Ugx1"}, "conversation": {"type": "GROUP", "participant_data": people}}
    path = tmp_path / "Hangouts.json"
    path.write_text(json.dumps({"conversations": [{"conversation": head, "events": events}]}), encoding="utf-8")
    assert list(listing([path]).formats.values()) == ["hangouts"]
    assert replies(path, "Odd Berg") == [("Is the lamp lit?", "Since four.")]
    read = CHAT_FORMATS["hangouts"].read(numbered(path.read_text(encoding="utf-8")))
    assert [message.content for message in read][2::2] == [Content.MEDIA, Content.CALL]


def test_what_an_old_download_of_snapchat_has_in_two_lists_is_put_in_order() -> None:
    def item(key: str, clock: str, text: str) -> dict[str, str]:
        return {key: "mara", "Media Type": "TEXT", "Created": f"2021-05-12 {clock}:00 UTC", "Text": text}

    download = {
        "Received Chat History": [item("From", "21:32", "Oil?"), item("From", "21:30", "Lit?")],
        "Sent Chat History": [item("To", "21:33", "Half a can."), item("To", "21:31", "Since four.")],
    }
    messages = CHAT_FORMATS["snapchat"].read(numbered(json.dumps(download)))
    assert [message.text for message in messages] == ["Lit?", "Since four.", "Oil?", "Half a can."]


def test_what_teams_writes_in_skype_s_form_is_text() -> None:
    def item(number: int, name: str | None, written: str) -> dict[str, Any]:
        time = f"2021-05-12T21:3{number}:00Z"
        return {
            "id": str(number), "displayName": name, "originalarrivaltime": time, "messagetype": "RichText/Html",
            "content": written, "conversationid": "19:a", "from": "8:live:ann",
        }  # fmt: skip

    written = [
        item(3, None, '<p><img src="x"></p>'),
        item(2, "Tom", '<blockquote itemtype="Reply"><p>Lit?</p></blockquote><p>Since four.</p><p>Cold.</p>'),
        item(1, None, "<p>Lit?</p>"),
    ]
    export = {"userId": "8:live:ann", "conversations": [{"id": "19:a", "MessageList": written}]}
    messages = list(CHAT_FORMATS["skype"].read(numbered(json.dumps(export))))
    assert [(each.sender, each.text) for each in messages[:2]] == [("ann", "Lit?"), ("Tom", "Since four.\nCold.")]
    assert messages[2].content is Content.MEDIA
