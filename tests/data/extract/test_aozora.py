"""Aozora's texts: readings, notes and what the library prints about a book are none of the text."""

from offbook.data.extract.aozora import without_notes
from tests.data.extract.reading import numbered

RULE = "-" * 55
BOOK = f"""灯台の夜
{RULE}
【テキスト中に現れる記号について】

《》：ルビ
（例）灯台《とうだい》
{RULE}

［＃８字下げ］一［＃「一」は中見出し］
「灯台《とうだい》へ」と太郎《たろう》は言った。
「｜大雨《おおあめ》よ」

底本：「灯台の夜」架空社
入力：山田"""


def texts(text: str) -> list[str]:
    return [line for _, line in without_notes(numbered(text)) if line]


def test_the_text_alone_is_left() -> None:
    assert texts(BOOK) == ["灯台の夜", "一", "「灯台へ」と太郎は言った。", "「大雨よ」"]


def test_rules_and_titles_of_other_texts_stay() -> None:
    text = f"{RULE}\n我读《红楼梦》。\n{RULE}\n| 书 | 《かな》 |\n底本：甲戌本"
    assert texts(text) == text.split("\n")
    assert texts("\n".join([RULE, *["a"] * 50, RULE])) == [RULE, *["a"] * 50, RULE]
