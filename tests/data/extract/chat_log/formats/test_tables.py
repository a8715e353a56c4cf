"""Tables of messages as people have them: without names of columns, newest first, several chats at once."""

import json
from pathlib import Path

import pytest

from offbook.core.errors import UsageError
from offbook.data.extract import ChatOptions, extract, listing
from offbook.data.extract.chat_log.formats import CHAT_FORMATS, threema
from offbook.data.extract.chat_log.formats.table import read
from offbook.data.extract.chat_log.message import Content
from offbook.data.extract.formats import choose
from tests.data.extract.chat_log.chats import contents, parsed
from tests.data.extract.reading import numbered

VIBER = """\
12/05/2021,21:30:42,Mara Lie,+4791000000,"Is it lit, or not?"
12/05/2021,21:31:02,Odd,+4792000000,Since four.
12/05/2021,21:31:40,Odd,+4792000000,"And
trimmed."
12/05/2021,21:33:00,Mara Lie,+4791000000,Photo message
13/05/2021,00:01:00,Mara Lie,+4791000000,And the boat?
13/05/2021,00:02:00,Odd,+4792000000,Dry as a bone.
"""
IMAZING = """\
Chat Session,Message Date,Delivered Date,Read Date,Edited Date,Service,Type,Sender ID,Sender Name,Status,Text,Attachment
Mara Lie,2021-05-12 21:30:42,,,,iMessage,Incoming,+4791000000,Mara Lie,Read,Is it lit?,
Mara Lie,2021-05-12 21:31:42,,,,iMessage,Outgoing,,,Read,Since four.,
Mara Lie,2021-05-12 21:32:42,,,,iMessage,Notification,,,,You named the conversation Lamp,
+4793,2021-05-12 21:33:42,,,,SMS,Incoming,+4793,,Received,Your tea is ready,
+4793,2021-05-12 21:34:42,,,,SMS,Outgoing,,,Sent,Thanks!,
"""
LINKEDIN = """\
CONVERSATION ID,CONVERSATION TITLE,FROM,SENDER PROFILE URL,TO,RECIPIENT PROFILE URLS,DATE,SUBJECT,CONTENT,FOLDER
2-a==,,Me,https://in/odd,Mara,https://in/mara,2021-05-12 21:33:42 UTC,,"Since four.
Trimmed, too.",INBOX
2-b==,,Me,https://in/odd,Ine,https://in/ine,2021-05-12 21:31:42 UTC,,No thanks.,INBOX
2-a==,,Mara,https://in/mara,Me,https://in/odd,2021-05-12 21:30:42 UTC,,Is it lit?,INBOX
2-b==,,Ine,https://in/ine,Me,https://in/odd,2021-05-12 21:30:00 UTC,,Tea?,INBOX
"""
VIBER_REPLIES = [("Is it lit, or not?", "Since four.\nAnd\ntrimmed."), ("And the boat?", "Dry as a bone.")]


@pytest.mark.parametrize(
    ("text", "role", "columns", "replies"),
    [
        (VIBER, "Odd", {}, VIBER_REPLIES),
        (VIBER, "Odd", {"day": "1", "time": "2", "sender": "3", "text": "5"}, VIBER_REPLIES),
        (IMAZING, "Me", {}, [("Is it lit?", "Since four."), ("Your tea is ready", "Thanks!")]),
        (LINKEDIN, "Me", {}, [("Is it lit?", "Since four.\nTrimmed, too."), ("Tea?", "No thanks.")]),
    ],
)
def test_the_replies_of_a_table(
    text: str, role: str, columns: dict[str, str], replies: list[tuple[str, str]], tmp_path: Path
) -> None:
    path = tmp_path / "chat.csv"
    path.write_text(text, encoding="utf-8")
    rows = extract([path], role, chat=ChatOptions(columns=columns)).rows
    assert [tuple(message["content"] for message in row["messages"]) for row in rows] == replies


