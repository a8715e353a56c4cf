"""Chinese screenplays: one with every oddity, and the layouts that people write them in."""

from typing import Any

import pytest

from offbook.data.extract.cue import SURE
from offbook.data.extract.script import play, screenplay
from tests.data.extract.reading import cues, fixture, left, numbered, texts


@pytest.fixture(scope="module")
def script() -> Any:
    return fixture("screenplay.txt")


def test_every_cue_of_the_script_has_its_speaker_words_and_line(script: Any) -> None:
    result = [(cue.line, "/".join(cue.speakers), cue.text) for cue in cues(screenplay.read, script)]
    assert result == [
        (21, "沈如霜", "这雪，下了三日了。"),
        (22, "芸香", "小主，夜深了，喝口热茶吧。"),
        (23, "沈如霜", "搁着吧。你听，外头是不是有人？"),
        (25, "芸香", "奴婢去瞧瞧。"),
        (27, "沈如霜", "十二点半了……不对，是12:30的那趟更鼓。"),
        (28, "皇上", "怎么还不睡？"),
        (29, "沈如霜", "皇上？！臣妾给皇上请安。"),
        (30, "皇上", "免了。"),
        (30, "沈如霜", "谢皇上。"),
        (
            31,
            "皇上",
            "朕今日批折子，批到一半，忽然想起一句话。\n那年杏花微雨，你说你是果郡王府的人。\n朕记了很久，却从来没有问过你。",
        ),
        (35, "沈如霜", "臣妾……"),
        (36, "沈如霜", "臣妾不敢欺瞒皇上。"),
        (37, "皇上", "不敢？"),
        (38, "芸香/苏培", "皇上息怒！"),
        (39, "众人", "皇上息怒！"),
        (41, "沈如霜", "臣妾愿一力承担。"),
        (48, "士兵甲", "站住！什么人？"),
        (49, "士兵乙", "口令！"),
        (50, "路人2", "别、别动手，我是送菜的。"),
        (51, "士兵甲", "送菜的？"),
        (52, "路人2", "是，小的姓王。"),
        (54, "士兵甲/士兵乙", "滚！"),
        (55, "沈如霜", "慢着。你抬起头来。"),
        (57, "沈如霜", "是你？"),
        (62, "太后", "哀家听说，昨夜皇上去了你那里？"),
        (63, "沈如霜", "回太后的话，皇上只坐了一盏茶的工夫。"),
        (64, "Mary Chen", "She is lying."),
        (65, "沈如霜", "You misjudge me."),
        (66, "苏培", "太后，比分是3:2，啊不，时辰是三更。"),
        (67, "太后", "罢了。都下去吧。"),
    ]


def test_what_is_no_speech_is_left_and_says_why(script: Any) -> None:
    assert left(screenplay.read, script) == {
        "narration": [1, 42, 58],
        "note or narration": [3, 4, 5, 6, 47, 53],
        "cast list": [8, 9, 10, 11, 12],
        "heading": [14, 16, 44, 60],
        "stage direction": [18, 19, 26, 46, 61, 68],
        "nothing said": [56],
    }


def test_scenes_are_named_after_part_act_and_scene(script: Any) -> None:
    scenes = list(dict.fromkeys(cue.scene for cue in cues(screenplay.read, script)))
    act = "第一集, 第1幕　碎云轩　夜　内"
    assert scenes == [act, f"{act} (2)", f"{act}, 1-2 日 外 御花园", f"{act}, 场景三：宁安宫"]


def test_actions_stay_where_they_stood_for_who_wants_them(script: Any) -> None:
    acted = {cue.line: cue.acted for cue in cues(screenplay.read, script) if cue.acted}
    assert acted[23] == "（接过茶，低头）搁着吧。你听，外头是不是有人？"
    assert acted[29] == "皇上？！【惊起】臣妾给皇上请安。"
    assert acted[37] == "（冷笑）不敢？"
    assert 21 not in acted


def test_a_name_that_stands_once_is_believed_a_little_less(script: Any) -> None:
    sure = {cue.speaker: cue.confidence for cue in cues(screenplay.read, script)}
    assert sure["沈如霜"] == 1.0
    assert SURE <= sure["Mary Chen"] < 1.0


