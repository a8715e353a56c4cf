"""Messages as services hand them to programs: Zulip, Mattermost, Twitch, Bilibili; and downloads of one side alone."""

import json
from pathlib import Path
from typing import Any

import pytest

from offbook.core.errors import UsageError
from offbook.data.extract.chat_log.message import Content, Message
from offbook.data.extract.formats import EXTRACTORS, choose
from offbook.data.extract.source import open_source

START = 1620855000
ASKED = ["Lit?", "Since four.", "And oil?", "Half a can."]


def read(folder: Path, format: str, *values: Any) -> list[Message]:
    """The messages of a file that is recognized as of the format."""
    path = folder / "export.json"
    path.write_text("\n".join(json.dumps(value) for value in values), encoding="utf-8")
    assert choose(path, "auto") == format
    messages = EXTRACTORS[format].messages
    assert messages
    return list(messages(open_source(path)))


def test_zulip(tmp_path: Path) -> None:
    def item(number: int, name: str, text: str) -> dict[str, Any]:
        return {
            "id": number, "sender_id": len(name), "sender_full_name": name, "content": text, "subject": "lamp",
            "timestamp": START + number, "display_recipient": "keepers", "content_type": "text/html",
        }  # fmt: skip

    answer = "<blockquote><p>Lit?</p></blockquote><p>Since <em>four</em>.</p><p>Cold.</p>"
    items = [item(1, "Ann Hale", "<p>Lit?</p>"), item(2, "Tom Reed", answer)]
    messages = read(tmp_path, "zulip", {"result": "success", "messages": items})
    assert [(each.sender, each.text) for each in messages] == [
        ("Ann Hale", "Lit?"),
        ("Tom Reed", "Since four.\n\nCold."),
    ]
    assert messages[0].chat == "keepers, lamp"


def test_mattermost(tmp_path: Path) -> None:
    def post(user: str, text: str, seconds: int, **more: Any) -> dict[str, Any]:
        return {"user": user, "message": text, "create_at": 1000 * (START + seconds), **more}

    first = post("ann", "Lit?", 0, channel="lamp", replies=[post("tom", "Since four.", 10)])
    joined = post("carl", "carl joined", 20, channel="lamp", type="system_join_channel")
    lines = [
        {"type": "version", "version": 1},
        {"type": "post", "post": first},
        {"type": "post", "post": joined},
        {"type": "direct_post", "direct_post": post("ann", "Oil?", 30, channel_members=["ann", "tom"])},
    ]
    messages = read(tmp_path, "mattermost", *lines)
    assert [(each.sender, each.text, each.chat) for each in messages if each.content is Content.TEXT] == [
        ("ann", "Lit?", "lamp"),
        ("tom", "Since four.", "lamp"),
        ("ann", "Oil?", "ann, tom"),
    ]
    assert messages[1].reply_to == messages[0].id


def test_twitch(tmp_path: Path) -> None:
    comments: list[dict[str, Any]] = [
        {
            "_id": str(number), "created_at": f"2021-05-12T21:30:1{number}Z", "content_offset_seconds": number,
            "commenter": {"display_name": "Ann" if number % 2 == 0 else "Tom", "_id": "1", "name": "x"},
            "message": {"body": text, "fragments": [{"text": text}]},
        }
        for number, text in enumerate(ASKED)
    ]  # fmt: skip
    comments[3]["message"]["user_notice_params"] = {"msg_id": "resub"}
    messages = read(tmp_path, "twitch", {"streamer": {"name": "ann"}, "comments": comments})
    assert [each.text for each in messages if each.content is Content.TEXT] == ASKED[:3]
    assert [each.sender for each in messages] == ["Ann", "Tom", "Ann", "Tom"]


def test_bilibili_s_newest_message_stands_first(tmp_path: Path) -> None:
    items = [
        {
            "sender_uid": 11 + number % 2, "receiver_type": 1, "receiver_id": 12 - number % 2, "msg_type": 1,
            "content": json.dumps({"content": text}), "msg_seqno": number, "timestamp": START + number,
        }
        for number, text in enumerate(ASKED)
    ]  # fmt: skip
    items[3] |= {"msg_type": 2, "content": json.dumps({"url": "https://example.org/a.png"})}
    messages = read(tmp_path, "bilibili", {"code": 0, "data": {"messages": items[::-1]}})
    assert [(each.sender, each.text) for each in messages[:3]] == [
        ("11", "Lit?"),
        ("12", "Since four."),
        ("11", "And oil?"),
    ]
    assert messages[3].content is Content.MEDIA
    assert {each.chat for each in messages} == {"11, 12"}


