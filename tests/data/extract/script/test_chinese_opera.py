"""Chinese plays of old, in which roles stand in brackets within the text."""

from offbook.data.extract.formats import EXTRACTORS
from offbook.data.extract.script import chinese_opera
from tests.data.extract.reading import cues, left, numbered, texts

YUAN = """
磨坊记

楔子

（卜儿上，诗云）花开一日，人老一年。老身是也。（做见科，云）你是谁？
（窦公云）小生姓窦。
（正旦云）婆婆，你请坐。（唱）
【点绛唇】满腹闲愁，
天知否？
（卜儿云）怎么又哭？（正旦做悲科）（正旦云）没甚么。（卜儿云）你且歇着。
（同下）
第一折
（正旦唱）【油葫芦】谁家灯火？
"""
KUN = """
【绕池游】（旦上）梦回莺啭，人立小庭。
（贴）炷尽沉烟。
（旦）春香，可曾扫除花径？
（贴取镜台上）云髻对镜。
（旦笑介）好。
（合）春色如许？
"""


def test_a_bracket_that_begins_with_a_role_gives_it_the_word() -> None:
    assert texts(chinese_opera.read, YUAN) == [
        ("卜儿", "花开一日，人老一年。老身是也。你是谁？"),
        ("窦公", "小生姓窦。"),
        ("正旦", "婆婆，你请坐。\n满腹闲愁，天知否？"),
        ("卜儿", "怎么又哭？"),
        ("正旦", "没甚么。"),
        ("卜儿", "你且歇着。"),
        ("正旦", "谁家灯火？"),
    ]
    assert left(chinese_opera.read, numbered(YUAN)) == {"narration": [1], "heading": [3, 12], "stage direction": [11]}
    assert [cue.scene for cue in cues(chinese_opera.read, numbered(YUAN))][-1] == "第一折"


def test_in_kunqu_the_role_alone_speaks_and_what_it_does_stands_beside_it() -> None:
    assert texts(chinese_opera.read, KUN) == [
        ("旦", "梦回莺啭，人立小庭。"),
        ("贴", "炷尽沉烟。"),
        ("旦", "春香，可曾扫除花径？"),
        ("贴", "云髻对镜。"),
        ("旦", "好。"),
        ("合", "春色如许？"),
    ]


def test_other_scripts_with_directions_in_brackets_are_none() -> None:
    assert chinese_opera.looks_like(YUAN.split("\n")) == chinese_opera.looks_like(KUN.split("\n")) == 1.0
    modern = ["沈如霜（唱）：谁家灯火？", "（众人笑）", "阿澈（念白）：来者何人？", "（生气地下）"] * 4
    assert chinese_opera.looks_like(modern) == 0.0
    assert EXTRACTORS["screenplay"].looks_like(modern) > 0.5
