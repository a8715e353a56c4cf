# ruff: noqa: E501 (what programs write has long lines)
"""Chats that programs write as web pages or as XML: recognized, and each reply beside what it answers."""

from pathlib import Path

import pytest

from offbook.data.extract import extract, listing
from offbook.data.extract.chat_log.formats import CHAT_FORMATS
from offbook.data.extract.chat_log.message import Content
from offbook.data.extract.cue import ParseError
from tests.data.extract.reading import numbered

DISCORD = """<!DOCTYPE html>
<html lang="en">
<head>
    <title>Harbour - general</title>
    <style>
        .chatlog__message-group { margin-bottom: 1rem; }
        .chatlog__author { font-weight: 500; }
    </style>
</head>
<body>
<div class="preamble"><div class="preamble__entry">Harbour</div></div>
<div class="chatlog">
<div class=chatlog__message-group>
<div id=chatlog__message-container-100 class=chatlog__message-container data-message-id=100>
<div class=chatlog__message><div class=chatlog__message-aside><img class=chatlog__avatar src=a.png alt=Avatar loading=lazy></div>
<div class=chatlog__message-primary><div class=chatlog__header><span class=chatlog__author title=mara data-user-id=1>Mara</span> <span class=chatlog__timestamp title="Wednesday, May 12, 2021 9:30 PM"><a href=#chatlog__message-container-100>05/12/2021 9:30 PM</a></span></div>
<div class="chatlog__content chatlog__markdown"><span class=chatlog__markdown-preserve>Is the lamp lit
&amp; trimmed? <img loading=lazy class=chatlog__emoji alt=🔥 title=fire src=f.svg></span> <span class=chatlog__edited-timestamp title=x>(edited)</span></div></div></div></div>
<div id=chatlog__message-container-101 class=chatlog__message-container data-message-id=101>
<div class=chatlog__message><div class=chatlog__message-aside><div class=chatlog__short-timestamp title="Wednesday, May 12, 2021 9:31 PM">9:31 PM</div></div>
<div class=chatlog__message-primary><div class="chatlog__content chatlog__markdown"><span class=chatlog__markdown-preserve>And is the boat dry?</span></div></div></div></div></div>
<div class=chatlog__message-group>
<div id=chatlog__message-container-102 class=chatlog__message-container data-message-id=102>
<div class=chatlog__message><div class=chatlog__message-aside></div>
<div class=chatlog__message-primary><div class=chatlog__reply><div class=chatlog__reply-author title=mara>Mara</div><div class=chatlog__reply-content><span class=chatlog__reply-link onclick="scrollToMessage(event,'100')">Is the lamp lit</span></div></div>
<div class=chatlog__header><span class=chatlog__author title=odd data-user-id=2>Odd</span> <span class=chatlog__timestamp title="Wednesday, May 12, 2021 9:32 PM"><a>05/12/2021 9:32 PM</a></span></div>
<div class="chatlog__content chatlog__markdown"><span class=chatlog__markdown-preserve>Since <strong>four</strong>.</span></div>
<div class=chatlog__reactions><div class=chatlog__reaction title=heart><img class="chatlog__emoji chatlog__emoji--small" alt=❤ src=h.svg><span class=chatlog__reaction-count>1</span></div></div></div></div></div>
<div id=chatlog__message-container-103 class=chatlog__message-container data-message-id=103>
<div class=chatlog__message><div class=chatlog__message-aside></div><div class=chatlog__message-primary><div class=chatlog__attachment><a href=p.png><img class=chatlog__attachment-media src=p.png alt="Image attachment"></a></div></div></div></div></div>
<div class=chatlog__message-group>
<div id=chatlog__message-container-104 class="chatlog__message-container" data-message-id=104>
<div class=chatlog__message><div class=chatlog__message-primary><div class=chatlog__header><span class=chatlog__system-notification-author title=mara data-user-id=1>Mara</span><span> </span><span class=chatlog__system-notification-content>pinned a message to this channel.</span></div></div></div></div></div>
</div>
</body></html>
"""
MESSENGER = """<html><head><title>Odd Berg</title><style>._a6-g{}</style></head><body class="_5vb_"><div class="clearfix _ikh"><div class="_4bl9"><div class="_li"><div class="_a705"><div class="_3-8y _3-95 _a70a"><div class="_a70d"><div class="_a70e">Odd Berg</div></div></div><div class="_a706" role="main"><div class="pam _3-95 _2ph- _a6-g uiBoxWhite noborder"><div class="_2ph_ _a6-h _a6-i">Participants: Mara Lie and Odd Berg</div></div>
<div class="pam _3-95 _2ph- _a6-g uiBoxWhite noborder"><div class="_2ph_ _a6-h _a6-i">Odd Berg</div><div class="_2ph_ _a6-p"><div><div></div><div>Two cans.<br />And a half.</div><div></div><div></div><div></div></div></div><div class="_3-94 _a6-o"><div class="_a72d">May 12, 2021 9:35:10 pm</div></div></div>
<div class="pam _3-95 _2ph- _a6-g uiBoxWhite noborder"><div class="_2ph_ _a6-h _a6-i">Mara Lie</div><div class="_2ph_ _a6-p"><div><div></div><div>How much oil’s left?</div><div></div><div></div><div></div></div><div><ul class="_a6-q"><li><span>😮Odd Berg</span></li></ul></div></div><div class="_3-94 _a6-o"><div class="_a72d">May 12, 2021 9:35:02 pm</div></div></div>
<div class="pam _3-95 _2ph- _a6-g uiBoxWhite noborder"><div class="_2ph_ _a6-h _a6-i">Mara Lie</div><div class="_2ph_ _a6-p"><div><div></div><div></div><div></div><div><div><a href="photos/1.jpg"><img src="photos/1.jpg" class="_a6_o _3-96" /></a></div></div></div></div><div class="_3-94 _a6-o"><div class="_a72d">May 12, 2021 9:33:00 pm</div></div></div>
<div class="pam _3-95 _2ph- _a6-g uiBoxWhite noborder"><div class="_2ph_ _a6-h _a6-i">Odd Berg</div><div class="_2ph_ _a6-p"><div><div></div><div>Since four.</div><div></div><div></div><div></div></div></div><div class="_3-94 _a6-o"><div class="_a72d">May 12, 2021 9:31:00 pm</div></div></div>
<div class="pam _3-95 _2ph- _a6-g uiBoxWhite noborder"><div class="_2ph_ _a6-h _a6-i">Mara Lie</div><div class="_2ph_ _a6-p"><div><div></div><div>Is it lit?</div><div></div><div></div><div></div></div></div><div class="_3-94 _a6-o"><div class="_a72d">May 12, 2021 9:30:00 pm</div></div></div>
</div></div></div></div></div></body></html>
"""
INSTAGRAM = """<html><head><title>odd</title></head><body><main class="_a706"><div class="pam _3-95 _2ph- _a6-g uiBoxWhite noborder"><h2 class="_3-95 _2pim _a6-h _a6-i">odd.berg</h2><div class="_3-95 _a6-p"><div><div></div><div>Since four.</div><div></div><div></div></div></div><div class="_3-94 _a6-o">May 12, 2021 9:31 pm</div></div><div class="pam _3-95 _2ph- _a6-g uiBoxWhite noborder"><h2 class="_3-95 _2pim _a6-h _a6-i">mara</h2><div class="_3-95 _a6-p"><div><div></div><div>Is it lit?</div><div></div><div></div></div></div><div class="_3-94 _a6-o">May 12, 2021 9:30 pm</div></div></main></body></html>
"""
IMESSAGE = """<html>
<head><meta charset="UTF-8"></head>
<body>
<div class="message">
    <div class="received">
        <p><span class="timestamp"><a title="x" href="sms://">May 12, 2021  9:30:42 PM</a> (Read by you after 5 seconds)</span>
            <span class="sender">Mara</span>
        </p>
        <hr>
        <div class="message_part"><span class="bubble">Is the lamp lit?</span></div>
        <div class="replies">
            <div class="reply">
                <div class="message">
                    <div class="sent iMessage">
                        <p><span class="timestamp">May 12, 2021  9:40:00 PM</span> <span class="sender">Odd</span></p>
                        <hr>
                        <div class="message_part"><span class="bubble">Since four.</span></div>
                    </div>
                </div>
            </div>
        </div>
    </div>
</div>
<div class="message">
    <div class="received">
        <p><span class="timestamp">May 12, 2021  9:31:42 PM</span> <span class="sender">Mara</span></p>
        <hr>
        <div class="message_part"><span class="bubble">Bring oil.</span></div>
        <div class="tapbacks"><hr><p>Tapbacks:</p><div class="tapback"><span><b>Loved</b> by Odd</span></div></div>
    </div>
</div>
<div class ="announcement"><p><span class="timestamp">May 12, 2021  9:33:00 PM</span> Mara named the conversation <b>Lamp</b></p></div>
<div class="message">
    <div class="sent iMessage">
        <p><span class="timestamp">May 12, 2021  9:34:00 PM</span> <span class="sender">Odd</span></p>
        <hr>
        <div class="message_part"><span class="bubble">Two cans.</span></div>
    </div>
</div>
<div class="message">
    <div class="received">
        <p><span class="timestamp">May 12, 2021  9:35:00 PM</span> <span class="sender">Mara</span></p>
        <hr>
        <div class="message_part"><img src="attachments/1.jpeg" loading="lazy"></div>
    </div>
</div>
<div class="message">
    <div class="sent iMessage">
        <p><span class="timestamp">May 12, 2021  9:40:00 PM</span> <span class="sender">Odd</span></p>
        <hr>
        <div class="message_part"><span class="bubble">Since four.</span></div>
        <span class="reply_context">This message responded to an earlier message.</span>
    </div>
</div>
</body></html>
"""
ELEMENT = """<!DOCTYPE html>
<html lang="en"><head><meta charset="UTF-8" /><link href="css/style.css" rel="stylesheet" /><title>Exported Data</title></head>
<body><section id="matrixchat"><ol class="mx_RoomView_MessageList" role="list">
<div class="mx_NewRoomIntro"><h2> Harbour </h2><p> Mara created this room.</p></div>
<li><div class="mx_DateSeparator" role="separator" tabindex="-1" aria-label="Wed, May 12, 2021"><hr role="none"/><h2 aria-hidden="true">Wed, May 12, 2021</h2><hr role="none"/></div></li>
<div class="mx_Export_EventWrapper" id="$a1"><li class="mx_EventTile" data-event-id="$a1"><div class="mx_DisambiguatedProfile"><span class="mx_Username_color3 mx_DisambiguatedProfile_displayName" dir="auto">Mara</span></div><div class="mx_EventTile_line"><a href="#"><span class="mx_MessageTimestamp" aria-hidden="true">21:30</span></a><div class="mx_MTextBody mx_EventTile_content"><span class="mx_EventTile_body" dir="auto">Is the lamp lit?</span></div></div></li></div>
<div class="mx_Export_EventWrapper" id="$a2"><li class="mx_EventTile mx_EventTile_continuation" data-event-id="$a2"><div class="mx_EventTile_line"><a href="#"><span class="mx_MessageTimestamp">21:31</span></a><div class="mx_MTextBody mx_EventTile_content"><span class="mx_EventTile_body" dir="auto">And the boat?</span></div></div></li></div>
<div class="mx_Export_EventWrapper" id="$a3"><li class="mx_EventTile" data-event-id="$a3"><div class="mx_DisambiguatedProfile"><span class="mx_DisambiguatedProfile_displayName">Odd</span></div><div class="mx_EventTile_line"><a><span class="mx_MessageTimestamp">21:35</span></a><blockquote class="mx_ReplyChain mx_ReplyChain_Export">In reply to <a class="mx_reply_anchor" href="#$a1" scroll-to="$a1">this message</a></blockquote><div class="mx_MTextBody mx_EventTile_content"><span class="mx_EventTile_body markdown-body" dir="auto">Since four.</span> <div class="mx_EventTile_edited">(edited)</div></div></div></li></div>
<div class="mx_Export_EventWrapper" id="$a4"><li class="mx_EventTile mx_EventTile_info"><div class="mx_EventTile_line"><div class="mx_TextualEvent mx_EventTile_content">Ine joined the room</div></div></li></div>
</ol></section></body></html>
"""
VK = """<!DOCTYPE html>
<html><head><meta charset="windows-1251"><title>ВКонтакте</title></head><body>
<div class="ui_crumb">Мара Ли</div>
<div class="item"><div class="item__main"><div class="message" data-id="4">
  <div class="message__header">Вы, 12 мая 2021 в 21:33:00</div>
  <div>С четырёх.<br>И лодка сухая.<div class="kludges"></div></div>
</div></div></div>
<div class="item"><div class="item__main"><div class="message" data-id="3">
  <div class="message__header"><a href="https://vk.com/id1">Мара Ли</a>, 12 мая 2021 в 21:32:00<span class="message-edited" title="x"> (ред.)</span></div>
  <div>Лампа горит?<div class="kludges"></div></div>
</div></div></div>
<div class="item"><div class="item__main"><div class="message" data-id="2">
  <div class="message__header">Вы, 12 мая 2021 в 21:31:00</div>
  <div><div class="kludges"><div class="attachment"><div class="attachment__description">Фотография</div><a class="attachment__link" href="https://x">https://x</a></div></div></div>
</div></div></div>
<div class="item"><div class="item__main"><div class="message" data-id="1">
  <div class="message__header"><a href="https://vk.com/id1">Мара Ли</a>, 12 мая 2021 в 21:30:00</div>
  <div><div class="kludges">Мара Ли пригласила Вас</div></div>
</div></div></div>
</body></html>
"""
RISUAI = """
<!DOCTYPE html>
<html><head><title>Odd Chat</title><style>
 .chat{ background: #f0f0f0; }
 .idat{ display: none; }
</style></head>
<body><div class="container">
<div class="chat">
    <h2>Odd</h2>
    <div><p><em>He looks up.</em> Who is there?</p></div>
</div>
<div class="chat">
    <h2>Mara</h2>
    <div><p>Me. Is it lit?</p></div>
</div><div class="chat">
    <h2>Odd</h2>
    <div><p>Since four.</p><p>Come in.</p></div>
</div></div>
<div class="idat">{"message":[{"role":"user","data":"Me. Is it lit?"}]}</div></body>
"""
VOICE = """<?xml version="1.0" ?><!DOCTYPE html><html><head><title>Odd</title></head><body><div class="hChatLog hfeed">
<div class="message"><abbr class="dt" title="2021-05-12T21:30:42.000+02:00">May 12, 2021, 9:30:42 PM</abbr>: <cite class="sender vcard"><a class="tel" href="tel:+4791"><span class="fn">Mara</span></a></cite>: <q>Is it lit?<br>Say!</q></div>
<div class="message"><abbr class="dt" title="2021-05-12T21:31:42.000+02:00">May 12, 2021, 9:31:42 PM</abbr>: <cite class="sender vcard"><a class="tel" href="tel:+4792"><abbr class="fn" title="">Me</abbr></a></cite>: <q>Since four.</q></div>
</div></body></html>
"""
SMS = """<?xml version='1.0' encoding='UTF-8' standalone='yes' ?>
<!--File Created By SMS Backup & Restore v10.20 on 12/05/2021 21:50:00-->
<smses count="6" backup_set="x" type="full">
  <sms protocol="0" address="+4791" date="1620855000000" type="1" subject="null" body="Is it lit? &#55357;&#56613;&#10;Say &quot;yes&quot;!" read="1" contact_name="Mara Lie" />
  <sms protocol="0" address="+4793" date="1620855010000" type="1" subject="null" body="Your code is 1234" contact_name="(Unknown)" />
  <sms protocol="0" address="+4791" date="1620855060000" type="2" subject="null" body="Since four &amp; counting." contact_name="Mara Lie" />
  <mms date="1620855120000" msg_box="1" address="+4791" m_type="132" contact_name="Mara Lie" sub="null"><parts><part seq="-1" ct="application/smil" text="&lt;smil&gt;x&lt;/smil&gt;" /><part seq="0" ct="image/jpeg" name="1.jpg" text="null" data="AAAA" /></parts><addrs><addr address="+4791" type="137" charset="106" /></addrs></mms>
  <mms date="1620855180000" msg_box="1" address="+4791" m_type="132" contact_name="Mara Lie"><parts><part seq="0" ct="text/plain" text="And the boat?" /></parts></mms>
  <sms protocol="0" address="+4791" date="1620855190000" type="3" subject="null" body="Or n" contact_name="Mara Lie" />
  <sms protocol="0" address="+4791" date="1620855240000" type="5" subject="null" body="Dry." contact_name="Mara Lie" />
</smses>
"""


