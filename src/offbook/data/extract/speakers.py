"""Who speaks, and who may be one person under several names."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from functools import lru_cache
from math import sqrt

from offbook.core.errors import UsageError
from offbook.core.i18n import translate
from offbook.core.progress import fill
from offbook.data.extract.cue import SURE, Cue
from offbook.data.extract.script.names import CJK
from offbook.data.extract.word_lists import words

CALL = re.compile(rf"(?:^|[，。！？!?,.…“：\s])([{CJK}]{{1,4}}|[A-Z][\w']+(?: [A-Z][\w']+)?)(?=[，。！？!?,.…”]|$)")
"""A short piece between two marks: how people are addressed (`嬛儿，你来了。`, `Good morrow, Hamlet.`)."""

MAJOR = 60
"""Only so many of the leading speakers are compared for likeness by company."""

GROUPS = words(
    """
    all both others everyone chorus 众人 大家 眾人 众 齐声 合 全体 所有人 二人 两人
    """
)


TITLES = words(
    """
    the mrs miss lady lord sir king queen prince duke earl old young and
    """
)
"""What may stand before a name, so that two names which share it alone are two people."""
RANK = re.compile(r"[甲乙丙丁戊己庚辛\d一二三四五六七八九十]|[父母爹娘妈媽家的]|侍|从|太监|丫鬟")
"""What tells two people of one name apart: numbers, kin, servants."""
FORMS_OF_ADDRESS = words(
    """
    老爷 太太 夫人 小姐 先生 姑娘 大人 公子 师父 師父 皇上 娘娘 奶奶 少爷 掌柜 将军 將軍 大王
    老师 老師 师傅 师兄 师弟 大哥 大姐
    """
)
"""What many are called: `老爷` is not `王老爷` because the one name contains the other."""
PET_NAME = re.compile(rf"[阿小]([{CJK}])|([{CJK}])(?:[儿兒]|姐[儿兒]?|哥[儿兒]?|妹妹|丫头|丫頭)")
"""阿沅, 沅儿, 沅姐: an element of the given name, dressed up."""


SAMPLES, SHORTEST_SAMPLE, LONGEST_SAMPLE = 3, 6, 200
"""Lines of a speaker that are shown, and how many characters they have."""


@dataclass(slots=True)
class SpeakerStats:
    """One name and how much it says."""

    name: str
    lines: int = 0
    characters: int = 0
    unsure: int = 0
    """Lines of whose speaker the reader is not sure."""
    first_line: int = 0
    scenes: set[str] = field(default_factory=set)
    """Of scripts and books; a chat has too many."""
    partners: Counter[str] = field(default_factory=Counter)
    """Who speaks next to it, and how often."""
    likely: tuple[str, ...] = ()
    """Other names that look like the same person."""
    samples: list[str] = field(default_factory=list)
    """A few of its lines, the first that are long enough to show how it talks."""


class Cast:
    """Everybody who speaks in some files, gathered cue by cue."""

    def __init__(self) -> None:
        self.speakers: dict[str, SpeakerStats] = {}
        self._calls: Counter[tuple[str, str]] = Counter()
        self._last: tuple[str | None, tuple[str, ...], set[str]] = (None, (), set())
        self._writers: defaultdict[tuple[str, str], set[str]] = defaultdict(set)
        """(file, chat) → who writes in it."""

    def add(self, cue: Cue, file: str) -> None:
        """Count a cue of a file; cues come in the file's order."""
        scene = f"{file}\n{cue.scene}"
        if cue.envelope:
            self._writers[file, cue.envelope.chat].update(cue.speakers)
        before, partners, calls = self._last
        for name in cue.speakers:
            speaker = self.speakers.setdefault(name, SpeakerStats(name, first_line=cue.line))
            speaker.lines += 1
            speaker.characters += len(cue.text)
            speaker.unsure += cue.confidence < SURE
            if len(speaker.samples) < SAMPLES and len(cue.text) >= SHORTEST_SAMPLE and cue.confidence >= SURE:
                speaker.samples.append(cue.text[:LONGEST_SAMPLE])
            if not cue.envelope:
                speaker.scenes.add(scene)
            if before == scene:
                for partner in partners:
                    speaker.partners[partner] += 1
                    self.speakers[partner].partners[name] += 1
                self._calls.update((call, name) for call in calls)
        # Those who chat are known by one name each; whom they call by another is not looked for.
        self._last = (scene, cue.speakers, set() if cue.envelope else set(CALL.findall(cue.text)))

    def join(self, other: Cast) -> None:
        """Add what was gathered from another file."""
        for name, speaker in other.speakers.items():
            stats = self.speakers.setdefault(name, SpeakerStats(name, first_line=speaker.first_line))
            stats.lines += speaker.lines
            stats.characters += speaker.characters
            stats.unsure += speaker.unsure
            stats.samples = [*stats.samples, *speaker.samples][:SAMPLES]
            stats.scenes |= speaker.scenes
            stats.partners.update(speaker.partners)
        self._calls.update(other._calls)
        for place, writers in other._writers.items():
            self._writers[place].update(writers)

    def groups(self, file: str) -> frozenset[str]:
        """The chats of a file in which more than two people write."""
        return frozenset(chat for (name, chat), writers in self._writers.items() if name == file and len(writers) > 2)

    def listed(self) -> list[SpeakerStats]:
        """The speakers, most lines first, each with the names that look like the same person."""
        ranked = sorted(self.speakers.values(), key=lambda speaker: (-speaker.lines, speaker.first_line))
        likely = self._likenesses(ranked)
        for speaker in ranked:
            speaker.likely = tuple(other.name for other in ranked if other.name in likely[speaker.name])
        return ranked

    def names_of(self, role: str, aliases: Iterable[tuple[str, str]] = ()) -> frozenset[str]:
        """The names in the files that mean `role`: the same but for case and spaces, an abbreviation, an alias.

        Raises:
            UsageError: nobody of that name, or of an alias's, speaks; the nearest names are offered.
        """
        wanted = {same(role)}
        aliases = list(aliases)
        self._check_aliases(role, aliases)
        pairs = [(same(a), same(b)) for a, b in aliases]
        for _ in pairs:
            wanted |= {b for a, b in pairs if a in wanted} | {a for a, b in pairs if b in wanted}
        names = frozenset(name for name in self.speakers if same(name) in wanted)
        short = [name for name in self.speakers if _abbreviates(name, role)]
        if not names and len(short) == 1:
            return frozenset(short)
        if not names:
            raise UsageError(
                "nobody called '{role}' speaks here{offer}",
                "{advice}",
                role=role,
                offer=self._offer(role),
                advice=self._fix(),
            )
        return names

    def _check_aliases(self, role: str, aliases: list[tuple[str, str]]) -> None:
        """Each name speaks or is the role's; one that links two aliases need not."""
        named = Counter(same(name) for pair in aliases for name in pair)
        names = {same(name) for name in (role, *self.speakers)}
        for one, other in aliases:
            for name in (one, other):
                if same(name) not in names and named[same(name)] == 1:
                    raise UsageError(
                        "--alias {one}={other}: nobody called '{name}' speaks here{offer}",
                        "{advice}",
                        one=one,
                        other=other,
                        name=name,
                        offer=self._offer(name),
                        advice=self._fix(),
                    )

    def _offer(self, role: str) -> str:
        spelled = {same(name): name for name in self.speakers}
        inside = [name for key, name in spelled.items() if same(role) in key or key in same(role)]
        close = [spelled[key] for key in get_close_matches(same(role), list(spelled), n=1, cutoff=0.5)]
        best = max(inside, key=lambda name: self.speakers[name].lines) if inside else next(iter(close), None)
        return fill(", did you mean '{name}'?", {"name": best}) if best else ""

    def _fix(self) -> str:
        leading = [speaker.name for speaker in self.listed()[:8]]
        if not leading:
            return translate("No speaker was found.")
        rest = translate(" … (`--list` shows all)") if len(leading) < len(self.speakers) else ""
        return fill("Speakers found: {names}{rest}.", {"names": ", ".join(leading), "rest": rest})

    def _likenesses(self, ranked: list[SpeakerStats]) -> dict[str, set[str]]:
        likely: dict[str, set[str]] = defaultdict(set)
        for place, one in enumerate(ranked[:MAJOR]):
            for other in ranked[place + 1 :]:
                if self._may_be_one(one, other, by_company=other.lines >= 3):
                    likely[one.name].add(other.name)
                    likely[other.name].add(one.name)
        return likely

    def _may_be_one(self, one: SpeakerStats, other: SpeakerStats, by_company: bool) -> bool:
        """Nobody answers himself: two names of one person never speak next to each other, however alike they look."""
        if {same(one.name), same(other.name)} & GROUPS:
            return False
        if (
            same(one.name) == same(other.name)
            or _abbreviates(other.name, one.name)
            or _abbreviates(one.name, other.name)
        ):
            return True
        if one.partners[other.name] > 0.02 * min(one.lines, other.lines):
            return False
        if _resemble(one.name, other.name):
            return True
        called = self._calls[one.name, other.name] + self._calls[other.name, one.name]
        apart = not one.scenes & other.scenes
        return by_company and apart and called >= 2 and _cosine(one.partners, other.partners) >= 0.3


