"""Quality: each fault is counted with examples, judged, and can be taken out."""

from typing import Any

import pytest

from offbook.core.types import Conversation, Origin, Turn
from offbook.data import loading
from offbook.data.checks import CHECKS
from offbook.data.quality import deduplicate, inspect, report
from tests.data.made import row_of
from tests.paths import shared_file

CLEAN = [
    row_of(
        f"第{number}个问题是什么{chr(0x4E00 + number * 7)}？",
        chr(0x5000 + number * 11) * 3 + f"的答案{chr(0x7000 + number)}",
    )
    for number in range(300)
]


def finding(name: str, rows: list[Conversation]) -> Any:
    return next((result for result in inspect(rows).findings if result.name == name), None)


def test_clean_rows_are_good() -> None:
    result = inspect(CLEAN)
    assert (result.findings, result.level, result.reasons, result.verdict) == ((), "good", (), "good")
    assert result.sources == {"lines.jsonl": 300}


def test_few_rows_are_usable_and_very_few_are_not_yet() -> None:
    assert inspect(CLEAN[:100]).verdict == "usable: 100 different rows are few for a character"
    assert inspect(CLEAN[:5]).level == "not yet"
    assert inspect(CLEAN[:5] * 100).reasons[0] == "5 different rows are few for a character"


def bad_rows(*pairs: tuple[str, str]) -> list[Conversation]:
    return [row_of(prompt, reply, line=number) for number, pair in enumerate(pairs, 5) for prompt, reply in [pair]]


FAULTS = {
    "duplicates": (bad_rows(*[("皇上驾到！", "皇上万福金安。")] * 3), "皇上驾到！\n皇上万福金安。 ×3"),
    "near_duplicates": (
        bad_rows(("来人啊来人啊", "把她给本宫拖下去"), ("来人啊来人啊！", "把她给本宫拖下去吧")),
        "来人啊来人啊！\n把她给本宫拖下去吧 ≈ 来人啊来人啊\n把她给本宫拖下去",
    ),
    "conflicts": (
        bad_rows(("你是谁？", "甄嬛。"), ("你是谁？", "莞嫔。"), ("你是谁？", "甄嬛。")),
        "你是谁？ ×3: 甄嬛。 | 莞嫔。",
    ),
    "stock_replies": (
        bad_rows(("甲说", "臣妾不知。"), ("乙说", "臣妾不知。"), ("丙说", "臣妾不知。")),
        "臣妾不知。 ×3: 甲说 | 乙说",
    ),
    "short_replies": (bad_rows(("可好？", "好的。")), "好的。"),
    "long_replies": (bad_rows(("说来听听", "从前有一座山" * 200)), "从前有一座山" * 10),
    "foreign_replies": (bad_rows(("你好吗", "I am very well, thank you")), "I am very well, thank you"),
    "own_lines": (
        bad_rows(("皇上说：臣妾做不到啊。", "臣妾做不到啊")),
        "皇上说：臣妾做不到啊。 → 臣妾做不到啊",
    ),
    "markup": (bad_rows(("你<b>好</b>", "本宫很好")), "你<b>好</b>\n本宫很好"),
    "unbalanced": (bad_rows(("你好", "他说：“走吧")), "他说：“走吧"),
    "special_tokens": (bad_rows(("你好", "本宫很好<|im_end|>")), "你好\n本宫很好<|im_end|>"),
    "placeholders": (bad_rows(("你叫什么？", "我叫{{char}}。")), "我叫{{char}}。"),
    "personal_data": (bad_rows(("电话？", "请打13800138000")), "电话？\n请打13800138000"),
}


@pytest.mark.parametrize("name", CHECKS)
def test_every_fault_is_found_with_an_example(name: str) -> None:
    bad, text = FAULTS[name]
    result = finding(name, CLEAN + bad)
    assert result is not None
    assert (result.count, result.title) == (2 if name == "duplicates" else 1, CHECKS[name].title)
    assert result.examples[0].text == text
    assert result.examples[0].origin in [row.origin for row in bad]
    assert result.effect
    assert result.fix
    assert finding(name, CLEAN) is None


def test_a_finding_gives_three_examples_and_the_share_of_rows() -> None:
    rows = CLEAN[:190] + [row_of(f"问{n}", "好", line=n) for n in range(10)]
    result = finding("short_replies", rows)
    assert len(result.examples) == 3
    assert result.share == pytest.approx(10 / 200)


def test_the_share_decides_the_verdict() -> None:
    def level(count: int) -> str:
        return inspect(CLEAN + [row_of("甲", "甲乙丙丁戊己庚辛<br>")] * count).level

    assert [level(count) for count in (0, 4, 100, 300)] == ["good", "usable", "usable", "not yet"]


