"""Tables in which a column tells what was sent, and another names the other side."""

import pytest

from offbook.data.extract.chat_log.formats.table import looks_like, read
from offbook.data.extract.chat_log.message import Content
from tests.data.extract.chat_log.chats import contents, parsed
from tests.data.extract.reading import numbered

TEXTS = '"address","date","type","body"\n"+491","1620855000000","1","Is it lit?"\n"+492","1620855001000","1","Bread?"\n'
TEXTS += '"+491","1620855060000","2","Since four."\n"+492","1620855061000","2","Two loaves."\n'
NAMED = "time,name,is_from_me,text\n2021-05-12 21:30,Ann,0,Is it lit?\n2021-05-12 21:31,Tom,1,Since four.\n"


def test_each_contact_is_a_chat() -> None:
    assert [(item.chat, item.sender, item.text) for item in read(numbered(TEXTS))] == [
        ("+491", "+491", "Is it lit?"),
        ("+491", "Me", "Since four."),
        ("+492", "+492", "Bread?"),
        ("+492", "Me", "Two loaves."),
    ]


def test_who_writes_is_no_chat_of_his_own() -> None:
    assert {item.chat for item in read(numbered(NAMED))} == {""}


@pytest.mark.parametrize("names", [None, {"sender": "partner", "text": "text", "time": "time"}])
def test_a_column_that_names_the_other_side_is_told_by_what_was_sent(names: dict[str, str] | None) -> None:
    column = "partner" if names else "from_name"
    table = f"time,{column},direction,text\n2021-05-12 21:30,Ann,in,Is it lit?\n2021-05-12 21:31,Ann,out,Since four.\n"
    senders = [item.sender for item in read(numbered(table), names)]
    assert senders == ["Ann", "Me"]


def test_columns_that_the_user_names_hold_who_writes() -> None:
    names = {"sender": "name", "text": "text"}
    assert [item.sender for item in read(numbered(NAMED), names)] == ["Ann", "Tom"]


def test_signal_s_database_tells_the_direction_in_the_lowest_bits() -> None:
    table = "_id,thread_id,date_sent,type,body,address,name\n1,3,1620855000000,10485780,Is it lit?,+491,Ann\n"
    table += "2,3,1620855060000,10485783,Since four.,+491,Ann\n"
    assert parsed(read, table) == [("Ann", "Is it lit?"), ("Me", "Since four.")]


@pytest.mark.parametrize(
    ("header", "received", "sent"),
    [
        ("Chat-Sitzung,Nachrichtendatum,Typ,Absendername,Text", "Eingehend", "Ausgehend"),
        ("聊天会话,信息日期,类型,发件人姓名,文本", "传入", "传出"),
    ],
)
def test_imazing_s_headers_in_other_languages(header: str, received: str, sent: str) -> None:
    table = f"{header}\nLamp,2021-05-12 21:30:05,{received},Ann,Lit?\nLamp,2021-05-12 21:31:05,{sent},,Since four.\n"
    assert looks_like(table.splitlines()) == 1
    assert parsed(read, table) == [("Ann", "Lit?"), ("Me", "Since four.")]


def test_numbers_that_come_back_are_the_other_side_whatever_their_column_is_called() -> None:
    table = "date,is_from_me,id,text\n2021-05-12 21:30,0,+4917012,Is it lit?\n2021-05-12 21:31,1,+4917012,Since four.\n"
    table += "2021-05-12 21:32,0,+4917012,Good.\n"
    assert looks_like(table.splitlines()) == 1
    assert parsed(read, table) == [("+4917012", "Is it lit?"), ("Me", "Since four."), ("+4917012", "Good.")]


def test_numbers_of_rows_are_nobody() -> None:
    table = "id,is_from_me,text\n1,0,Is it lit?\n2,1,Since four.\n3,0,Good.\n"
    assert looks_like(table.splitlines()) == 0


def test_notes_of_mattermost_s_are_nobody_s_words() -> None:
    table = "Post Creation Time,Channel Name,Author Username,Post Message,Post Type\n"
    table += "1620855000000,lamp,ann,Is it lit?,\n1620855060000,lamp,tom,tom joined,system_join_channel\n"
    assert contents(read, table) == [Content.TEXT, Content.NOTE]
