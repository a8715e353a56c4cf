r"""Subtitles that name who speaks: .ass by its Name column or styles, .vtt by <v Ann>, others by `ANN: …`, `[ANN] …`.

Dialogue: 0,0:00:01.00,0:00:03.50,Default,甄嬛,0,0,0,,臣妾{\\i1}不敢{\\i0}\\N皇上恕罪
"""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

from offbook.core.text import script
from offbook.data.extract.cue import Cue, Lines, Scenes, Skipped
from offbook.data.extract.live_captions import overlap, parts_by_chevrons, roll_up, run_on
from offbook.data.extract.script.line_kinds import Row
from offbook.data.extract.script.names import split_joint, split_notes
from offbook.data.extract.script.speaker_labels import KNOWN, ONCE, Label, Labels, learn, match
from offbook.data.extract.script.speech import clean, join
from offbook.data.extract.subtitle_names import (
    bare_name,
    is_sound,
    labels_once,
    matched_once,
    with_manner,
    without_device,
)
from offbook.data.extract.word_lists import words

PAUSE = 30.0
"""Seconds without a subtitle after which another scene begins."""

TIMES = re.compile(r"^(?:(\d{1,3}):)?(\d{1,2}):(\d{1,2})[,.](\d{1,3})(?:\s*-->|,\d{1,2}:\d{2}:\d{2}\.\d{3}$)")
"""00:01:02,500 --> (.srt), 01:02.500 --> (.vtt), 0:1:2.5 --> (Teams), 0:01:02.500,0:01:03.000 (.sbv)"""
VOICE = re.compile(r"^(?:[-–—]\s*)?<v(?:\.[^\s>]+)*\s+(?P<name>[^<>]+)>")
"""<v Ann>: who speaks, in .vtt"""
DRAWING = re.compile(r"\{[^{}]*\\p[1-9][^{}]*\}.*?(?:\{[^{}]*\\p0[^{}]*\}|$)")
"""A shape that is drawn, in .ass: no text."""
TWO_LANGUAGES = 0.6
"""Share of the subtitles of several lines that are in two scripts, in a file in two languages."""
MOSTLY_CAPITALS = 0.7
"""Share of the names that stand in capitals, where all do."""
ASS_TIME = re.compile(r"(\d+):(\d{2}):(\d{2})[.:](\d{2})")
OVERRIDE = re.compile(r"\{[^{}]*\}|<[^<>]{1,40}>")
ENTITY = re.compile(r"&(?:[a-z]{2,5}|#\d{2,6}|#x[\da-fA-F]{2,5});")
BREAK = re.compile(r"\[br\]|<br\s*/?>")
"""Where a line ends within a line of .sbv or .srt."""
COLOR = re.compile(r"^\s*(?:[-–—‐]\s*)?(?:<font[^<>]*\bcolor=[\"']?(?P<font>[^\"'<>\s]+)|<c\.(?P<style>[^\s<>]+)>)")
COLOR_ENDS = re.compile(r"</(?:font|c)>")
DASH = re.compile(r"^(?:[-–—‐]|>>+)\s*(?=\S)")
"""- Why?   >> Why?: somebody else speaks"""
UNNAMED = frozenset(["ntp"])
"""What some programs write where nobody is named."""
SIGNS = words("sign signs title titles op ed song songs lyrics credit credits ts typeset karaoke note notes insert")
"""What stands in the place of a name where something is shown or sung."""
SHOWN = SIGNS - words("song songs lyrics insert") | words("opening ending")
"""Words in the name of a style whose text nobody in the story says, whatever stands in the Name column."""
SUNG_BY_SYLLABLES = re.compile(r"\\[kK][fo]?\d")
LOOKS = words(
    "default main alt alternate top bottom left right italic italics bold sign signs title titles note notes song "
    "songs op ed opening ending insert karaoke credit credits caption captions text subtitle subtitles sub subs "
    "flashback thought thoughts internal overlap romaji kanji lyrics staff typeset ts screen comment dialog dialogue "
    "style english japanese chinese cn jp en jpn chs cht eng furigana phone letter "
    "屏幕字 屏字 画面字 花字 注释 譯註 译注 注 歌词 歌詞 标题 標題 字幕 片名 默认 特效 翻译 双语 中文 英文 中文字幕"
)
"""Words in a style's name that tell how a subtitle looks, or what it is; another name may be a speaker's."""
STYLE_WORDS = re.compile(r"[^\W\d_]+")
FURTHER_NAME = re.compile(r"(?<=[.!?…♪)\]\"”])\s+(?=[A-Z][A-Z\d .'’#-]{1,30}:\s)")
"""(MAN: Hey!) WOMAN: What?: a further speaker on a line, where names stand in capitals"""
SUNG = "♪♫ "
NAME_ALONE = re.compile(r"^(?:[-–—‐]\s*)?[（(\[【][^（()）\[\]【】]{1,30}[）)\]】]$")
LAYOUTS = ("colon", "bracket", "round")
FRAMES = re.compile(r"^\{(?P<start>\d+)\}\{\d+\}(?P<text>.*)$")
"""{100}{150}Text|and its second line (MicroDVD): the times count frames."""
FRAMES_PER_SECOND = 25


