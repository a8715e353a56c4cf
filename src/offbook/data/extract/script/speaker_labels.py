"""How a script marks who speaks, learned from the script itself.

Nobody can list the names of a script that nobody has seen, but every script repeats them: a speaker's name stands
again and again at the same place, in the same dress. So a survey of the whole text counts what could be a label in
each of the LAYOUTS; the layout whose labels recur most is the script's own, and what recurs in it are its speakers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace

from offbook.data.extract.script.headings import heading, is_note, may_speak
from offbook.data.extract.script.layouts import BRACKETS, CLOCK, DASH, LAYOUTS, WIDE_GAP
from offbook.data.extract.script.line_kinds import Row
from offbook.data.extract.script.names import (
    ACTING,
    AMONG_CAPITALS,
    CJK,
    HAS_CJK,
    IN_BRACKETS,
    INTERJECTIONS,
    SURE_JOINERS,
    TITLED,
    WHEREABOUTS,
    by_surname,
    clean_name,
    is_heard,
    is_name,
    is_role,
    split_joint,
    split_manner,
    split_notes,
    without_job,
    without_saying,
    without_verbs,
)

BESIDES = ("colon", "bold", "alone", "semicolon")
"""Layouts in which a known name is a label in a script of another layout too."""
MIXED = ("alone", "tab", "dot", "capitals")
"""Layouts of one family: names that recur in one of them are a script's own if most stand in its main layout too."""

KNOWN, MANNERED, ONCE = 1.0, 0.95, 0.9
"""How certain a label is: a name that recurs; one with words beside it (`皇上冷笑`); one that stands there but once."""

USUAL, ALWAYS = 0.1, 0.5
"""Share of the lines at a place that are labels, for a known name to be one there, and for an unknown one."""

MOSTLY = 0.8
"""Share of a script's speeches beside a label that have a dash before them, where that is its way."""

OPENING = 0.95
"""Share of a script's labels that stand behind a blank line, where that is its way."""

PREFIX = re.compile(r"^(?:[>\-•·—–]\s*)*(?:[\[(（]?" + CLOCK + r"[\])）]?\s*)?(?:\d+[.、)]?\s+)?")
INLINE = re.compile(
    rf"(?:(?<=[。！？!?…”』」）)\]】])\s*|(?<=\s))(?P<name>[{CJK}][{CJK}\w·]{{0,7}})(?P<notes>{BRACKETS})\s*[:：](?!//)"
)
"""A further speaker on a line."""


@dataclass(frozen=True, slots=True)
class Label:
    """A name at the head of a line."""

    name: str
    notes: tuple[str, ...]
    rest: str
    layout: str


Place = tuple[bool, int]
"""Where a line stands: whether a blank line or a heading goes before it, and how far it is indented."""


def place(line: str, after_blank: bool) -> Place:
    """Where a line stands."""
    return after_blank, min(len(line) - len(line.lstrip()), 24)


def match(line: str, layout: str) -> Label | None:
    """The line read in that layout, if its label can be a name."""
    way = LAYOUTS[layout]
    if way.signs and not any(sign in line for sign in way.signs):
        return None
    body = PREFIX.sub("", line.strip()) if way.any_name else line.strip()
    hit = way.pattern.match(body)
    if not hit:
        return None
    groups = hit.groupdict()
    raw, rest = (groups["name"] or groups["kana"]) + (groups.get("notes") or ""), groups.get("rest") or ""
    if layout == "alone" and (WIDE_GAP.search(raw) or raw.rstrip("_ ").endswith((",", "，"))):
        return None  # a gap; SIR JOHN, in a cast list
    if layout == "bold":
        raw, rest = _bold(raw, rest)
    name, notes = split_notes(raw)
    if layout == "bracket" and (acting := IN_BRACKETS.match(name)):
        name, notes = acting["name"], (acting["manner"], *notes)
    if (acting := ACTING.match(name)) and all(map(str.isupper, AMONG_CAPITALS.split(acting["name"]))):
        name, notes = acting["name"], (acting["manner"], *notes)
    if not all(is_name(part, often=True) for part in SURE_JOINERS.split(without_job(name))):
        return None
    if (layout in ("colon", "bracket") and is_note(name) and not may_speak(name)) or (
        layout != "bold" and heading(name)
    ):
        return None
    if layout == "dot" and TITLED.search(name) and not raw.endswith("_"):
        return None  # MR. ALDER: Objection.   (but _Capt_. Who is there?)
    if (layout != "bold" and name[-1].isdigit() and rest[:1].isdigit()) or (
        way.begins_sentence and rest.lstrip("_")[:1].islower()
    ):
        return None
    return Label(name, notes, rest.strip(), layout)


def _bold(raw: str, rest: str) -> tuple[str, str]:
    """`**HAMLET** (aside)`, `**甄嬛**（笑）：…`, `**Ham.** To be`: a note goes to the name, punctuation goes."""
    notes = re.match(rf"^{BRACKETS}", rest)
    end = notes.end() if notes else 0
    return raw + rest[:end], re.sub(r"^\s*(?:[.:：]|[—–-](?=\s))\s*", "", rest[end:])


