"""Novels: the verb of speech beside a quoted line tells who says it."""

from typing import Any

import pytest

from offbook.data.extract.cue import SURE
from offbook.data.extract.novel import reader
from offbook.data.extract.novel.book_layout import survey
from offbook.data.extract.novel.quotes import cut_at_marks
from tests.data.extract.reading import cues, fixture, left, numbered, texts


@pytest.fixture(scope="module")
def modern() -> Any:
    return {cue.line: cue for cue in cues(reader.read, fixture("novel_zh.txt"))}


def test_a_chinese_novel_gives_each_quoted_line_its_speaker(modern: Any) -> None:
    sure_or_likely = {line: cue for line, cue in modern.items() if line != 11}
    assert {line: (cue.speaker, cue.text) for line, cue in sure_or_likely.items()} == {
        5: ("林小满", "这么晚了还开着？"),
        7: ("陈屿", "等人。你要的那本书到了。"),
        9: ("林小满", "真的？"),
        13: ("陈屿", "我什么时候骗过你？"),
        15: ("老周", "你们俩又吵上了？"),
        17: ("林小满", "谁跟他吵。周叔，您评评理。"),
        21: ("陈屿", "那是我爷爷写的。"),
        23: ("林小满", "他还在吗？"),
        25: ("陈屿", "不在了。\n去年冬天走的。"),
        35: ("老周", "没写名字。"),
    }


def test_it_is_sure_where_the_text_says_so_and_only_there(modern: Any) -> None:
    assert {line for line, cue in modern.items() if cue.confidence >= SURE} == {7, 13, 15, 17, 21, 23, 25, 35}


STORIES = [
    """\
王海生把船拴好，回头看了看天。
王海生：“要变天了。”
“网还收不收？”老邢蹲在船头。
王海生摇摇头。“不收了，命要紧。”
老邢把烟掐了。“那我去叫他们。”
“快去。”王海生扯下帆布，“叫上小满。”
小满从棚子里跑出来。“我在这儿！”
“你别下水。”老邢拦住她。
小满甩开他的手。“我会游。”
老邢叹了口气：“随你。”
小满跳上船。“走吧。”""",
    """\
林阿嬷掀開鍋蓋，白煙冒了出來。
「吃飯了。」林阿嬷喊。
「再等一下！」阿勇趴在窗邊。
林阿嬷擦擦手。「菜要涼了。」
阿勇轉過頭。「爸爸還沒回來。」
林阿嬷坐了下來。「他今晚不回來。」
阿勇愣住了。「為什麼？」
「加班。」林阿嬷夾了一塊魚給他，「先吃。」
阿勇低下頭。「我不餓。」""",
]
"""Short stories in which hardly anybody is told to speak: name and deed stand beside the words."""
SPEAKERS = [
    "王海生 老邢 王海生 老邢 王海生 小满 老邢 小满 老邢 小满",
    "林阿嬷 阿勇 林阿嬷 阿勇 林阿嬷 阿勇 林阿嬷 阿勇",
]


@pytest.mark.parametrize(
    ("story", "names"), list(zip(STORIES, SPEAKERS, strict=True)), ids=["simplified", "traditional"]
)
def test_whoever_acts_alone_beside_the_words_says_them(story: str, names: str) -> None:
    lines = cues(reader.read, numbered(story))
    assert [cue.speaker for cue in lines if cue.confidence >= SURE] == names.split()


def test_thoughts_letters_and_words_in_quotation_marks_are_no_speech() -> None:
    result = left(reader.read, fixture("novel_zh.txt"))
    assert result["a thought"] == [19]
    assert result["something written"] == [37]
    assert result["words in quotation marks"] == [21]


def test_chapters_are_scenes(modern: Any) -> None:
    assert {cue.scene for line, cue in modern.items() if line < 30} == {"第一章　雨夜来客"}
    assert modern[35].scene == "第二章　旧信"


