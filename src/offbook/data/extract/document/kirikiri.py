"""KiriKiri and TyranoScript scripts (.ks): `[name text="Mara"]`, `@nm t=Mara`, `#Mara` or `【Mara】` before a speech.

Source: the KAG 3 and TyranoScript documentation: `;` begins a comment, `*` a label, `@` a tag that fills its line; tags
within text stand in square brackets, `[[` is a bracket that means itself, `[p]` ends a page.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from offbook.data.encoding import open_text
from offbook.data.extract.document.line import BrokenDocumentError, Line, Place, narration, speech

TAG = re.compile(r"\[(?!\[)(?P<tag>(?:[^\]\"']|\"[^\"]*\"|'[^']*')*)\]")
NAME_TAG = re.compile(r"(?:name|nm|npc|chr_name|speaker|talk)\b", re.IGNORECASE)
NAME_VALUE = re.compile(r"\b(?:text|t|name|n|who)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\]]+))", re.IGNORECASE)
NAMED_MACRO = re.compile(r"(?P<name>[^\s=\"'\x00-\x7f]{1,12})\s+(?:vo|voice|v)\s*=\s*\S+")
"""[マーラ vo=001]: a macro that bears the speaker's name"""
PAGE_END = re.compile(r"(?:p|pcm|cm|ct|np|pg|er|k)\b", re.IGNORECASE)
CHOICE = re.compile(r"(?P<end>end)?(?:link|select|seladd)\b", re.IGNORECASE)
"""[link target=*yes]Yes[endlink]"""
VARIABLE = re.compile(r"emb\b.*?exp\s*=\s*[\"']?(?P<name>[\w.]+)", re.IGNORECASE)
"""[emb exp="f.name"]: what the game puts in."""
LINE_BREAK = re.compile(r"(?P<latin>(?<=[!-ɏ])\n\s*(?=[!-ɏ]))|\n[ \t\u3000]*")
"""[r], a space between words in Latin script alone."""
CODE = re.compile(r"[\[@](?P<what>iscript|macro)\b", re.IGNORECASE)
BRACKETED_NAME = re.compile(r"^【(?P<name>[^】]{1,20})】\s*")
BEFORE_QUOTE = re.compile(r"^(?P<name>[^\s「『。、！？…]{1,12})\s*(?=[「『])")
LABEL = re.compile(r"^\*(?P<id>[^|]*)\|?(?P<title>.*)$")


def read(path: Path) -> Iterator[Line]:
    """The lines of a script: a speech under its speaker's name, narration in brackets, titled labels as headings."""
    spoken = False
    for line in script_lines(open_text(path)):
        spoken = spoken or line.text.startswith("**")
        yield line
    if not spoken:
        raise BrokenDocumentError("nobody speaks in this KiriKiri script", "Is the dialogue in another .ks file?")


def script_lines(script: Iterable[tuple[int, str]]) -> Iterator[Line]:
    """The lines of a script whose numbered lines are given; there may be none in which somebody speaks."""
    yield from _Script().lines(script)


class _Script:
    """One pass over a script."""

    def __init__(self) -> None:
        self.name = ""
        self.stays = False
        """Whether the name holds beyond the page: #Mara does until the next #."""
        self.offers = False
        """Whether what stands there is offered to the player as a choice."""
        self.spoken: list[str] = []
        self.place: Place = {}

    def lines(self, script: Iterable[tuple[int, str]]) -> Iterator[Line]:
        """The lines of the whole script."""
        code = ""
        for number, raw in script:
            line = raw.strip("\ufeff \t\r\u3000")
            if code:
                code = "" if re.match(rf"[\[@]end{'script' if code == 'iscript' else 'macro'}\b", line) else code
            elif match := CODE.match(line):
                code = match["what"].lower()
            elif line and not line.startswith((";", "//")):
                yield from self._line(line, {"script_line": number})
        yield from self._page()

    def _line(self, line: str, place: Place) -> Iterator[Line]:
        if match := LABEL.match(line):
            yield from self._page()
            if title := match["title"].strip():
                yield from (Line(f"# {title}", place), Line("", place))
        elif line.startswith("#"):
            yield from self._page()
            self.name, self.stays = line[1:].split(":")[0].strip(), True
        elif line.startswith("@"):
            yield from self._tag(line[1:])
        else:
            if self.spoken and BRACKETED_NAME.match(line):
                yield from self._page()
            start = 0
            for tag in TAG.finditer(line):
                self._say(line[start : tag.start()], place)
                yield from self._tag(tag["tag"])
                start = tag.end()
            self._say(line[start:], place)

    def _say(self, text: str, place: Place) -> None:
        text = text.replace("[[", "[")
        text = text if self.spoken else text.lstrip(" \t\u3000")
        if not self.spoken and (match := BRACKETED_NAME.match(text) or BEFORE_QUOTE.match(text)):
            self.name, self.stays, text = match["name"].strip(), False, text[match.end() :]
        if text and not self.offers:
            self.place = self.place if self.spoken else place
            self.spoken.append(text)

    def _tag(self, tag: str) -> Iterator[Line]:
        if PAGE_END.match(tag):
            yield from self._page()
        elif choice := CHOICE.match(tag):
            self.offers = choice["end"] is None
        elif self.spoken and re.match(r"r\b", tag):
            self.spoken.append("\n")
        elif (value := VARIABLE.match(tag)) and not self.offers:
            self.spoken.append("{{" + value["name"] + "}}")
        elif (begin := NAME_TAG.match(tag)) and (value := NAME_VALUE.search(tag, begin.end())):
            yield from self._page()
            self.name, self.stays = next(group for group in value.groups() if group is not None).strip(), False
        elif (named := NAMED_MACRO.fullmatch(tag.strip())) and not self.spoken:
            self.name, self.stays = named["name"], False

    def _page(self) -> Iterator[Line]:
        """What was said since the last page."""
        text = LINE_BREAK.sub(lambda gap: " " if gap["latin"] else "", "".join(self.spoken)).strip(" \t\u3000\n")
        if len(text) > 2 and text[0] + text[-1] in ("「」", "『』", "“”") and text[0] not in text[1:]:
            text = text[1:-1]
        if text and self.name:
            yield from speech(self.name, [text], self.place)
        elif text:
            yield from narration(text, self.place)
        self.spoken = []
        if not self.stays:
            self.name = ""
