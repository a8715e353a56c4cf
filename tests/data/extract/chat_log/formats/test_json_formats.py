# ruff: noqa: E501 (what apps export has long lines)
"""Messenger, Slack, SillyTavern, Character.AI and ChatLab: formats that are JSON alone."""

import json
from pathlib import Path
from typing import Any

import pytest

from offbook.data.extract.chat_log.formats import CHAT_FORMATS
from offbook.data.extract.chat_log.formats.messenger import undo_mojibake
from offbook.data.extract.chat_log.message import Content
from offbook.data.extract.cue import ParseError
from offbook.data.extract.source import open_source
from tests.data.extract.reading import numbered


def read(name: str, text: str) -> Any:
    assert CHAT_FORMATS[name].looks_like(text.split("\n")) == 1
    return list(CHAT_FORMATS[name].read(numbered(text)))


def garbled(text: str) -> Any:
    return text.encode("utf-8").decode("latin-1")


def test_messenger_is_turned_round_and_its_letters_are_put_right() -> None:
    items = [
        {"sender_name": garbled("Zoë"), "timestamp_ms": 1620855300000, "is_unsent": True, "content": "x"},
        {"sender_name": garbled("Zoë"), "timestamp_ms": 1620855240000, "content": "Liked a message"},
        {"sender_name": "Tom", "timestamp_ms": 1620855180000, "call_duration": 0, "content": "Tom called you."},
        {"sender_name": "Tom", "timestamp_ms": 1620855120000, "photos": [{}], "content": "Tom sent a photo."},
        {"sender_name": "Tom", "timestamp_ms": 1620855060000, "content": garbled("Četyři 🙂")},
        {"sender_name": garbled("Zoë"), "timestamp_ms": 1620855000000, "content": "When?"},
    ]
    result = read("messenger", json.dumps({"participants": [], "messages": items, "title": "Tom"}))
    assert [(item.sender, item.text) for item in result[:2]] == [("Zoë", "When?"), ("Tom", "Četyři 🙂")]
    kinds = [Content.MEDIA, Content.CALL, Content.STICKER, Content.DELETED]
    assert [item.content for item in result[2:]] == kinds


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("You sent an attachment.", Content.MEDIA),
        ("Zoë a envoyé une pièce jointe.", Content.MEDIA),
        ("Reagiu com 😍 à sua mensagem ", Content.STICKER),
        ("Zoë started a video chat", Content.CALL),
        ("Zoë changed the theme to Ocean.", Content.NOTE),
        ('Zoë voted for "Odd" in the poll: Who rows?.', Content.NOTE),
        ("Zoë turned on disappearing messages. Tap to change.", Content.NOTE),
        ("Zoë waved at you.", Content.STICKER),
        ("Zoë heeft een bijlage verzonden.", Content.MEDIA),
        ("Użytkownik Zoë nadał grupie nazwę Latarnia.", Content.NOTE),
        ("Mesajına ❤ ifadesini bıraktı", Content.STICKER),
        ("Зоя отправил(-а) вложение.", Content.MEDIA),
        ("Олена надіслала вкладення.", Content.MEDIA),
        ("Олена реагує ❤ на ваше повідомлення", Content.STICKER),
        ("Тарас пропустив ваш дзвінок.", Content.CALL),
        ("Тарас змінив(-ла) тему на Любов.", Content.NOTE),
        ("Zoë keluar dari grup.", Content.NOTE),
        ("Zoë đã gửi một file đính kèm.", Content.MEDIA),
        ("佐伊撤回了一条消息", Content.DELETED),
        ("佐伊傳送了附件。", Content.MEDIA),
        ("ゾーイさんが添付ファイルを送信しました。", Content.MEDIA),
        ("조이님이 영상 채팅을 시작했습니다", Content.CALL),
        ("أرسل زوي مرفقًا.", Content.MEDIA),
        ("Ik heb Ann gisteren een bijlage gestuurd.", Content.TEXT),
        ("I sent an attachment to Ann.", Content.TEXT),
    ],
)
def test_messenger_s_own_words_are_nobody_s(text: str, content: Content) -> None:
    items = [{"sender_name": "Tom", "timestamp_ms": 1620855060000, "content": garbled(text)}]
    (message,) = read("messenger", json.dumps({"participants": [], "messages": items, "title": "Tom"}))
    assert message.content is content