class Labels:
    """The layout of one script, its speakers, and where their names stand."""

    def __init__(
        self,
        layout: str,
        counts: Counter[tuple[str, Place]],
        lines: Counter[Place],
        also: tuple[str, ...] = (),
        dashed: bool = False,
    ) -> None:
        names = _names(counts)
        verbless = without_verbs(names)
        self.short_names = verbless | by_surname(names)
        """Label → the name alone: 老张问 → 老张; TOM REED, HOST → REED."""
        self.verb_share = sum(names[name] for name in verbless) / max(names.total(), 1)
        """Share of the labels that have a verb of speech beside the name."""
        counts = _renamed(counts, self.short_names)
        names = _names(counts)
        often = {name for name, count in names.items() if count >= 2 and _weighs(name, count, layout)}
        labels: Counter[Place] = Counter()
        for (name, where), count in counts.items():
            labels[where] += count if name in often else 0
        self.support = total = sum(labels.values())
        capitals = sum(count for name, count in names.items() if name in often and name.isupper())
        self.layout = layout
        self.names = names
        """Name → labels that bear it."""
        self.layouts = (layout, *also)
        """The layout and those that the script uses beside it."""
        self.any_name = LAYOUTS[layout].any_name
        self.dashed = dashed
        """Whether a dash goes before each speech (ÉRASTE. — Merci.); elsewhere it is a pause of the speaker's."""
        after_blank = sum(count for where, count in labels.items() if where[0])
        self.opens_paragraphs = after_blank >= OPENING * total > 0
        """Whether a label stands behind a blank line."""
        self.within_paragraphs = total - after_blank
        """Labels that follow right on another line."""
        self.share = {where: count / max(count, lines[where]) for where, count in labels.items() if count}
        self.capitals = not self.any_name and capitals >= 0.7 * total > 0
        self.seen = frozenset(names)
        self.speakers = frozenset(name for name in often if not self.capitals or name.isupper() or names[name] >= 3)
        self.in_small_letters = frozenset(name.casefold() for name in self.speakers if len(name) > 1)
        self._in_capitals = {name.upper(): name for name in self.speakers}
        inline = sorted((name for name in self.speakers if HAS_CJK.search(name)), key=len, reverse=True)
        self._inline = (
            re.compile(
                rf"(?:(?<=[。！？!?…”』」）)\]】—])|(?<=\s))(?P<name>{'|'.join(map(re.escape, inline))})"
                rf"(?P<notes>{BRACKETS})\s*[:：]\s*"
            )
            if inline and self.any_name
            else None
        )

    def find(self, line: str, after_blank: bool) -> Label | None:
        """The label at the head of the line, if it has one that this script would use."""
        where = place(line, after_blank)
        for layout in dict.fromkeys((*self.layouts, *BESIDES)):
            label = match(line, layout)
            if layout == "alone" and not after_blank and ACTING.match(line.strip(" .:")):
                continue  # TOM, come here.
            if label and layout == "gap" and clean_name(line) in self.seen:
                return Label(clean_name(line), (), "", "alone")  # 阿　秀, above what she says
            if label and self._believes(label, where):
                return replace(label, rest=DASH.sub(r"\g<notes> ", label.rest).lstrip()) if self.dashed else label
        return None

    def speakers_of(self, label: Label) -> tuple[tuple[str, ...], tuple[str, ...], float]:
        """The speakers behind a label, how they speak, and how certain that is."""
        name = self.short_names.get(label.name, label.name)
        if self.capitals and name not in self.speakers and name.upper() in self.speakers:
            name = name.upper()  # Miss HALE
        elif name not in self.seen:
            name = self._in_capitals.get(name, name)  # TOM above his speech, in a script of `Tom: …`
        speakers = split_joint(name, self.seen)
        if all(name in self.speakers for name in speakers):
            return speakers, label.notes, KNOWN
        head, manner = split_manner(name, self.speakers)
        if manner:
            return (head,), (manner, *label.notes), MANNERED
        return speakers, label.notes, ONCE

    def inline(self, text: str) -> list[Label]:
        """The text cut before every further `name：` of a known speaker; the first piece has no name."""
        pieces: list[Label] = []
        name, notes = "", tuple[str, ...]()
        begin = depth = counted = 0
        for hit in self._inline.finditer(text) if self._inline else ():
            for mark in text[counted : hit.start()]:
                depth += (mark in "“「『") - (mark in "”」』")
            counted = hit.start()
            if depth > 0:
                continue
            pieces.append(Label(name, notes, text[begin : hit.start()].strip(), self.layout))
            name, begin = hit["name"], hit.end()
            notes = split_notes(name + hit["notes"])[1]
        return [*pieces, Label(name, notes, text[begin:].strip(), self.layout)]

    def _believes(self, label: Label, where: Place) -> bool:
        speakers, _, certain = self.speakers_of(label)
        if label.layout not in self.layouts:
            if label.layout == "alone":
                is_apart = where[0] or is_heard(label.notes) or (len(speakers) > 1 and label.name.isupper())
                return is_apart and (certain >= MANNERED or label.name in self.seen)
            return certain >= MANNERED
        if certain < MANNERED and label.rest.startswith(("http://", "https://", "www.")):
            return False
        if certain < KNOWN and may_speak(label.name):
            return False
        if self.any_name:
            named = (is_name(WHEREABOUTS.sub("", name)) for name in speakers)
            return certain >= MANNERED or label.layout == "bold" or all(named)
        if certain >= MANNERED:
            return self.share.get(where, 0) >= USUAL
        return (
            self.share.get(where, 0) >= ALWAYS
            and all((is_name(name) or is_role(name)) and name.casefold() not in INTERJECTIONS for name in speakers)
            and (all(map(str.isupper, speakers)) if self.capitals else label.name[0].isupper() or len(label.name) <= 4)
        )


