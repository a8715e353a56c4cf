"""Chinese books without quotation marks: 老张说：你真看见了？"""

from pathlib import Path

import pytest

from offbook.data.extract.cue import SURE
from offbook.data.extract.formats import choose
from offbook.data.extract.novel import reader
from offbook.data.extract.novel.unquoted import is_unquoted
from offbook.data.extract.script import screenplay
from tests.data.extract.reading import cues, numbered, texts

VILLAGE = """
老张推开门，屋里黑洞洞的，什么也看不见。

老张说：你真看见了？
小李缩在墙角，半天没有吭声。窗外的风把树枝吹得哗哗响。
小李说：看见了，就在井边。
老张笑道：胡说，这世上哪有什么鬼。你是喝多了。
老李从外头进来，跺了跺脚上的雪，笑道：你们两个躲在这里做什么？
小李低声说：老李叔，你路过井边了没有？
老李道：路过了，怎么了？
没有人回答。
小李喊：你们听！
"""
CROWDED = """
忽見黛玉進來，寶玉忙起身笑道：妹妹來了，快請坐。黛玉道：你在看什麼書？寶玉慌得藏之不迭，便說道：不過是《中庸》。
黛玉接過書來，越看越愛。寶玉笑道：妹妹，你說好不好？黛玉笑著點頭兒。寶玉道：我就是個多愁多病身。
正說著，只見襲人走來，說道：老爺叫你呢。寶玉聽了，忙拿了書，別了黛玉去了。
且說賈政見寶玉進來，問道：你這幾日讀的什麼書？寶玉道：讀了孟子。賈政冷笑道：你也會讀孟子！
"""


def sure(text: str) -> list[tuple[str, str]]:
    return [(cue.speaker, cue.text) for cue in cues(reader.read, numbered(text)) if cue.confidence >= SURE]


def test_what_follows_a_verb_of_speech_and_its_colon_is_said(tmp_path: Path) -> None:
    assert sure(VILLAGE) == [
        ("老张", "你真看见了？"),
        ("小李", "看见了，就在井边。"),
        ("老张", "胡说，这世上哪有什么鬼。你是喝多了。"),
        ("老李", "你们两个躲在这里做什么？"),
        ("小李", "老李叔，你路过井边了没有？"),
        ("老李", "路过了，怎么了？"),
        ("小李", "你们听！"),
    ]
    path = tmp_path / "village.txt"
    path.write_text(VILLAGE, encoding="utf-8")
    assert choose(path, "auto") == "novel"


def test_several_speak_in_a_paragraph_of_an_old_novel() -> None:
    assert sure(CROWDED) == [
        ("寶玉", "妹妹來了，快請坐。"),
        ("黛玉", "你在看什麼書？"),
        ("寶玉", "不過是《中庸》。"),
        ("寶玉", "妹妹，你說好不好？"),
        ("寶玉", "我就是個多愁多病身。"),
        ("襲人", "老爺叫你呢。"),
        ("賈政", "你這幾日讀的什麼書？"),
        ("寶玉", "讀了孟子。"),
        ("賈政", "你也會讀孟子！"),
    ]


def test_a_speech_is_not_sure_where_the_narrator_may_have_the_word() -> None:
    speeches = {cue.text: cue.confidence for cue in cues(reader.read, numbered(VILLAGE + "老张说：走吧。他站起来。\n"))}
    assert speeches["走吧。他站起来。"] < SURE


def test_what_a_speaker_was_told_is_in_nobodys_line() -> None:
    assert sure(VILLAGE + "老张说：我劝过他。他对我说：少管闲事。\n")[-1] == ("老张", "我劝过他。")


@pytest.mark.parametrize(
    ("script", "speakers"),
    [
        (
            "记者问：您拔过牙？\n余华答：拔过。\n记者追问：几年？\n余华答：五年。\n记者问：累吗？\n余华答：累。",
            "记者 余华",
        ),
        ("甲问：你干什么去了？\n乙答：买菜。\n甲：买的什么？\n乙：萝卜。\n甲问：多少？\n乙答：三斤。", "甲 乙"),
        (
            "老张说：真的？\n小李答：真的。\n老张笑道：胡说。\n小李哭道：真的。\n老张问：几个？\n小李答：一个。",
            "老张 小李",
        ),
    ],
)
def test_a_script_whose_labels_end_in_verbs_names_its_speakers_alone(
    script: str, speakers: str, tmp_path: Path
) -> None:
    assert " ".join(dict.fromkeys(speaker for speaker, _ in texts(screenplay.read, script))) == speakers
    path = tmp_path / "script.txt"
    path.write_text(script, encoding="utf-8")
    assert choose(path, "auto") == "screenplay"


def test_questions_and_answers_keep_their_names() -> None:
    hearing = "问：你叫什么？\n答：我叫王强。\n问：几点到的？\n答：八点。"
    assert {speaker for speaker, _ in texts(screenplay.read, hearing)} == {"问", "答"}


def test_a_quotation_in_the_next_paragraph_has_its_marks() -> None:
    book = "沈澈走上来，问：\n\n“灯亮了吗？”\n\n老汤揉着膝盖说：\n\n“四点就亮了。”\n\n沈澈说：\n\n“好。”\n"
    assert not is_unquoted(text for _, text in numbered(book))


SHORT = """
且说宝玉来至贾母处，只见黛玉早已坐在那里。宝玉笑道：妹妹身上可大好了？黛玉道：多谢二哥哥挂念。
黛玉笑道：什么稀罕物儿。正说着，凤姐走来，说道：你们又在这里说什么体己话？宝玉忙道：凤姐姐来了，快坐。
凤姐道：我不坐了，老太太那里等着呢。说毕，便去了。黛玉问道：他是为什么事来的？宝玉道：谁知道呢。
"""
WELL = """
人物：
老张：打井的
小李：老张的徒弟

老张蹲在井边，点了一根烟。
小李从坡上跑下来，喊道：张叔，水上来没有？
老张说：没有。你急什么？
村长背着手走过来，问：还得几天？老张说：少说三天。
小李说：我再去挑两担水来。
"""


@pytest.mark.parametrize("story", [SHORT, WELL])
def test_a_short_story_is_no_script_though_names_stand_before_colons(story: str, tmp_path: Path) -> None:
    path = tmp_path / "story.txt"
    path.write_text(story, encoding="utf-8")
    assert choose(path, "auto") == "novel"


def test_each_of_several_speeches_in_a_paragraph_is_brought_in_for_itself() -> None:
    assert sure(SHORT)[-3:] == [
        ("凤姐", "我不坐了，老太太那里等着呢。"),
        ("黛玉", "他是为什么事来的？"),
        ("宝玉", "谁知道呢。"),
    ]
    assert ("老张", "少说三天。") in sure(WELL)


def test_a_cast_list_in_one_paragraph_with_its_script_is_no_reason_to_take_it_for_a_story(tmp_path: Path) -> None:
    path = tmp_path / "script.txt"
    path.write_text("人物：\n甲：马三\n乙：于四\n甲：来了？\n乙：来了。\n甲：坐。\n乙：不坐。\n", encoding="utf-8")
    assert choose(path, "auto") == "screenplay"