LAYOUTS = {
    "name and space": (
        """
第二幕
〔周公馆客厅。午后，闷热。
〔四凤由外面轻轻地跑进来。
周萍　（回头）凤儿！
四凤　不，（推开他）不，不。
周萍　没有，凤，你坐下。
　　　（推她到沙发坐下）
四凤　（坐下，叹一口长气）总是这样偷偷摸摸的。
　　　你连叫我都不敢叫。
周　萍　哦。
""",
        [
            ("周萍", "凤儿！"),
            ("四凤", "不，不，不。"),
            ("周萍", "没有，凤，你坐下。"),
            ("四凤", "总是这样偷偷摸摸的。\n你连叫我都不敢叫。"),
            ("周萍", "哦。"),
        ],
    ),
    "name on a line of its own": (
        """
1. 内景 咖啡馆 日

李雷坐在窗边，搅着一杯早已凉透的咖啡。

李雷
（没有抬头）
你迟到了。

韩梅梅
路上堵车。

李雷
每次都堵车。
每次都是你。

韩梅梅把包放在椅子上。

韩梅梅（画外音）
我没想到他会等这么久。
""",
        [
            ("李雷", "你迟到了。"),
            ("韩梅梅", "路上堵车。"),
            ("李雷", "每次都堵车。\n每次都是你。"),
            ("韩梅梅", "我没想到他会等这么久。"),
        ],
    ),
    "name in brackets": (
        """
【林黛】你今天怎么来了？
【王强】路过，顺便看看你。
（沉默）
【林黛】（冷笑）顺便？
【转场】
【王强】我说错话了。
【旁白】窗外下起了雨。
【林黛】下雨了。
""",
        [
            ("林黛", "你今天怎么来了？"),
            ("王强", "路过，顺便看看你。"),
            ("林黛", "顺便？"),
            ("王强", "我说错话了。"),
            ("林黛", "下雨了。"),
        ],
    ),
    "markdown": (
        """
# 雨夜

## 第一场

*（雨声）*

**阿澈**：你听。

**小岛**（靠近窗）：听什么？

**阿澈**：*（压低声音）* 有人在敲门。
不是风。

---

> **邮差**：是我，送信的！
- **阿澈**：这么晚？
**邮差**：加急的。
""",
        [
            ("阿澈", "你听。"),
            ("小岛", "听什么？"),
            ("阿澈", "有人在敲门。\n不是风。"),
            ("邮差", "是我，送信的！"),
            ("阿澈", "这么晚？"),
            ("邮差", "加急的。"),
        ],
    ),
    "a blank line after every line, directions unmarked": (
        """
第一集

王总：这个方案谁做的？

小李站了起来，脸涨得通红。

小李：是我，王总。

王总（把文件摔在桌上）：重做。

小李：可是客户已经签字了。

众人面面相觑。

王总：我说重做！

你听不懂吗？
""",
        [
            ("王总", "这个方案谁做的？"),
            ("小李", "是我，王总。"),
            ("王总", "重做。"),
            ("小李", "可是客户已经签字了。"),
            ("王总", "我说重做！\n你听不懂吗？"),
        ],
    ),
    "table": (
        """
| 角色 | 台词 |
|---|---|
| 甲 | 今天我们说个相声。 |
| 乙 | 说什么呢？ |
| 甲 | 说说吃。 |
| 乙 | 这个我在行。 |
""",
        [("甲", "今天我们说个相声。"), ("乙", "说什么呢？"), ("甲", "说说吃。"), ("乙", "这个我在行。")],
    ),
    "numbered": (
        """
001 【特写】桌上的信
002 周芷：这信是谁写的？
003 陆衡：不知道。没有署名。
004 周芷（OS）：他在撒谎。
005 陆衡：（VO）那天我确实撒了谎。
""",
        [
            ("周芷", "这信是谁写的？"),
            ("陆衡", "不知道。没有署名。"),
            ("周芷", "他在撒谎。"),
            ("陆衡", "那天我确实撒了谎。"),
        ],
    ),
    "cast list with colons": (
        """
游園夢

主要角色

錢夫人:錢將軍夫人，藝名玉生
竇夫人:竇府女主人
程參謀:竇府隨從

旁白:今日竇府大宴賓客。

竇夫人:參謀，我還是有點兒擔心。
程參謀:夫人請放心。
劉　福 :夫人，車到了。
程參謀:(陪笑)夫人這邊請。
劉　福 :是。
""",
        [
            ("竇夫人", "參謀，我還是有點兒擔心。"),
            ("程參謀", "夫人請放心。"),
            ("劉福", "夫人，車到了。"),
            ("程參謀", "夫人這邊請。"),
            ("劉福", "是。"),
        ],
    ),
    "opera": (
        """
诸葛亮　　（白）　　山人，诸葛亮。
（西皮慢板）我本是卧龙岗散淡的人，
　　　　　　论阴阳如反掌保定乾坤。
司马懿　　（白）　　果然是座空城。
诸葛亮　　（笑）　　啊哈哈哈！
司马懿　　（白）　　众将官，兵退四十里！
""",
        [
            ("诸葛亮", "山人，诸葛亮。\n我本是卧龙岗散淡的人，论阴阳如反掌保定乾坤。"),
            ("司马懿", "果然是座空城。"),
            ("诸葛亮", "啊哈哈哈！"),
            ("司马懿", "众将官，兵退四十里！"),
        ],
    ),
    "no mark but a bracket": (
        """
周朴园(苦痛)哦!
鲁侍萍(抬头)老爷。
周朴园 你是谁?
鲁侍萍 我是侍萍。
""",
        [("周朴园", "哦!"), ("鲁侍萍", "老爷。"), ("周朴园", "你是谁?"), ("鲁侍萍", "我是侍萍。")],
    ),
    "words on the next line": (
        """
甄嬛：
臣妾不敢。

皇上：
为何不敢？
你说。

甄嬛：
（低头）
臣妾有罪。
""",
        [("甄嬛", "臣妾不敢。"), ("皇上", "为何不敢？\n你说。"), ("甄嬛", "臣妾有罪。")],
    ),
    "pasted from a chat window": (
        """
张三 2021/1/1 12:00:00
在吗

李四 2021/1/1 12:00:30
在的

张三 2021/1/1 12:01:00
没事
""",
        [("张三", "在吗"), ("李四", "在的"), ("张三", "没事")],
    ),
    "pasted from a web page": (
        """
<p><b>小美</b>：早呀</p>
<p><b>大壮</b>（笑）：早！</p>
<p><b>小美</b>：吃了吗</p>
""",
        [("小美", "早呀"), ("大壮", "早！"), ("小美", "吃了吗")],
    ),
    "transcript": (
        """
[00:00:01] Host: Welcome back to the show.
[00:00:04] Dr. Smith: Thanks for having me.
[00:00:09] Host: So, tell us: what happened at 12:30?
[00:00:15] Dr. Smith: We saw http://example.com go down.
""",
        [
            ("Host", "Welcome back to the show."),
            ("Dr. Smith", "Thanks for having me."),
            ("Host", "So, tell us: what happened at 12:30?"),
            ("Dr. Smith", "We saw http://example.com go down."),
        ],
    ),
}