def learn(rows: Iterable[Row], layouts: tuple[str, ...]) -> Labels:
    """The layout among `layouts` whose labels recur most. A weak mark must recur clearly more often."""
    counts: dict[str, Counter[tuple[str, Place]]] = {layout: Counter() for layout in layouts}
    lines: Counter[Place] = Counter()
    begun: Counter[str] = Counter()
    dashed: Counter[str] = Counter()
    further: Counter[tuple[str, Place]] = Counter()
    below_name = False
    for row in rows:
        if row.kind not in ("text", "boxed"):
            continue
        where = place(row.text, row.after_blank)
        # Below a name in capitals stands its speech: no place for a label, even after a blank line.
        lines[where] += row.kind == "text" and not below_name
        below_name = not below_name and row.text.isupper() and match(row.text, "alone") is not None
        for layout in layouts if row.kind == "text" else ("alone",) if "alone" in layouts else ():
            if label := match(row.text, layout):
                counts[layout][label.name, where] += 1
                begun[layout] += bool(label.rest)
                dashed[layout] += DASH.match(label.rest) is not None
                if layout == "colon":
                    for hit in INLINE.finditer(label.rest):
                        further[hit["name"], where] += not is_note(hit["name"])
    heads = {without_saying(name) for name, _ in counts.get("colon", ())}
    for (name, where), count in further.items():  # 他问我：…我说：… in a speech is told
        counts["colon"][name, where] += count if without_saying(name) in heads | {name} else 0
    is_dashed = {layout: dashed[layout] >= MOSTLY * begun[layout] > 0 for layout in layouts}
    learned = [Labels(layout, counts[layout], lines, dashed=is_dashed[layout]) for layout in layouts]
    best = max(learned, key=lambda labels: labels.support * (1.5 if labels.any_name else 1))
    also = tuple(other.layout for other in learned if other is not best and _is_mixed_in(best, other, counts))
    if not also:
        return best
    together = sum((counts[layout] for layout in also), counts[best.layout])
    of_both = [sum(count[layout] for layout in (best.layout, *also)) for count in (dashed, begun)]
    return Labels(best.layout, together, lines, also, of_both[0] >= MOSTLY * of_both[1] > 0)


def _names(counts: Counter[tuple[str, Place]]) -> Counter[str]:
    names: Counter[str] = Counter()
    for (name, _), count in counts.items():
        names[name] += count
    return names


def _renamed(counts: Counter[tuple[str, Place]], names: dict[str, str]) -> Counter[tuple[str, Place]]:
    renamed: Counter[tuple[str, Place]] = Counter()
    for (name, where), count in counts.items():
        renamed[names.get(name, name), where] += count
    return renamed


def _is_mixed_in(best: Labels, other: Labels, counts: dict[str, Counter[tuple[str, Place]]]) -> bool:
    """Whether a script has labels in another layout too.

    Of one family, where most of the names there are its own; Q. and A. of a hearing beside `THE COURT: …`; some names
    in bold and others with a colon.
    """
    if {best.layout, other.layout} == {"colon", "bold"}:
        return other.support >= max(2, 0.2 * best.support)
    if {best.layout, other.layout} == {"colon", "dot"}:
        dotted = best if best.layout == "dot" else other
        return min(best.support, other.support) >= 2 and all(len(name) == 1 for name in dotted.speakers)
    if not {best.layout, other.layout} <= set(MIXED):
        return False
    shared = sum(count for (name, _), count in counts[other.layout].items() if name in best.speakers)
    return shared >= max(2, 0.5 * other.support)


def _weighs(name: str, count: int, layout: str) -> bool:
    """Whether a recurring label is a speaker: words that open many a sentence are not, unless the mark is plain."""
    if LAYOUTS[layout].any_name:
        return is_name(name) or count >= 3
    interjected = name.casefold() in INTERJECTIONS and not (name.isupper() and layout in ("alone", "tab"))
    return not interjected and (is_name(name) or is_role(name) or count >= 4)