def test_an_old_novel_has_many_speakers_in_a_paragraph() -> None:
    result = [(cue.speaker, cue.text[:4]) for cue in cues(reader.read, fixture("novel_old.txt"))]
    assert result == [
        ("寶玉", "這個妹妹"),
        ("賈母", "可又是胡"),
        ("寶玉", "雖然未曾"),
        ("賈母", "更好，更"),
        ("寶玉", "妹妹可曾"),
        ("黛玉", "不曾讀，"),
        ("寶玉", "妹妹尊名"),
        ("黛玉", "無字。"),
        ("寶玉", "我送妹妹"),
        ("寶玉", "西方有石"),
        ("寶玉", "可也有玉"),
        ("黛玉", "我沒有那"),
        ("寶玉", "什么罕物"),
        ("賈母", "孽障！你"),
        ("襲人", "快三更了"),
    ]


def test_in_an_old_novel_a_speaker_says_no_more_than_his_own_line() -> None:
    talk = "阿澈道：「坐。」老湯道：「好。」小島道：「也好。」"
    text = f"{talk}\n{talk}\n阿澈道：「來者何人？」一語未了，外頭嚷成一片：「風來了！」"
    *_, last = cues(reader.read, numbered(text))
    assert last.text == "風來了！"
    assert last.confidence < SURE


def test_whoever_is_spoken_to_seen_or_sent_does_not_speak() -> None:
    text = """
　　阿澈对老汤说：“你先走。”老汤道：“不走。”阿澈说道：“走。”老汤道：“好。”

　　向老汤、小岛等笑道：“我说错了。”

　　阿澈见老汤来了，便说：“坐。”

　　老汤的女儿小岛说：“爹。”小岛又说：“爹！”

　　阿澈正要走，只听山后有人哈哈笑道：“站住！”

　　门外的人都看着老汤，只听窗外有人说道：“开门！”
"""
    result = cues(reader.read, numbered(text))
    sure = {cue.text: cue.speaker for cue in result if cue.confidence >= SURE}
    assert sure["你先走。"] == "阿澈"
    assert sure["坐。"] == "阿澈"
    assert sure["爹。"] == "小岛"
    assert "我说错了。" not in sure
    assert "开门！" not in sure
    assert "站住！" not in sure


def test_two_may_speak_together_and_a_wife_is_not_her_husband() -> None:
    text = """
　　阿澈道：“走。”老汤道：“走。”阿澈老汤都笑道：“走！”老汤家的说：“去哪？”阿澈道：“出海。”老汤道：“嗯。”
"""
    result = [(cue.speakers, cue.text) for cue in cues(reader.read, numbered(text))]
    assert result[2:4] == [(("阿澈", "老汤"), "走！"), (("老汤家的",), "去哪？")]


def test_the_teller_and_his_kin_speak() -> None:
    text = """
“谁？”我问。

“是我。”妈说，“灯坏了。”

我妈叹了口气：“明天找人修。”

Tom笑着说：“我来。”
"""
    assert [cue.speaker for cue in cues(reader.read, numbered(text))] == ["我", "妈", "我妈", "Tom"]


def test_who_spoke_to_a_comma_goes_on() -> None:
    text = """
老汤道：“既如此，”叫：“阿澈，点灯去。”阿澈道：“好。”

老汤说：“油不多了。”

阿澈道：“我去取，”又道：“你等着。”老汤道：“去罢。”

老汤又说：“慢着，”阿澈道：“怎么？”

老汤道：“灯，”他看了一眼。老汤道：“灭了。”
"""
    assert [(cue.speaker, cue.text) for cue in cues(reader.read, numbered(text))] == [
        ("老汤", "既如此，阿澈，点灯去。"),
        ("阿澈", "好。"),
        ("老汤", "油不多了。"),
        ("阿澈", "我去取，你等着。"),
        ("老汤", "去罢。"),
        ("老汤", "慢着。"),
        ("阿澈", "怎么？"),
        ("老汤", "灯。"),
        ("老汤", "灭了。"),
    ]