@pytest.mark.parametrize(
    ("name", "text", "format", "role", "replies"),
    [
        (
            "a.html",
            DISCORD,
            "discord",
            "Odd",
            [("Is the lamp lit\n& trimmed? 🔥\nAnd is the boat dry?", "Since four.")],
        ),
        (
            "message_1.html",
            MESSENGER,
            "messenger",
            "Odd Berg",
            [("Is it lit?", "Since four."), ("How much oil’s left?", "Two cans.\nAnd a half.")],
        ),
        ("message_1.html", INSTAGRAM, "messenger", "odd.berg", [("Is it lit?", "Since four.")]),
        ("a.html", IMESSAGE, "imessage", "Odd", [("Is the lamp lit?\nBring oil.", "Two cans."), ("Is the lamp lit?\nBring oil.", "Since four.")]),
        ("messages.html", ELEMENT, "matrix", "Odd", [("Is the lamp lit?\nAnd the boat?", "Since four.")]),
        ("messages0.html", VK, "vk", "Вы", [("Лампа горит?", "С четырёх.\nИ лодка сухая.")]),
        ("Odd_chat.html", RISUAI, "risuai", "Odd", [("Me. Is it lit?", "Since four.\n\nCome in.")]),
        ("Odd - Text.html", VOICE, "google_voice", "Me", [("Is it lit?\nSay!", "Since four.")]),
        ("sms-1.xml", SMS, "sms", "Me", [('Is it lit? 🔥\nSay "yes"!', "Since four & counting."), ("And the boat?", "Dry.")]),
    ],
)  # fmt: skip
def test_a_page_is_recognized_and_its_replies_are_read(
    name: str, text: str, format: str, role: str, replies: list[tuple[str, str]], tmp_path: Path
) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    assert list(listing([path]).formats.values()) == [format]
    rows = extract([path], role).rows
    assert [tuple(message["content"] for message in row["messages"]) for row in rows] == replies


