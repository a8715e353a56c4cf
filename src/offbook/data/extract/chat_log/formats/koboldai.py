r"""What KoboldAI and KoboldCpp save: JSON with pieces of a text in which names or tags tell who speaks.

{"gamestarted": true, "prompt": "You: Is it lit?", "actions": ["\nMara: Since four.", …], "savedsettings": {…}}
{… "actions": ["\n### Instruction:\nIs it lit?\n### Response:\n", "Since four."]}
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from offbook.data.extract.chat_log.json_stream import JsonText
from offbook.data.extract.chat_log.lines import is_json, json_keys
from offbook.data.extract.chat_log.message import ChatFormat, Content, Message
from offbook.data.extract.cue import Lines, ParseError

USER, CHARACTER = "You", "KoboldAI"
"""What the two sides are called where the settings do not name them."""
BETWEEN_NAMES = "||$||"
USER_TAGS = ("{{[INPUT]}}", "### Instruction:", "<|im_start|>user", "[INST]")
CHARACTER_TAGS = ("{{[OUTPUT]}}", "### Response:", "<|im_start|>assistant", "[/INST]")
CLOSING = re.compile(r"(?:\{\{\[(?:INPUT|OUTPUT)_END\]\}\}|<\|im_end\|>|</s>)")
PICTURE = re.compile(r"\[?<\|(?P<mark>[dph])\|.*?\|(?P=mark)\|>\]?", re.DOTALL)
NAMED = re.compile(r"^(?P<name>[^\W\d_][^\n:：{}<>]{0,40})[:：][ \t]*", re.MULTILINE)
FEWEST = 2


def read(lines: Lines) -> Iterator[Message]:
    """The messages of a saved chat; what stands before the first name is no message.

    Raises:
        ParseError: the JSON is malformed, or is a story, in which no names or tags tell who speaks.
    """
    json_text = JsonText(lines)
    save = json_text.value if isinstance(json_text.value, dict) else {}
    pieces = [piece for piece in (save.get("prompt"), *_actions(save.get("actions"))) if isinstance(piece, str)]
    starts, at = [], 0
    for piece in pieces:
        starts.append(at)
        at += len(piece)
    numbers = [json_text.line_of(piece) for piece in pieces]
    joined = "".join(pieces)
    settings = save.get("savedsettings")
    beginnings = _beginnings(joined, settings if isinstance(settings, dict) else {})
    if not beginnings:
        raise ParseError(
            1,
            "a KoboldAI story in which no names or tags tell who speaks",
            "Save its text, and extract from it as from a book: --format novel.",
        )
    for (name, begin, text_at), end in zip(beginnings, [*(each[1] for each in beginnings[1:]), at], strict=True):
        text = CLOSING.sub("", PICTURE.sub("", joined[text_at:end])).strip()
        line = numbers[bisect_right(starts, begin) - 1]
        yield Message(name, text, line, None, Content.TEXT if text else Content.NOTE)


def looks_like(sample: Sequence[str]) -> float:
    """How much a text looks like such a save: 0 or 1."""
    return float(is_json(sample) and json_keys(sample) >= {"gamestarted", "prompt", "actions"})


def _actions(actions: Any) -> list[Any]:
    """The pieces: a list of texts, or in newer versions of KoboldAI objects by their numbers."""
    if isinstance(actions, dict) and isinstance(numbered := actions.get("actions"), dict):
        actions = [item.get("Selected Text") for item in numbered.values() if isinstance(item, dict)]
    return actions if isinstance(actions, list) else []


Beginning = tuple[str, int, int]
"""Who speaks, where the name or tag begins, and where what is said does."""


def _beginnings(text: str, settings: dict[str, Any]) -> list[Beginning]:
    """Where each begins to speak: by tags, else by the names that the settings tell, else by names that recur."""
    user = str(settings.get("chatname") or USER)
    others = [name for name in str(settings.get("chatopponent") or "").split(BETWEEN_NAMES) if name]
    by_tag = dict.fromkeys(_tags(settings, "instruct_starttag", USER_TAGS), user)
    by_tag |= dict.fromkeys(_tags(settings, "instruct_endtag", CHARACTER_TAGS), (others or [CHARACTER])[0])
    tags = re.compile("|".join(rf"{re.escape(tag)}\s*" for tag in sorted(by_tag, key=len, reverse=True)))
    if tagged := [(by_tag[match[0].strip()], match.start(), match.end()) for match in tags.finditer(text)]:
        return tagged
    counts = Counter(match["name"].strip() for match in NAMED.finditer(text))
    names = {user, *others} & counts.keys()
    if len(names) < FEWEST:
        names = {name for name, count in counts.items() if count >= FEWEST or name == USER}
        if len(names) < FEWEST or USER not in names:
            return []
    named = ((match["name"].strip(), match.start(), match.end()) for match in NAMED.finditer(text))
    return [beginning for beginning in named if beginning[0] in names]


def _tags(settings: dict[str, Any], key: str, usual: Sequence[str]) -> tuple[str, ...]:
    set_tag = str(settings.get(key) or "").strip()
    return (set_tag, *usual) if set_tag else tuple(usual)


FORMAT = ChatFormat(
    "koboldai", "KoboldAI's and KoboldCpp's saved chats (JSON)", read, looks_like, is_json=True, is_text=False
)
