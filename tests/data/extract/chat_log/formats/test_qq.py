# ruff: noqa: E501 (what programs write has long lines)
"""QQChatExporter's JSON and text (QQ's own text is among the fixtures)."""

import json
from typing import Any

from offbook.data.extract.chat_log.formats.qq import looks_like, read
from offbook.data.extract.chat_log.message import Content
from tests.data.extract.chat_log.chats import contents, parsed, times
from tests.data.extract.reading import numbered


def test_text_may_tell_the_clock_by_halves_of_the_day() -> None:
    log = (
        "消息记录\n消息对象:阿澈\n\n2021-05-12 下午 9:30:11 阿澈\n灯亮了吗？\n\n2021-05-12 下午 9:31:05 老汤\n亮了。\n"
    )
    assert parsed(read, log) == [("阿澈", "灯亮了吗？"), ("老汤", "亮了。")]
    assert times(read, log) == ["2021-05-12 21:30", "2021-05-12 21:31"]


def test_what_qq_itself_says_is_nobody_s() -> None:
    log = "消息记录\n消息对象:灯塔群\n\n2021-05-12 9:30:11 阿澈(10001)\n灯亮了吗？\n\n"
    log += "2021-05-12 9:30:40 系统消息(10000)\n老汤加入本群。\n\n2021-05-12 9:31:05 老汤(10002)\n亮了。\n"
    assert contents(read, log) == [Content.TEXT, Content.NOTE, Content.TEXT]


def test_an_account_is_one_person_whatever_its_name_of_the_day() -> None:
    log = "消息记录\n消息对象:灯塔群\n"
    for name in (
        "【群主】老汤(20001)",
        "阿澈(20002)",
        "【冒泡】20001(20001)",
        "守塔人(20001)",
        "老汤(20001)",
        "老汤(2003)",
    ):
        log += f"\n2021-05-12 9:30:11 {name}\n亮了。\n"
    assert [name for name, _ in parsed(read, log)] == ["老汤", "阿澈", "老汤", "老汤", "老汤", "老汤(2003)"]


def test_json() -> None:
    def item(number: int, elements: Any, **fields: Any) -> Any:
        content = {"text": "[x]", "elements": elements}
        return {
            "id": str(number),
            "timestamp": 1620855000000,
            "sender": {"uid": "u", "name": "汤"},
            "content": content,
        } | fields

    messages = [
        item(1, [{"type": "text", "data": {"text": "在"}}, {"type": "face", "data": {"name": "笑"}}]),
        item(2, [{"type": "reply", "data": {"messageId": "1"}}, {"type": "text", "data": {"text": "好"}}]),
        item(3, [{"type": "image", "data": {}}]),
        item(4, [{"type": "market_face", "data": {}}]),
        item(5, [{"type": "text", "data": {"text": "x"}}], recalled=True),
        item(6, [], system=True),
        item(7, []),
    ]
    text = json.dumps({"chatInfo": {"name": "群", "type": "group"}, "messages": messages}, ensure_ascii=False)
    result = list(read(numbered(text)))
    assert [(each.text, each.content) for each in result[:2]] == [("在", Content.TEXT), ("好", Content.TEXT)]
    assert [each.content for each in result[2:]] == [
        Content.MEDIA, Content.STICKER, Content.DELETED, Content.NOTE, Content.TEXT,
    ]  # fmt: skip
    assert result[1].reply_to == "1"
    assert {each.chat for each in result} == {"群"}
    assert looks_like([text]) == 1


def test_the_text_of_qqchatexporter_has_a_line_for_each_part_of_a_message() -> None:
    head = "[QQChatExporter V4 / https://github.com/x]\n\n=====\n   QQ聊天记录导出文件\n=====\n\n聊天名称: 群\n"
    log = head + "导出时间: 2021-05-13 10:00:00\n时间范围: 2021-05-12 21:30:00 - 2021-05-12 21:33:00\n\n"
    parts = [("阿澈", "内容: 灯亮了吗？"), ("老汤", "内容: [回复 阿澈: 灯亮了吗？]\n亮了。\n内容: 真的\n提及: 阿澈")]
    parts += [("阿澈", "内容: [图片: a.jpg]\n资源: 1 个文件\n  - image: a.jpg"), ("老汤", "内容: 好看")]
    log += "\n\n\n".join(f"{name}:\n时间: 2021-05-12 21:3{at}:00\n{part}" for at, (name, part) in enumerate(parts))
    log += f"\n\n{'=' * 47}\n   导出完成\n{'=' * 47}\n总计导出 4 条消息\n"
    assert looks_like(log.splitlines()) == 1.0
    assert parsed(read, log) == [("阿澈", "灯亮了吗？"), ("老汤", "亮了。\n内容: 真的"), ("老汤", "好看")]
    assert contents(read, log)[2] is Content.MEDIA
    assert times(read, log)[0] == "2021-05-12 21:30"


