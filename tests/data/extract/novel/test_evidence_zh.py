"""Modern Chinese novels: what tells who speaks where no verb of speech does, and the turns that nothing tells."""

import pytest

from offbook.data.extract.novel import reader
from offbook.data.extract.novel.evidence_zh import addresses
from offbook.data.extract.novel.names_zh import NameLexicon
from offbook.data.extract.novel.people_zh import PeopleZh
from tests.data.extract.reading import cues, numbered

SURE = 0.9

HARBOUR = """沈知秋推开码头的小门，海风把门又关上了。
顾长河坐在缆桩上补网，听见声音抬起头来。
“你怎么来了？”顾长河放下梭子，“天还没亮。”
“睡不着。”沈知秋在他旁边坐下，“船呢？”
“昨晚就走了。”
“走了？你没拦？”
“拦不住。”
沈知秋望着海面。顾长河重新拿起梭子。
“顾长河，你看着我。”沈知秋转过身来，“他走的时候说了什么？”
“他说春天回来。”
“哪一年的春天？”
顾长河没有答话。沈知秋站起来，拍了拍裙子。
“沈知秋。”顾长河叫住她，“网补好了，我陪你去找。”
“好。”
"""


def test_who_acts_within_a_sentence_that_goes_over_into_the_words_says_them() -> None:
    lines = {cue.text: cue for cue in cues(reader.read, numbered(HARBOUR))}
    for text, speaker in {
        "你怎么来了？天还没亮。": "顾长河",
        "睡不着。船呢？": "沈知秋",
        "顾长河，你看着我。他走的时候说了什么？": "沈知秋",
        "沈知秋。网补好了，我陪你去找。": "顾长河",
    }.items():
        assert lines[text].speaker == speaker
        assert lines[text].confidence >= SURE


def test_two_people_speak_by_turns_between_the_lines_that_name_them() -> None:
    lines = {cue.text: cue.speaker for cue in cues(reader.read, numbered(HARBOUR))}
    assert lines["昨晚就走了。"] == "顾长河"
    assert lines["走了？你没拦？"] == "沈知秋"
    assert lines["拦不住。"] == "顾长河"
    assert lines["他说春天回来。"] == "顾长河"
    assert lines["哪一年的春天？"] == "沈知秋"


@pytest.mark.parametrize(
    "line",
    [
        "“里面有人吗？”邮差推开门喊道，“有信。”",
        "“里面有人吗？有信。”一个老人问。",
        "“里面有人吗？”有人喊，“有信。”",
    ],
)
def test_a_stranger_is_none_of_those_who_talk(line: str) -> None:
    lines = cues(reader.read, numbered(HARBOUR.replace("“哪一年的春天？”", line)))
    stranger = next(cue for cue in lines if cue.text.startswith("里面有人吗"))
    assert stranger.speakers == ()


def test_a_paragraph_is_one_persons_turn_although_a_pronoun_stands_in_it() -> None:
    text = HARBOUR.replace("“哪一年的春天？”", "“哪一年？”她望着窗外，半天没有动。“春天有很多。”")
    lines = {cue.text: cue.speaker for cue in cues(reader.read, numbered(text))}
    assert lines["哪一年？春天有很多。"] == "沈知秋"


@pytest.mark.parametrize("silence", ["没有回答", "沉默了很久", "低着头不说话"])
def test_who_does_not_answer_is_spoken_to(silence: str) -> None:
    text = HARBOUR.replace("“哪一年的春天？”", f"“哪一年的春天？”顾长河{silence}。")
    lines = {cue.text: cue for cue in cues(reader.read, numbered(text))}
    assert lines["哪一年的春天？"].speaker == "沈知秋"


@pytest.mark.parametrize(
    ("speech", "expected"),
    [
        ("师兄，等等我。", ("师兄",)),
        ("你少来这套，胖子！", ("胖子",)),
        ("嗯，我知道了。", ()),
        ("师兄来了。", ()),
        ("谢谢，不用。", ()),
    ],
)
def test_forms_of_address_are_short_words_set_off(speech: str, expected: tuple[str, ...]) -> None:
    assert addresses(speech) == expected


def people_of(*names: str) -> PeopleZh:
    lexicon = NameLexicon()
    for name in names:
        for verb in ("笑道：", "问道：", "叹道："):
            lexicon.count_before(name + verb)
    lexicon.finish(100)
    people = PeopleZh(lexicon)
    people.finish()
    return people


def test_a_given_name_alone_is_the_same_person() -> None:
    people = people_of("苏晓棠", "晓棠", "韩铮")
    assert people.label("晓棠") == "苏晓棠"
    assert people.label("韩铮") == "韩铮"


@pytest.mark.parametrize(
    ("call", "whom"), [("苏晓棠", "苏晓棠"), ("晓棠", "苏晓棠"), ("小棠", "苏晓棠"), ("韩队", "韩铮"), ("孩子", "")]
)
def test_a_form_of_address_may_be_a_part_of_a_name_or_a_surname_and_title(call: str, whom: str) -> None:
    assert people_of("苏晓棠", "韩铮").called(call) == whom


def test_the_gender_of_a_name_is_that_of_the_pronouns_that_take_it_up() -> None:
    people = people_of("苏晓棠", "韩铮", "程念")
    assert people.gender("苏晓棠") == "f"  # 棠
    assert people.gender("程念") == ""
    for _ in range(3):
        people.count_pronoun("程念", "m")
        people.count_pronoun("苏晓棠", "m")
    assert people.gender("程念") == people.gender("苏晓棠") == "m"
    assert people.gender("二婶") == "f"
    assert people.gender("我") == "I"