def test_messenger_s_encrypted_chats() -> None:
    items = [{"senderName": "Zoë", "text": "Kdy?", "timestamp": 1620855000000, "isUnsent": False, "media": []}]
    (message,) = read("messenger", json.dumps({"participants": ["Zoë"], "threadName": "Zoë_1", "messages": items}))
    assert (message.sender, message.text, message.chat) == ("Zoë", "Kdy?", "Zoë_1")


@pytest.mark.parametrize("text", ["plain", "façade", "日本"])
def test_text_that_was_never_garbled_stays(text: str) -> None:
    assert undo_mojibake(text) == text


def test_slack() -> None:
    def item(user: Any, text: str, time: Any, **fields: Any) -> Any:
        return {
            "type": "message",
            "user": user,
            "text": text,
            "ts": time,
            "user_profile": {"real_name": user.lower()},
        } | fields

    items = [
        item("U1", "see &lt;this&gt; <https://a.example|page> <#C1|lamp>", "1620855000.1"),
        item("U2", "<@U1> done", "1620855001.1", thread_ts="1620855000.1"),
        item("U1", "good", "1620855002.1", thread_ts="1620855000.1"),
        item("U1", "joined", "1620855003.1", subtype="channel_join"),
        item("U1", "", "1620855004.1", files=[{}]),
    ]
    result = read("slack", json.dumps(items, indent=1))
    assert [item.text for item in result[:3]] == ["see <this> page #lamp", "@u1 done", "good"]
    assert [item.reply_to for item in result[:3]] == ["", "1620855000.1", "1620855001.1"]
    assert result[1].mentions == ("u1",)
    assert [item.content for item in result[3:]] == [Content.NOTE, Content.MEDIA]


def test_slack_names_who_joined_before_the_export_tells_the_name() -> None:
    joined = {"type": "message", "subtype": "channel_join", "user": "U7", "text": "<@U7> joined", "ts": "1620855000.1"}
    item = {
        "type": "message",
        "user": "U7",
        "text": "Lit.",
        "ts": "1620855001.1",
        "user_profile": {"display_name": "odd"},
    }
    assert [each.sender for each in read("slack", json.dumps([joined, item, {**item, "user_profile": None}]))] == [
        "U7",
        "odd",
        "odd",
    ]


def test_what_slack_s_api_gives_newest_first_is_put_in_order() -> None:
    def item(number: int, user: str, text: str, **more: Any) -> dict[str, Any]:
        return {"type": "message", "user": user, "text": text, "ts": f"162085500{number}.000100", **more}

    answer = item(3, "U2", "Since four.", thread_ts="1620855001.000100")
    items = [answer, item(2, "U2", "Morning."), item(1, "U1", "Is it lit?", thread_ts="1620855001.000100")]
    result = read("slack", json.dumps({"ok": True, "messages": items, "has_more": False}))
    assert [each.text for each in result] == ["Is it lit?", "Morning.", "Since four."]
    assert [each.reply_to for each in result] == ["", "", "1620855001.000100"]


def test_slack_s_list_of_people_lies_above_the_channels(tmp_path: Path) -> None:
    people = [
        {"id": "U7", "name": "odd", "profile": {"display_name": "", "real_name": "Odd Berg"}},
        {"id": "U8", "name": "mara", "profile": None},
        "damaged",
    ]
    (tmp_path / "users.json").write_text(json.dumps(people))
    channel = tmp_path / "pier" / "2021-05-12.json"
    channel.parent.mkdir()
    item = {"type": "message", "text": "Lit?", "ts": "1620855000.1"}
    channel.write_text(json.dumps([{**item, "user": user} for user in ("U7", "U8", "U9")]))
    assert [each.sender for each in CHAT_FORMATS["slack"].read(open_source(channel))] == ["Odd Berg", "mara", "U9"]


