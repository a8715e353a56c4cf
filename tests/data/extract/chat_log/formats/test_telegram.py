"""Telegram's exports, JSON and HTML."""

import json
from typing import Any

import pytest

from offbook.data.extract.chat_log.formats.telegram import looks_like, read
from offbook.data.extract.chat_log.message import Content
from offbook.data.extract.cue import ParseError
from tests.data.extract.reading import numbered

PAGE = """<!DOCTYPE html>
<html><head><title>Exported Data</title></head><body><div class="page_wrap">
<div class="page_header"><div class="content"><div class="text bold">
Lighthouse
</div></div></div>
<div class="page_body chat_page"><div class="history">
<div class="message service" id="message-1"><div class="body details">
12 May 2021
</div></div>
<div class="message default clearfix" id="message1">
 <div class="body">
  <div class="pull_right date details" title="12.05.2021 21:30:20 UTC+01:00">21:30</div>
  <div class="from_name">
Mara &amp; Co
  </div>
  <div class="text">
Is it <strong>lit</strong>?<br>Tell me
  </div>
 </div>
</div>
<div class="message default clearfix joined" id="message2">
 <div class="body">
  <div class="pull_right date details" title="12.05.2021 21:30:40 UTC+01:00">21:30</div>
  <div class="media_wrap clearfix"><div class="media clearfix pull_left media_photo"><div class="body">
   <div class="title bold">
Photo
   </div>
   <div class="description">
Not included, change data exporting settings to download.
   </div>
  </div></div></div>
 </div>
</div>
<div class="message default clearfix" id="message3">
 <div class="body">
  <div class="pull_right date details" title="12.05.2021 21:31:00 UTC+01:00">21:31</div>
  <div class="from_name">
Tom
  </div>
  <div class="reply_to details">
In reply to <a href="#go_to_message1" onclick="return GoToMessage(1)">this message</a>
  </div>
  <div class="text">
Since four.
  </div>
 </div>
</div>
<div class="message default clearfix joined" id="message4">
 <div class="body">
  <div class="pull_right date details" title="12.05.2021 21:32:00 UTC+01:00">21:32</div>
  <div class="forwarded body">
   <div class="from_name">
Weather <span class="date details"> 12.05.2021 20:00:00</span>
   </div>
   <div class="text">
Gale force nine
   </div>
  </div>
 </div>
</div>
<div class="message default clearfix joined" id="message5">
 <div class="body">
  <div class="pull_right date details" title="12.05.2021 21:33:00 UTC+01:00">21:33</div>
  <div class="media_wrap clearfix"><div class="media clearfix pull_left media_call">
  <div class="body"><div class="title bold">
Mara
  </div><div class="status details">
Outgoing (25 seconds)
  </div></div></div></div>
 </div>
</div>
<div class="message default clearfix joined" id="message6">
 <div class="body">
  <div class="pull_right date details" title="12.05.2021 21:34:00 UTC+01:00">21:34</div>
  <div class="media_wrap clearfix"><div class="media clearfix pull_left media_photo"><div class="body">
  <div class="title bold">
Sticker
  </div></div></div></div>
 </div>
</div>
</div></div></div></body></html>"""


def test_a_page_of_html_is_read_message_by_message() -> None:
    result = list(read(numbered(PAGE)))
    assert [(item.sender, item.text, item.content) for item in result] == [
        ("", "12 May 2021", Content.NOTE),
        ("Mara & Co", "Is it lit?\nTell me", Content.TEXT),
        ("Mara & Co", "", Content.MEDIA),
        ("Tom", "Since four.", Content.TEXT),
        ("Tom", "", Content.FORWARDED),
        ("Tom", "", Content.CALL),
        ("Tom", "", Content.STICKER),
    ]
    assert (result[1].id, result[1].line, f"{result[1].sent_at:%H:%M}") == ("1", 10, "21:30")
    assert result[3].reply_to == "1"
    assert {item.chat for item in result[1:]} == {"Lighthouse"}
    assert looks_like(PAGE.split("\n")) == 1