def test_an_english_novel_gives_each_quoted_line_its_speaker() -> None:
    result = cues(reader.read, fixture("novel_en.txt"))
    assert {cue.line: (cue.speaker, cue.text) for cue in result if cue.confidence >= SURE} == {
        6: ("Mr. Hale", "You are late, and you have brought no bread."),
        9: ("Mara", "There was none."),
        13: ("Mara", "Not today."),
        21: ("Mr. Hale", "What boat?"),
        11: ("Mr. Hale", "There is always some."),
        27: ("Tom", "I will tell you, if you will listen.\nThere is only one boat that goes out in this."),
    }
    assert {cue.line: cue.text for cue in result if cue.confidence < SURE} == {
        15: "Let her be. The baker is my cousin, and I know his shutters.",
        19: "The boat is out.",
        33: "Where is she?",
    }


def test_english_thoughts_and_nicknames_are_no_speech() -> None:
    result = left(reader.read, fixture("novel_en.txt"))
    assert result["a thought"] == [23]
    assert result["words in quotation marks"] == [25]


def test_wrapped_lines_are_told_from_paragraphs_of_a_line_each() -> None:
    wrapped = [line for _ in range(20) for line in ("x" * 68, "y" * 70, "z" * 20, "")]
    single = ["很长的一段" * 20, "短", "中等长度的一段" * 5] * 20
    assert survey(list(enumerate(wrapped, 1))).wrapped
    assert not survey(list(enumerate(single, 1))).wrapped


def test_wrapped_paragraphs_that_only_an_indent_begins_are_put_together() -> None:
    text = """
    "The tram broke down at the bridge," said Clara. "I had to walk the
rest of the way in the rain, and nobody would lend me an umbrella for
love or money."
    "You could have telephoned," said Martin.
    "With what?" asked Clara. "The lines are down as well, and have been
since Sunday."
    "Sit down," said Martin.
"""
    assert [(cue.speaker, cue.text) for cue in cues(reader.read, numbered(text))] == [
        (
            "Clara",
            "The tram broke down at the bridge. I had to walk the rest of the way in the rain, "
            "and nobody would lend me an umbrella for love or money.",
        ),
        ("Martin", "You could have telephoned."),
        ("Clara", "With what? The lines are down as well, and have been since Sunday."),
        ("Martin", "Sit down."),
    ]


def test_short_paragraphs_of_one_length_are_not_taken_for_wrapped_lines() -> None:
    text = """
"你怎么今天就来了?"王小川放下书问。
"路过这里。"李婷说,"顺便看看你。"
"快进来坐。"王小川让开身子笑着说。
"我不坐了。"李婷摇着头,轻声说道。
王小川站起身说:"那我送你到车站。"
"""
    assert not survey(numbered(text)).wrapped


@pytest.mark.parametrize(
    ("marks", "text"),
    [
        (("“", "”"), "他说：“他说‘走’。”完"),
        (("「", "」"), "他說：「他說『走』。」完"),
        (('"', '"'), 'He said: "Go." End'),
        (("‘", "’"), "‘It’s Tom’s,’ he said"),
    ],
)
def test_the_outermost_marks_hold_what_is_said(marks: Any, text: str) -> None:
    assert [piece.text for piece in cut_at_marks(text, marks) if piece.is_quote] in (
        ["他说‘走’。"],
        ["他說『走』。"],
        ["Go."],
        ["It’s Tom’s,"],
    )


def test_a_line_of_nothing_but_italics_marks_is_no_paragraph() -> None:
    assert cues(reader.read, numbered("_\n\n__")) == []


def test_an_idiom_between_name_and_verb_is_no_part_of_the_name() -> None:
    story = """
　　“你怎么还不睡？”陆沉舟推开门问。

　　“睡不着。”苏晚说道。

　　“走吧，送你回家。”陆沉舟小心翼翼地说。

　　“陆沉舟，”苏晚一字一顿地说，“我不是你的员工。”
"""
    assert [(cue.speaker, cue.text) for cue in cues(reader.read, numbered(story))] == [
        ("陆沉舟", "你怎么还不睡？"),
        ("苏晚", "睡不着。"),
        ("陆沉舟", "走吧，送你回家。"),
        ("苏晚", "陆沉舟，我不是你的员工。"),
    ]