def test_sillytavern() -> None:
    head = {"user_name": "Ann", "character_name": "Mara", "chat_metadata": {}}
    turns = [
        {"name": "Mara", "is_user": False, "is_system": False, "send_date": "May 12, 2021 9:30pm", "mes": "Hm?", "swipes": ["Hm?", "No"]},
        {"name": "Note", "is_user": False, "is_system": True, "send_date": "May 12, 2021 9:31pm", "mes": "hidden"},
    ]  # fmt: skip
    result = read("sillytavern", "\n".join(json.dumps(line) for line in [head, *turns]))
    assert [(item.sender, item.text, item.content) for item in result] == [
        ("Mara", "Hm?", Content.TEXT),
        ("Note", "hidden", Content.NOTE),
    ]
    assert f"{result[0].sent_at:%H:%M}" == "21:30"


def test_characterai_reads_the_candidate_that_was_kept() -> None:
    turns = [
        {"author": {"name": "Mara"}, "candidates": [{"candidate_id": "a", "raw_content": "no"}, {"candidate_id": "b", "raw_content": "yes"}], "primary_candidate_id": "b"},
        {"author": {"is_human": True}, "candidates": [{"candidate_id": "c", "raw_content": "why?"}]},
    ]  # fmt: skip
    result = read("characterai", json.dumps({"turns": turns}))
    assert [(item.sender, item.text) for item in result] == [("Mara", "yes"), ("User", "why?")]


def test_characterai_s_older_histories() -> None:
    histories = [
        {"external_id": "1", "msgs": [{"src": {"name": "Mara", "is_human": False}, "text": "Late."}]},
        {"external_id": "2", "msgs": [{"src": {"user": {"username": "ann"}, "is_human": True}, "text": "Hi"}]},
    ]
    result = read("characterai", json.dumps({"histories": histories}))
    assert [(item.sender, item.text) for item in result] == [("Mara", "Late."), ("ann", "Hi")]
    assert result[0].chat != result[1].chat


CHATLAB = [
    {"platformMessageId": "1", "sender": "7", "accountName": "汤", "timestamp": 1620855000, "type": 0, "content": "在吗"},
    {"sender": "8", "accountName": "澈", "groupNickname": "阿澈", "timestamp": 1620855010, "type": 25, "content": "在", "replyToMessageId": "1"},
    {"sender": "8", "accountName": "澈", "timestamp": 1620855020, "type": 1, "content": "[图片]"},
    {"sender": "8", "accountName": "澈", "timestamp": 1620855030, "type": 81, "content": None},
]  # fmt: skip
CHATLAB_HEAD = {"chatlab": {"version": "0.0.2"}, "meta": {"name": "灯塔", "platform": "qq", "type": "group"}}


@pytest.mark.parametrize("lines", [False, True], ids=["JSON", "JSON Lines"])
def test_chatlab(lines: Any) -> None:
    if lines:
        members = [{"_type": "member", "platformId": "7", "accountName": "汤"}]
        rows = [{"_type": "header", **CHATLAB_HEAD}, *members, *({"_type": "message", **row} for row in CHATLAB)]
        text = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    else:
        members = [{"platformId": "7", "accountName": "汤", "name": "no chat's"}]
        text = json.dumps({**CHATLAB_HEAD, "members": members, "messages": CHATLAB}, ensure_ascii=False, indent=1)
    result = read("chatlab", text)
    assert [(item.sender, item.text, item.reply_to) for item in result[:2]] == [("汤", "在吗", ""), ("阿澈", "在", "1")]
    assert [item.content for item in result[2:]] == [Content.MEDIA, Content.DELETED]
    assert {item.chat for item in result} == {"灯塔"}