@pytest.mark.parametrize(("text", "expected"), LAYOUTS.values(), ids=LAYOUTS)
def test_a_layout_is_learned_from_the_script(text: str, expected: Any) -> None:
    assert texts(screenplay.read, text) == expected


@pytest.mark.parametrize("colon", [":", "：", " ：", "︰", "﹕"])
def test_every_colon_parts_name_and_words(colon: Any) -> None:
    text = f"甲{colon}你好\n乙{colon}你也好"
    assert texts(screenplay.read, text) == [("甲", "你好"), ("乙", "你也好")]


def test_prose_with_colons_names_no_speaker() -> None:
    text = """
甲：走吧。
乙：等一等。
他心里明白了一件一直不愿意承认的事情：晚了。
官网：https://example.com/a?b=c:80
12:30，火车开了。
甲：走吧。
"""
    assert texts(screenplay.read, text) == [("甲", "走吧。"), ("乙", "等一等。"), ("甲", "走吧。")]


def test_several_cues_share_a_line_only_outside_quotation() -> None:
    text = "甲：你好。 乙：你也好。\n甲：他说“滚。乙：滚。”就走了。\n乙：哦。"
    assert texts(screenplay.read, text) == [
        ("甲", "你好。"),
        ("乙", "你也好。"),
        ("甲", "他说“滚。乙：滚。”就走了。"),
        ("乙", "哦。"),
    ]