def test_all_chats_of_an_account_are_read_apart() -> None:
    def chat(name: str) -> Any:
        text = ["to ", {"type": "mention", "text": "@tom"}]
        item = {"id": 1, "type": "message", "from": "A", "from_id": "user1", "text": text, "reply_to_message_id": 0}
        return {"name": name, "type": "personal_chat", "id": 9, "messages": [item]}

    text = json.dumps({"chats": {"list": [chat("x"), {"name": "empty", "messages": []}, chat("y")]}})
    result = list(read(numbered(text)))
    assert [(item.chat, item.text, item.mentions, item.reply_to) for item in result] == [
        ("x", "to @tom", ("tom",), "0"),
        ("y", "to @tom", ("tom",), "0"),
    ]


def test_what_a_message_holds() -> None:
    items = [
        {"type": "message", "media_type": "sticker", "text": ""},
        {"type": "message", "photo": "x.jpg", "text": "caption"},
        {"type": "message", "media_type": "voice_message", "text": ""},
        {"type": "service", "action": "phone_call", "actor": "A", "text": ""},
        {"type": "service", "action": "pin_message", "actor": "A", "text": ""},
    ]
    result = [item.content for item in read(numbered(json.dumps({"messages": items})))]
    assert result == [Content.STICKER, Content.TEXT, Content.MEDIA, Content.CALL, Content.NOTE]


def test_a_page_whose_comment_never_ends_is_refused() -> None:
    with pytest.raises(ParseError, match="does not end"):
        list(read(numbered(PAGE + "<!--" + "\nAda: good day > " * 10_000)))


def test_a_page_names_the_bot_that_helped_and_what_is_quoted_is_no_part_of_an_answer() -> None:
    page = (
        '<div class="page_header"><div class="text bold">Sea</div></div><div class="history">'
        '<div class="message default clearfix" id="message1"><div class="body">'
        '<div class="pull_right date details" title="12.05.2021 21:33:20">21:33</div>'
        '<div class="from_name">Ada via @gif</div>'
        '<div class="text"><blockquote>Lit?</blockquote>Since four.<pre>oil = 0</pre></div></div></div></div>'
    )
    message = next(iter(read(numbered(page))))
    assert (message.sender, message.text) == ("Ada", "Since four.\noil = 0")
    page = page.replace("Since four.<pre>oil = 0</pre>", "")
    assert next(iter(read(numbered(page)))).text == "Lit?"


@pytest.mark.parametrize(
    ("after", "text"), [(["\n\nSince four."], "Since four."), ([], "Lit?"), (["\nYes", ", yes."], "Yes, yes.")]
)
def test_what_is_quoted_is_no_part_of_an_answer(after: list[str], text: str) -> None:
    pieces = [{"type": "blockquote", "text": "Lit?", "collapsed": False}, *after]
    message = {"id": 1, "type": "message", "date": "2021-05-12T21:30:00", "from": "Ann", "text": pieces}
    assert [item.text for item in read(numbered(json.dumps({"messages": [message]})))] == [text]


def test_what_destroys_itself_may_have_been_answered() -> None:
    message = {"id": 1, "type": "message", "date": "2021-05-12T21:30:00", "from": "Ann", "text": ""}
    log = json.dumps({"messages": [message | {"self_destruct_period_seconds": 5}]})
    assert [item.content for item in read(numbered(log))] == [Content.MEDIA]


def test_two_people_of_one_name_are_two() -> None:
    log = {
        "name": "Lighthouse",
        "messages": [
            {"id": at, "type": "message", "date": "2021-05-12T21:30:15", "from": name, "from_id": number, "text": "lit"}
            for at, (name, number) in enumerate(
                [("Tom", "user1"), ("Mara", "user2"), ("Tom", "user3"), ("Tom", "user1")]
            )
        ],
    }
    assert [item.sender for item in read(numbered(json.dumps(log)))] == ["Tom", "Mara", "Tom (user3)", "Tom"]


def test_a_page_that_goes_on_with_somebody_of_the_page_before_has_a_message_of_nobody_s() -> None:
    page = PAGE.replace('message default clearfix" id="message1', 'message default clearfix joined" id="message1')
    page = page.replace('  <div class="from_name">\nMara &amp; Co\n  </div>\n', "")
    first = next(item for item in read(numbered(page)) if item.text.startswith("Is it"))
    assert (first.sender, first.content) == ("", Content.NOTE)
