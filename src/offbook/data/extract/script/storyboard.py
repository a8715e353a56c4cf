"""Storyboards: tables of shots with a column for what is said, as the lines of a script.

| 镜号 | 画面 | 台词 |
| 1 | 老人推门 | 老人：有人吗？ |      （老人推门）
                                    老人：有人吗？
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from offbook.data.extract.cue import Lines
from offbook.data.extract.word_lists import words

SPEECH = words(
    "台词 对白 台詞 對白 对话 對話 台词/旁白 台词/对白 对白/旁白 对白/台词 dialogue dialog line lines speech"
)
"""What the column is called in which somebody speaks."""
SPEAKER = words("角色 人物 说话人 說話人 角色名 character speaker")
ROW = re.compile(r"^\|.*\|$")
RULE = re.compile(r"^[|\s:\-–—]+$")
BREAK = re.compile(r"\s*<br\s*/?>\s*", re.IGNORECASE)
LABELLED = re.compile(r"^\W*[^:：]{1,24}[:：]")
BRACKETS = str.maketrans("", "", "()（）[]【】")
FEWEST_COLUMNS = 3
"""A table of two columns, a name and a speech, is a layout of its own."""


def without_columns(lines: Lines) -> Iterator[tuple[int, str]]:
    """The lines; those of a storyboard as a script has them: what is seen as a direction, then what is said.

    What is said with no name before it, and no column for one, is a narrator's.
    """
    head: list[str] = []
    for number, text in lines:
        stripped = text.strip()
        if not ROW.match(stripped):
            head = []
            yield number, text
            continue
        cells = [cell.strip() for cell in stripped[1:-1].split("|")]
        names = [cell.strip("* ").casefold() for cell in cells]
        if len(cells) >= FEWEST_COLUMNS and not SPEECH.isdisjoint(names):
            head = names
        elif not head:
            yield number, text
        elif not RULE.match(stripped):
            yield from ((number, line) for line in _as_script(dict(zip(head, cells, strict=False))))


def is_storyboard(texts: Iterable[str]) -> bool:
    """Whether a text has a table with a column for what is said."""
    rows = (text.strip() for text in texts)
    tables = ([cell.strip("* ").casefold() for cell in row[1:-1].split("|")] for row in rows if ROW.match(row))
    return any(len(head) >= FEWEST_COLUMNS and not SPEECH.isdisjoint(head) for head in tables)


def _as_script(row: dict[str, str]) -> Iterator[str]:
    """A row of a storyboard, column → cell."""
    speech = next(cell for name, cell in row.items() if name in SPEECH) if SPEECH & row.keys() else ""
    speaker = next((cell for name, cell in row.items() if name in SPEAKER), "")
    seen = [
        cell
        for name, cell in row.items()
        if name not in SPEECH | SPEAKER and any(map(str.isalpha, cell)) and len(cell) > 1
    ]
    if seen:
        yield f"（{BREAK.sub(' ', '，'.join(seen)).translate(BRACKETS)}）"
    for line in BREAK.split(speech):
        if speaker and line:
            yield f"{speaker}：{line}"
        elif any(map(str.isalnum, line)):
            yield line if LABELLED.match(line) else f"旁白：{line}"
