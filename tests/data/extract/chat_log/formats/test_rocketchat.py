"""Rocket.Chat's messages as its API and its files give them."""

import json
from typing import Any

from offbook.data.extract.chat_log.formats.rocketchat import looks_like, read
from offbook.data.extract.chat_log.message import Content
from tests.data.extract.chat_log.chats import contents, parsed, times
from tests.data.extract.reading import numbered


def item(number: int, user: str, text: str, **fields: Any) -> dict[str, Any]:
    person = {"_id": user, "username": user, "name": user.title()}
    sent = {"_id": f"m{number}", "rid": "GENERAL", "msg": text, "ts": f"2021-05-12T21:3{number}:05.000Z", "u": person}
    return sent | fields


def test_messages_are_read_oldest_first_with_what_they_answer() -> None:
    link = "[ ](https://chat.example.org/channel/general?msg=m1) "
    items = [
        item(5, "tom", "", t="rm"),
        item(4, "tom", "", file={"name": "a.png"}, attachments=[{"title": "a.png"}]),
        item(3, "ann", "Good.", tmid="m2", mentions=[{"username": "tom", "name": "Tom"}]),
        item(2, "tom", f"{link}Since four."),
        item(1, "ann", "Is it lit?"),
        item(0, "tom", "tom", t="uj"),
    ]
    text = json.dumps({"messages": items, "count": 6, "offset": 0, "total": 6, "success": True})
    assert looks_like([text]) == 1
    assert parsed(read, text) == [("Ann", "Is it lit?"), ("Tom", "Since four."), ("Ann", "Good.")]
    assert contents(read, text)[::5] == [Content.NOTE, Content.DELETED]
    assert contents(read, text)[4] is Content.MEDIA
    assert [message.reply_to for message in read(numbered(text))][1:4] == ["", "m1", "m2"]
    assert times(read, text)[1] == "2021-05-12 21:31"


def test_a_file_in_json_says_what_its_notes_are() -> None:
    items = [("ann", "Is it lit?", {}), ("tom", "User joined.", {"type": "uj"}), ("tom", "Since four.", {})]
    lines = [{"msg": text, "username": name, "ts": "2021-05-12T21:30:05.000Z", **more} for name, text, more in items]
    text = "\n".join(map(json.dumps, lines))
    assert looks_like(text.splitlines()) == 1
    assert parsed(read, text) == [("ann", "Is it lit?"), ("tom", "Since four.")]
    assert contents(read, text)[1] is Content.NOTE


def test_a_page_has_its_notes_in_italics() -> None:
    beginning = "<p><strong>tom</strong> (Wed, 12 May 2021 21:30:05 GMT):<br/>"
    page = "".join(
        f"{beginning}{text}</p>" for text in ("Since (about) four.", "<i>User left.</i>", '<a href="a">a</a>')
    )
    assert looks_like([page]) == 1
    assert parsed(read, page) == [("tom", "Since (about) four.")]
    assert contents(read, page)[1:] == [Content.NOTE, Content.MEDIA]
    assert times(read, page)[0] == "2021-05-12 21:30"
