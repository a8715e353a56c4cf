"""Who is named in subtitles, and what stands in the place of a name and is nobody: `[MARA] Here.`, `[sighs] No.`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import replace

from offbook.data.extract.script.names import is_name
from offbook.data.extract.script.speaker_labels import Label, match
from offbook.data.extract.word_lists import load_all

SOUNDS = load_all("script")["sound"]
"""What is heard, or how somebody speaks: music, sighs."""
MANNER = re.compile(r"^(?:(?i:in|on|over|through|from|into|off)\b|(?=[^\W\dA-ZÀ-ÖØ-Þ]).*(?:s|ing|ly)\b)")
"""in Spanish, door opens, chuckling: what stands in small letters before a line, and a preposition"""
WORD = re.compile(r"[^\W\d_]+")
FEWEST = 2
"""So many lines with names, though each name stands there but once, are a file's way to name its speakers."""
NAME_AND_MANNER = re.compile(r"^(?P<name>.+?)(?:\s+[-–—|]\s+|[,:;]\s+)(?P<manner>.+)$")
"""Mara - thinking"""
BESIDE_NAME = re.compile(r"^(?P<name>.+?)\s+(?P<manner>(?!and\b)[^\W\dA-ZÀ-ÖØ-Þ].*)$")
"""Mara laughing, but not Mara and Tom laughing"""

OVER_DEVICE = re.compile(
    r"^(?P<name>.+?) (?P<manner>(?:on|over|via|through|from) (?:the )?(?:radio|(?:tele|speaker)?phone|tv|television"
    r"|intercom|pa|speakers?|comms?|recording|video|tape|voicemail|headset|walkie(?:-talkie)?))$",
    re.IGNORECASE,
)
"""TOM ON RADIO, MARA OVER PHONE"""


def is_sound(label: str) -> bool:
    """Whether what stands in brackets before a line is a sound or a way to speak, and nobody's name."""
    return not SOUNDS.isdisjoint(WORD.findall(label.casefold())) or MANNER.match(label) is not None


def matched_once(text: str) -> Label | None:
    """The name at the head of a line that may be one though it does not recur: `[MARA] Here.`, `MARA: Here.`."""
    if text.startswith(("[", "【")):
        label = match(text, "bracket")
    else:
        label = match(text, "colon")
        label = label if label and label.name.isupper() else None
    is_believed = label and is_name(label.name) and not label.name[0].islower() and not is_sound(label.name)
    return label if is_believed else None


def labels_once(texts: Iterable[str]) -> frozenset[str]:
    """The names that `matched_once` finds in a file, if there are several such lines.

    There must be as many as of sounds that are written alike, with a capital: `[Thunder] What?`.
    """
    names, sounds = list[str](), 0
    for text in texts:
        if label := matched_once(text):
            names.append(label.name)
        elif text.startswith(("[", "【")) and (other := match(text, "bracket")):
            sounds += is_sound(other.name) and not other.name[0].islower()
    return frozenset(names) if len(names) >= max(FEWEST, sounds) else frozenset()


def with_manner(text: str, names: Collection[str]) -> Label | None:
    """The label of a line that tells in brackets how somebody known speaks: `[Mara laughing] No.`."""
    label = match(text, "bracket") if text.startswith(("[", "【")) else None
    parts = BESIDE_NAME.match(label.name) if label else None
    if not label or not parts or parts["name"] not in names:
        return None
    return replace(label, name=parts["name"], notes=(parts["manner"], *label.notes))


def without_device(label: Label, names: Collection[str]) -> Label:
    """The label of somebody known who is heard over a radio or the like; other labels as they are."""
    parts = OVER_DEVICE.match(label.name)
    if not parts or parts["name"] not in names:
        return label
    return replace(label, name=parts["name"], notes=(parts["manner"], *label.notes))


def bare_name(name: str, names: frozenset[str]) -> str:
    """A speaker's name without the manner behind it: `Mara - thinking` → Mara.

    Args:
        name: a name column or style of .ass.
        names: all of the file's.
    """
    parts = NAME_AND_MANNER.match(name)
    if not parts or parts["manner"] in names or parts["manner"].isdigit():
        return name
    return parts["name"] if parts["manner"][0].islower() or parts["name"] in names else name
