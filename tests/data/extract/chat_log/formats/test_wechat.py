"""WeChat through the programs that export it."""

import json
from typing import Any

import pytest

from offbook.data.extract.chat_log.formats.wechat import looks_like, read
from offbook.data.extract.chat_log.message import Content
from tests.data.extract.chat_log.chats import contents, parsed, times

MEMOTRACE = """localId,TalkerId,Type,SubType,IsSender,CreateTime,Status,StrContent,StrTime,Remark,NickName,Sender
1,5,1,0,0,1620855000,2,到了吗,2021-05-12 21:30:00,阿澈备注,阿澈,wxid_a
2,5,49,57,1,1620855060,2,"<msg><appmsg><title>快了</title><refermsg>到了吗</refermsg></appmsg></msg>",,,老汤,wxid_t
3,5,47,0,1,1620855061,2,<msg/>,2021-05-12 21:31:01,,老汤,wxid_t
4,5,50,0,0,1620855062,2,通话时长 01:02,2021-05-12 21:31:02,阿澈备注,阿澈,wxid_a
5,5,10000,0,0,1620855063,2,"你撤回了一条消息",2021-05-12 21:31:03,,,
"""
PYWXDUMP = """id,MsgSvrID,type_name,is_sender,talker,room_name,msg,src,CreateTime
1,9,文本,0,wxid_a,room@chatroom,到了吗,,2021-05-12 21:30:00
2,9,文本,1,wxid_t,room@chatroom,快了,,2021-05-12 21:31:00
3,9,图片,0,wxid_a,room@chatroom,图片,Image/a.dat,2021-05-12 21:32:00
4,9,动画表情,0,wxid_a,room@chatroom,表情,,2021-05-12 21:33:00
"""


def test_memotrace_s_table() -> None:
    assert parsed(read, MEMOTRACE) == [("阿澈备注", "到了吗"), ("老汤", "快了")]
    assert contents(read, MEMOTRACE)[2:] == [Content.STICKER, Content.CALL, Content.NOTE]
    assert times(read, MEMOTRACE)[1] == "2021-05-12 21:31"
    assert looks_like(MEMOTRACE.split("\n")) == 1


def test_pywxdump_s_table() -> None:
    assert parsed(read, PYWXDUMP) == [("wxid_a", "到了吗"), ("wxid_t", "快了")]
    assert contents(read, PYWXDUMP)[2:] == [Content.MEDIA, Content.STICKER]
    assert looks_like(PYWXDUMP.split("\n")) == 1


def test_pywxdump_s_json_of_a_private_chat_names_its_owner_me() -> None:
    rows = [
        {"id": 1, "type_name": "文本", "is_sender": sender, "talker": "wxid_a", "msg": text, "CreateTime": time}
        for sender, text, time in ((0, "在吗", "2021-05-12 21:30:00"), (1, "在", "2021-05-12 21:31:00"))
    ]
    text = json.dumps(rows, ensure_ascii=False, indent=1)
    assert parsed(read, text) == [("wxid_a", "在吗"), ("我", "在")]
    assert looks_like(text.split("\n")) == 1


@pytest.mark.parametrize("head", [{"weflow": {"version": "1"}}, {}], ids=["WeFlow", "EchoTrace"])
def test_weflow_and_echotrace(head: Any) -> None:
    kinds = [
        ("文本消息", "在吗"),
        ("引用消息", "在"),
        ("图片消息", "[图片]"),
        ("语音通话", ""),
        ("动画表情", ""),
        ("系统消息", "x"),
    ]
    messages = [
        {
            "type": kind,
            "content": text,
            "createTime": 1620855000 + place,
            "senderUsername": "w",
            "senderDisplayName": "汤",
        }
        for place, (kind, text) in enumerate(kinds)
    ]
    text = json.dumps({**head, "session": {"displayName": "阿澈"}, "messages": messages}, ensure_ascii=False, indent=1)
    assert parsed(read, text) == [("汤", "在吗"), ("汤", "在")]
    assert contents(read, text)[2:] == [Content.MEDIA, Content.CALL, Content.STICKER, Content.NOTE]
    assert looks_like(text.split("\n")) == 1


@pytest.mark.parametrize(
    "header",
    [
        "2021-05-12 21:30 {}",
        "2021/5/12 21:30:05 {}",
        "2021年5月12日 21:30 {}",
        "{} 2021-05-12 21:30:05",
        "{}  2021/5/12 21:30",
    ],
)
def test_text_as_programs_write_it_and_as_people_copy_it(header: str) -> None:
    log = f"{header.format('阿澈')}\n灯亮了吗？\n\n{header.format('老汤')}\n九点：亮了\n"
    assert parsed(read, log) == [("阿澈", "灯亮了吗？"), ("老汤", "九点：亮了")]
    assert times(read, log)[0] == "2021-05-12 21:30"
    assert looks_like(log.split("\n")) == 1


