"""What apps show about a message and copy along with its text: that it was edited, answered, read and liked."""

from __future__ import annotations

import re

from offbook.core.patterns import lazy_pattern

_EDITED_WORDS = r"edited|bearbeitet|modifié|editado|ред\.|изменено|已编辑|已編輯|編集済み"
IS_EDITED = rf"(?i:[(（,]\s?(?:{_EDITED_WORDS})[)）]?)"
"""A piece of a pattern: the note that a message was changed after it was sent."""
EDITED = lazy_pattern(
    rf"[ \t]*(?=[(（]){IS_EDITED}[ \t]*$|(?<=\S)\n[ \t]*(?:Edited|EDITED|已编辑|已編輯)[ \t]*\Z", re.MULTILINE
)
ANSWERED = lazy_pattern(
    r"^\[(?:In reply to|В ответ|Antwort an|En réponse|En respuesta|Em resposta|回复|回覆)[^\]\n]*\]\s*"
)
"""What Telegram copies above an answer."""
QUOTED = lazy_pattern(r"^这是一条引用/回复消息[：:]\s*\n.*?\n-{4,}\s*\n", re.DOTALL)
"""What is answered, as WeCom copies it above the answer."""
REACTIONS = lazy_pattern(
    r"(?:\n:[\w+\-']{1,40}:\s*\d{1,4})+\s*(?:\n\d+ repl(?:y|ies)\b.*)?$|\n\d+ repl(?:y|ies)\b.*$", re.DOTALL
)
THREAD = lazy_pattern(r"^replied to a thread:\s*\n.*\n")
"""What Slack copies below a message, and above one in a thread."""
_REACTION = "like|heart|laugh|surprised|sad|angry"
LABELS = lazy_pattern(
    rf"(?:\n (?:{_REACTION}) \d{{1,3}}|\n[ \t]*\d{{1,3}} (?i:{_REACTION}) reactions?\.(?:\n\d{{1,3}})?"
    r"|\n[ \t]*Image)+[ \t]*$|^Image$"
)
"""What Teams copies below a message for its reactions, and Discord in the place of a picture."""
REPLYING = lazy_pattern(
    r"\A(?:回复|回覆|回復|Reply to|Replying to)[ \t]?[^\n:：]{1,40}[:：](?:[ \t]*\S[^\n]*|[ \t]*\n[^\n]+)\n\s*(?=\S)"
)
"""What is answered, as Lark (Feishu) copies it above the answer."""
STATUS = lazy_pattern(
    r"^[ \t]*\S[^\n]{0,60} is (?:(?:now|currently) (?:Online|Offline|Away|Busy|Snooze|In-Game|Invisible"
    r"|Looking to (?:Play|Trade))\.?|(?:now |currently )?playing [^\n]{1,80}\. Click here to join\."
    r"|currently offline, they will receive your message the next time they log in\.)[ \t]*(?:\n|\Z)",
    re.MULTILINE,
)
"""What Steam notes among the messages: Tom is now Offline."""
READ = lazy_pattern(r"(?<=\S)\n[ \t]*(?:已读|未读|全部已读|\d{1,4}人(?:已读|未读))[ \t]*\Z")
"""What DingTalk has below a message of one's own."""


def without_remnants(text: str) -> str:
    """A message's text without what the app set about it."""
    text = QUOTED.sub("", ANSWERED.sub("", EDITED.sub("", READ.sub("", STATUS.sub("", text)))))
    text = REPLYING.sub("", text.lstrip())
    return THREAD.sub("", REACTIONS.sub("", without_labels(text))).strip()


def without_status(text: str) -> str:
    """A message's text without the notes that Steam has below it, where messages alone have a time or a name."""
    return STATUS.sub("", text).strip() if " is " in text else text


def without_labels(text: str) -> str:
    """A message's text without the counts of its reactions."""
    return LABELS.sub("", text)
