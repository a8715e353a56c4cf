"""The messages of a chat that a program wrote as a web page or as XML, element by element; the page is not held."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

from offbook.data.extract.cue import Lines, ParseError

VOID = frozenset(["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"])
BLOCKS = frozenset(["p", "div", "li", "blockquote", "pre", "ul", "ol", "tr", "h1", "h2", "h3"])
LONGEST_TAG, MOST_LINES = 1 << 16, 200
"""A page with a tag of more characters over more lines is damaged, and each line would be read from the tag's begin. On
one line a tag may be longer: a backup of text messages holds pictures in its attributes."""
DEEPEST = 200
"""Elements within each other; no program writes more about a message."""
SURROGATES = re.compile(r"&#(5[56]\d{3});&#(5[67]\d{3});")
"""A character beyond 65,535 as some programs write it: in the two halves that UTF-16 has for it."""
MARKED_UP = re.compile(r"\s*<(p|div|span)\b[^<>]*>.*</\1>\s*", re.DOTALL)
MARKUP = re.compile(r"^\s*(?:\ufeff)?\s*<(?:[!?a-zA-Z])")


@dataclass(slots=True)
class Element:
    """A part of a page, and what is in it."""

    tag: str
    attributes: dict[str, str]
    line: int
    children: list[Element | str] = field(default_factory=list)

    def is_a(self, name: str) -> bool:
        """Whether it is of a class."""
        return name in self.attributes.get("class", "").split()

    def within(self) -> Iterator[Element]:
        """All elements in it, in the page's order."""
        for child in self.children:
            if isinstance(child, Element):
                yield child
                yield from child.within()

    def parts(self) -> list[Element]:
        """The elements right in it."""
        return [child for child in self.children if isinstance(child, Element)]

    def first(self, *names: str) -> Element | None:
        """The first element in it of one of the classes or tags."""
        return next((each for each in self.within() if each.tag in names or any(map(each.is_a, names))), None)

    def text(self, without: Callable[[Element], bool] = lambda _: False) -> str:
        """The words in it; a line break for each `br` and about each block, an emoji for its picture."""
        pieces = "".join(self._pieces(without))
        lines = [" ".join(line.split(" ")).strip() for line in pieces.split("\n")]
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()

    def _pieces(self, without: Callable[[Element], bool]) -> Iterator[str]:
        for child in self.children:
            if isinstance(child, str):
                yield child
            elif child.tag == "br":
                yield "\n"
            elif child.tag == "img":
                yield child.attributes.get("alt", "") if "emoji" in child.attributes.get("class", "") else ""
            elif not without(child):
                inside = "".join(child._pieces(without))
                yield f"\n{inside.strip()}\n" if child.tag in BLOCKS and inside.strip() else inside


def elements(lines: Lines, wanted: Callable[[Element], bool]) -> Iterator[Element]:
    """The elements of a page that are wanted, each with what is in it; none that lies within another.

    Raises:
        ParseError: a tag or comment does not end, or elements are nested too deeply.
    """
    page = _Page(wanted)
    for number, text in lines:
        page.line = number
        page.feed(SURROGATES.sub(_joined, text) + "\n")
        if len(page.rawdata) > LONGEST_TAG and page.rawdata.count("\n") > MOST_LINES:
            raise ParseError(number, "a tag or comment that began above does not end")
        yield from page.ready
        page.ready.clear()
    page.close()
    page.end()
    yield from page.ready


def plain_text(text: str) -> str:
    """A text without its markup, where all of it stands within an element: `<p>Since four</p><p>and well</p>`."""
    if not MARKED_UP.fullmatch(text):
        return text
    return "\n".join(each.text() for each in elements([(1, f"<div>{text}</div>")], lambda _: True)).strip()


def is_page(text: str) -> bool:
    """Whether a text begins as a web page or XML does."""
    return MARKUP.match(text) is not None


def _joined(halves: re.Match[str]) -> str:
    high, low = int(halves[1]), int(halves[2])
    if not (0xD800 <= high < 0xDC00 <= low < 0xE000):
        return halves[0]
    return chr(0x10000 + ((high - 0xD800) << 10) + (low - 0xDC00))


class _Page(HTMLParser):
    def __init__(self, wanted: Callable[[Element], bool]) -> None:
        super().__init__(convert_charrefs=True)
        self.line = 1
        self.ready: list[Element] = []
        self._wanted = wanted
        self._open: list[Element] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs}, self.line)
        if self._open:
            self._open[-1].children.append(element)
        elif not self._wanted(element):
            return
        if len(self._open) >= DEEPEST:
            raise ParseError(self.line, "nested too deeply")
        if tag not in VOID:
            self._open.append(element)
        elif not self._open:
            self.ready.append(element)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        depth = next((at for at in reversed(range(len(self._open))) if self._open[at].tag == tag), None)
        if depth is None:
            return
        if depth == 0:
            self.ready.append(self._open[0])
        del self._open[depth:]

    def handle_data(self, data: str) -> None:
        if self._open:
            self._open[-1].children.append(re.sub(r"[ \t\r\n]*\n[ \t\r\n]*", " ", data) if self._is_flowing() else data)

    def _is_flowing(self) -> bool:
        """Whether a line break of the page's is no more than a space."""
        return not any(each.tag == "pre" or each.is_a("chatlog__markdown-preserve") for each in self._open)

    def end(self) -> None:
        """Take what is open at the end of the page."""
        self.ready += self._open[:1]
        self._open.clear()