def test_words_that_a_book_breaks_over_the_ends_of_lines_are_whole() -> None:
    page = (
        "“The lamp has not been lit for a very long while,” said Anna, “and no-\nbody came to ask why. I went down "
        "to the harbour twice, and some-\nbody had been there before me, with a long-handled lantern and a cou-\n"
        "ple of men.”\n\n“They were mine,” said Hugo. “I sent them down before the fog came\nin over the pier.”\n\n"
    )
    spoken = texts(reader.read, page * 3)
    assert "nobody came to ask why" in spoken[0][1]
    assert "a couple of men" in spoken[0][1]
    unbroken = (
        page.replace("no-\nbody ", "nobody\n").replace("some-\nbody", "well-\nknown").replace("cou-\nple ", "cup\n")
    )
    assert "well-known had been" in texts(reader.read, unbroken)[0][1]


def test_quotations_that_nothing_parts_are_two_peoples() -> None:
    book = """
"Is it lit?" asked Mara.

"Not yet," said Tom.

"Tom?" "Yes?" "Nothing," said Mara.

"Then light it," said Mara. "It is dark."
"""
    assert texts(reader.read, book)[2:] == [
        ("Mara", "Tom?"),
        ("Tom", "Yes?"),
        ("Mara", "Nothing."),
        ("Mara", "Then light it. It is dark."),
    ]


def test_a_paragraph_goes_on_over_the_edge_of_a_page() -> None:
    pages = [
        "“Is it lit?” said Mara. “I have been calling you since four, and you never\n\n"
        f"{page}\n\nanswered me once.”\n\n“No,” said Tom."
        for page in (12, 13, 14)
    ]
    assert texts(reader.read, "\n\n".join(pages))[2:4] == [
        ("Mara", "Is it lit? I have been calling you since four, and you never answered me once."),
        ("Tom", "No."),
    ]


@pytest.mark.parametrize(
    ("book", "speaker", "line"),
    [
        (
            "阿澈道：“坐。”老汤道：“好。”小岛道：“也好。”\n老汤笑道：“兄弟，\n\n潮水要来了，快上船。”阿澈只得依从，走了。"
            "小岛道：“去罢。”",
            "老汤",
            "兄弟，\n潮水要来了，快上船。",
        ),
        (
            "“Is it lit?” asked Mara.\n\n“Not yet,” said Tom. “Sing me the song:\n\n"
            "The tide is out, the boats are in,\nand nobody is waiting.”\n\n“Then light it,” said Mara.",
            "Tom",
            "Not yet. Sing me the song:\nThe tide is out, the boats are in, and nobody is waiting.",
        ),
    ],
)
def test_what_closes_a_quotation_of_the_paragraph_before_belongs_to_it(book: str, speaker: str, line: str) -> None:
    spoken = texts(reader.read, book)
    assert (speaker, line) in spoken
    assert sum("潮水" in text or "tide" in text for _, text in spoken) == 1
    assert spoken[-1] in {("小岛", "去罢。"), ("Mara", "Then light it.")}


def test_a_mark_the_wrong_way_round_behind_a_closed_quotation_opens_as_before() -> None:
    book = "“Is it lit?” asked Mara.\n\n”Not yet,“ said Tom.\n\n“Then light it,” said Mara."
    assert texts(reader.read, book)[1] == ("Tom", "Not yet.")


CLOSED_LATER = {
    "verses within a speech": (
        "“Is it lit?” asked Mara.\n\n“Not yet,” said Tom. “Sing me the song. Is it\n\n"
        "      The tide is out, the boats are in,\n\nor do you know\n\n      and nobody is waiting?\n\n"
        "I forget.”\n\n“Then light it,” said Mara.",
        "Not yet. Sing me the song. Is it\nThe tide is out, the boats are in,\nor do you know\n"
        "and nobody is waiting?\nI forget.",
    ),
    "British single quotes": (
        "'Is it lit?' asked Mara.\n\n'Not a bit of it,' said Tom.  'It's wet.\n\n"
        "Here, take hold of my hand.  In with you!'\n\n'Then light it,' said Mara.",
        "Not a bit of it.  It's wet.\nHere, take hold of my hand.  In with you!",
    ),
    "straight quotes": (
        '"Is it lit?" asked Mara.\n\n"Not yet," said Tom. "Sing me the song:\n\nThe tide is out, the boats are in."\n\n'
        '"Then light it," said Mara.',
        "Not yet. Sing me the song:\nThe tide is out, the boats are in.",
    ),
}