def test_special_tokens_are_never_good() -> None:
    result = inspect([*CLEAN, row_of("你好", "本宫很好</s>")])
    assert result.verdict == "usable: 1 rows hold control tokens, escapes such as \\n, or unseen characters"


def test_the_report_is_plain_data() -> None:
    rows = [*CLEAN, row_of("你好", "本宫很好</s>", line=9)]
    text_report = report(rows)
    assert (text_report["duplicates"], text_report["conflicts"], text_report["level"]) == (0, 0, "usable")
    assert text_report["findings"][0]["examples"] == [{"origin": "lines.jsonl:9", "text": "你好\n本宫很好</s>"}]
    assert sum(bar["count"] for bar in text_report["reply_lengths"]) == 301


def test_the_system_prompt_is_no_fault() -> None:
    rows = [
        Conversation((Turn("system", "<b>扮演</b>"), *row.turns), Origin("lines.jsonl", number))
        for number, row in enumerate(CLEAN, 1)
    ]
    assert inspect(rows).verdict == "good"


def in_context(*texts: str, line: int = 1) -> Conversation:
    """Turns of user and character by turns; the replies before the last are only read."""
    turns = [Turn("user" if place % 2 == 0 else "assistant", text, weight=0) for place, text in enumerate(texts[:-1])]
    turns = [Turn(turn.role, turn.text, turn.role == "user") for turn in turns]
    return Conversation((*turns, Turn("assistant", texts[-1])), Origin("lines.jsonl", line))


def test_context_that_is_only_read_makes_no_copies() -> None:
    scene = [f"{chr(0x5000 + number * 13) * 2}说的第{number}句话，很长很长" for number in range(12)]
    rows = [in_context(*scene[start : start + 6]) for start in (0, 2, 4, 6)]
    assert inspect(rows).count("near_duplicates") == 0
    assert deduplicate(rows, "near") == rows
    again = in_context("另一个场景", "完全不同", *scene[4:6])
    assert inspect([*rows, again]).count("near_duplicates") == 1
    assert deduplicate([*rows, again], "near") == rows


def test_thin_keeps_the_first_of_several() -> None:
    rows = [
        row_of("来人啊来人啊", "把她给本宫拖下去", line=1),
        row_of("你是谁？", "甄嬛。", line=2),
        row_of("来人啊来人啊", "把她给本宫拖下去", line=3),
        row_of("来人啊，来人啊！", "把她给本宫拖下去吧", line=4),
        row_of("你是谁？", "莞嫔。", line=5),
        row_of("", "谁在那里？", line=6),
        row_of("", "无人应答。", line=7),
        row_of("你是谁", "本宫。", line=8),
    ]

    def lines(*options: Any) -> list[int]:
        return [row.origin.line for row in deduplicate(rows, *options)]

    assert lines() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert lines("exact") == [1, 2, 4, 5, 6, 7, 8]
    assert lines("near") == [1, 2, 5, 6, 7, 8]
    assert lines("off", 2) == [1, 2, 3, 5, 6, 7]
    assert lines("exact", 1) == [1, 2, 6, 7]


def test_near_dedupe_takes_out_what_the_report_counts() -> None:
    rows = CLEAN + [row_of(row.prompt + "啊", *row.replies) for row in CLEAN[:20]] + CLEAN[:7]
    before = inspect(rows)
    kept = deduplicate(rows, "near")
    assert len(rows) - len(kept) == before.count("duplicates") + before.count("near_duplicates") == 27
    assert inspect(kept).verdict == "good"


def test_the_tutorials_rows() -> None:
    result = inspect(loading.load([shared_file("data/huanhuan.json")]).conversations)
    assert result.rows == 3729
    assert result.count("duplicates") == 112
    assert result.count("conflicts") == 50
    assert result.verdict == "usable: 112 rows repeat an earlier one word for word"
    conflicts = next(finding for finding in result.findings if finding.name == "conflicts")
    assert conflicts.examples[0].text.startswith("你是谁？ ×51: 我是甄嬛，家父是大理寺少卿甄远道。 | ")


def test_a_japanese_reply_may_be_in_kanji_alone() -> None:
    rows = [row_of("灯は？", "四時からついてるわ。"), row_of("船は？", "もう出たわ。"), row_of("誰？", "灯台守よ。")]
    rows.append(row_of("油は？", "了解。"))
    assert CHECKS["foreign_replies"].find(rows).count == 0
    rows.append(row_of("你是谁？", "我是这里看守灯塔的人，你找我有什么事情。"))
    assert CHECKS["foreign_replies"].find(rows).count == 1