@pytest.mark.parametrize("lines", [False, True], ids=["JSON", "JSON Lines"])
def test_chatlab_names_by_its_members_who_has_a_number_alone(lines: Any) -> None:
    members = [
        {"platformId": "7", "accountName": "汤", "groupNickname": "老汤"},
        {"platformId": "8", "accountName": "澈"},
    ]
    messages = [{"sender": number, "timestamp": 1620855000, "type": 0, "content": "在"} for number in ("7", "8", "9")]
    rows = [{"_type": "header", **CHATLAB_HEAD}, *({"_type": "member", **each} for each in members)]
    rows += [{"_type": "message", **each} for each in messages]
    text = json.dumps({**CHATLAB_HEAD, "members": members, "messages": messages}, ensure_ascii=False)
    text = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows) if lines else text
    assert [item.sender for item in read("chatlab", text)] == ["老汤", "澈", "9"]


def test_an_account_of_chatlab_s_is_one_person_whatever_its_name_of_the_day() -> None:
    messages = [
        {
            "sender": "8",
            "accountName": "澈",
            "groupNickname": "阿澈",
            "timestamp": 1620855000,
            "type": 0,
            "content": "在吗",
        },
        {"sender": "7", "accountName": "汤", "timestamp": 1620855001, "type": 0, "content": "在"},
        {"sender": "8", "accountName": "澈", "timestamp": 1620855002, "type": 0, "content": "好"},
    ]
    text = json.dumps({**CHATLAB_HEAD, "members": [], "messages": messages}, ensure_ascii=False)
    assert [item.sender for item in read("chatlab", text)] == ["阿澈", "汤", "阿澈"]


def test_a_damaged_line_is_named() -> None:
    with pytest.raises(ParseError) as damage:
        list(CHAT_FORMATS["sillytavern"].read(numbered('{"mes": "a", "is_user": true, "name": "A"}\n{"mes": ')))
    assert damage.value.line == 2


def test_what_somebody_writes_beside_a_link_is_a_text() -> None:
    def item(text: str, **more: Any) -> dict[str, Any]:
        return {"sender_name": "Mara", "timestamp_ms": 1620855000000, "content": text, **more}

    link = {"share": {"link": "https://a.example"}}
    items = [item("Look: https://a.example", **link), item("You sent an attachment.", **link)]
    result = read("messenger", json.dumps({"participants": [], "messages": items}, indent=1))
    assert [message.content for message in result] == [Content.TEXT, Content.MEDIA]


def test_skype_has_the_newest_message_first_and_markup_in_its_texts() -> None:
    def item(sender: str, name: str | None, minute: int, text: str, kind: str = "RichText") -> dict[str, Any]:
        time = f"2021-05-12T21:{minute}:42.000Z"
        return {"id": str(minute), "displayName": name, "originalarrivaltime": time, "messagetype": kind,
                "content": text, "conversationid": "8:live:mara", "from": sender}  # fmt: skip

    items = [
        item("8:live:mara", "Mara", 33, "", "Event/Call"),
        item("8:live:tom", None, 32, "<quote author='Mara'>Lit?</quote>Since four &amp; a half."),
        item("8:live:mara", "Mara", 31, "Is it <b>lit</b>?"),
    ]
    export = {"userId": "8:live:tom", "conversations": [{"id": "8:live:mara", "MessageList": items}]}
    result = read("skype", json.dumps(export))
    assert [(item.sender, item.text) for item in result[:2]] == [
        ("Mara", "Is it lit?"),
        ("tom", "Since four & a half."),
    ]
    assert result[2].content is Content.CALL
    assert f"{result[0].sent_at:%H:%M}" == "21:31"