@pytest.mark.parametrize(
    ("columns", "why"),
    [
        ({"sender": "3", "text": "6"}, "no column 6 among 5"),
        ({"sender": "3", "text": "0"}, "no column 0 among 5"),
        ({"sender": "who", "text": "what"}, "no column 'who' among"),
        ({"sender": "who", "text": "5"}, "no column 'who' among"),
        ({"sender": "3", "text": "5", "time": "7"}, "no column 7 among 5"),
    ],
)
def test_a_column_that_is_not_there_is_refused_and_the_way_told(
    columns: dict[str, str], why: str, tmp_path: Path
) -> None:
    path = tmp_path / "chat.csv"
    path.write_text(VIBER, encoding="utf-8")
    with pytest.raises(UsageError, match=why) as refusal:
        listing([path], chat=ChatOptions(columns=columns))
    assert "day=1,time=2,sender=3,text=5" in refusal.value.fix


def test_day_and_month_are_told_by_all_dates_of_a_table() -> None:
    table = "date,sender,text\n03.04.2021 21:30,Mara,Lit?\n04.04.2021 21:31,Odd,Yes.\n"
    days = [message.sent_at for message in CHAT_FORMATS["table"].read(numbered(table))]
    assert [f"{day:%Y-%m-%d}" for day in days if day] == ["2021-04-03", "2021-04-04"]


def test_each_row_has_the_line_that_it_begins_on() -> None:
    table = 'sender,text\nMara,"Lit?\nSay!"\n\nOdd,Yes.\n'
    assert [message.line for message in CHAT_FORMATS["table"].read(numbered(table))] == [2, 5]
    assert [message.line for message in CHAT_FORMATS["table"].read(numbered(VIBER))] == [1, 2, 3, 5, 6, 7]


def test_weflow_s_table_stands_below_lines_about_the_chat() -> None:
    text = (
        "会话信息\n微信ID,wxid_a,,,昵称,小林\n导出工具,WeFlow,,,导出时间,2024-05-02 10:00:00\n"
        "序号,时间,发送者昵称,发送者微信ID,发送者备注,群昵称,发送者身份,消息类型,内容\n"
        "1,2024-05-01 21:30:11,小林,wxid_a,,,小林,文本消息,在吗\n2,2024-05-01 21:31:11,阿澈,wxid_b,,,我,文本消息,在\n"
        "3,2024-05-01 21:32:11,小林,wxid_a,,,小林,图片消息,[图片]\n"
    )
    assert parsed(read, text) == [("小林", "在吗"), ("阿澈", "在")]
    short = (
        "序号,时间,发送者身份,消息类型,内容\n1,2024-05-01 21:30,小林,文本消息,在吗\n"
        "2,2024-05-01 21:31,我,文本消息,在[引用 小林：在吗]\n"
    )
    assert parsed(read, short) == [("小林", "在吗"), ("我", "在")]


def test_a_table_that_names_its_senders_and_not_its_texts_is_not_read_as_one_without_names(tmp_path: Path) -> None:
    path = tmp_path / "dialogue.csv"
    rows = "d1,Mara,Is it lit by now?,Brennt sie?\nd2,Tom,Not yet I fear.,Nein.\n"
    rows += "d3,Mara,Then light it.,Dann los.\nd4,Tom,At once I will.,Sofort.\n"
    path.write_text("ID,Character,English,German\n" + rows)
    with pytest.raises(UsageError, match="no column 'text' among character, english"):
        listing([path])


@pytest.mark.parametrize(
    ("names", "rows"),
    [
        ("Tarih,Saat,Gönderen,Mesaj", ["12.05.2021,21:30,Elif,Yandı mı?", "12.05.2021,21:31,Kaan,Yandı."]),
        ("Tanggal;Waktu;Pengirim;Pesan", ["12.05.2021;21.30;Sari;Nyala?", "12.05.2021;21.31;Budi;Sudah."]),
        ("Người gửi,Nội dung,Gửi lúc", ["Lan,Đỏ chưa?,2021-05-12 21:30", "Minh,Rồi.,2021-05-12 21:31"]),
        ("Nadawca,Treść,Dzień,Zegar", ["Ania,Gorący?,12.05.2021,21:30", "Tomek,Tak.,12.05.2021,21:31"]),
        ("date,clock,sender,text", ["2021-05-12,21:30,Mara,Lit?", "2021-05-12,21:31,Odd,Yes."]),
        ("التاريخ,المرسل,الرسالة", ["2021-05-12 21:30,ليلى,مشتعل؟", "2021-05-12 21:31,عمر,نعم."]),
    ],
    ids=["Turkish", "Indonesian", "Vietnamese", "Polish", "English", "Arabic"],
)
def test_columns_are_known_in_many_languages_and_those_of_the_time_by_what_is_in_them(
    names: str, rows: list[str]
) -> None:
    first, second = CHAT_FORMATS["table"].read(numbered("\n".join([names, *rows])))
    assert [f"{each.sent_at:%Y-%m-%d %H:%M}" for each in (first, second)] == ["2021-05-12 21:30", "2021-05-12 21:31"]
    assert CHAT_FORMATS["table"].looks_like([names, *rows]) == 1


