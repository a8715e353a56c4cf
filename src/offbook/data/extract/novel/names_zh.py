"""The people of a Chinese novel, learned from it: what stands again and again before a verb of speech is somebody."""

from __future__ import annotations

import re
from collections import Counter, defaultdict

from offbook.data.extract.novel.words_zh import (
    ALL_THE_SAME,
    BELONGS,
    COMMON,
    GROUP,
    HE,
    KIN,
    LEADING,
    LISTS,
    LONG_MANNER,
    MANNER,
    ME,
    NO_NAME,
    NO_ONE,
    OBJECT_OF,
    ONE,
    PREFIXED_SURNAME,
    RELATED,
    ROLE,
    SAID,
    SAY,
    SIGHT,
    SOMEONE,
    SURNAME,
    VOICE,
    simplify,
)
from offbook.data.extract.word_lists import one_of

SPEAKS = rf"(?:{MANNER}){{0,5}}{SAID}"
"""轻轻地笑道"""
LATIN_NAME = "[A-Za-z][A-Za-z .]{0,20}[A-Za-z]"
NAME = rf"(?P<name>{LATIN_NAME}|[\u4e00-\u9fff·]{{2,6}}?)"
"""老汤, 约翰·史密斯, Tom"""
BEFORE = re.compile(rf"{NAME}{SPEAKS}$")
"""老汤轻轻地笑道 (“…”)"""
AFTER = re.compile(rf"{NAME}{SPEAKS}(?=$|[，。：:、！])")
"""(“…”) 老汤笑道。"""
ALONE = re.compile(f"(?P<name>[\u4e00-\u9fff·]{{2,4}}?)(?:{LONG_MANNER})*")
"""老汤点头 (：“…”)"""
ARRIVES = "(?:走|进|進|从|從|来|來|跑|笑|端|拿|捧|站|坐|在|披|穿|手|也|已|忙)"
ENTERS = re.compile(rf"(?:{SIGHT.pattern}){NAME}{ARRIVES}")
"""只见老汤走来"""
MANNERS = re.compile(rf"(?:{MANNER}|{SAY})+")
NAME_CHARACTERS = re.compile(r"[\u4e00-\u9fff·]+")
SENTENCE = re.compile(r"[。！？!?；;…」』”\n]+")
CLAUSE = re.compile(r"[，,—]+")
CLAUSE_END = re.compile(r"[。！？!?；;…」』”，,—\n\u3000]+")
MOVES = re.compile("[着了过]|[推打拉]开|[走跑站坐]")
SOMEBODY = "某某"
"""Stands for a part of a name that no character rules out."""
FEW_QUOTES = 600
"""In a text of fewer quoted lines a name that acts but twice is believed."""
SMALL = 60
"""In a text of fewer quoted lines a name that stands but once is believed."""

Span = tuple[int, int]


