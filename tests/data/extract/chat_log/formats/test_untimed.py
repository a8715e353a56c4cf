"""Messages as a computer's WeChat copies them, without times."""

from pathlib import Path

import pytest

from offbook.data.extract import extract
from offbook.data.extract.chat_log.formats.untimed import looks_like, read
from offbook.data.extract.chat_log.message import Content
from offbook.data.extract.formats import choose
from tests.data.extract.chat_log.chats import contents, parsed

WITH_PICTURES = "小林:\n在吗\n阿澈:\n在\n小林:\n[图片]\n阿澈:\n好看\n小林:\n吃什么\n阿澈:\n火锅\n"
IN_BURSTS = (
    "小林:\n在吗\n\n小林:\n我要买的：\n清单:\n一、苹果\n\n阿澈:\n在\n\n阿澈:\n你说\n\n小林:\n吃什么\n\n老王:\n火锅\n"
)
SCRIPT = "小林：\n在吗？\n阿澈：\n（笑）在。\n小林：\n吃什么？\n（两人沉默）\n阿澈：\n火锅。\n小林：\n好。\n"


@pytest.mark.parametrize("text", [WITH_PICTURES, IN_BURSTS], ids=["pictures", "bursts"])
def test_such_a_copy_is_told_from_a_script(tmp_path: Path, text: str) -> None:
    assert looks_like(SCRIPT.splitlines()) == 0
    path = tmp_path / "copy.txt"
    path.write_text(text, encoding="utf-8")
    assert choose(path, "auto") == "untimed"


def test_a_picture_is_no_text_and_its_answer_begins_a_conversation(tmp_path: Path) -> None:
    assert contents(read, WITH_PICTURES)[2] is Content.MEDIA
    path = tmp_path / "copy.txt"
    path.write_text(WITH_PICTURES, encoding="utf-8")
    rows = extract([path], "阿澈").rows
    assert [[message["content"] for message in row["messages"]] for row in rows] == [["在吗", "在"], ["吃什么", "火锅"]]


def test_a_line_with_a_colon_in_a_message_is_no_name() -> None:
    assert parsed(read, IN_BURSTS)[1] == ("小林", "我要买的：\n清单:\n一、苹果")
    assert parsed(read, IN_BURSTS)[-1] == ("老王", "火锅")


STEAM = """\
Ann: Is the lamp lit?
Tom: Since four
and well: see
Tom is now Offline.
Tom is currently offline, they will receive your message the next time they log in.
Ann: And the oil?
Tom: Half a can
Ann is playing Oak Street. Click here to join.
"""


def test_steam_s_notes_are_nobody_s_words(tmp_path: Path) -> None:
    path = tmp_path / "chat.txt"
    path.write_text(STEAM, encoding="utf-8")
    assert choose(path, "auto") == "untimed"
    assert parsed(read, STEAM) == [
        ("Ann", "Is the lamp lit?"),
        ("Tom", "Since four\nand well: see"),
        ("Ann", "And the oil?"),
        ("Tom", "Half a can"),
    ]
    assert contents(read, STEAM).count(Content.NOTE) == 3


def test_a_script_in_which_somebody_is_offline_stays_one() -> None:
    assert looks_like("Ann: Is he there?\nBob: Carl is now Offline.\nAnn: Oh.\nBob: Yes.\n".splitlines()) == 0


@pytest.mark.parametrize(
    ("text", "replies"),
    [
        (
            "Ann: Lit?\nTom: <Media omitted>\nAnn: Nice\nAnn: And oil?\nTom: Half: a can\nof it\n",
            ["Half: a can\nof it"],
        ),
        ("小林：在吗\nTom：[图片]\n小林：好看\nTom:[语音]\n小林：走了\nTom：好\n", ["好"]),
    ],
)
def test_a_chat_whose_times_were_cut_off_is_no_script(tmp_path: Path, text: str, replies: list[str]) -> None:
    path = tmp_path / "chat.txt"
    path.write_text(text, encoding="utf-8")
    assert choose(path, "auto") == "untimed"
    assert [row["messages"][-1]["content"] for row in extract([path], "Tom").rows] == replies
    assert contents(read, text)[1] is Content.MEDIA


@pytest.mark.parametrize("direction", ["[Music]", "[sighs]", "<b>No</b>"])
def test_a_script_with_a_direction_in_a_line_s_place_stays_one(direction: str) -> None:
    assert looks_like(f"Ann: Is it lit?\nTom: {direction}\nAnn: Good.\nTom: {direction}\n".splitlines()) == 0