@pytest.mark.parametrize(
    ("format", "text", "expected"),
    [
        ("discord", DISCORD, [Content.TEXT, Content.TEXT, Content.TEXT, Content.MEDIA, Content.NOTE]),
        ("imessage", IMESSAGE, [Content.TEXT, Content.TEXT, Content.NOTE, Content.TEXT, Content.MEDIA, Content.TEXT]),
        ("matrix", ELEMENT, [Content.TEXT, Content.TEXT, Content.TEXT, Content.NOTE]),
        ("vk", VK, [Content.NOTE, Content.MEDIA, Content.TEXT, Content.TEXT]),
    ],
)
def test_what_each_message_of_a_page_holds(format: str, text: str, expected: list[Content]) -> None:
    assert [message.content for message in CHAT_FORMATS[format].read(numbered(text))] == expected


@pytest.mark.parametrize(
    ("page", "why"),
    [
        ('<div class="chatlog__message">' + "<div>" * 5000, "nested too deeply"),
        ('<div class="chatlog__message">\n<a title="' + ("x" * 300 + "\n") * 5000, "does not end"),
    ],
)
def test_a_damaged_page_is_refused_soon(page: str, why: str) -> None:
    with pytest.raises(ParseError, match=why):
        list(CHAT_FORMATS["discord"].read(numbered(page)))
