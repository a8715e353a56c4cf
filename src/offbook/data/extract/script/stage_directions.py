"""Whole lines that are played and not spoken: `（甄嬛跪下）`, `△雪落无声`, `_Exeunt_`, `Enter GHOST`."""

from __future__ import annotations

import re

PAIRS = {"（": "）", "(": ")", "[": "]", "【": "】", "〔": "〕", "\\[": "]"}
MARKED = re.compile(r"^[△▲▽▼◇◆※●○■□☆★♪♫►▶]")
ITALIC = re.compile(r"^(?:_[^_]+_|\*[^*]+\*)\s*$")
STAGE_WORDS = re.compile(
    r"^(?:Enters?(?: (?:the|a|an|to|from|at|in|again|certain|another|old|young|two|three|other|with))* [A-Z]"
    r"|Re-?enters?\b|Ex(?:it|eunt)\b|Manet\b|Manent\b|Flourish\b|Alarums?\b|Sennet\b|(?i:curtain|blackout|fin)\.?$"
    r"|(?:FADE|CUT|DISSOLVE|SMASH CUT|MATCH CUT|TO BE CONTINUED)\b)"
    r"|^(?:幕启|幕落|幕闭|闭幕|剧终|全剧终|全文完|切至|切入|淡入|淡出|闪回|转场|暗场|灯光|音乐起|未完待续|（完）|幕啟|劇終)"
    r"[^：:]{0,12}$"
)
LONGEST = 12
"""Lines after which an unclosed bracket is taken for a slip of the pen."""


def is_direction(line: str) -> bool:
    """Whether the whole line is a stage direction."""
    body = line.strip()
    if body[:1].islower():
        return False
    return bool(MARKED.match(body) or ITALIC.match(body) or STAGE_WORDS.match(body)) or _enclosed(body)


def opened(line: str) -> str | None:
    """What closes the direction that the line opens and does not close, or None where it opens none.

    `〔四凤由外面轻轻地跑进来。` never closes: the bracket alone marks such a line (`is_direction` says so).
    """
    body = line.strip()
    if body[:1].isalnum():
        return None
    for open_bracket, close in PAIRS.items():
        if body.startswith(open_bracket) and open_bracket != "〔":
            return close if close not in body else None
    if re.match(r"^_(?!_)[^_]*$", body):
        return "_"
    return None


def _enclosed(body: str) -> bool:
    if body[:1].isalnum():
        return False
    if body.startswith("〔"):
        return "〕" not in body or body.rstrip("。.").endswith("〕")
    for open_bracket, close in PAIRS.items():
        if body.startswith(open_bracket):
            return body.find(close) == len(body.rstrip("。.")) - 1 and len(body) > 2
    return False
