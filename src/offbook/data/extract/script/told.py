"""Books that look like scripts: what stands before a colon there is a verb of speech with its subject, and no label."""

from __future__ import annotations

from offbook.data.extract.script.names import MOSTLY, SAYS
from offbook.data.extract.script.profile import INTERVIEWERS
from offbook.data.extract.script.speaker_labels import INLINE, Labels, match

LABELLED = 0.85
"""Share of a script's lines that have labels, at least, where these are verbs of speech, too."""


def has_verbs(labels: Labels) -> bool:
    """Whether most labels have a verb of speech beside the name: قالت ليلى."""
    return sum(count for name, count in labels.names.items() if SAYS.search(name)) > MOSTLY * labels.names.total()


def is_told_book(labels: Labels, texts: list[str]) -> bool:
    """Whether it is a book without quotation marks: 老张说：…, and between or within such lines others."""
    if has_verbs(labels):
        return True
    if labels.verb_share <= MOSTLY or any(name.casefold() in INTERVIEWERS for name in labels.names):
        return False
    heads = [label for text in texts if (label := match(text, labels.layout))]
    further = sum(len(INLINE.findall(label.rest)) for label in heads)
    return len(heads) - further < LABELLED * len(texts)