SAVED = """From: <Save by Tencent MsgMgr>
Subject: Tencent IM Message
MIME-Version: 1.0
Content-Type:multipart/related;
\tcharset="utf-8"
\ttype="text/html";
\tboundary="----=_NextPart_1"

------=_NextPart_1
Content-Type: text/html
Content-Transfer-Encoding:7bit

<html xmlns="http://www.w3.org/1999/xhtml"><head><title>QQ Message</title></head><body><table width=100%><tr><td><div style=padding-left:10px;><br><b>消息记录</b></div></td></tr><tr><td>&nbsp;</td></tr><tr><td style=font-weight:bold;>日期: 2021-05-12</td></tr><tr><td><div style=color:#42B475;><div style=float:left;>老汤(20001)</div>21:30:05</div><div style=padding-left:20px;><font style="font-size:10pt;" color='000000'>灯亮了吗？<br>还是没亮？</font></div></td></tr>
<tr><td><div style=color:#006EFE;><div style=float:left;>阿澈&lt;ache@qq.com&gt;</div>21:31:05</div><div style=padding-left:20px;><IMG src="{9A}.dat"><font color='000000'>四点就亮了</font></div></td></tr>
<tr><td style=font-weight:bold;>日期: 2021-05-13</td></tr><tr><td><div style=color:#006EFE;><div style=float:left;>系统消息(10000)</div>0:05:00</div><div style=padding-left:20px;><font>老汤改了群名</font></div></td></tr>
<tr><td><div style=color:#006EFE;><div style=float:left;>阿澈&lt;ache@qq.com&gt;</div>0:06:00</div><div style=padding-left:20px;><IMG src="{9B}.dat"></div></td></tr></table></body></html>

------=_NextPart_1
Content-Type:image/jpeg
Content-Transfer-Encoding:base64
Content-Location:{9A}.dat

/9j/4AAQSkZJRgABAQAA
"""


def test_a_page_that_qq_saves() -> None:
    assert looks_like(SAVED.splitlines()) == 1
    assert parsed(read, SAVED) == [("老汤", "灯亮了吗？\n还是没亮？"), ("阿澈", "四点就亮了")]
    assert contents(read, SAVED) == [Content.TEXT, Content.TEXT, Content.NOTE, Content.MEDIA]
    assert times(read, SAVED)[:3] == ["2021-05-12 21:30", "2021-05-12 21:31", "2021-05-13 00:05"]


def test_pages_of_the_exporter() -> None:
    def item(name: str, clock: str, body: str) -> str:
        return (
            f'<div class="message other" id="msg-{clock[-2:]}"><div class="avatar"><span>字</span></div>'
            f'<div class="message-wrapper"><div class="message-header"><span class="sender">{name}</span>'
            f'<span class="time">2021/05/12 {clock}</span></div>\n<div class="message-bubble"><div class="content">'
            f"{body}</div></div></div></div>\n"
        )

    page = "<!DOCTYPE html>\n<html><head><title>QQ Chat Exporter Pro</title></head>\n<body>\n"
    page += item("阿澈", "21:30:05", '<span class="text-content">灯亮了吗？</span>')
    quotation = '<div class="reply-content"><strong>阿澈:</strong> 灯亮了吗？</div>'
    page += item(
        "老汤", "21:31:06", quotation + '<span class="text-content">亮了</span><span class="face-emoji">/微笑</span>'
    )
    page += '<div class="system-message-container"><div class="system-message">阿澈 撤回了一条消息</div></div>\n'
    page += item("阿澈", "21:32:07", '<div class="image-content"><img src="a.jpg" alt="a.jpg"></div>')
    page += item("阿澈", "21:32:08", '<span class="face-emoji">/微笑</span>') + "</body></html>\n"
    assert looks_like(page.splitlines()) == 1
    assert parsed(read, page) == [("阿澈", "灯亮了吗？"), ("老汤", "亮了")]
    assert contents(read, page)[2:] == [Content.NOTE, Content.MEDIA, Content.STICKER]
    assert list(read(numbered(page)))[1].reply_to == "msg-05"


def test_a_piece_of_the_exporter_s_json_lines() -> None:
    def item(number: int, name: str, text: str, **fields: Any) -> str:
        content = {"text": text, "elements": [{"type": "text", "data": {"text": text}}], "resources": []}
        person = {"uid": f"u_{name}", "uin": "20001", "name": name}
        sent = {"id": str(number), "timestamp": 1620855000000 + number * 1000, "sender": person, "content": content}
        return json.dumps(sent | {"recalled": False, "system": False} | fields, ensure_ascii=False)

    text = "\n".join([item(1, "阿澈", "灯亮了吗？"), item(2, "老汤", "亮了"), item(3, "老汤", "x", recalled=True)])
    assert looks_like(text.splitlines()) == 1
    assert parsed(read, text) == [("阿澈", "灯亮了吗？"), ("老汤", "亮了")]