def test_what_a_copied_message_answers_is_not_what_it_says() -> None:
    log = (
        "阿澈 2021/5/12 21:30:11\n[动画表情]\n油呢？\n\n"
        "老汤 2021/5/12 21:31:05\n「阿澈：油呢？」\n- - - - - - - - - - - - - - -\n半罐。\n"
    )
    assert parsed(read, log) == [("阿澈", "油呢？"), ("老汤", "半罐。")]


def test_the_phone_s_words_for_parts_of_the_day() -> None:
    text = "小雨 2024年5月1日 晚上9:16\n在吗\n\n阿澈 2024年5月2日 凌晨1:17\n在\n"
    assert parsed(read, text) == [("小雨", "在吗"), ("阿澈", "在")]
    assert times(read, text) == ["2024-05-01 21:16", "2024-05-02 01:17"]


def test_a_copied_name_may_begin_with_a_number() -> None:
    text = "1号选手 2023-08-08 21:14:05\n在吗\n🌸小林 2023-08-08 21:15:05\n在\n1号选手 2023-08-08 21:16:05\n好"
    assert parsed(read, text) == [("1号选手", "在吗"), ("🌸小林", "在"), ("1号选手", "好")]


def test_weflow_s_text_has_names_in_quotation_marks_and_what_is_answered_behind_the_answer() -> None:
    text = (
        "2024-05-01 21:30:11 '小林'\n在吗\n\n2024-05-01 21:31:11 '我'\n刚到[引用 小林：在吗]\n\n"
        "2024-05-01 21:31:20 '我'\n[图片]\n\n2024-05-01 21:32:11 '小林'\n好"
    )
    assert parsed(read, text) == [("小林", "在吗"), ("我", "刚到"), ("小林", "好")]


def test_the_words_of_a_voice_message_are_its_text() -> None:
    item = {
        "createTime": 1,
        "type": "语音消息",
        "content": "[语音转文字] 吃什么",
        "senderUsername": "a",
        "senderDisplayName": "小林",
    }
    text = json.dumps({"weflow": {}, "session": {}, "messages": [item]}, ensure_ascii=False)
    assert parsed(read, text) == [("小林", "吃什么")]


def test_a_name_on_both_sides_of_memotrace_s_table_is_the_chat_s() -> None:
    rows = [("0", "灯点了吗？"), ("1", "早点了。"), ("0", "看见船了吗？"), ("1", "看见一条。")]
    table = "localId,TalkerId,Type,SubType,IsSender,CreateTime,Status,StrContent,StrTime,Remark,NickName,Sender\n"
    for number, (mine, text) in enumerate(rows):
        table += f"{number},5,1,0,{mine},1620826200,0,{text},2021-05-12 21:3{number}:00,,小林,wxid_lin\n"
    assert parsed(read, table) == [
        ("小林", "灯点了吗？"),
        ("我", "早点了。"),
        ("小林", "看见船了吗？"),
        ("我", "看见一条。"),
    ]


@pytest.mark.parametrize(
    ("note", "content"),
    [
        ('"阿澈" 拍了拍我', Content.NOTE),
        ("“阿澈” 拍了拍 “老汤” 的肩膀", Content.NOTE),
        ('我拍了拍 "阿澈"', Content.NOTE),
        ('[语音]3"', Content.MEDIA),
        ("[转账]收款0.01元", Content.MEDIA),
        ("[红包]恭喜发财", Content.MEDIA),
        ("[文件]灯塔.pdf", Content.MEDIA),
        ("他拍了拍我", Content.TEXT),
    ],
)
def test_what_the_app_notes_in_a_person_s_name_is_not_speech(note: str, content: Content) -> None:
    text = f"2021-05-12 21:30:11 阿澈\n到了吗\n\n2021-05-12 21:31:02 老汤\n{note}\n\n2021-05-12 21:32:02 老汤\n快了\n"
    assert contents(read, text) == [Content.TEXT, content, Content.TEXT]


def test_whether_a_message_is_read_is_no_name() -> None:
    lines = [
        f"2021-05-12 21:3{at}:00 {'from Ann (+4712) - Read' if at % 2 else '- Delivered'}\nLit?\n" for at in range(6)
    ]
    assert looks_like("\n".join(lines).split("\n")) == 0


def test_a_very_long_name_before_the_time_that_comes_back_is_a_name() -> None:
    name = "守灯塔的阿澈🌊🕯️" * 6
    talk = [("老汤", "灯亮了吗"), (name, "四点就亮了"), ("老汤", "谁划船"), (name, "你划")]
    text = "\n".join(f"{sender} 2021-05-12 21:30:1{at}\n{line}\n" for at, (sender, line) in enumerate(talk))
    assert parsed(read, text) == talk


@pytest.mark.parametrize(
    "text", ["快了\n\n[引用](2021-05-12 21:30:11)阿澈:到了吗", "[引用 阿澈：到了吗] 快了", "[语音转文字] 快了"]
)
def test_what_a_program_sets_beside_the_words_is_not_said(text: str) -> None:
    log = f"2021-05-12 21:30:11 阿澈\n到了吗\n\n2021-05-12 21:31:02 老汤\n{text}\n"
    assert parsed(read, log) == [("阿澈", "到了吗"), ("老汤", "快了")]
