from typing import Any

import pytest

from offbook.core.text import format_bytes, has_chinese, is_chinese, normalize, script


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  Who's There?  ", "whosthere"),
        ("ＡＢＣ １２３", "abc123"),
        ("灯亮了，吗？", "灯亮了吗"),
        ("Straße_7", "strasse7"),
        (" …… ", "……"),
        ("", ""),
    ],
)
def test_normalize_keeps_letters_and_digits_alone(text: str, expected: Any) -> None:
    assert normalize(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The lamp is out again.", "Latin"),
        ("灯又灭了。", "Chinese"),
        ("灯又灭了, said Tom", "Chinese"),
        ("灯が消えた", "Japanese"),
        ("불이 꺼졌어요 다시", "Korean"),
        ("Лампа погасла.", "Cyrillic"),
        ("انطفأ المصباح", "Arabic"),
        ("Oh.", None),
        ("1234 5678 !!", None),
    ],
)
def test_script_is_that_of_most_letters(text: str, expected: Any) -> None:
    assert script(text) == expected


def test_a_single_character_tells_chinese_where_it_is_asked_for() -> None:
    assert script("灯") is None
    assert is_chinese("灯")
    assert is_chinese("我叫Tom。")
    assert not is_chinese("Tom, the one whom they call 汤")
    assert not is_chinese("ランプ灯")
    assert not is_chinese("")
    assert has_chinese("Tom 汤")
    assert not has_chinese("ランプ")


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, "0 bytes"),
        (1023, "1,023 bytes"),
        (1024, "1.0 KiB"),
        (34.5 * 2**20, "34.5 MiB"),
        (512 * 2**20, "512 MiB"),
        (2**30, "1.0 GiB"),
        (5000 * 2**30, "5,000 GiB"),
    ],
)
def test_format_bytes(count: Any, expected: Any) -> None:
    assert format_bytes(count) == expected
