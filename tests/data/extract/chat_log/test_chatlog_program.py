"""WeChat through the program chatlog."""

import json
from typing import Any

import pytest

from offbook.data.extract.chat_log.formats.wechat import looks_like, read
from offbook.data.extract.chat_log.message import Content
from tests.data.extract.chat_log.chats import contents, parsed, times
from tests.data.extract.reading import numbered

TEXT = """\
阿澈(wxid_a1) 2021-05-12 21:30:05
灯亮了吗？

老汤(我) 2021-05-12 21:31:06
> 阿澈(wxid_a1) 05-12 21:30:05
> 灯亮了吗？
四点就亮了
2021-05-12 那天也是

老汤(我) 2021-05-12 21:31:26
![图片](http://127.0.0.1:5030/image/5b1c,msg/attach/a.dat)

系统消息 2021-05-12 21:32:00
"阿澈" 撤回了一条消息

阿澈(keeper_ache) [灯塔(1@chatroom)] 2021-05-12 21:33:07
[链接|今天的天气](https://example.org/a)

阿澈(wxid_a1) 2021-05-12 21:34:07
[语音通话]
"""
TEXTS = [("阿澈", "灯亮了吗？"), ("老汤", "四点就亮了\n2021-05-12 那天也是")]
KINDS = [Content.TEXT, Content.TEXT, Content.MEDIA, Content.NOTE, Content.MEDIA, Content.CALL]


@pytest.mark.parametrize(
    ("day", "first"), [("2021-05-12 ", "2021-05-12 21:30"), ("05-12 ", "2000-05-12 21:30"), ("", "1-01-01 21:30")]
)
def test_text_with_the_whole_day_a_part_of_it_or_none(day: str, first: str) -> None:
    text = TEXT.replace("2021-05-12 21", f"{day}21")
    assert looks_like(text.splitlines()) == 1
    assert parsed(read, text) == TEXTS
    assert contents(read, text) == KINDS
    assert times(read, text)[0] == first
    question, answer, *_ = read(numbered(text))
    assert answer.reply_to == question.id


def test_json() -> None:
    def item(number: int, text: str, kind: int, *, is_self: bool = False, subtype: int = 0, **fields: Any) -> Any:
        sent = {"seq": number, "time": f"2021-05-12T21:3{number}:05+08:00", "talker": "wxid_a1", "talkerName": "阿澈"}
        sender = {"sender": "wxid_t1", "senderName": ""} if is_self else {"sender": "wxid_a1", "senderName": "阿澈"}
        rest = {"isChatRoom": False, "isSelf": is_self, "type": kind, "subType": subtype, "content": text}
        return sent | sender | rest | fields

    items = [
        item(1, "灯亮了吗？", 1),
        item(2, "亮了", 49, is_self=True, subtype=57, contents={"refer": {"type": 1, "content": "灯亮了吗？"}}),
        item(3, "", 3, contents={"md5": "5b1c"}),
        item(4, "<voipmsg><msg>通话时长 03:12</msg></voipmsg>", 50),
        item(5, "阿澈加入了群聊", 10000, sender="系统消息", senderName=""),
    ]
    text = json.dumps(items, ensure_ascii=False)
    assert looks_like([text]) == 1
    assert parsed(read, text) == [("阿澈", "灯亮了吗？"), ("我", "亮了")]
    assert contents(read, text)[2:] == [Content.MEDIA, Content.CALL, Content.NOTE]
    assert list(read(numbered(text)))[1].reply_to == "1"


def test_csv() -> None:
    text = (
        "Time,SenderName,Sender,TalkerName,Talker,Content\n"
        "2021-05-12 21:30:05,阿澈,wxid_a1,阿澈,wxid_a1,灯亮了吗？\n"
        '2021-05-12 21:31:06,老汤,wxid_t1,阿澈,wxid_a1,"> 阿澈(wxid_a1) 05-12 21:30:05\n> 灯亮了吗？\n亮了"\n'
        "2021-05-12 21:32:06,老汤,wxid_t1,阿澈,wxid_a1,![视频](http://127.0.0.1:5030/video/5b1c)\n"
        "2021-05-12 21:32:16,,系统消息,阿澈,wxid_a1,以上是打招呼的内容\n"
    )
    assert looks_like(text.splitlines()) == 1
    assert parsed(read, text) == [("阿澈", "灯亮了吗？"), ("老汤", "亮了")]
    assert contents(read, text)[2:] == [Content.MEDIA, Content.NOTE]
