"""Rows of a table in which nothing is said: its sums, and the names of its columns once more."""

from __future__ import annotations

import re

from offbook.data.column_names import CANONICAL, canonical
from offbook.data.row_values import ColumnsError, LeftOut, RowError
from offbook.data.sources import Row

SUM = re.compile(
    r"(?:grand ?|sub)?totals?|sum|count|average|mean|总计|合计|总数|小计|总和|共计|平均|平均值|求和|計|合計|小計|總計"
    r"|gesamt|summe|итого|всего",
    re.IGNORECASE,
)
"""What a spreadsheet heads the row of its sums with."""
COUNT = re.compile(
    r"\(?\d[\d,]* (?:rows?|records?|entries)(?: (?:affected|selected|in set|returned).*)?\)?"
    r"|[共总總]?计?計?\s*\d+\s*[行条條](?:记录|記錄|数据)?",
    re.IGNORECASE,
)
"""What a database writes below a table."""
EXPLANATION = re.compile(
    r"[\[(（<]?(?:string|str|text|varchar(?:\(\d+\))?|required|optional|文本|字符串|必填|选填|必選|可选)[\])）>]?|[-=+:]{3,}"
    r"|(?:what|the line|the text) .*\b(?:says?|said|asks?|answers?|replies|responds?)"
    r"|(?:the )?(?:user|player|character|assistant|npc|bot)(?:'s|’s)? "
    r"(?:message|input|question|line|text|prompt|response|reply|answer)"
    r"|.{0,4}(?:用户|玩家|角色|对方|人物|助手|机器人)(?:的|所)?(?:说|问|提|输入|回)?.{0,2}(?:问题|提问|回答|回复|台词|的话|输入|内容)",
    re.IGNORECASE,
)
"""What a second line of names holds: the kind of each column, or what it is for."""
NUMBER = re.compile(r"[-+]?[\d.,]+ ?%?|")
ROW_NUMBER = re.compile(r"#|no\.?|nr\.?|num|number|index|idx|id|row|序号|编号|序號|編號|行号|番号", re.IGNORECASE)
"""A column that numbers the rows."""
CONVERTED = re.compile(r"TRUE|FALSE|\d{4}([-/])\d\d?\1\d\d?(?: \d\d?:\d\d(?::\d\d)?)?|\d\d?:\d\d:\d\d")
"""A cell of a spreadsheet that holds no text, but true or false, a day or a time."""


def refuse_notes(row: Row) -> None:
    """Leave out a row of a table in which nothing is said.

    Args:
        row: a row under its own names.

    Raises:
        LeftOut: it holds the table's sums or the number of its rows, or the names of its columns or what they are for.
        ColumnsError: it holds the names of other columns.
    """
    cells = [str(value).strip() for value in row.values() if isinstance(value, str | int | float)]
    shown = [cell for cell in cells if cell]
    words = [cell for cell in shown if not NUMBER.fullmatch(cell)]
    if len(words) == 1 and len(row) > 1 and SUM.fullmatch(words[0].rstrip(":：").rstrip()) and _is_flat(row):
        raise LeftOut("rows hold the sums of the table")
    if len(words) == 1 and len(row) > 1 and COUNT.fullmatch(words[0]) and _is_flat(row):
        raise LeftOut("rows count the rows of the table")
    if len(shown) > 1 and all(map(EXPLANATION.fullmatch, shown)) and _is_flat(row):
        raise LeftOut("rows explain the columns")
    names = list(map(canonical, shown))
    are_names = CANONICAL.issuperset(names) or {"instruction", "output"}.issubset(names)
    if len(names) < 2 or max(map(len, shown)) < 2 or not are_names or not _is_flat(row):
        return
    if all(canonical(str(value).strip()) == canonical(column) for column, value in row.items() if value):
        raise LeftOut("rows repeat the names of the columns")
    raise ColumnsError(
        "it holds names of columns ({names}): another table seems to begin there; save it as a file of its own",
        names=", ".join(shown),
    )


def refuse_unclear(row: Row) -> None:
    """See that the reply in a row of a table is one: no value that a spreadsheet made of it, nor the row above's end.

    Args:
        row: a row as `columns.rename` gives it.

    Raises:
        RowError: it is a day, say, into which 1-2 is turned; or it stands alone in a row without its number.
    """
    reply = row.get("output")
    numbers = [str(value or "").strip() for column, value in row.items() if ROW_NUMBER.fullmatch(str(column).strip())]
    if reply and numbers and not any(numbers) and row.get("instruction") == "" and not row.get("input"):
        raise RowError(
            "it has a reply alone, without a number: does it go on with the row above? Join the two, or write before "
            "it what is said"
        )
    if isinstance(reply, str) and CONVERTED.fullmatch(reply.strip()):
        raise RowError(
            "its reply is {value}, which nobody says: is it the right column? "
            "If a spreadsheet made it of something else, format the cell as text and write it anew",
            value=reply.strip(),
        )


def _is_flat(row: Row) -> bool:
    """Whether a row is one of a table: no cell of it holds a list or an object."""
    return not any(isinstance(value, list | dict) for value in row.values())