def test_quoted_cells_make_no_novel_of_a_table(tmp_path: Path) -> None:
    path = tmp_path / "chat.csv"
    table = "12/05/2021,21:30:42,Mara,+47910,Lit?\n12/05/2021,21:31:02,Me,,Since four.\n"
    path.write_text(table + table.replace("Lit?", '"And trimmed, too?"'), encoding="utf-8")
    assert listing([path]).formats == {str(path): "table"}


def test_who_exports_a_chat_may_have_no_name_in_it(tmp_path: Path) -> None:
    talk = [("小雨", "在吗？", False), ("", "在。", True), ("小雨", "晚安", False), ("", "晚安", True)]
    path = tmp_path / "chat.json"
    messages = [
        {"time": f"2024-05-02T05:1{at}:00+08:00", "senderName": name, "isSelf": is_self, "type": 1, "content": text}
        for at, (name, text, is_self) in enumerate(talk)
    ]
    path.write_text(json.dumps(messages, indent=1), encoding="utf-8")
    rows = [[turn["content"] for turn in row["messages"]] for row in extract([path], "Me").rows]
    assert rows == [["在吗？", "在。"], ["晚安", "晚安"]]


@pytest.mark.parametrize(
    "table",
    [
        "场次,角色,台词\n1,皇上,灯亮了吗\n1,甄嬛,四点就亮了\n2,甄嬛,谁开的门\n2,皇上,朕\n2,甄嬛,关上\n",
        "场次,角色,台词\n1,皇上,灯亮了吗\n,甄嬛,四点就亮了\n2,甄嬛,谁开的门\n,皇上,朕\n,甄嬛,关上\n",
        "集,场景,角色,台词\n1,殿,皇上,灯亮了吗\n1,殿,甄嬛,四点就亮了\n2,殿,甄嬛,谁开的门\n2,殿,皇上,朕\n2,殿,甄嬛,关上\n",
        "场景编号,幕,角色,台词\n1,a,皇上,灯亮了吗\n2,a,甄嬛,四点就亮了\n3,b,甄嬛,谁开的门\n4,b,皇上,朕\n5,b,甄嬛,关上\n",
    ],
    ids=["numbered", "named once", "two columns", "beside numbered lines"],
)
def test_a_table_s_columns_of_scenes_part_its_conversations(tmp_path: Path, table: str) -> None:
    path = tmp_path / "lines.csv"
    path.write_text(table, encoding="utf-8")
    extraction = extract([path], "甄嬛")
    spoken = [tuple(turn["content"] for turn in row["messages"]) for row in extraction.rows]
    assert spoken == [("灯亮了吗", "四点就亮了"), ("朕", "关上")]


def test_the_other_side_s_name_may_stand_beside_what_was_sent() -> None:
    table = "姓名,号码,时间,类型,内容\n安娜,138,2021-05-12 21:30,接收,灯点了吗？\n"
    table += "安娜,138,2021-05-12 21:31,发送,四点就点了。\n"
    assert parsed(read, table) == [("安娜", "灯点了吗？"), ("Me", "四点就点了。")]


def test_android_counts_what_was_sent_beside_the_other_side_s_number() -> None:
    table = '"address","date","type","body"\n"+49170","1620855000000","1","Is it lit?"\n'
    table += '"+49170","1620855060000","2","Since four."\n"+49170","1620855120000","1","Good."\n'
    assert parsed(read, table) == [("+49170", "Is it lit?"), ("Me", "Since four."), ("+49170", "Good.")]


