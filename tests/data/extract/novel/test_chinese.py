"""Chinese novels of today: the teller and those at home, names that are common words, voices."""

import pytest

from offbook.data.extract.cue import SURE
from offbook.data.extract.novel import reader
from tests.data.extract.reading import cues, numbered


def turns(text: str) -> dict[str, str]:
    """What is said, and by whom the reader is sure that it is."""
    return {
        cue.text: "和".join(cue.speakers) if cue.confidence >= SURE else ""
        for cue in cues(reader.read, numbered(text.replace("|", "\n\n")))
    }


TAXI = """
“去哪儿？”我问。|“随便，”他说，“往前开。”|“那可没法打表。”我说。|我妈常说：“别跟客人多嘴。”可我还是问：“今天怎么了？”|
我老婆知道后骂我：“你傻啊！”|我的同桌小白说：“可惜了。”|“你们都怎么了？”我和小白同时问。|“完了。”小白喃喃道。
"""


def test_the_teller_his_family_and_he_are_different_people() -> None:
    assert turns(TAXI) == {
        "去哪儿？": "我",
        "随便，往前开。": "",
        "那可没法打表。": "我",
        "别跟客人多嘴。": "我妈",
        "今天怎么了？": "我",
        "你傻啊！": "我老婆",
        "可惜了。": "小白",
        "你们都怎么了？": "我和小白",
        "完了。": "小白",
    }


def test_a_common_word_behind_a_quoted_line_is_a_name() -> None:
    text = "“走吧。”陈默说。|“我也去！”高兴大声说。|高兴拉开椅子：“怎么，不欢迎？”|“欢迎。”陈默高兴地说。"
    assert list(turns(text).values()) == ["陈默", "高兴", "高兴", "陈默"]


@pytest.mark.parametrize(
    ("text", "speaker"),
    [
        ("洪七公“哦”了一声，道：“原来是他。”", "洪七公"),
        ("郭靖嗫嚅道：“原来是他。”", "郭靖"),
        ("洪七公哈哈一笑，道：“原来是他。”", "洪七公"),
        ("郭靖刚走到门口，就听见有人在身后喊：“原来是他。”", ""),
        ("郭靖刚走到门口，就听见洪七公在身后喊：“原来是他。”", "洪七公"),
        ("郭靖听见这话，说道：“原来是他。”", "郭靖"),
        ("洪七公想了想，只说了五个字：“原来是他。”", "洪七公"),
        ("郭靖打字：“原来是他。”", "郭靖"),
        ("“原来是他。”郭靖的声音从门外传来。", "郭靖"),
        ("“原来是他。”郭靖轻笑了起来。", "郭靖"),
        ("“原来是他。”郭靖的妈妈大声说。", "郭靖的妈妈"),
    ],
)
def test_who_speaks_is_told_from_what_he_does(text: str, speaker: str) -> None:
    before = "郭靖道：“晚辈不敢。”|洪七公道：“你师父是谁？”|郭靖道：“江南七怪。”|洪七公道：“很好。”|郭靖道：“是。”|"
    assert turns(before + text)["原来是他。"] == speaker


def test_what_one_person_says_in_a_paragraph_is_one_turn() -> None:
    text = (
        "“还记得吗？”周晓雨问。|“记得。”陈默说。“那家店，”他想了想。“早拆了。”|陈默看着雨。“可惜。”陈默叹道。“真可惜。”"
    )
    assert turns(text) == {"还记得吗？": "周晓雨", "记得。那家店。早拆了。": "陈默", "可惜。真可惜。": "陈默"}