def test_google_chat() -> None:
    items = [
        {"creator": {"name": "Mara", "email": "m@example.com"}, "created_date": "Wednesday, May 12, 2021 at 9:30:42\u202fPM UTC", "text": "Lit?", "topic_id": "a", "message_id": "1"},
        {"creator": {"name": "Tom"}, "created_date": "Wednesday, May 12, 2021 at 9:31:42 PM UTC", "text": "Since four.", "topic_id": "b", "message_id": "2", "quoted_message_metadata": {"message_id": "1"}},
        {"creator": {"name": "Tom"}, "created_date": "x", "topic_id": "c", "attached_files": [{"original_name": "a.jpg"}]},
        {"creator": {"name": "Tom"}, "created_date": "x", "topic_id": "d", "message_state": "DELETED"},
    ]  # fmt: skip
    result = read("google_chat", json.dumps({"messages": items}))
    assert [(item.sender, item.text, item.reply_to) for item in result[:2]] == [
        ("Mara", "Lit?", ""),
        ("Tom", "Since four.", "1"),
    ]
    assert f"{result[0].sent_at:%Y-%m-%d %H:%M}" == "2021-05-12 21:30"
    assert [item.content for item in result[2:]] == [Content.MEDIA, Content.DELETED]


def test_matrix_names_people_by_their_profile_and_leaves_the_quotation_out() -> None:
    def event(kind: str, sender: str, content: dict[str, Any], **more: Any) -> dict[str, Any]:
        return {"type": kind, "sender": sender, "content": content, "origin_server_ts": 1620855042000, **more}

    quoted = "> <@mara:pier.example> Lit?\n\nSince four."
    answer = {"msgtype": "m.text", "body": quoted, "m.relates_to": {"m.in_reply_to": {"event_id": "$1"}}}
    items = [
        event("m.room.member", "@mara:pier.example", {"displayname": "Mara"}, state_key="@mara:pier.example"),
        event("m.room.message", "@mara:pier.example", {"msgtype": "m.text", "body": "Lit?"}, event_id="$1"),
        event("m.room.message", "@tom:pier.example", answer, event_id="$2"),
        event("m.room.message", "@tom:pier.example", {"msgtype": "m.image", "body": "a.jpg"}),
        event("m.room.message", "@tom:pier.example", {"msgtype": "m.text", "body": "* Since five.", "m.relates_to": {"rel_type": "m.replace"}}),
        event("m.room.message", "@tom:pier.example", {}),
    ]  # fmt: skip
    result = read("matrix", json.dumps({"room_name": "Pier", "messages": items}))
    assert [(item.sender, item.text, item.reply_to) for item in result[1:3]] == [
        ("Mara", "Lit?", ""),
        ("tom", "Since four.", "$1"),
    ]
    kinds = [Content.NOTE, Content.TEXT, Content.TEXT, Content.MEDIA, Content.NOTE, Content.DELETED]
    assert [item.content for item in result] == kinds


def test_sigtop_s_json_names_a_chat_s_other_side_in_the_file_s_name_alone(tmp_path: Path) -> None:
    path = tmp_path / "Zoë Lie (+4791000000).json"
    items: list[dict[str, Any]] = [
        {"type": "incoming", "body": "Lit?", "sent_at": 1620855000000, "source": "+4791000000"},
        {"type": "incoming", "body": "Who rows?", "sent_at": 1620855001000, "source": "+4791000000"},
        {"type": "outgoing", "body": "Since four.", "sent_at": 1620855060000, "quote": {"id": 1620855000000}},
        {"type": "incoming", "body": None, "sent_at": 1620855120000, "source": "+4791000000", "attachments": [{}]},
        {"type": "call-history", "sent_at": 1620855180000},
    ]
    text = "[\n" + ",\n".join(json.dumps({"conversationId": "c", **item}) for item in items) + "\n]\n"
    path.write_text(text)
    assert CHAT_FORMATS["signal"].looks_like(text.split("\n")) == 1
    messages = list(CHAT_FORMATS["signal"].read(open_source(path)))
    expected = [("Zoë Lie", "Lit?"), ("Zoë Lie", "Who rows?"), ("Me", "Since four.")]
    assert [(item.sender, item.text) for item in messages[:3]] == expected
    assert messages[2].reply_to == messages[0].id
    assert [item.content for item in messages[3:]] == [Content.MEDIA, Content.CALL]


