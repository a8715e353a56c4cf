# ruff: noqa: E501 (what apps export has long lines)
"""LINE's exports, in the languages of its users."""

import pytest

from offbook.data.extract.chat_log.formats.line import looks_like, read
from offbook.data.extract.chat_log.message import Content
from tests.data.extract.chat_log.chats import contents, parsed, times
from tests.data.extract.reading import numbered

LOGS = {
    "Japanese": "[LINE] Maraとのトーク履歴\n保存日時：2021/05/13 10:00\n\n2021/05/12(水)\n21:30\tMara\tどう？\n21:31\tTom\tいいよ\n"
    "21:32\tMara\t[写真]\n21:33\tTom\t[スタンプ]\n21:34\t\tTomがメッセージの送信を取り消しました\n21:35\tTom\t☎ 通話時間 1:02",
    "English": "[LINE] Chat history with Mara\nSaved on: 5/13/2021, 10:00\n\nWed, 5/12/2021\n09:30 PM\tMara\tどう？\n09:31 PM\tTom\tいいよ\n"
    "09:32 PM\tMara\t[Photo]\n09:33 PM\tTom\t[Sticker]\n09:34 PM\t\tTom unsent a message\n09:35 PM\tTom\t☎ Missed call",
    "Chinese": "[LINE] 與Mara的聊天記錄\n儲存日期：2021/05/13 10:00\n\n2021/05/12（三）\n下午09:30\tMara\tどう？\n下午09:31\tTom\tいいよ\n"
    "下午09:32\tMara\t[照片]\n下午09:33\tTom\t[貼圖]\n下午09:34\t\tTom已收回訊息\n下午09:35\tTom\t☎ 未接來電",
    "Indonesian": "[LINE] Chat dengan Mara\nDisimpan pada: 2021/05/13 10.00\n\nRab, 12/05/2021\n21.30\tMara\tどう？\n21.31\tTom\tいいよ\n"
    "21.32\tMara\t[Foto]\n21.33\tTom\t[Stiker]\n21.34\t\tTom membatalkan pengiriman pesan\n21.35\tTom\t☎ Panggilan tak terjawab",
    "Thai": "[LINE] ประวัติการแชทกับ Mara\nบันทึกเมื่อ: 13/5/2021\n\n2021.05.12 วันพุธ\n21:30\tMara\tどう？\n21:31\tTom\tいいよ\n"
    "21:32\tMara\t[รูป]\n21:33\tTom\t[สติกเกอร์]\n21:34\t\tTom ยกเลิกข้อความ\n21:35\tTom\t☎ สายที่ไม่ได้รับ",
}  # fmt: skip


@pytest.mark.parametrize("language", LOGS)
def test_the_same_chat_in_each_language(language: str) -> None:
    log = LOGS[language]
    assert parsed(read, log) == [("Mara", "どう？"), ("Tom", "いいよ")]
    result = contents(read, log)[2:]
    assert result[:2] == [Content.MEDIA, Content.STICKER]
    assert result[2] in (Content.NOTE, Content.DELETED)
    assert result[3] is Content.CALL
    assert times(read, log)[0] == "2021-05-12 21:30"
    assert looks_like(log.split("\n")) == 1


def test_a_message_of_several_lines_stands_in_quotes() -> None:
    log = '2021/05/12(水)\n21:30\tMara\t"one\ntwo"\n21:31\tTom\t"quoted"'
    assert parsed(read, log) == [("Mara", "one\ntwo"), ("Tom", '"quoted"')]


def test_the_desktop_app_writes_spaces() -> None:
    log = "[LINE] Chat history with Old Mara\n2021.05.12 Wednesday\n21:30 Old Mara Is it lit?\n21:31 Tom Since four."
    assert parsed(read, log) == [("Old Mara", "Is it lit?"), ("Tom", "Since four.")]
    assert looks_like(log.split("\n")) == 1


@pytest.mark.parametrize("picture", ["写真", "사진", "Foto", "รูป", "스티커", "Stiker"])
def test_the_desktop_app_sets_no_brackets_round_a_picture(picture: str) -> None:
    log = f"2021.05.12 水曜日\n21:30 花 {picture}\n21:31 太郎 いいね\n21:32 花 明日？\n21:33 太郎 うん"
    assert parsed(read, log) == [("太郎", "いいね"), ("花", "明日？"), ("太郎", "うん")]


def test_the_desktop_app_without_a_title_and_names_of_two_words() -> None:
    words = ["Lit yet?", "Is it?", "Hm", "And now?"]
    lines = [f"21:3{n} Old Mara {text}\n21:3{n} Tom {n} times." for n, text in enumerate(words)]
    log = "\n".join(["2021.05.12 Wednesday", *lines])
    assert parsed(read, log)[:2] == [("Old Mara", "Lit yet?"), ("Tom", "0 times.")]
    assert looks_like(log.split("\n")) == 1


def test_a_thai_date_has_no_comma() -> None:
    log = "[LINE] x\n\nพ. 12/05/2021\n21:30\tMara\tติดไหม\n\nพฤ. 13/05/2021\n08:00\tTom\tติด\n08:01\tMara\tดี"
    assert times(read, log) == ["2021-05-12 21:30", "2021-05-13 08:00", "2021-05-13 08:01"]
    assert looks_like(log.split("\n")) == 1


def test_what_the_desktop_app_notes_has_no_sender() -> None:
    text = "2024.05.01 水曜日\n21:30 花 今どこ？\n21:31 太郎 家\n21:32 花がメッセージの送信を取り消しました\n21:33 太郎 またね"
    assert [message.sender for message in read(numbered(text))] == ["花", "太郎", "", "太郎"]


def test_albums_and_joining_are_notes_also_where_the_desktop_app_signs_them() -> None:
    text = '2024.05.01 Wednesday\n21:30 Ann Is it lit?\n21:31 Ann created the album "Lamps".\n21:31 Carl joined the group.\n'
    text += "21:32 Tom [Note] A list\n21:33 Tom Since four"
    assert parsed(read, text) == [("Ann", "Is it lit?"), ("Tom", "Since four")]