@dataclass(frozen=True, slots=True)
class Title:
    """One subtitle: when it begins, who is named as its speaker, its lines."""

    line: int
    start: float
    name: str
    parts: tuple[str, ...]
    style: str = ""
    """The name of its style, in .ass."""


def read(lines: Lines) -> Iterator[Cue | Skipped]:
    """The cues of subtitles."""
    titles = list(_titles(lines))
    shown = [title.parts for title in titles]
    if roll_up(shown):
        titles = [
            replace(title, parts=title.parts[overlap(before, title.parts) :])
            for title, before in zip(titles, ((), *shown), strict=False)
        ]
    runs_on = parts_by_chevrons(shown)
    yield from run_on(
        (item, runs_on and place == 0 and not title.name and not DASH.match(title.parts[0]) and not _speakers(item))
        for title, scene, names in _prepared(titles)
        for place, item in enumerate(_cues(title, names, scene))
    )


def _speakers(item: Cue | Skipped) -> tuple[str, ...]:
    return item.speakers if isinstance(item, Cue) else ()


def _prepared(titles: list[Title]) -> Iterator[tuple[Title, str | None, _Names]]:
    """The subtitles with the names that their styles may tell, in one language; each one's scene and all names."""
    first_script = _first_of_two_scripts(titles)
    labels = learn((row for title in titles for row in _rows(title) if not _is_sound(row.text)), LAYOUTS)
    names = _Names(labels, labels_once(row.text for title in titles for row in _rows(title)))
    named_by_style = _are_named_by_style(titles)
    column = frozenset(title.style if named_by_style else title.name for title in titles)
    scenes, last = Scenes(), None
    for title in titles:
        name = bare_name(title.style if named_by_style else title.name, column)
        told_by_looks = named_by_style and _tells_looks(title.style) and (name not in column or _tells_looks(name))
        title = replace(title, name="" if told_by_looks else name)
        if first_script:
            title = replace(
                title, parts=tuple(part for part in title.parts if script(part, letters=2) in (first_script, None))
            )
        if last is None or title.start - last > PAUSE:
            scenes.enter(f"{int(title.start // 3600)}:{int(title.start // 60) % 60:02}:{int(title.start) % 60:02}")
        last = title.start
        yield title, scenes.current, names


def looks_like(sample: list[str]) -> float:
    """How much a text looks like subtitles: 0 or 1."""
    return float(
        sum(bool(TIMES.match(line.strip())) for line in sample) >= 2
        or any(line.startswith("[Events]") for line in sample)
        or sum(bool(FRAMES.match(line)) for line in sample) >= 2
        or sum(line.startswith("Dialogue:") for line in sample) >= 2
    )