def test_after_a_blank_line_a_bare_line_is_narration_however_it_sounds() -> None:
    text = """
甲：走吧。
乙：去哪？
（雨声）

我们看见两个人消失在雨里！

甲：海边。
乙：好。
"""
    assert texts(screenplay.read, text) == [("甲", "走吧。"), ("乙", "去哪？"), ("甲", "海边。"), ("乙", "好。")]


def test_a_direction_over_several_lines_is_left_whole() -> None:
    text = "甲：走吧。\n（甲下，\n乙独自坐着，\n灯渐暗）\n乙：走了。\n甲：嗯。"
    assert left(screenplay.read, numbered(text)) == {"stage direction": [2, 3, 4]}
    assert texts(screenplay.read, text)[1] == ("乙", "走了。")


def test_a_bracket_that_never_closes_does_not_swallow_the_script() -> None:
    text = "甲：走吧。\n（灯暗\n\n乙：走了。\n甲：嗯。\n乙：好。"
    assert [speaker for speaker, _ in texts(screenplay.read, text)] == ["甲", "乙", "甲", "乙"]


@pytest.mark.parametrize(
    ("text", "talk"),
    [
        (
            "○　浜・夜\n太郎「灯は？」\nハナ「点いた」\n太郎「よし」\nハナ「寒いね」",
            ["灯は？", "点いた", "よし", "寒いね"],
        ),
        ("太郎> 灯は？\n花子> 点いた\n太郎> よし\n花子> 寒いね", ["灯は？", "点いた", "よし", "寒いね"]),
        ("**Mara:** Lit?\n\n**Odd:** Yes.\n\n**Mara:** Dry?\n\n**Odd:** Quite.", ["Lit?", "Yes.", "Dry?", "Quite."]),
        ("阿澈：\n灯亮了\n老汤：\n马上：五分钟\n阿澈：\n好\n老汤：\n到了", ["灯亮了", "马上：五分钟", "好", "到了"]),
    ],
    ids=["corners", "an angle", "bold with its colon", "a colon in a speech below its name"],
)
def test_a_name_in_another_dress(text: str, talk: list[str]) -> None:
    result = texts(screenplay.read, text)
    assert [words for _, words in result] == talk
    assert len({name for name, _ in result}) == 2
    assert max(screenplay.looks_like(text.split("\n")), play.looks_like(text.split("\n"))) > 0.5


def test_a_corner_bracket_tells_where_a_speech_ends() -> None:
    script = (
        "太郎「灯は？\n　まだか」\n　　ハナ、窓を見る。\nハナ「点いた」\n　　霧が晴れる。\n太郎「よし」\n"
        "太郎Ｍ「遅い」\nハナ「うん」\nハナの声「寒い」"
    )
    spoken = [("太郎", "灯は？\nまだか"), ("ハナ", "点いた"), ("太郎", "よし"), ("太郎", "遅い")]
    spoken += [("ハナ", "うん"), ("ハナ", "寒い")]
    assert texts(screenplay.read, script) == spoken


@pytest.mark.parametrize(
    ("asks", "answers"), [("Q", "A"), ("Interviewer", "Ada Voss"), ("记者", "老周"), ("Frage", "Antwort")]
)
def test_in_an_interview_a_paragraph_without_a_name_goes_on_with_the_answer(asks: str, answers: str) -> None:
    text = (
        f"{asks}: When was the pier built?\n\n{answers}: In the year of the flood.\n\nThe stones came later.\n\n"
        f"{asks}: And the crane?\n\n{answers}: Never.\n\n{asks}: Thank you.\n\n{answers}: Goodbye.\n"
    )
    assert [cue.text for cue in cues(screenplay.read, numbered(text)) if cue.speaker == answers] == [
        "In the year of the flood.\nThe stones came later.",
        "Never.",
        "Goodbye.",
    ]


