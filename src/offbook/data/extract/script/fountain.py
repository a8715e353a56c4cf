"""Screenplays in Fountain, and plain-text film scripts laid out as Fountain takes them: names in capitals on a line.

    INT. KITCHEN - NIGHT

    MARGOT (O.S.)
    (quietly)
    Is it still raining?

Source: the Fountain syntax, version 1.1 (fountain.io/syntax).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator

from offbook.data.extract.cue import Cue, Lines, Scenes, Skipped
from offbook.data.extract.script.names import HAS_CJK, clean_name, is_name, split_joint, split_notes
from offbook.data.extract.script.speech import clean, join

SCENE = re.compile(
    r"^(?:\.(?=[^.])|(?:[A-Z]{0,2}\d+[A-Z]{0,2}\.?\s+)?(?:INT|EXT|EST|INT\.?/EXT|I/E)[. ])", re.IGNORECASE
)
TRANSITION = re.compile(r"^[^a-z]*(?:TO:|FADE (?:IN|OUT)[.:]?|THE END)$")
FORCED = re.compile(r"^(?:[!>=]|#)")
TITLE_KEY = re.compile(r"^[A-Z][A-Za-z ]{0,20}:")
NOTE = re.compile(r"\[\[(?:(?!\[\[).)*?\]\]")
MORE = re.compile(r"^\(MORE\)$")
"""What stands below a speech that goes on over the page."""
PAGE = re.compile(r"^(?:\d+[A-Z]?\.?|\(?CONTINUED\)?:?(?: \(\d+\))?|\(?CONT(?:'|’)?D\.?\)?)$")
PAGE_HEAD = re.compile(r"\s\d+[A-Z]?\.?\s*$")
"""BLUE REV. 6/1/19          3."""
SCENE_NUMBER = re.compile(
    r"\s*#[\w.\-]+#\s*$|^(?P<left>[A-Z]{0,2}\d+[A-Z]{0,2})\.?\s+(?=.*\s{2,}(?P=left)\.?$)|\s{2,}[A-Z]{0,2}\d+[A-Z]{0,2}\.?$"
)
"""#12A#, or at both margins, as a shooting script has it"""
REVISED = re.compile(r"^\*(?=\s{2})|\s+\*+\s*$")
"""The asterisk in the margin of a line that was changed."""
IN_PREFIX = re.compile(r"\b(?:Mc|Mac)(?=[A-Z])")
"""McCABE: small letters in a name in capitals"""
TWO_HEADS = re.compile(r"^\s*(?P<left>\S+(?: \S+)*)\s{4,}(?P<right>\S+(?: \S+)*)\s*$")
"""TOM            MARA: two speak at once, side by side"""
BESIDE = re.compile(r"(?<=\S)\s{3,}(?=\S)")


def read(lines: Lines) -> Iterator[Cue | Skipped]:
    """The cues of a Fountain screenplay."""
    scenes = Scenes()
    chinese = _chinese_names(lines)
    heads = (_speaker(block[0][1], chinese) for block in _blocks(lines) if len(block) > 1)
    names = frozenset(head[0] for head in heads if head)
    blocks = (part for block in _blocks(lines) for part in _at_names(block, names, chinese))
    for block in _with_what_goes_on(blocks, chinese):
        for part in _side_by_side(block):
            yield from _block(part, scenes, chinese, names)


NumberedLines = list[tuple[int, str]]
"""The numbered lines between two blank ones."""


def _with_what_goes_on(blocks: Iterable[NumberedLines], chinese: frozenset[str]) -> Iterator[NumberedLines]:
    """The blocks; a speech that goes on over the page, below its speaker's name again, is put together."""
    held: NumberedLines = []
    for block in blocks:
        if held and len(block) == 1 and PAGE_HEAD.search(block[0][1]):
            yield block
            continue
        if held and block:
            before, again = _speaker(held[0][1], chinese), _speaker(block[0][1], chinese)
            if before and again and before[0] == again[0]:
                block = [*held, *block[1:]]
            else:
                yield held
            held = []
        if block and MORE.match(block[-1][1].strip()):
            held = block[:-1]
        else:
            yield block
    yield held


def _at_names(block: NumberedLines, names: frozenset[str], chinese: frozenset[str]) -> Iterator[NumberedLines]:
    """The block cut where somebody else's name stands above further lines, with no blank line before it."""
    begin = 0
    for place in range(1, len(block) - 1):
        head = _speaker(block[place][1], chinese)
        if head and head[0] in names and place > begin + 1:
            yield block[begin:place]
            begin = place
    yield block[begin:]


