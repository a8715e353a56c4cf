"""What can be wrong with a set of rows: one function for each fault, and an entry in `CHECKS`."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from offbook.core.text import normalize, script
from offbook.core.types import Conversation, Origin, Turn
from offbook.data import patterns, placeholders
from offbook.data.row_text import body, prompt_text
from offbook.data.similarity import SimilarityIndex, TrigramSets

EXAMPLES = 3
DISTINCTIVE = 12
"""Letters from which on a repeated line is no coincidence."""
SHORT, LONG = 2, 800
"""A reply of so many characters or fewer is short; one of more than so many is long."""

KANJI_ALONE = 10
"""Characters of a Japanese reply that may do without kana: 了解。大丈夫。"""


@dataclass(frozen=True, slots=True)
class Sample:
    """A row that shows a fault."""

    origin: Origin
    text: str


@dataclass(frozen=True, slots=True)
class Detection:
    """What a check saw."""

    count: int
    """How often: rows, or prompts or replies where the check counts those."""
    rows: int
    """Rows that have the fault."""
    examples: tuple[Sample, ...]


@dataclass(frozen=True, slots=True)
class Check:
    """A fault, how it is found, what it does to training, and what to do about it."""

    title: str
    """The fault in words, to be read after its count."""
    find: Callable[[Sequence[Conversation]], Detection]
    effect: str
    fix: str
    noticed: float
    """Above this share of rows the data is no longer good, but usable."""
    severe: float
    """Above this share of rows the data is not yet usable."""


def duplicates(conversations: Sequence[Conversation]) -> Detection:
    """Rows whose every turn equals an earlier row's."""
    copies: dict[object, list[Conversation]] = defaultdict(list)
    for conversation in conversations:
        copies[conversation.turns].append(conversation)
    repeated = sorted((group for group in copies.values() if len(group) > 1), key=len, reverse=True)
    count = len(conversations) - len(copies)
    examples = [Sample(group[-1].origin, f"{body(group[0])} ×{len(group)}") for group in repeated]
    return Detection(count, count, tuple(examples[:EXAMPLES]))


def near_duplicates(conversations: Sequence[Conversation]) -> Detection:
    """Rows that are no copies, but nearly repeat an earlier one."""
    first: dict[tuple[Turn, ...], Conversation] = {}
    for conversation in conversations:
        first.setdefault(conversation.turns, conversation)
    rows = list(first.values())
    texts = [body(row) for row in rows]
    index = SimilarityIndex(TrigramSets(texts))
    similar: list[Sample] = []
    for number, row in enumerate(rows):
        earlier = index.find(number)
        if earlier is None:
            index.add(number)
        else:
            similar.append(Sample(row.origin, f"{texts[number]} ≈ {texts[earlier]}"))
    return _report(similar)


def conflicts(conversations: Sequence[Conversation]) -> Detection:
    """Prompts that have several different answers."""
    return _several(conversations, key=prompt_text, value=lambda each: each.replies[-1])


def stock_replies(conversations: Sequence[Conversation]) -> Detection:
    """Replies that answer several different prompts."""
    return _several(conversations, key=lambda each: each.replies[-1], value=prompt_text)


def short_replies(conversations: Sequence[Conversation]) -> Detection:
    """Replies of a character or two, punctuation aside."""
    return _replies(conversations, lambda text: text if len(re.sub(r"\W", "", text)) <= SHORT else None)


def long_replies(conversations: Sequence[Conversation]) -> Detection:
    """Replies as long as a page."""
    return _replies(conversations, lambda text: text[:1] if len(text) > LONG else None)


def foreign_replies(conversations: Sequence[Conversation]) -> Detection:
    """Replies in another script than most of the character's."""
    scripts = [script("\n".join(conversation.replies)) for conversation in conversations]
    counts = Counter(name for name in scripts if name)
    usual = counts.most_common(1)[0][0] if counts else None
    foreign = []
    for each, name in zip(conversations, scripts, strict=True):
        is_kanji = (usual, name) == ("Japanese", "Chinese") and len(normalize("".join(each.replies))) <= KANJI_ALONE
        if name not in (None, usual) and not is_kanji:
            foreign.append(Sample(each.origin, each.replies[-1]))
    return _report(foreign)


def own_lines(conversations: Sequence[Conversation]) -> Detection:
    """Prompts that are another reply of the character's, or hold the one that they ask for."""
    replies = {reply for each in conversations for reply in each.replies if len(normalize(reply)) >= DISTINCTIVE}
    return _report(
        [
            Sample(each.origin, f"{each.prompt} → {each.replies[-1]}")
            for each in conversations
            if each.prompt in replies or (len(each.replies[-1]) > SHORT + 2 and each.replies[-1].strip() in each.prompt)
        ]
    )


def markup(conversations: Sequence[Conversation]) -> Detection:
    """Remains of HTML, Markdown or subtitles, and links."""
    return _turns(conversations, patterns.markup)


def special_tokens(conversations: Sequence[Conversation]) -> Detection:
    """Control tokens of a model written out, and characters that are not seen."""
    return _turns(conversations, patterns.special)


def open_placeholders(conversations: Sequence[Conversation]) -> Detection:
    """Names that a template left open, in turns or in the system prompt."""
    return _report(
        [
            hit
            for each in conversations
            if (hit := _hit(each, [turn.text for turn in each.turns], placeholders.find)) is not None
        ]
    )