@pytest.mark.parametrize(("column", "mine"), [("handle_id", "0"), ("chat_identifier", "+49170")])
def test_a_query_of_a_mac_s_messages_names_the_other_side(column: str, mine: str) -> None:
    table = f"date,is_from_me,{column},text\n2021-05-12 21:30:05,0,+49170,Is it lit?\n"
    table += f"2021-05-12 21:31:05,1,{mine},Since four.\n2021-05-12 21:32:05,0,+49170,Good.\n"
    assert parsed(read, table) == [("+49170", "Is it lit?"), ("Me", "Since four."), ("+49170", "Good.")]


def test_a_text_that_is_marked_up_is_read_without_the_marks() -> None:
    table = (
        "FROM,TO,DATE,CONTENT\nAnn,Tom,2021-05-12 21:30:15 UTC,1 < 2 and <b> is bold\n"
        'Tom,Ann,2021-05-12 21:31:15 UTC,"<p class=""a"">Since four &amp; well.<br>Half</p><p>a can.</p>"\n'
        "Ann,Tom,2021-05-12 21:32:15 UTC,Good.\n"
    )
    assert parsed(read, table) == [
        ("Ann", "1 < 2 and <b> is bold"),
        ("Tom", "Since four & well.\nHalf\n\na can."),
        ("Ann", "Good."),
    ]


def test_threema_s_backup_tells_the_owner_by_what_went_out(tmp_path: Path) -> None:
    text = (
        "identity,apiid,uid,isoutbox,posted_at,created_at,type,body,isstatusmessage,caption,quoted_message_apiid\n"
        "ABCD1234,a,u1,0,1620855000000,1620855000000,TEXT,Lit?,0,,\n"
        "ABCD1234,b,u2,1,1620855060000,1620855060000,TEXT,Since four.,0,,a\n"
        "ABCD1234,c,u3,0,1620855090000,1620855090000,IMAGE,[],0,My lamp,\n"
        "ABCD1234,d,u4,1,1620855120000,1620855120000,VOICEMESSAGE,[],0,,\n"
        "ABCD1234,e,u5,1,1620855120000,1620855120000,VOIP_STATUS,[],0,,\n"
    )
    path = tmp_path / "chat.csv"
    path.write_text(text, encoding="utf-8")
    assert choose(path, "auto") == "threema"
    assert parsed(threema.read, text) == [("ABCD1234", "Lit?"), ("Me", "Since four."), ("ABCD1234", "My lamp")]
    assert contents(threema.read, text)[3:] == [Content.MEDIA, Content.CALL]


def test_in_viber_s_table_of_one_day_the_day_leads() -> None:
    days = {f"{message.sent_at:%Y-%m-%d}" for message in read(numbered(VIBER.partition("13/05")[0])) if message.sent_at}
    assert days == {"2021-05-12"}


def test_the_first_letter_of_reddit_s_threads_is_answered(tmp_path: Path) -> None:
    path = tmp_path / "messages.csv"
    path.write_text(
        "id,permalink,thread_id,date,ip,from,to,subject,body\n"
        "a1,,,2021-05-12 21:30:00 UTC,,mara,odd,Lamp,Is it lit?\n"
        "b1,,,2021-05-12 21:30:30 UTC,,ine,odd,Boat,And the boat?\n"
        "a2,,a1,2021-05-12 21:31:00 UTC,,odd,mara,re: Lamp,Since four.\n"
        "b2,,b1,2021-05-12 21:35:00 UTC,,odd,ine,re: Boat,Dry.\n",
        encoding="utf-8",
    )
    rows = extract([path], "odd").rows
    assert [tuple(message["content"] for message in row["messages"]) for row in rows] == [
        ("Is it lit?", "Since four."), ("And the boat?", "Dry."),
    ]  # fmt: skip


def test_chats_without_names_are_told_apart_by_their_addresses() -> None:
    table = (
        "message_id,created_at,username,message,channel_url,channel_name\n"
        "1,2021-05-12 21:30:00 UTC,mara,Is it lit?,sea_1,\n2,2021-05-12 21:30:30 UTC,ine,And the boat?,sea_2,\n"
    )
    assert [message.chat for message in read(numbered(table))] == ["sea_1", "sea_2"]
