"""Rows that say themselves that they are not to be learned: a verdict on the answer, or a weight of 0."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import Any

from offbook.data.row_values import WEIGHT_LIKE, WEIGHTS, ColumnsError, LeftOut
from offbook.data.sources import Row

LABELS = ("label", "kto_tag")
NO = {"false", "no", "n", "否", "不"}
"""What a cell says for a false, as 0 does, too."""
WORD_GAP = re.compile(r"(?<=\w)[\s-]+(?=\w)")
YES = {"true", "yes", "y", "是"}
TURNED_DOWN = {
    *("bad", "rejected", "reject", "dispreferred", "undesirable", "discarded", "discard", "deleted", "delete"),
    *(
        "removed",
        "remove",
        "excluded",
        "disliked",
        "dislike",
        "thumbs_down",
        "thumbsdown",
        "thumb_down",
        "👎",
        "fail",
        "failed",
    ),
    *("disapproved", "declined", "拒绝", "已拒绝", "删除", "已删除", "废弃", "弃用", "作废", "淘汰", "不合格"),
    *("不通过", "未通过", "不采用", "不采纳", "不保留", "点踩", "踩"),
}
"""Verdicts on an answer, in small letters."""
UNCLEAR = {
    "0",
    "-1",
    "down",
    "negative",
    "neg",
    "worse",
    "poor",
    "wrong",
    "差",
    "坏",
    "不好",
    "差评",
    "负面",
    "负",
    "错误",
}
"""What is a verdict or, in a label, perhaps the mood or the class of what is said."""
VERDICTS = re.compile(
    r"(?:user_|human_)?(?:status|review|review_status|verdict|decision|thumbs?|feedback|quality|rating|annotation|vote)"
    r"|状态|审核|审核状态|审核结果|审核意见|反馈|用户反馈|评价|质量|结论",
    re.IGNORECASE,
)
"""Columns that hold a verdict in a word."""
GOOD = re.compile(
    r"(?:is_)?(?:good|ok|okay|accepted|approved|keep|kept|desirable|usable|valid|correct|use|used|include|included|passed"
    r"|adopted|enabled|active|published|chosen|selected|liked?|thumbs_up)"
    r"|(?:是否|可否)?(?:采用|采纳|使用|启用|生效|上线|发布|可用|保留|合格|通过|有效|入选|学习|训练)",
    re.IGNORECASE,
)
BAD = re.compile(
    r"(?:is_)?(?:bad|rejected|deleted?|removed?|discard|discarded|excluded?|skip|undesirable|flagged|disliked?"
    r"|thumbs_down)"
    r"|(?:是否)?(?:删除|已删除|剔除|废弃|弃用|作废|跳过|淘汰)",
    re.IGNORECASE,
)
"""Columns that say by a false, or by a true, that an answer was turned down."""
NUMBERED = re.compile(r"(?:chosen|selected|(?:dis)?liked?|thumbs_(?:up|down)|flagged)", re.IGNORECASE)
"""Those of them that may hold a count or a place in a list, too; with `is_` before them 0 or 1 is an answer."""


def refuse_marked(row: Row) -> None:
    """Leave out what a row itself says is not to be learned.

    Args:
        row: a row as `columns.rename` gives it.

    Raises:
        LeftOut: it is a row of KTO whose answer is one to avoid, one of weight 0, or one that was turned down.
        ColumnsError: its label, or a list of marks, may mean that.
    """
    for column in LABELS:
        if _is_no(row.get(column)) or _word(row.get(column)) in TURNED_DOWN:
            raise LeftOut("rows are marked as bad answers (label: false)")
        if _word(row.get(column)) in UNCLEAR:
            raise ColumnsError(
                "its {column} is {value}, which may mark a bad answer (KTO): write false where it does, "
                "or leave the column out: --data.columns ignore={column}",
                column=column,
                value=row[column],
            )
    is_pair = "rejected" in row and ("chosen" in row or "messages" in row)
    for column, value in row.items():
        if (column in WEIGHTS and isinstance(value, list | dict)) or _are_marks(str(column), value):
            raise ColumnsError(
                "its {column} may say which replies are not learned: write weight: 0 into those turns, "
                "or leave the column out: --data.columns ignore={column}",
                column=column,
            )
        if column != "loss" and column in WEIGHTS and _is_between(value):
            raise ColumnsError(
                "its {column} is {value}: a reply is learned (1) or only read (0), and nothing between; round it, or "
                "leave the column out: --data.columns ignore={column}",
                column=column,
                value=value,
            )
        if is_pair and str(column) in ("chosen", "rejected"):
            continue  # the answers themselves, of which one may be Yes
        if turns_down(str(column).strip(), value):
            raise LeftOut("rows are marked as not to be learned ({column}: {value})", column=column, value=value)


def turns_down(column: str, value: Any) -> bool:
    """Whether a column, by its name and what stands in it, says that a row is not learned."""
    column = WORD_GAP.sub("_", column)
    if column.endswith(".responses.status"):  # Argilla's: what each annotator decided
        return isinstance(value, list) and bool(value) and all(_word(each) in TURNED_DOWN for each in value)
    if isinstance(value, list) and value and all(isinstance(each, dict) and "status" in each for each in value):
        return all(_word(each["status"]) in TURNED_DOWN for each in value)  # Argilla's, with what each answered
    if column in WEIGHTS:
        return _is_no(value) or (column != "loss" and _is_number(value, 0))  # a loss may be a measurement
    if VERDICTS.fullmatch(column):
        return _word(value) in TURNED_DOWN | UNCLEAR - {"0"}
    is_number = NUMBERED.fullmatch(column) is None
    if GOOD.fullmatch(column):
        return _is_no(value) or (is_number and _is_number(value, 0))
    return BAD.fullmatch(column) is not None and (_word(value) in YES or (is_number and _is_number(value, 1)))


def _are_marks(column: str, value: Any) -> bool:
    """Whether a column holds a 0 or 1 for each turn."""
    return (
        isinstance(value, list)
        and bool(value)
        and WEIGHT_LIKE.search(column) is not None
        and all(mark in (0, 1) for mark in value)
    )


def _word(value: Any) -> str:
    """What a cell says, in small letters; whole numbers without a point."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return WORD_GAP.sub("_", str(value).strip().casefold())


def _is_between(value: Any) -> bool:
    """Whether a cell holds a weight between 0 and 1."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return False
    with suppress(ValueError):
        return 0 < float(value) < 1
    return False


def _is_no(value: Any) -> bool:
    return _word(value) in NO


def _is_number(value: Any, number: int) -> bool:
    """Whether a cell holds a number, perhaps as text."""
    return not isinstance(value, bool) and str(value).strip() in (str(number), f"{number}.0")