@pytest.mark.parametrize(
    ("value", "what"),
    [
        ({"Usage": {"app_opens": {"2021-05-12": 1}}, "Messages": [{"match_id": "1", "messages": []}]}, "Tinder"),
        ({"Messages": [{"match_id": "Match 1", "messages": [{"to": 1, "message": "Lit?"}]}]}, "Tinder"),
        ([{"match": [{"timestamp": "2021-05-12"}], "chats": [{"body": "Lit?", "timestamp": "2021-05-12"}]}], "Hinge"),
        ({"zerver_message": [{"id": 1, "sender": 2, "content": "Lit?"}], "zerver_usermessage": []}, "Zulip's server"),
    ],
)
def test_what_does_not_tell_who_answers_is_refused(value: Any, what: str, tmp_path: Path) -> None:
    path = tmp_path / "data.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    with pytest.raises(UsageError, match=what):
        choose(path, "auto")


@pytest.mark.parametrize(("age", "like", "reply"), [("2 h", "Like", "Reply"), ("2小时", "赞", "回复")])
def test_a_page_of_comments_is_no_script(age: str, like: str, reply: str, tmp_path: Path) -> None:
    path = tmp_path / "comments.txt"
    comments = [
        f"{name}\n{text}\n{age}\n{like}\n{reply}\n"
        for name, text in zip(["Ann Hale", "Tom Reed"] * 2, ASKED, strict=True)
    ]
    path.write_text("".join(comments), encoding="utf-8")
    with pytest.raises(UsageError, match="comments") as refusal:
        choose(path, "auto")
    assert "CSV" in refusal.value.fix


def of_keybase(number: int, name: str, **content: Any) -> dict[str, Any]:
    channel = {"name": "ann,tom", "topic_type": "chat"}
    sender = {"uid": name, "username": name}
    return {"msg": {"id": number, "channel": channel, "sender": sender, "sent_at": START + number, "content": content}}


def test_keybase(tmp_path: Path) -> None:
    lit = of_keybase(1, "ann", type="text", text={"body": "Lit?"})
    answer = of_keybase(2, "tom", type="text", text={"body": "Since four.", "replyTo": 1})
    picture = of_keybase(3, "tom", type="attachment", attachment={})
    expected = [
        ("ann", "Lit?", "", Content.TEXT),
        ("tom", "Since four.", "1", Content.TEXT),
        ("tom", "", "", Content.MEDIA),
    ]
    for values in ([lit, answer, picture], [{"result": {"messages": [picture, answer, lit]}}]):
        messages = read(tmp_path, "keybase", *values)
        assert [(each.sender, each.text, each.reply_to, each.content) for each in messages] == expected


def test_nextcloud(tmp_path: Path) -> None:
    def item(number: int, name: str, text: str, kind: str = "comment", **more: Any) -> dict[str, Any]:
        return {
            "id": number, "token": "sea", "actorId": name.casefold(), "actorDisplayName": name, "message": text,
            "timestamp": START + number, "systemMessage": "", "messageType": kind, **more,
        }  # fmt: skip

    ann = {"type": "user", "id": "ann", "name": "Ann Hale"}
    items = [
        item(1, "Ann Hale", "Lit?", messageParameters=[]),
        item(2, "Tom", "{mention-user1} Since four.", messageParameters={"mention-user1": ann}, parent={"id": 1}),
        item(3, "Tom", "{file}", messageParameters={"file": {"name": "a.png"}}),
        item(4, "Tom", "{actor} left the call", "system"),
    ]
    messages = read(tmp_path, "nextcloud", {"ocs": {"meta": {"status": "ok"}, "data": items}})
    assert [each.content for each in messages] == [Content.TEXT, Content.TEXT, Content.MEDIA, Content.NOTE]
    assert (messages[1].text, messages[1].reply_to, messages[1].mentions) == (
        "@Ann Hale Since four.",
        "1",
        ("Ann Hale",),
    )
