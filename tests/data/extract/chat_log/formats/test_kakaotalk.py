# ruff: noqa: E501 (what apps export has long lines)
"""KakaoTalk's exports."""

import pytest

from offbook.data.extract.chat_log.formats.kakaotalk import looks_like, read
from offbook.data.extract.chat_log.message import Content
from tests.data.extract.chat_log.chats import contents, parsed, times

LOGS = {
    "Windows": "마라 님과 카카오톡 대화\n저장한 날짜 : 2021-05-14 10:00:00\n\n"
    "--------------- 2021년 5월 12일 수요일 ---------------\n[마라] [오후 9:30] 켰어?\n[톰] [오후 9:31] 응\n방금\n[마라] [오후 9:32] 사진",
    "Windows, English": "Mara with KakaoTalk Chats\nDate Saved : 2021-05-14 10:00:00\n\n"
    "--------------- Wednesday, May 12, 2021 ---------------\n[마라] [9:30 PM] 켰어?\n[톰] [9:31 PM] 응\n방금\n[마라] [9:32 PM] Photo",
    "Android": "마라 님과 카카오톡 대화\n저장한 날짜 : 2021년 5월 14일 오전 10:00\n\n2021년 5월 12일 오후 9:30\n"
    "2021년 5월 12일 오후 9:30, 마라 : 켰어?\n2021년 5월 12일 오후 9:31, 톰 : 응\n방금\n2021년 5월 12일 오후 9:32, 마라 : 사진",
    "iPhone": "마라 님과 카카오톡 대화\n저장한 날짜 : 2021. 5. 14. 오전 10:00\n\n2021년 5월 12일 수요일\n"
    "2021. 5. 12. 오후 9:30, 마라 : 켰어?\n2021. 5. 12. 오후 9:31, 톰 : 응\n방금\n2021. 5. 12. 오후 9:32, 마라 : 사진",
    "macOS": 'Date,User,Message\n2021-05-12 21:30:00,"마라","켰어?"\n2021-05-12 21:31:00,"톰","응\n방금"\n2021-05-12 21:32:00,"마라","사진"',
}  # fmt: skip


@pytest.mark.parametrize("device", LOGS)
def test_the_same_chat_from_each_device(device: str) -> None:
    log = LOGS[device]
    assert parsed(read, log) == [("마라", "켰어?"), ("톰", "응\n방금")]
    assert contents(read, log)[-1] is Content.MEDIA
    assert times(read, log)[-1] == "2021-05-12 21:32"
    assert looks_like(log.split("\n")) == 1


def test_who_comes_and_goes_is_a_note() -> None:
    log = "2021년 5월 12일 오후 9:30, 톰님이 나갔습니다.\n2021년 5월 12일 오후 9:31, 마라 : 어"
    assert contents(read, log) == [Content.NOTE, Content.TEXT]


def test_on_windows_who_comes_and_goes_has_a_line_without_a_time() -> None:
    log = "[[반장] 마라] [오후 9:30] 어?\n톰님이 나갔습니다.\n[[반장] 마라] [오후 9:31] 갔네"
    assert parsed(read, log) == [("[반장] 마라", "어?"), ("[반장] 마라", "갔네")]
    assert contents(read, log)[1] is Content.NOTE


def test_in_english_who_is_invited_has_such_a_line_too() -> None:
    log = "[Mara] [9:30 PM] Lit?\nMara invited Odd.\n[Odd] [9:31 PM] Since four."
    assert parsed(read, log) == [("Mara", "Lit?"), ("Odd", "Since four.")]