class NameLexicon:
    """The names that a book has shown so far. Texts come as written, beside their simplified twins of equal length."""

    def __init__(self) -> None:
        self._heads: Counter[str] = Counter()
        """What stands before a verb of speech in the same clause."""
        self._counted_twice: Counter[str] = Counter()
        """Between two quoted lines both ends of a stretch are looked at: who stands there alone weighs double."""
        self._openings: dict[str, Counter[str]] = defaultdict(Counter)
        """What opens a sentence that ends in a verb of speech, cut at two to four characters → what follows the cut."""
        self._actors: dict[str, Counter[str]] = defaultdict(Counter)
        """What opens a sentence of narration and has a surname → what follows it."""
        self._any = re.compile(one_of(()))
        """Any name that is believed."""
        self._ones: Counter[str] = Counter()
        """What stands alone before 曰."""
        self._by_prefix: dict[str, list[str]] = defaultdict(list)

    def count_before(self, text: str) -> str | None:
        """Take note of who stands before the verb of speech at the end of `text`."""
        simplified = simplify(text)
        start, end = last_sentence(simplified)
        self._open(text, skip(simplified, start, end), end)
        for entering in ENTERS.finditer(simplified, start, end):
            self._count(entering, text)
        begin = skip(simplified, start, end)
        if ONE.match(simplified, begin, end):
            self._ones[text[begin]] += 1
            return text[begin]
        match = BEFORE.match(simplified, begin, end)
        if not match and simplified[end:].startswith(("：", ":")):
            match = ALONE.fullmatch(simplified, begin, end)
        return self._count(match, text)

    def count_after(self, text: str, counted: str | None) -> str | None:
        """Take note of who stands before the verb of speech at the head of `text`, perhaps the one counted."""
        simplified = simplify(text)
        start = len(text) - len(text.lstrip("，,、：: \u3000"))
        begin = skip(simplified, start, len(simplified))
        if ONE.match(simplified, begin):
            return text[begin]
        match = AFTER.match(simplified, begin)
        if match and counted and text.count(counted) == 1 and text.startswith(counted, match.start("name")):
            self._counted_twice[counted] += 1
        return self._count(match, text, common=True)

    def count_acting(self, text: str) -> None:
        """Take note of who may act in a stretch of narration beside a quoted line, as in `李四抬起头`."""
        simplified = simplify(text)
        begins = (0, *(mark.end() for mark in SENTENCE.finditer(simplified)))
        for begin in begins:
            start = skip(simplified, begin, len(simplified))
            if surname := SURNAME.match(simplified, start):
                for stop in range(surname.end() + 1, min(surname.end() + 3, len(text))):
                    if _can_name(simplified[start:stop]) and NAME_CHARACTERS.fullmatch(text[start : stop + 1]):
                        self._actors[text[start:stop]][text[stop]] += 1

    def count_subjects(self, text: str) -> None:
        """Take note of who may be the subject of any clause of a stretch of narration.

        That is a surname and what follows it, a title or kinship by which people are known (`皇后放下茶盏`), or who was
        named in a tag.
        """
        simplified = simplify(text)
        for begin in (0, *(mark.end() for mark in CLAUSE_END.finditer(simplified))):
            start = skip(simplified, begin, len(simplified))
            stops = set()
            if surname := PREFIXED_SURNAME.match(simplified, start):
                stops |= {surname.end() + more for more in (0, 1, 2) if surname.end() + more - start > 1}
            if role := ROLE.match(simplified, start):
                stops.add(role.end())
            tagged = {stop for stop in range(start + 2, start + 6) if text[start:stop] in self._heads}
            for stop in sorted(each for each in stops | tagged if each < len(text)):
                matched = NAME_CHARACTERS.fullmatch(text[start : stop + 1])
                candidate = simplified[start:stop]
                is_known = stop in tagged or (role and stop == role.end()) or _may_have_three(candidate)
                if matched and (is_known or _can_name(candidate)):
                    self._actors[text[start:stop]][text[stop]] += 1

    def finish(self, quotes: int) -> None:
        """Believe the names that recur; one that only lengthens a far more frequent one is that name and a verb."""
        for name, follow in (*self._openings.items(), *self._actors.items()):
            varied = follow.total() >= 3 and len(follow) >= 3 and max(follow.values()) <= 0.6 * follow.total()
            if varied or (quotes <= FEW_QUOTES and self._is_whole_name(name, follow)):
                self._heads[name] = max(self._heads[name], 2)
        cut_short = {name for name in self._heads if self._is_cut_short(name)}
        for name, count in self._heads.items():
            if name in cut_short:
                continue
            halves = [(name[:split], name[split:]) for split in range(2, len(name)) if name[:split] not in cut_short]
            often = count - self._counted_twice[name]
            much = 2 * often if often > 1 else 1
            longer = any(self._heads[head] >= much or {head, rest} <= self._heads.keys() for head, rest in halves)
            if count >= (2 if quotes > SMALL else 1) and not longer:
                self._by_prefix[name[:2]].append(name)
        for names in self._by_prefix.values():
            names.sort(key=len, reverse=True)
        heads = "".join({name[0] for name in self.all_names()})
        longest_first = one_of(self.all_names())
        self._any = re.compile(f"(?=[{re.escape(heads)}]){longest_first}" if heads else longest_first)

    def _is_whole_name(self, name: str, follow: Counter[str]) -> bool:
        """Whether three characters are a name though they stand but twice: the first two have no other third one."""
        before = self._actors.get(name[:2])
        if len(name) != 3 or follow.total() < 2 or len(follow) < 2 or not before:
            return False
        return before[name[2]] >= 0.8 * before.total()

    def _is_cut_short(self, name: str) -> bool:
        """Whether a name is the head of a longer one: 葛长 (河)."""
        follow = self._openings.get(name) or self._actors.get(name)
        if not follow or follow.total() < 3:
            return False
        ((next_one, most),) = follow.most_common(1)
        return most >= 0.8 * follow.total() and name + next_one in self._heads

    def all_names(self) -> list[str]:
        """The names that are believed."""
        return [name for names in self._by_prefix.values() for name in names]

    def mentions(self, text: str) -> list[str]:
        """The names in a text, in order."""
        return self._any.findall(text)

    def at(self, text: str, start: int) -> str | None:
        """The longest known name that stands at `start`."""
        names = self._by_prefix.get(text[start : start + 2], ())
        return next((name for name in names if text.startswith(name, start)), None)

    def at_head(self, text: str, simplified: str, span: Span) -> tuple[tuple[str, ...] | None, int]:
        """Who stands at the head of a clause (a name, several, a group; nobody by name for a pronoun), and to where."""
        start = skip(simplified, *span)
        start += simplified.startswith("被", start)
        names, end = self._row_of_names(text, simplified, start)
        if names and (voice := VOICE.match(simplified, end)):
            end = voice.end()
        if names:
            return (None, start) if BELONGS.match(simplified, end) else (names, end)
        if self._ones[text[start : start + 1]] > 1 and ONE.match(simplified, start):
            return (text[start],), start + 1
        for pattern in (GROUP, KIN):
            if group := pattern.match(simplified, start):
                somebody, end = text[group.start() : group.end()], group.end()
                if group[0] not in ME and self.at(text, end):
                    return self._row_of_names(text, simplified, end)  # 我的同桌小白
                if simplified[end : end + 1] in ("和", "与", "、"):
                    further, stop = self._row_of_names(text, simplified, end + 1)
                    return (somebody, *further), stop if further else end
                return (somebody,), end
        if pronoun := HE.match(simplified, start):
            return (), pronoun.end()
        return None, start

    def _row_of_names(self, text: str, simplified: str, start: int) -> tuple[tuple[str, ...], int]:
        """The names that stand one after the other from `start`: `宝钗黛玉都笑道`, `尤氏、贾蓉一齐说`."""
        names: list[str] = []
        end = start
        while name := self.at(text, start):
            if names and start == end and name in COMMON:
                break  # 陈默高兴地 (说)
            end = start + len(name)
            if related := RELATED.match(simplified, end):
                end = related.end()
                if related[0].startswith("的") and self.at(text, end):
                    start = end  # 老汤的女儿小岛
                    continue
            names.append(text[start:end])
            start = end + (simplified[end : end + 1] in ("、", "和", "与"))
        return tuple(names), end

    def inside(self, text: str, simplified: str, span: Span) -> str | None:
        """The last name in a clause that is its subject rather than somebody's object or owner."""
        subject, objects = None, False
        start, end = span
        last_end = -1
        while start < end - 1:
            name = self.at(text, start)
            if not name:
                start += 1
                continue
            after = start + len(name)
            listed = last_end >= 0 and simplified[last_end:start] in ("", "、", "和", "与")
            objects = objects if listed else bool(OBJECT_OF.search(simplified[span[0] : start]))
            if not objects and not BELONGS.match(simplified, after) and not (listed and subject):
                subject = name
            start = last_end = after
        return subject

    def _open(self, text: str, start: int, end: int) -> None:
        for stop in range(start + 2, min(start + 5, end)):
            if _can_name(simplify(text[start:stop])) and NAME_CHARACTERS.fullmatch(text[start : stop + 1]):
                self._openings[text[start:stop]][text[stop]] += 1

    def _count(self, match: re.Match[str] | None, text: str, common: bool = False) -> str | None:
        if not match or not (_can_name(match["name"]) or (common and match["name"] in COMMON)):
            return None
        name = text[match.start("name") : match.end("name")]
        if len(name) > 4 and (SOMEONE.match(simplify(name)) or MOVES.search(simplify(name))):
            return None  # 护士推开门 (说)
        self._heads[name] += 1
        return name