def test_a_script_may_begin_in_the_layout_of_a_printed_one_and_go_on_with_names_before_colons() -> None:
    text = """
INT. CABIN - NIGHT

                    TOM
          Is the lamp out?

The hull groans.

                    MARA (O.S.)
               (yawning)
          Since four.

CONTINUED:

Tom: Then who lit it?
Mara: Nobody did.
Tom: I saw it burn.
Mara: You saw the moon."""
    assert texts(screenplay.read, text) == [
        ("Tom", "Is the lamp out?"),
        ("Mara", "Since four."),
        ("Tom", "Then who lit it?"),
        ("Mara", "Nobody did."),
        ("Tom", "I saw it burn."),
        ("Mara", "You saw the moon."),
    ]


def test_a_voice_that_is_heard_alone_may_have_its_name_above_in_a_script_of_colons() -> None:
    text = "陆远：去拿。\n阿澈：没油了。\n陆远（os）\n他不会回来了。\n阿澈：我回来了。\n陆远：真的？"
    assert texts(screenplay.read, text)[2:4] == [("陆远", "他不会回来了。"), ("阿澈", "我回来了。")]


def test_a_name_set_wide_before_a_colon_stays_whole_in_a_script_of_gaps() -> None:
    text = "林　砚　　谁？\n苏晚晴　　是我，快开门！\n林　砚　　你怎么来了？\n苏晚晴　　船停了。\n林　砚：先烤火。"
    assert texts(screenplay.read, text)[-1] == ("林砚", "先烤火。")


def test_a_voice_is_its_owner_s() -> None:
    text = "Mara: Who is there?\n\nTom: Only me.\n\nMara: Late.\n\nTom: No.\n\nMara's voice: Come up!"
    assert texts(screenplay.read, text)[-1] == ("Mara", "Come up!")
    assert texts(screenplay.read, "林砚：谁？\n苏晚晴：我。\n林砚：进。\n苏晚晴的声音：灯！")[-1] == ("苏晚晴", "灯！")


def test_what_dice_show_is_nobody_s() -> None:
    text = (
        "GM: A door.\nMara: I knock.\n[ROLL] Strength: 9 + 3 = 12\nGM: It opens.\n[检定] 力量：18（成功）\nMara: Good."
    )
    assert texts(screenplay.read, text) == [
        ("GM", "A door."), ("Mara", "I knock."), ("GM", "It opens."), ("Mara", "Good."),
    ]  # fmt: skip


def test_clues_and_tasks_of_a_murder_mystery_are_nobody_s() -> None:
    text = "林砚：谁动过我的钥匙？\n苏晚晴：你自己丢的。\n线索卡1：半张船票\n林砚：谁？\n任务：找出真凶\n苏晚晴：猜的。"
    assert {name for name, _ in texts(screenplay.read, text)} == {"林砚", "苏晚晴"}


def test_a_direction_behind_a_triangle_on_a_speechs_line_is_not_spoken() -> None:
    script = "李雷：下雨了。\n韩梅梅：我带伞了。△她撑开伞。\n李雷：一起？\n韩梅梅：好。"
    assert texts(screenplay.read, script)[1] == ("韩梅梅", "我带伞了。")


def test_who_speak_at_once_stand_above_each_other_with_a_gap_in_their_names() -> None:
    script = "周　明　怎么还不来？\n阿　秀　来了。\n周　明　不去。\n阿　秀\n老王头　（同时）哎呀！\n老王头　走吧。"
    assert texts(screenplay.read, script)[-2:] == [("阿秀 & 老王头", "哎呀！"), ("老王头", "走吧。")]


def test_what_a_speaker_in_capitals_does_is_not_spoken() -> None:
    script = "(Küche.)\nHEINZ: Hier.\nJulie zündet eine Kerze an.\nJULIE: Da. (Pause.)\nHEINZ: (leise) Gut.\nJULIE: Ja."
    assert [text for _, text in texts(screenplay.read, script)] == ["Hier.", "Da.", "Gut.", "Ja."]