@pytest.mark.parametrize(
    "text",
    [
        "陆青崖刚要迈步，忽有人叫道：“站住！”",
        "柳如烟吃了一惊，那人喝道：“站住！”",
        "陆青崖回过头来，身后一人冷冷地说：“站住！”",
        "陆青崖正要答话，一个沙哑的声音说道：“站住！”",
        "柳如烟拔剑在手，一个老者说道：“站住！”",
        "陆青崖正要坐下，店小二笑道：“站住！”",
        "忽听得一个清脆的声音道：“站住！”",
        "众人哗然。有人叫道：“站住！”",
    ],
)
def test_a_stranger_who_speaks_is_not_whoever_acts_before(text: str) -> None:
    before = "陆青崖道：“走罢。”|柳如烟道：“去哪里？”|"
    assert turns(before + text)["站住！"] == ""


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("一旁的柳如烟低声道：“别去。”", "别去。"),
        ("柳如烟合十道：“别去。”", "别去。"),
        ("柳如烟连说三个“不”字，又道：“别去。”", "别去。"),
        ("柳如烟先叫了一声“师父”，又向众人拱手：“别去。”", "师父，别去。"),
    ],
)
def test_a_name_is_told_from_what_stands_around_it(text: str, line: str) -> None:
    before = "陆青崖道：“走罢。”|柳如烟道：“去哪里？”|"
    assert turns(before + text)[line] == "柳如烟"


def test_what_somebody_does_while_speaking_is_no_part_of_the_name() -> None:
    home = (
        "我说：“要交学费了。”|娘头也没回，说：“多少？”|娘一边添柴一边说：“等你爹回来。”|妹妹低着头说：“我不念了。”|"
        "奶奶颤着声音说：“把我那对镯子卖了。”|妹妹头也不抬地说：“不要。”"
    )
    assert list(turns(home).values()) == ["我", "娘", "娘", "妹妹", "奶奶", "妹妹"]


def test_a_given_name_may_begin_as_a_conjunction_does() -> None:
    book = "“你来了。”若曦说。|可卿道：“二位好兴致。”|若曦笑道：“坐。”|若是这样说：“不好。”|可是又说：“不行。”"
    assert list(turns(book).values()) == ["若曦", "可卿", "若曦", "", ""]


def test_a_stranger_in_somebody_elses_paragraph_keeps_his_line() -> None:
    text = (
        "忽听得林中有人喝道：“站住！”秦朗勒马问道：“阁下是谁？”|柳姑娘抿嘴笑道：“是我。”|秦朗道：“哦。”|柳姑娘道：“哼。”|"
        "“八点，老地方。”秦朗秒回。"
    )
    assert list(turns(text).values()) == ["", "秦朗", "柳姑娘", "秦朗", "柳姑娘", "秦朗"]


def test_a_verb_and_its_object_between_two_lines_are_no_part_of_a_name() -> None:
    text = "秦朗道：“走。”|“来了。”秦朗扬鞭问道：“谁？”|秦朗道：“哦。”|柳叶道：“我。”"
    assert list(turns(text).values()) == ["秦朗", "秦朗", "秦朗", "柳叶"]


PALACE = """
太后道：“皇上今日来得早。”|皇上笑道：“给太后请安，路上遇见了令狐冲。”|“令狐冲？”将军问道。|“正是末将。”令狐冲说。|
太监躬身道：“陛下，有人求见。”|“叫他进来。”太后冷冷地说。|先生说道：“老夫告退。”|陛下道：“先生慢走。”|和尚道：“阿弥陀佛。”|
曾先生说：“于是就散了。”|于是又问：“散了么？”
"""


@pytest.mark.parametrize("book", [PALACE, PALACE.translate(str.maketrans("将军监问进来于", "將軍監問進來於"))])
def test_a_rank_is_somebody_though_it_begins_or_ends_like_an_adverb(book: str) -> None:
    speakers = list(turns(book).values())
    assert speakers[:2] + speakers[3:9] == [
        "太后",
        "皇上",
        "令狐冲",
        book[book.index("躬身") - 2 :][:2],
        "太后",
        "先生",
        "陛下",
        "和尚",
    ]
    assert speakers[9:] == ["曾先生", ""]


def test_what_somebody_is_told_to_think_behind_the_words_is_no_speech() -> None:
    book = """“风真大。”苏晚说。|“是啊。”陆沉道。|
“他知道多少？”苏晚心想。|“瞒不住了。”陆沉暗自思忖。|“不简单。”陆沉心中暗道。
“怎么办？”苏晚心里嘀咕。|“你想走吗？”陆沉想了想，问道。|“不想。”苏晚想都没想就说。|陆沉拆开信，上面写道：“勿念。”|『別理她。』苏晚心想。
“闭嘴。”苏晚在心里骂了一句。|陆沉在心里疯狂呼叫系统：“救命啊！”|苏晚暗骂：“混蛋。”
"""
    assert turns(book) == {"风真大。": "苏晚", "是啊。": "陆沉", "你想走吗？": "陆沉", "不想。": "苏晚"}