def test_whatsapp_chat_exporter_s_messages_stand_under_numbers() -> None:
    items: list[dict[str, Any]] = [
        {"from_me": False, "timestamp": 1620855000.0, "key_id": "A", "data": "Lit?<br>Say!"},
        {"from_me": False, "timestamp": 1620855001.0, "key_id": "B", "data": "Who rows?"},
        {"from_me": True, "timestamp": 1620855060.0, "key_id": "C", "data": "Since four.", "reply": "A"},
        {"from_me": False, "timestamp": 1620855070.0, "key_id": "D", "data": "x.jpg", "media": True, "caption": "Look"},
        {"from_me": False, "timestamp": 1620855080.0, "key_id": "E", "data": "x.opus", "media": True},
        {"from_me": False, "timestamp": 1620855090.0, "key_id": "F", "data": "A voice call from Zoë", "meta": True},
        {"from_me": False, "timestamp": 1620855100.0, "key_id": "G", "data": "Tea?", "sender": "Ine"},
    ]
    usual = {"media": False, "meta": False, "quoted_data": None}
    messages = {str(number): {**usual, **item} for number, item in enumerate(items)}
    chats = {"4791@s.whatsapp.net": {"name": "Zoë", "type": "ios", "messages": messages}, "status@broadcast": None}
    result = read("whatsapp_exporter", json.dumps(chats, indent=1))
    texts = [(item.sender, item.text) for item in result if item.content is Content.TEXT]
    assert texts == [
        ("Zoë", "Lit?\nSay!"),
        ("Zoë", "Who rows?"),
        ("Me", "Since four."),
        ("Zoë", "Look"),
        ("Ine", "Tea?"),
    ]
    assert [item.content for item in result[4:6]] == [Content.MEDIA, Content.CALL]
    assert result[2].reply_to == result[0].id
    assert [item.line for item in result] == sorted({item.line for item in result})


def test_what_the_user_swiped_away_is_not_learned() -> None:
    msgs = [
        {"src": {"name": "Mara"}, "text": "Late.", "is_alternative": True},
        {"src": {"name": "Mara"}, "text": "Early.", "is_alternative": False},
    ]
    lines = [
        {"name": "Mara", "is_user": False, "mes": text, "is_main": text == "Early."} for text in ("Late.", "Early.")
    ]
    for result in (
        read("characterai", json.dumps({"histories": [{"msgs": msgs}]})),
        read("sillytavern", "\n".join(map(json.dumps, lines))),
    ):
        assert [item.content for item in result] == [Content.NOTE, Content.TEXT]


def test_characterai_s_site_gives_the_newest_turn_first() -> None:
    turns = [
        {"create_time": f"2024-05-12T21:3{at}:00Z", "author": {"name": name}, "candidates": [{"raw_content": text}]}
        for at, name, text in ((2, "Mara", "Good."), (1, "Odd", "Since four."), (0, "Mara", "Lit?"))
    ]
    assert [item.text for item in read("characterai", json.dumps({"turns": turns}))] == ["Lit?", "Since four.", "Good."]


def test_chatgpt_s_links_to_sources_are_no_part_of_the_text() -> None:
    nodes = {
        str(at): {"parent": str(at - 1), "message": {"author": {"role": role}, "content": {"content_type": "text", "parts": [text]}}}
        for at, (role, text) in enumerate([("user", "Oil?"), ("assistant", "Half \ue200cite\ue202turn0search0\ue201 a can【4†source】.")])
    }  # fmt: skip
    result = read("chatgpt", json.dumps([{"title": "Oil", "mapping": nodes, "current_node": "1"}]))
    assert [item.text for item in result] == ["Oil?", "Half a can."]