def personal_data(conversations: Sequence[Conversation]) -> Detection:
    """Mail addresses, phone numbers, ID numbers."""
    return _turns(conversations, patterns.personal)


def unbalanced(conversations: Sequence[Conversation]) -> Detection:
    """Replies with a bracket or quote that has no partner."""
    return _replies(conversations, patterns.unbalanced)


CHECKS = {
    "duplicates": Check(
        "rows repeat an earlier one word for word",
        duplicates,
        "They count double: the model learns them by heart before it has learned the rest.",
        "--data.dedupe exact",
        noticed=0.01,
        severe=0.3,
    ),
    "near_duplicates": Check(
        "rows nearly repeat an earlier one",
        near_duplicates,
        "They narrow the character to a few sentences that it then says everywhere.",
        "--data.dedupe near",
        noticed=0.02,
        severe=0.3,
    ),
    "conflicts": Check(
        "prompts have several different answers",
        conflicts,
        "The model learns a mixture. That is life for a greeting, and harm for a fact (who are you?).",
        "--data.max_per_prompt 3",
        noticed=0.1,
        severe=0.5,
    ),
    "stock_replies": Check(
        "replies answer several different prompts",
        stock_replies,
        "A frequent answer becomes the answer to everything.",
        "Take some of these rows out.",
        noticed=0.1,
        severe=0.5,
    ),
    "short_replies": Check(
        "replies are a character or two long",
        short_replies,
        "The model learns to be brief rather than to be somebody.",
        "Take some of these rows out.",
        noticed=0.1,
        severe=0.5,
    ),
    "long_replies": Check(
        "replies are longer than a page",
        long_replies,
        "They are cut at data.max_length, and outweigh the others: the loss counts tokens.",
        "Cut them into several rows, or raise --data.max_length.",
        noticed=0.05,
        severe=0.5,
    ),
    "foreign_replies": Check(
        "replies are in another script than most",
        foreign_replies,
        "The character changes its language without being asked to.",
        "Take these rows out, or translate them.",
        noticed=0.02,
        severe=0.3,
    ),
    "own_lines": Check(
        "prompts are a line of the character's own",
        own_lines,
        "The model learns to answer itself, or to repeat what it is told.",
        "Where the character speaks twice in a row, make one reply of it; else take the line out of the prompt.",
        noticed=0.05,
        severe=0.2,
    ),
    "markup": Check(
        "rows hold remains of HTML, Markdown or subtitles, or links",
        markup,
        "The character will say them.",
        "Clean these rows.",
        noticed=0.01,
        severe=0.3,
    ),
    "unbalanced": Check(
        "replies have a bracket or quote without its partner",
        unbalanced,
        "Mostly a sign of a line that was cut in the wrong place.",
        "Edit these rows.",
        noticed=0.02,
        severe=0.3,
    ),
    "special_tokens": Check(
        "rows hold control tokens, escapes such as \\n, or unseen characters",
        special_tokens,
        "They are learned as plain text: the character will spell them out.",
        "Clean these rows.",
        noticed=0.0,
        severe=0.1,
    ),
    "placeholders": Check(
        "rows hold a placeholder such as {{char}}, <USER> or NAME",
        open_placeholders,
        "The character will say it, braces and all.",
        "--data.placeholders char=…,user=… fills them.",
        noticed=0.0,
        severe=0.1,
    ),
    "personal_data": Check(
        "rows hold a mail address, a phone or an ID number",
        personal_data,
        "The model may recite them to anybody.",
        "Take them out before you train.",
        noticed=0.0,
        severe=0.1,
    ),
}


def _several(
    conversations: Sequence[Conversation],
    key: Callable[[Conversation], str],
    value: Callable[[Conversation], str],
) -> Detection:
    """Keys that come with several values, the most frequent first; two of the values are shown."""
    groups: dict[str, list[Conversation]] = defaultdict(list)
    for conversation in conversations:
        if key(conversation):
            groups[key(conversation)].append(conversation)
    several = [(name, group) for name, group in groups.items() if len(set(map(value, group))) > 1]
    several.sort(key=lambda item: len(item[1]), reverse=True)
    examples = [
        Sample(group[0].origin, f"{name} ×{len(group)}: {' | '.join(list(dict.fromkeys(map(value, group)))[:2])}")
        for name, group in several[:EXAMPLES]
    ]
    return Detection(len(several), sum(len(group) for _, group in several), tuple(examples))


def _replies(conversations: Sequence[Conversation], mark: Callable[[str], str | None]) -> Detection:
    """Rows with a reply in which the mark is found."""
    return _report([hit for each in conversations if (hit := _hit(each, each.replies, mark))])


def _turns(conversations: Sequence[Conversation], mark: Callable[[str], str | None]) -> Detection:
    """Rows in which the mark is found anywhere, the system prompt aside."""
    return _report([hit for each in conversations if (hit := _hit(each, [body(each)], mark))])


def _hit(conversation: Conversation, texts: Sequence[str], mark: Callable[[str], str | None]) -> Sample | None:
    for text in texts:
        if piece := mark(text):
            start = max(0, text.find(piece) - 20)
            return Sample(conversation.origin, text[start : start + 60])
    return None


def _report(hits: list[Sample]) -> Detection:
    return Detection(len(hits), len(hits), tuple(hits[:EXAMPLES]))