ROLE_PLAY = """
Mara: *leans on the door* You're late. *she sighs*
Tom: "It rained." *He shakes his coat.* "Is there soup?"
Mara: **Was.** *smiles* You *never* listen. I *mean* it.
Tom: I do! *grins widely* See? *Really.*
"""


def test_what_is_done_between_asterisks_and_sentences_is_not_spoken_and_what_is_stressed_is() -> None:
    assert texts(screenplay.read, ROLE_PLAY) == [
        ("Mara", "You're late."),
        ("Tom", '"It rained." "Is there soup?"'),
        ("Mara", "Was. You never listen. I mean it."),
        ("Tom", "I do! See? Really."),
    ]
    chinese = "沈砚：你来了。*叹了口气*坐吧。\n林小鱼：*笑*我来了！\n沈砚：嗯。\n林小鱼：好。*接过杯子*"
    assert [text for _, text in texts(screenplay.read, chinese)] == ["你来了。坐吧。", "我来了！", "嗯。", "好。"]


def test_who_made_a_radio_play_and_its_sounds_say_nothing() -> None:
    text = "顾川：你还没走？\n沈迟：等你。\nSE：脚步声\n（报幕）：第一幕完。\n顾川：走。\n沈迟：好。\n"
    text += "—— 片尾 ——\n策划：小满\nCV：林一\n"
    assert [name for name, _ in texts(screenplay.read, text)] == ["顾川", "沈迟", "报幕", "顾川", "沈迟"]


def test_quotations_with_an_action_between_them_lose_their_marks() -> None:
    text = "顾川：“你还没走？”\n沈迟：“等你。”（抬头）“下雨了。”\n顾川：“嗯。”\n沈迟：他说“好”。\n"
    spoken = texts(screenplay.read, text)
    assert spoken[1] == ("沈迟", "等你。下雨了。")
    assert spoken[3] == ("沈迟", "他说“好”。")


def test_a_list_of_people_goes_by_several_titles() -> None:
    text = "人物小传\n顾川：男，三十岁。\n沈迟：女，灯塔守。\n\n第一场\n顾川：你还没走？\n沈迟：等你。\n"
    assert texts(screenplay.read, text) == [("顾川", "你还没走？"), ("沈迟", "等你。")]


def test_a_beat_is_not_said() -> None:
    text = "ANNA: Late?\nHUGO: No.\nBeat.\nANNA: Well.\nHUGO: Well.\n"
    assert [words for _, words in texts(screenplay.read, text)] == ["Late?", "No.", "Well.", "Well."]


def test_a_direction_that_says_who_sings_gives_the_word() -> None:
    script = """
老王：今天没人来。
小李：下雨呢。
（老王唱）
一壶浊酒喜相逢，
古今多少事。
小李：又唱上了。
（小李唱）大江东去。
老王：跑调了。
（小李念）浪淘尽。
老王：行了。
"""
    assert texts(screenplay.read, script) == [
        ("老王", "今天没人来。"),
        ("小李", "下雨呢。"),
        ("老王", "一壶浊酒喜相逢，古今多少事。"),
        ("小李", "又唱上了。\n大江东去。"),
        ("老王", "跑调了。"),
        ("小李", "浪淘尽。"),
        ("老王", "行了。"),
    ]


def test_a_name_in_brackets_may_have_a_note_in_others_beside_it() -> None:
    script = "【老王】\n灯亮了吗？\n\n【小李】（摇头）\n还没有。\n\n【老王】\n那就点上。\n\n【小李】\n没火柴。"
    assert texts(screenplay.read, script) == [
        ("老王", "灯亮了吗？"),
        ("小李", "还没有。"),
        ("老王", "那就点上。"),
        ("小李", "没火柴。"),
    ]


def test_two_names_above_what_both_say_are_a_label_among_others_with_a_colon() -> None:
    script = "MARA: Is it lit?\nTOM: No.\nMARA AND TOM\n(together)\nWho did it?\nMARA: Not me.\nTOM: Nor me."
    assert texts(screenplay.read, script)[2] == ("MARA & TOM", "Who did it?")