CAMP = """
却说操正在帐中，操大惊曰：“布来了？”荀彧曰：“陈宫在焉。”操曰：“如之奈何？”彧曰：“坚守。”布在马上大叫曰：“出来！”操谓众将曰：“谁去？”|
许褚应声曰：“某去！”布怒曰：“小儿！”陈宫谏曰：“有伏兵。”操笑谓荀彧曰：“中计。”彧曰：“善。”左右皆曰：“妙。”后人有诗曰：“二虎相争。”
"""


def test_a_name_of_one_character_speaks_in_the_old_books() -> None:
    speakers = ["操", "荀彧", "操", "彧", "布", "操", "许褚", "布", "陈宫", "操", "彧", "", ""]
    assert list(turns(CAMP).values()) == speakers


@pytest.mark.parametrize(
    ("text", "speaker"),
    [
        ("陆青崖身旁一人道：“站住！”", ""),
        ("陆青崖身后的弟子喝道：“站住！”", ""),
        ("只听得里间一人笑道：“站住！”", ""),
        ("走到陆青崖面前：“站住！”", ""),
        ("柳如烟走到陆青崖面前：“站住！”", "柳如烟"),
        ("柳如烟想起陆青崖说过的一句话：“站住！”", "陆青崖"),
        ("柳如烟压低声音道：“站住！”", "柳如烟"),
        ("柳如烟在一旁笑：“站住！”", "柳如烟"),
        ("“站住！”柳如烟微笑。", "柳如烟"),
        ("“站住！”柳如烟这样想着，走了出去。", ""),
    ],
)
def test_who_stands_there_is_told_from_who_speaks(text: str, speaker: str) -> None:
    before = "陆青崖道：“走罢。”|柳如烟道：“去哪里？”|"
    assert turns(before + text).get("站住！", "") == speaker


@pytest.mark.parametrize(
    ("text", "speaker"),
    [
        ("王志远冷冷地说：“站住！”", "王志远"),
        ("“站住！”王志远红着眼说。", "王志远"),
        ("“站住！”王志远猛地喝道。", "王志远"),
        ("王志远认真地说：“站住！”", "王志远"),
        ("“站住！”王志远微笑着说。", "王志远"),
        ("楼下张阿姨扯着嗓子喊：“站住！”", "楼下张阿姨"),
        ("“站住！”小敏抽抽搭搭地说。", "小敏"),
        ("“站住！”小敏不好意思地说。", "小敏"),
        ("妈妈以前总说：“站住！”", "妈妈"),
        ("小敏说：“好。”小敏有点不好意思，“站住！”", "小敏"),
    ],
)
def test_how_it_is_said_takes_nothing_of_a_name(text: str, speaker: str) -> None:
    lines = turns("陈雪道：“走罢。”|" + text)
    assert speaker in [name for words, name in lines.items() if "站住" in words]


@pytest.mark.parametrize(
    "text",
    [
        "柳如烟想说：“站住！”",
        "柳如烟没有说“站住！”",
        "柳如烟差点喊出来：“站住！”",
        "“站住！”柳如烟没说出口。",
        "有诗为证：“站住！”",
    ],
)
def test_what_somebody_does_not_say_is_no_speech(text: str) -> None:
    assert "站住！" not in turns("陆青崖道：“走罢。”|柳如烟想了想说：“去哪里？”|" + text)


def test_a_name_ends_before_where_its_bearer_goes() -> None:
    text = "朱贵走上厅来报道：“有人。”|宋江道：“且慢。”|林冲上楼来报道：“是我。”|李小飞走进门来笑道：“走。”"
    assert list(turns(text).values()) == ["朱贵", "宋江", "林冲", "李小飞"]
    text = "阿梅跑过来说：“等等我！”|柴进道：“好。”|鲁智深转过屏风来说：“洒家来也。”|老秦走上前去道：“慢些。”"
    assert list(turns(text).values()) == ["阿梅", "柴进", "鲁智深", "老秦"]