def _titles(lines: Lines) -> Iterator[Title]:
    fields = ["layer", "start", "end", "style", "name", "marginl", "marginr", "marginv", "effect", "text"]
    held: tuple[int, float, list[str]] | None = None
    for number, raw in lines:
        line = raw.strip().lstrip("\ufeff")
        if frames := FRAMES.match(line):
            parts = OVERRIDE.sub("", frames["text"]).split("|")
            yield Title(number, int(frames["start"]) / FRAMES_PER_SECOND, "", tuple(part.strip() for part in parts))
        elif times := TIMES.match(line):
            held = number, _seconds(times, 1000), []
        elif line.startswith("Format:") and "Text" in line:
            fields = [field.strip().casefold() for field in line.removeprefix("Format:").split(",")]
        elif line.startswith("Dialogue:") and (title := _dialogue(number, line, fields)):
            yield title
        elif held and line:
            held[2].extend(BREAK.split(line))
        elif held:
            yield from _by_voice(*held)
            held = None
    if held:
        yield from _by_voice(*held)


def _by_voice(number: int, start: float, lines: list[str]) -> Iterator[Title]:
    """A subtitle of .srt or .vtt; one for each speaker, where voice tags name several.

    A line in another colour than the one before begins with a dash: somebody else speaks.
    """
    voice, parts = "", list[str]()
    color, before = "", ""
    for line in lines:
        tag, colored = VOICE.match(line), COLOR.match(line)
        if tag and parts and _voice(tag) != voice:
            yield Title(number, start, voice, tuple(parts))
            parts = []
        voice = _voice(tag) if tag else voice
        text = ENTITY.sub(lambda entity: html.unescape(entity[0]), OVERRIDE.sub("", line)).strip()
        color = colored["font"] or colored["style"] if colored else color
        parts.append(f"- {text}" if parts and color != before and not tag and not DASH.match(text) else text)
        before = color
        color = "" if COLOR_ENDS.search(line) else color
    yield Title(number, start, voice, tuple(parts))


def _voice(tag: re.Match[str]) -> str:
    return html.unescape(tag["name"]).strip()


def _first_of_two_scripts(titles: list[Title]) -> str | None:
    """The script of the first lines, in a file whose subtitles stand in two languages; else None."""
    firsts: Counter[str] = Counter()
    several = both = 0
    for title in titles:
        scripts = [writing for part in title.parts if (writing := script(part, letters=2))]
        several += len(scripts) > 1
        if len(set(scripts)) > 1:
            both += 1
            firsts[scripts[0]] += 1
    return firsts.most_common(1)[0][0] if both > TWO_LANGUAGES * max(several, 1) else None


def _is_sound(text: str) -> bool:
    """Whether a line begins with a sound in brackets: `[sighs] No.`."""
    label = match(text, "bracket")
    return label is not None and is_sound(label.name)


def _are_named_by_style(titles: list[Title]) -> bool:
    """Whether the styles of .ass bear the speakers' names: nobody is named otherwise, and two or more recur."""
    styles: Counter[str] = Counter()
    for title in titles:
        if title.name:
            return False
        styles[bare_name(title.style, frozenset())] += not _tells_looks(title.style)
    return sum(count > 1 for count in styles.values()) > 1


def _tells_looks(style: str) -> bool:
    """Whether the name of a style is no speaker's."""
    parts = STYLE_WORDS.findall(style.casefold())
    return not parts or not LOOKS.isdisjoint(parts)