@lru_cache(20_000)
def same(name: str) -> str:
    """The name as it is compared: no case, width, spaces or stops."""
    return re.sub(r"[\s.·•_*]+", "", unicodedata.normalize("NFKC", name)).casefold()


def _abbreviates(short: str, name: str) -> bool:
    """`Ham` or `Ham.` for HAMLET: the first letters of a name in Latin script."""
    short, name = same(short), same(name)
    return short.isascii() and 2 <= len(short) < len(name) and len(short) <= 6 and name.startswith(short)


@lru_cache(20_000)
def _latin_words(name: str) -> frozenset[str]:
    """The words of a name without its titles."""
    return frozenset(re.findall(r"[a-z']{3,}", name.casefold())) - TITLES


def _resemble(one: str, other: str) -> bool:
    """`宝玉` and `贾宝玉`, `凤姐` and `王熙凤`, `嬛儿` and `甄嬛`, `Darcy` and `Mr. Darcy`."""
    if one.isascii() and other.isascii():
        a, b = _latin_words(one), _latin_words(other)
        return bool(a and b) and (a <= b or b <= a)
    short, long = sorted((same(one), same(other)), key=len)
    if short in FORMS_OF_ADDRESS:
        return False
    if len(short) >= 2 and (long.endswith(short) or long.startswith(short)):
        return not RANK.search(long.removeprefix(short).removesuffix(short))
    if len(short) == 1 < len(long) <= 3:
        return long.endswith(short) and not short.isascii() and not RANK.search(long)  # 操, 曹操
    pet = PET_NAME.fullmatch(short)
    return pet is not None and long.endswith(pet[1] or pet[2])


def _cosine(one: Counter[str], other: Counter[str]) -> float:
    dot = sum(count * other[name] for name, count in one.items())
    norm = sqrt(sum(c * c for c in one.values())) * sqrt(sum(c * c for c in other.values()))
    return dot / norm if norm else 0.0