def _may_have_three(simplified: str) -> bool:
    """Whether three characters may be a name whose third one ends other words, too: 丁福来."""
    return len(simplified) == 3 and simplified[2] not in LISTS["particle"] and _can_name(simplified[:2])


def _can_name(simplified: str) -> bool:
    judged = ALL_THE_SAME.sub(SOMEBODY, simplified)
    return not (
        NO_NAME.search(judged) or simplified in NO_ONE | COMMON or GROUP.match(simplified) or MANNERS.fullmatch(judged)
    )


def last_sentence(simplified: str) -> Span:
    """The last sentence of a stretch without the marks at its end."""
    end = len(simplified.rstrip("：:，, \u3000"))
    start = max((mark.end() for mark in SENTENCE.finditer(simplified, 0, end) if mark.end() < end), default=0)
    return start, end


def clauses(simplified: str, sentence: Span) -> list[Span]:
    """The clauses of a sentence."""
    spans, start = [], sentence[0]
    for mark in CLAUSE.finditer(simplified, *sentence):
        spans.append((start, mark.start()))
        start = mark.end()
    return [(a, b) for a, b in [*spans, (start, sentence[1])] if b > a]


def skip(simplified: str, start: int, end: int) -> int:
    """Where a clause begins behind the words that lead it in (`只见`, `于是`, `那`)."""
    for sight in SIGHT.finditer(simplified, start, end):
        start = sight.end()
    while (lead := LEADING.match(simplified, start, end)) and lead.end() > start:
        start = lead.end()
    return start