def _dialogue(number: int, line: str, fields: list[str]) -> Title | None:
    values = line.removeprefix("Dialogue:").split(",", len(fields) - 1)
    event = dict(zip(fields, values, strict=False))
    times = ASS_TIME.search(event.get("start", ""))
    if not times or "text" not in event:
        return None
    text = OVERRIDE.sub("", DRAWING.sub("", event["text"])).replace("\\h", " ")
    parts = tuple(part.strip() for part in re.split(r"\\[Nn]", text) if part.strip())
    name = event.get("name", event.get("actor", "")).strip()
    style = event.get("style", "").strip().lstrip("*")
    is_shown = SUNG_BY_SYLLABLES.search(event["text"]) or not SHOWN.isdisjoint(STYLE_WORDS.findall(style.casefold()))
    name = "" if is_shown or name.casefold() in UNNAMED | SIGNS else name
    return Title(number, _seconds(times, 100), name, parts, style)


def _with_names(parts: tuple[str, ...]) -> tuple[str, ...]:
    """The lines of a subtitle; a name in brackets on a line of its own goes to the line below: （太郎）."""
    for place, part in enumerate(parts[:-1]):
        if NAME_ALONE.match(part):
            return (*parts[:place], part + parts[place + 1], *_with_names(parts[place + 2 :]))
    return parts


def _rows(title: Title) -> Iterator[Row]:
    for part in _with_names(title.parts):
        yield Row(title.line, "text", DASH.sub("", part), True)


@dataclass(frozen=True)
class _Names:
    """The speakers that the lines of a file name."""

    labels: Labels
    once: frozenset[str]
    """Names of whom some stand there but once, in a file that names its speakers so."""

    @cached_property
    def in_capitals(self) -> bool:
        """Whether names stand in capitals, so that `Listen: …` within a speech names nobody."""
        capitals = sum(count for name, count in self.labels.names.items() if name.isupper())
        return capitals >= MOSTLY_CAPITALS * self.labels.names.total()

    def apart(self, parts: tuple[str, ...]) -> Iterator[str]:
        """The lines of a subtitle, cut before further names on them."""
        for part in parts:
            yield from FURTHER_NAME.split(part) if self.labels.support and self.in_capitals else [part]

    def find(self, text: str) -> tuple[Label, tuple[str, ...], float] | None:
        """The label at the head of a line, its speakers, and how certain they are."""
        label = self.labels.find(text, after_blank=True) if self.labels.support else None
        is_word = label and label.name not in self.labels.speakers and self.in_capitals and not label.name.isupper()
        if label and not is_word and not (label.layout == "bracket" and is_sound(label.name)):
            label = without_device(label, self.labels.speakers | self.once)
            return label, self.labels.speakers_of(label)[0], KNOWN
        once = matched_once(text)
        if once and once.name in self.once:
            return once, split_joint(once.name, self.once), ONCE
        manner = with_manner(text, self.labels.speakers | self.once)
        return (manner, (manner.name,), ONCE) if manner else None


def _cues(title: Title, names: _Names, scene: str | None) -> Iterator[Cue | Skipped]:
    """A title is one cue, or several where its lines have names or dashes of their own."""
    named = split_joint(split_notes(re.sub("[;；]", "/", title.name))[0], frozenset()) if title.name else ()
    drafts: list[tuple[tuple[str, ...], list[str], float]] = [(named, [], float(bool(named)))]
    for part in names.apart(_with_names(title.parts)):
        text = DASH.sub("", part)
        if named_here := names.find(text):
            label, speakers, confidence = named_here
            drafts.append((speakers, [label.rest], confidence))
        elif text != part and drafts[-1][1]:
            drafts.append((named, [text], float(bool(named))))
        else:
            drafts[-1][1].append(text)
    for speakers, lines, confidence in drafts:
        words, acted = (text.strip(SUNG) for text in clean(join(lines)))
        if any(char.isalnum() for char in words):
            yield Cue(speakers, words, title.line, scene, confidence, acted)
        elif acted or words:
            yield Skipped("nothing said", acted or words, title.line)


def _seconds(match: re.Match[str], fraction: int) -> float:
    hours, minutes, seconds, rest = (int(group or 0) for group in match.groups())
    return 3600 * hours + 60 * minutes + seconds + rest / fraction
