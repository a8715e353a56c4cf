"""Headings of acts and scenes, told from prose by their form, in the languages that have word lists."""

from typing import Any

import pytest

from offbook.data.extract.script.headings import CAST, heading
from offbook.data.extract.script.stage_directions import is_direction, opened


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("ACT IV", 2),
        ("Prologue: The Sea", 3),
        ("Эпилог — Море", 3),
        ("Ch. 1", 3),
        ("Chap. IV: The Stove", 3),
        ("THIRD ACT", 2),
        ("Act the Second", 2),
        ("SCENE", 3),
        ("Dritter Aufzug", 2),
        ("3. Szene", 3),
        ("Elfter Auftritt.", 3),
        ("Zweyter Aufzug", 2),
        ("Явленіе II", 3),
        ("ACTE DEUXIÈME", 2),
        ("Scène III. Lisette, Arlequin", 3),
        ("Acto primero", 2),
        ("Escena última", 3),
        ("Действие третье", 2),
        ("ATTO SECONDO", 2),
        ("Scena ultima", 3),
        ("ATO ÚNICO", 2),
        ("Cena II", 3),
        ("Явление V", 3),
        ("ЭПИЛОГ", 3),
        ("ACTE I, SCÈNE PREMIÈRE", 2),
        ("第二幕　码头", 2),
        ("卷三", 1),
        ("正文 第3章 雨夜来客", 3),
        ("12.第十二章 你来了？", 3),
        ("第三期", 3),
        ("番外二 灯塔", 3),
        ("12A  EXT. YARD - DAY  12A", 3),
    ],
)
def test_a_heading_has_a_level(line: Any, level: Any) -> None:
    assert heading(line) == (level, line)


@pytest.mark.parametrize(
    "line",
    [
        "Act one of the farce was over.",
        "Third scene of the evening",
        "Zweiter Akt, und doch",
        "第二场雨下了一夜。",
        "她说起第三章 雨夜来客那一段，笑了。",
        "乙　第三回",
        "第三期工程完工了",
        "A scene",
        "Prologue: Two households, both alike in dignity,",
        "Ch. I love him.",
        "Действие продолжается",
    ],
)
def test_prose_that_begins_like_a_heading_is_none(line: Any) -> None:
    assert heading(line) is None


@pytest.mark.parametrize("line", ["Dramatis Personæ", "PERSONEN", "Personnages.", "Действующие лица", "人物表："])
def test_a_list_of_the_cast_is_known_by_its_heading(line: Any) -> None:
    assert CAST.match(line)


@pytest.mark.parametrize(
    "line",
    [
        "Exeunt.",
        "CURTAIN",
        "Vorhang.",
        "Rideau",
        "Telón",
        "Занавес",
        "Cala la tela",
        "END OF THE FIRST ACT",
        "Ende des Stückes",
    ],
)
def test_a_line_that_closes_is_a_direction(line: Any) -> None:
    assert is_direction(line)


def test_a_bracket_may_close_in_the_other_width() -> None:
    assert is_direction("（雨夜)")
    assert opened("(码头，清晨） ") is None
    assert opened("（长夜") == "）)"


def test_circles_and_numbers_of_songs_head_scenes() -> None:
    assert heading("○　喫茶店・店内（夕）") == (3, "喫茶店・店内（夕）")
    assert heading('#3 "LIGHT THE LAMP"') == (3, '3 "LIGHT THE LAMP"')
    assert heading("○ 他来了") is None
    assert heading("3.  TOM:      (BREATHLESS) Hi.") is None


def test_chapters_of_novels_from_the_web_have_signs_around_them() -> None:
    assert heading("☆、雨夜来客") == (3, "雨夜来客")
    assert heading("—— 片尾 ——") == (3, "片尾")
    assert heading("【第1章】雨夜来客") == (3, "【第1章】雨夜来客")
    assert heading("——你来了——") is None
