"""The parts of a data set by their names: what is for training, and what is held back for a test."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import PurePath
from typing import TypeVar

Item = TypeVar("Item")
TRAINING = re.compile(r"(^|[^a-z])(?:train|trn([^a-z]|$))|训练", re.IGNORECASE)
HELD_BACK = re.compile(
    r"(^|[^a-z])((?:tests?|tst|testing|dev|val|valid|validation|evals?)(?:set|data)?|evaluation|held-?out|hold-?out)([^a-z]|$)|测试|验证|评测",
    re.IGNORECASE,
)
SET_ASIDE = re.compile(
    r"(^|[^a-z])(?:deleted|discarded|rejected|trash|drafts?|obsolete|outdated)([^a-z]|$)|作废|作廢|废弃|已删除|回收站|弃用|草稿|旧版",
    re.IGNORECASE,
)
"""What is called so was set aside by somebody."""
COLUMN = re.compile(r"(?:data_?(?:set_?)?)?(?:split|subset|set|partition)|(?:数据)?划分|(?:所属)?(?:数据集|集合)", re.I)
"""Columns that name the part of a data set to which a row belongs."""
LONGEST_NAME = 20


def for_training(parts: Iterable[Item], name: Callable[[Item], str]) -> list[Item]:
    """The parts that are for training; where none is called so, those that are not called after another one.

    What somebody has set aside (deleted, drafts, 作废) is none of them, if there is anything else.

    Args:
        parts: files, say.
        name: gives a part's name.
    """
    listed = list(parts)
    listed = [part for part in listed if not SET_ASIDE.search(name(part))] or listed
    training = [part for part in listed if TRAINING.search(name(part))]
    training = [part for part in training if not HELD_BACK.search(PurePath(name(part)).name)] or training
    return training or [part for part in listed if not HELD_BACK.search(name(part))] or listed


def is_held_back(column: str, value: object) -> bool:
    """Whether a cell says that its row is of a part that is not for training."""
    is_name = isinstance(value, str) and len(value) <= LONGEST_NAME and COLUMN.fullmatch(column.strip()) is not None
    return is_name and HELD_BACK.search(str(value)) is not None and TRAINING.search(str(value)) is None
