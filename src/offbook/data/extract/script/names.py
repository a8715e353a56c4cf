"""Speakers' names as a script prints them: what can be one, what it looks like cleaned, who shares it."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache

from offbook.core.text import HAN
from offbook.data.extract.word_lists import load, load_all, one_of, words

CHINESE = load("script", "zh")

CJK = HAN
HAS_CJK = re.compile(f"[{CJK}]")
CJK_GAP = re.compile(rf"(?<=[{CJK}])\s+(?=[{CJK}])")
NOTE = re.compile(r"[（(\[【〔<《]([^（()）\[\]【】〔〕<>《》]*)[）)\]】〕>》]")
OPENERS = frozenset('【[〔「『<〈《“"')
CLOSERS = frozenset('】]〕」』>〉》”"')
FORBIDDEN = re.compile(r"[，。！？；;!?…“”\"=@$%^{}|\\~<>《》\t]|[,.:：]{2}|//")
_AND = one_of(load_all("script")["and"])
JOINERS = re.compile(rf"\s*(?:[、/／&＆+＋,，]|(?<=[^A-Za-z])(?:和|与|與|及)(?=[^A-Za-z])|\b(?i:{_AND})\b)\s*")
SURE_JOINERS = re.compile(r"\s*[、/／&＆]\s*")
AMONG_CAPITALS = re.compile(rf",?\s{_AND}\s|,\s")
"""ROMEO and JULIET, FAUST und WAGNER"""
_CAPITALS = r"[^\W\d_a-zà-öø-ÿ](?:['’\s-]?[^\W\d_a-zà-öø-ÿ])+"
ACTING = re.compile(
    rf"^(?P<name>{_CAPITALS}(?:\s[a-zà-öø-ÿ]{{1,3}}\s{_CAPITALS})?),\s+(?P<manner>[^\W\d_A-ZÀ-ÖØ-Þ][^,]*(?:,\s.*)?)$"
)
"""THOMAS, bâillant: how a name in capitals speaks, in small letters."""
IN_BRACKETS = re.compile(r"^(?P<name>[^,，]{1,30})[,，]\s*(?P<manner>[^,，A-Z][^,，]*)$")  # [Tom, whispering]
PROSE = re.compile(one_of(CHINESE["prose"]))
"""What stands in Chinese prose and hardly ever in a name: 的, 这."""
CONTINUED = re.compile(r"(?i)cont[’'.]?d\.?|continu(?:ed|ing)")
"""DANI (CONT'D): tells of the page, not of the speaker."""
_OFF_SCREEN = r"OS|VO|O\.S\.|V\.O\."
OFF_SCREEN = re.compile(rf"(?<=[{CJK}])\s*(?:{_OFF_SCREEN})\s*$")
"""管家VO: heard and not seen."""
HEARD = re.compile(rf"(?i:{_OFF_SCREEN})|画外音?|畫外音?|内心.{{0,4}}|心声|独白|旁白|电话.{{0,4}}")
"""A note that says how a voice is heard, so that its speech follows: （os）"""
BOXED = re.compile(r"^\s*【(?P<name>[^【】（）()]+)】\s*(?P<notes>[（(].*)$")
"""【小李】（摇头）: a name in brackets of another kind than the note's."""
VOICE_OF = re.compile(
    rf"^\W*(?P<name>[^\W\d_][\w .-]*?)(?P<voice>['’][sS]\s+(?:[Vv]oice|VOICE)|(?<=[{CJK}])的[声聲]音)\W*$"
)
"""Mara's voice, 林砚的声音: heard and not seen."""
_VOICE = r"(?<=[\u3040-\u9fff])[MＭNＮ]|の声"
"""太郎Ｍ (monologue), 花子の声"""
SPEAKING = re.compile(f"(?:{one_of(CHINESE['speaking'])}|{_OFF_SCREEN}|{_VOICE})$")
"""How a label ends that says how it is spoken: 甄嬛冷笑道, 甄嬛OS."""
SAYING = re.compile(rf"^(?P<name>.*?[{CJK}])(?:{one_of(CHINESE['saying'])})$")
"""甲问: a label that says no more than who speaks."""
SAYS = re.compile(rf"(?:^|\s){one_of(load_all('script')['says'])}(?=\s|$)")
"""قالت ليلى, مریم گفت: the same in languages whose novels bring in what is said with a colon."""
MOSTLY = 0.5
"""Share of a script's labels that end in such a verb, where that is its way."""
JOBS = load_all("script")["job"]
TITLED = re.compile(r"(?:^|\s)(?i:mrs?|ms|dr|st|prof|sgt|capt|rev|hon|no)$")
"""A name cut in two by the full stop of its title."""
UNKNOWN = re.compile(r"\?{2,4}")
"""???: somebody whose name is not told yet."""
PARTICLES = words("of the de la von van and to in du da al for")
"""Words within a name that have no capital."""
WHEREABOUTS = re.compile(r"(?<=\w) (?:on|at|in|with|from|behind) .*")
"""Voice (on the phone), Man (at the bar)"""
ROLE_OPENERS = load_all("script")["role_opener"]
"""How names of several words begin: Голос за дверью, Первый гость."""
INTERJECTIONS = load_all("script")["interjection"]
"""Words that open many a line, and are nobody's name."""


def clean_name(text: str) -> str:
    """A name without markup, brackets around it and stray spaces: `【甄　嬛】` and `**甄嬛**` are 甄嬛."""
    name = unicodedata.normalize("NFKC", text).strip().strip("*_#`•·-—–>△▲ \u3000").strip()
    name = re.sub(r"\s+", " ", name)
    start, end = 0, len(name)
    while end - start > 2 and name[start] in OPENERS and name[end - 1] in CLOSERS:
        start, end = start + 1, end - 1
        start, end = start + (name[start] == " "), end - (name[end - 1] == " ")
    name = name[start:end].strip(" .:：,，*_")
    return CJK_GAP.sub("", name) if len(name) <= 8 else name


@lru_cache(4096)
def split_notes(label: str) -> tuple[str, tuple[str, ...]]:
    """The label's name, and the notes in brackets that stand beside it: `甄嬛（笑）` → 甄嬛, 笑."""
    if boxed := BOXED.match(label):
        label = boxed["name"] + boxed["notes"]
    notes = tuple(
        note.strip() for note in NOTE.findall(label) if note.strip() and not CONTINUED.fullmatch(note.strip())
    )
    bare = NOTE.sub(" ", label)
    if (voice := VOICE_OF.match(bare)) and clean_name(voice["name"]):
        notes, bare = (voice["voice"].lstrip("'’sS 的").casefold(), *notes), voice["name"]
    if off_screen := OFF_SCREEN.search(bare):
        notes, bare = (off_screen[0].strip(), *notes), bare[: off_screen.start()]
    if bare == label or not clean_name(bare):
        return clean_name(label).strip("()"), ()
    return clean_name(bare), notes


@lru_cache(4096)
def is_name(name: str, *, often: bool = False) -> bool:
    """Whether it can be a name. One that recurs as a label (`often`) may be longer, or hold words of prose."""
    if UNKNOWN.fullmatch(name):
        return True
    if not name or FORBIDDEN.search(name) or name.isdigit() or not any(char.isalnum() for char in name):
        return False
    if HAS_CJK.search(name):
        length = len(name)
        return length <= 4 or (length <= 24 and often) or (length <= 12 and not PROSE.search(name))
    parts = name.split()
    if len(parts) > (6 if often else 4) or len(name) > 40:
        return False
    return often or len(parts) == 1 or all(not part[0].islower() or part in PARTICLES for part in parts)


def is_heard(notes: tuple[str, ...]) -> bool:
    """Whether the notes at a name say how a voice is heard: 陆远（os）."""
    return any(map(HEARD.fullmatch, notes))


def split_joint(name: str, names: frozenset[str]) -> tuple[str, ...]:
    """The names in `甲、乙`, `ROMEO & JULIET`, `ROMEO and JULIET`; of known ones in `甲和乙`, `Ann and Ben`."""
    parts = tuple(clean_name(part) for part in SURE_JOINERS.split(name) if part)
    if len(parts) > 1 and all(is_name(part) and len(part) <= 20 for part in parts):
        return parts
    parts = tuple(clean_name(part) for part in AMONG_CAPITALS.split(name))
    if len(parts) > 1 and not name.isupper() and all(part.isupper() for part in parts):
        return parts
    parts = tuple(part for part in JOINERS.split(name) if part)
    return parts if len(parts) > 1 and all(part in names for part in parts) else (name,)


def is_role(name: str) -> bool:
    """Whether a name of several words, with small letters, is one that plays give: Голос за дверью, Первый гость."""
    first, *further = name.split()
    return 1 <= len(further) <= 3 and first[0].isupper() and first.casefold() in ROLE_OPENERS


def split_manner(name: str, names: frozenset[str]) -> tuple[str, str]:
    """A known name and how it speaks: `甄嬛冷笑道` → 甄嬛, 冷笑道; `皇上 怒` → 皇上, 怒; or "" for it."""
    for end in range(len(name) - 1, 0, -1):
        head, manner = name[:end].rstrip(), name[end:].strip()
        if head not in names or not manner or len(manner) > 10:
            continue
        apart = (name[end - 1].isspace() or name[end].isspace()) and len(manner) <= 6 and not manner[0].isupper()
        if apart or SPEAKING.search(name, end):
            return head, manner
    return name, ""


def without_job(label: str) -> str:
    """The name alone of somebody whom a transcript introduces: TOM REED, HOST → TOM REED."""
    name, comma, job = label.partition(",")
    is_introduced = comma and name.isupper() and not JOBS.isdisjoint(job.casefold().split())
    return name.strip() if is_introduced else label


def by_surname(names: Counter[str]) -> dict[str, str]:
    """Full names → the surnames under which they go on, in a transcript that introduces people by their jobs."""
    full = {label: without_job(label) for label in names}
    if all(label == name for label, name in full.items()):
        return {}
    surnames = {name: name.split()[-1] for name in full.values() if name.isupper() and " " in name}
    bearers = Counter(surnames.values())
    short = {name: last for name, last in surnames.items() if names[last] and bearers[last] == 1}
    return {label: short.get(name, name) for label, name in full.items() if short.get(name, name) != label}


def without_saying(label: str) -> str:
    """The name alone of a label that ends in a verb of speech: 甲问 → 甲."""
    saying = SAYING.match(label)
    return saying["name"] if saying else label


def without_verbs(names: Counter[str]) -> dict[str, str]:
    """Labels that end in a verb of speech → the name alone: 老张问 → 老张.

    So they are where most labels end so, or where the name also stands before another verb, or alone more often.
    """
    stems = {name: match["name"] for name in names if (match := SAYING.match(name))}
    verbs = Counter(stems.values())
    is_usual = sum(names[name] for name in stems) > MOSTLY * names.total()
    alone = {name: name[:-1] for name in names if SPEAKING.search(name) and names[name[:-1]] > names[name]}
    return alone | {name: stem for name, stem in stems.items() if is_usual or verbs[stem] > 1 or names[stem]}