@pytest.mark.parametrize("kind", CLOSED_LATER)
def test_a_speech_goes_on_until_it_is_closed(kind: str) -> None:
    book, line = CLOSED_LATER[kind]
    spoken = [(speaker, " ".join(text.split(" "))) for speaker, text in texts(reader.read, book)]
    assert [speaker for speaker, _ in spoken] == ["Mara", "Tom", "Mara"]
    assert spoken[1][1].replace("  ", " ") == line.replace("  ", " ")


def test_a_quotation_that_is_never_closed_takes_in_no_narration() -> None:
    book = "“Is it lit?” asked Mara.\n\n“Not yet, said Tom.\n\nHe sat down.\n\n“Then light it,” said Mara."
    assert all("sat down" not in text for _, text in texts(reader.read, book))


def test_a_large_initial_letter_may_have_taken_the_mark() -> None:
    book = "CHAPTER I\n\n|WELL, is it lit?” asked Mara.\n\n“Not yet,” said Tom.\n\n“Then light it,” said Mara."
    assert texts(reader.read, book)[0] == ("Mara", "WELL, is it lit?")


def test_a_small_letter_behind_an_indent_begins_no_paragraph() -> None:
    book = (
        "“She just means some talk that we two had on the way up the hill,”\n said Tom. “Have tea ready when I come, "
        "and put some wood on\nthe fire, for it is cold today.”\n\n"
    ) * 8
    assert texts(reader.read, book)[0] == (
        "Tom",
        "She just means some talk that we two had on the way up the hill. Have tea ready when I come, and put some "
        "wood on the fire, for it is cold today.",
    )


def test_a_sentence_that_the_narrator_breaks_into_is_one_persons() -> None:
    book = "'Is it lit?' asked Tom.\n\n'Well,' said Mara, {}: 'have you done?'\n\n'Yes,' said Tom."
    assert texts(reader.read, book.format("when Tom had finished his supper"))[1] == ("Mara", "Well, have you done?")
    assert texts(reader.read, book.format("and Tom answered"))[1:3] == [("Mara", "Well."), ("Tom", "have you done?")]


def test_a_tone_in_brackets_is_the_narrators() -> None:
    book = "“Is it lit?” asked Mara.\n\n“Indeed! (in a tone of wonder and pity,) I had no idea,” said Tom."
    assert texts(reader.read, book)[1] == ("Tom", "Indeed! I had no idea.")


PAGE = (
    "“Is it lit?” asked Mara, and put down the lamp that she had carried all the way\nup the hill.\n\n"
    "“Not yet,” said Tom. “There is a letter for you, and I wanted you to read it\nfirst, before it gets dark.”\n\n"
) * 6


def test_a_letter_that_is_set_apart_is_nobodys_words() -> None:
    letter = (
        "      “MY DEAR MARA,\n\n      “I am gone to sea, and if you cannot guess with whom,\n"
        "      you do not know me.\n\n      “JACK.”\n\n"
    )
    spoken = texts(reader.read, PAGE + letter + PAGE)
    assert len(spoken) == 24
    assert not any("sea" in text or "MARA" in text or "JACK" in text for _, text in spoken)


def test_where_paragraphs_begin_with_an_indent_nothing_is_set_apart() -> None:
    book = (
        "".join("  " + paragraph + "\n\n" for paragraph in PAGE.strip().split("\n\n"))
        + "  “Then light it,” said Mara.\n"
    )
    assert texts(reader.read, book)[-1] == ("Mara", "Then light it.")
    assert len(texts(reader.read, book)) == 13