def _side_by_side(block: NumberedLines) -> list[NumberedLines]:
    """The block; where two speak at once, in columns, the block of each."""
    heads = TWO_HEADS.match(block[0][1]) if len(block) > 1 else None
    if not heads or not (_speaker(heads["left"]) and _speaker(heads["right"])):
        return [block]
    gaps = [gap.end() for _, text in block[1:] if (gap := BESIDE.search(text))]
    middle = min(gaps, default=(heads.end("left") + heads.start("right")) // 2)
    number = block[0][0]
    left, right = [(number, heads["left"])], [(number, heads["right"])]
    for number, text in block[1:]:
        for side, words in ((left, text[:middle]), (right, text[middle:])):
            if words.strip():
                side.append((number, words.strip()))
    return [left, right]


def _blocks(lines: Lines) -> Iterator[NumberedLines]:
    block: NumberedLines = []
    for number, text in _visible(lines):
        if text.strip() or (text == "  " and block):
            block.append((number, text))
            continue
        yield block
        block = []
    yield block


def _chinese_names(lines: Lines) -> frozenset[str]:
    """Chinese names that recur on a line of their own above others: they have no capitals to be known by."""
    heads = Counter(split_notes(block[0][1])[0] for block in _blocks(lines) if len(block) > 1)
    return frozenset(name for name, count in heads.items() if count > 1 and HAS_CJK.match(name) and is_name(name))


def looks_like(sample: list[str]) -> float:
    """How much a text looks like a film script: 0 … 1."""
    scenes = sum(bool(SCENE.match(line.strip()) and line.strip()[:1] != ".") for line in sample)
    cues = sum(
        not before.strip() and bool(after.strip()) and _speaker(line) is not None
        for before, line, after in zip(sample, sample[1:], sample[2:], strict=False)
    )
    texts = sum(bool(line.strip()) for line in sample)
    return min(1.0, 0.5 + 3 * cues / texts) if scenes >= 1 and cues >= 2 else 0.0


def _visible(lines: Lines) -> Iterator[tuple[int, str]]:
    """The lines without the title page, comments, notes and page marks."""
    hidden, titles = False, True
    for number, text in lines:
        if hidden or "/*" in text:
            before, _, rest = ("", "", text) if hidden else text.partition("/*")
            hidden = "*/" not in rest
            text = before + ("" if hidden else rest.partition("*/")[2])
            if not text.strip():
                continue
        if titles and (TITLE_KEY.match(text) or (text[:1].isspace() and text.strip())) and not SCENE.match(text):
            continue
        titles = False
        if not PAGE.match(text.strip()):
            yield number, REVISED.sub("", NOTE.sub("", text).replace("\t", " "))


def _block(
    block: NumberedLines, scenes: Scenes, chinese: frozenset[str], names: frozenset[str]
) -> Iterator[Cue | Skipped]:
    """What a run of lines between blank lines is."""
    while block and SCENE.match(block[0][1].strip()):
        number, text = block.pop(0)
        scenes.enter(SCENE_NUMBER.sub("", text.strip().lstrip(".")))
        yield Skipped("heading", text.strip(), number)
    if not block:
        return
    (number, head), *lines = block
    speaker = _speaker(head, chinese)
    if speaker is None or not lines:
        reason = "heading" if head.strip().startswith((">", "=", "#")) else "narration"
        yield from (Skipped(reason, text.strip(), line) for line, text in block if text.strip())
        return
    name, notes = speaker
    sung = all(text.strip().startswith("~") for _, text in lines)
    parts = list(filter(None, (text.strip().lstrip("~").strip() for _, text in lines)))
    speech = "\n".join(parts) if sung else join(parts)
    words, acted = clean("".join(f"({note}) " for note in notes) + speech, starred=False)
    if any(char.isalnum() for char in words):
        yield Cue(split_joint(name, names), words, number, scenes.current, 1.0, acted)
    else:
        yield Skipped("nothing said", acted or name, number)


def _speaker(line: str, chinese: frozenset[str] = frozenset()) -> tuple[str, tuple[str, ...]] | None:
    """The name and its extensions, if the line is a character's."""
    text = line.strip().rstrip("^").strip()
    if FORCED.match(text) or SCENE.match(text) or TRANSITION.match(text):
        return None
    name, notes = split_notes(text.removeprefix("@"))
    forced = text.startswith("@")
    if (
        not is_name(name, often=True)
        or clean_name(name) != name
        or not (forced or IN_PREFIX.sub("MC", name).isupper() or name in chinese)
    ):
        return None
    return name, notes
