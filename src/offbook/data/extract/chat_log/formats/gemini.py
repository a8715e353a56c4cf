"""Talks with Gemini as Google Takeout gives them: "My activity", as JSON or as a page, the newest first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from offbook.data.extract.chat_log.json_stream import JsonObject, read_messages
from offbook.data.extract.chat_log.lines import head, is_json
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.chat_log.times import iso_time, spelled_time
from offbook.data.extract.chat_log.web_page import Element, elements
from offbook.data.extract.cue import Lines

USER, MODEL = "user", "assistant"
PROMPTED = "Prompted "
"""What stands before a prompt in English; in other languages it is what all titles begin with."""
FEWEST = 3
IN_JSON = re.compile(r'"header"\s*:\s*"(?:Gemini Apps|Bard)"')
ON_PAGE = re.compile(r'"mdl-typography--title">(?:Gemini Apps|Bard)<')
WHEN = re.compile(r"(?=.*\d{4}).{0,30}\d{1,2}[:.]\d{2}[:.]\d{2}.{0,24}")
VERB = re.compile(r"[^\n\xa0]{1,40}\xa0")
"""What a page has before a prompt, in every language."""

PromptAndAnswer = tuple[Message, Message]


def read(lines: Lines) -> Iterator[Message]:
    """The prompts and answers, the oldest first; the two sides are called `user` and `assistant`.

    Raises:
        ParseError: the JSON is malformed, or a tag of the page does not end.
    """
    exchanges = _from_json(lines) if is_json(head(lines, 20)) else _from_page(lines)
    times = [time for prompt, _ in exchanges if (time := prompt.sent_at)]
    for exchange in reversed(exchanges) if times and times[0] > times[-1] else exchanges:
        yield from exchange


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like such a download: 0 or 1."""
    text = "\n".join(sample)
    return float((IN_JSON if is_json(sample) else ON_PAGE).search(text) is not None)


def _from_json(lines: Lines) -> list[PromptAndAnswer]:
    items = [(line, item) for line, item, _ in read_messages(lines) if item.get("safeHtmlItem")]
    titles = [str(item.get("title") or "") for _, item in items]
    prefix = PROMPTED
    if len(titles) >= FEWEST and not any(title.startswith(PROMPTED) for title in titles):
        first, last = min(titles), max(titles)  # what these two share, all do
        shared = first[: next((at for at, pair in enumerate(zip(first, last, strict=False)) if pair[0] != pair[1]), 0)]
        prefix = shared[: shared.rfind(" ") + 1]
    return [
        _exchange(line, item, title.removeprefix(prefix)) for (line, item), title in zip(items, titles, strict=True)
    ]


def _exchange(line: int, item: JsonObject, prompt: str) -> PromptAndAnswer:
    pieces = item.get("safeHtmlItem")
    pages = [
        str(piece.get("html") or "")
        for piece in (pieces if isinstance(pieces, list) else ())
        if isinstance(piece, dict)
    ]
    page = elements([(1, f"<div>{''.join(pages)}</div>")], lambda _: True)
    return _pair(line, prompt, "\n".join(each.text() for each in page), item.get("time"))


def _from_page(lines: Lines) -> list[PromptAndAnswer]:
    cells = elements(lines, lambda each: each.is_a("content-cell") and each.is_a("mdl-typography--body-1"))
    return [exchange for cell in cells if (exchange := _from_cell(cell))]


def _from_cell(cell: Element) -> PromptAndAnswer | None:
    """The prompt above the time, the answer below it."""
    texts = cell.text().split("\n")
    at = next((at for at, text in enumerate(texts) if at and WHEN.fullmatch(text)), None)
    if at is None or not VERB.match(texts[0]) or not any(texts[at + 1 :]):
        return None
    return _pair(cell.line, VERB.sub("", texts[0], count=1), "\n".join(texts[at + 1 :]), texts[at])


def _pair(line: int, prompt: str, answer: str, time: object) -> PromptAndAnswer:
    sent_at = iso_time(time) or spelled_time(str(time or ""))
    return (
        Message(USER, prompt.strip(), line, sent_at, Content.TEXT if prompt.strip() else Content.MEDIA),
        Message(MODEL, answer.strip(), line, sent_at, Content.TEXT if answer.strip() else Content.MEDIA),
    )


FORMAT = ChatFormat(
    "gemini", "Gemini's activity of Google Takeout (JSON or HTML)", read, looks_like, is_json=True, is_page=True
)
