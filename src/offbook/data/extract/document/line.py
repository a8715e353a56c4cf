"""What every reader of documents yields, and how the parts of a packed document are taken out safely."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from offbook.core.i18n import marked
from offbook.core.progress import fill

Place = dict[str, int | str]

LARGEST = 200_000_000
"""Bytes that a part of a packed document may unpack to."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a document and its place: page, chapter or paragraph."""

    text: str
    place: Place = field(default_factory=dict)


_SAVE_AS_TEXT = marked("Open it in the program that wrote it and save it as plain text.")


class BrokenDocumentError(Exception):
    """A document that cannot be read.

    Args:
        why: the reason; a template if there are fields.
        fix: what to do about it, likewise; default: save it otherwise.
        fields: fill the `{placeholders}` of both.
    """

    def __init__(self, why: str, fix: str = _SAVE_AS_TEXT, **fields: object) -> None:
        super().__init__(fill(why, fields))
        self.fix = fill(fix, fields)


def unpack(archive: zipfile.ZipFile, name: str) -> bytes:
    """The content of a part.

    Raises:
        BrokenDocumentError: there is no such part, it is encrypted, or it unpacks to more than `LARGEST` bytes.
    """
    try:
        with archive.open(name) as part:
            content = part.read(LARGEST + 1)
    except KeyError:
        raise BrokenDocumentError(
            "it has no part {name}, so it is damaged or of another kind",
            name=name,
        ) from None
    except (RuntimeError, zipfile.BadZipFile, zipfile.zlib.error) as error:  # type: ignore[attr-defined]
        raise BrokenDocumentError(
            "its part {name} cannot be unpacked: {error}",
            name=name,
            error=error,
        ) from None
    if len(content) > LARGEST:
        raise BrokenDocumentError(
            "its part {name} unpacks to more than {largest} MB",
            name=name,
            largest=LARGEST // 1_000_000,
        )
    return content


def parse_xml(content: bytes, what: str) -> Element:
    """The root of an XML text; entities and outside references are refused.

    Raises:
        BrokenDocumentError: it is not well-formed, or declares entities.
    """
    try:
        root: Any = fromstring(content)
    except ParseError as error:
        raise BrokenDocumentError(
            "{detail} is not well-formed XML in line {line}, at character {character}",
            detail=what,
            line=error.position[0],
            character=error.position[1] + 1,
        ) from None
    except DefusedXmlException:
        raise BrokenDocumentError(
            "{detail} declares XML entities, which are not read for safety",
            detail=what,
        ) from None
    except (ValueError, LookupError) as error:
        raise BrokenDocumentError(
            "{detail} cannot be read as XML: {error}",
            detail=what,
            error=error,
        ) from None
    element: Element = root
    return element


def local(element: Element) -> str:
    """An element's name without its namespace ("" for a comment)."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def attribute(element: Element, name: str) -> str:
    """The value of an attribute, whatever its namespace ("" where there is none)."""
    return next((value for key, value in element.attrib.items() if key.rpartition("}")[2] == name), "")


NOT_IN_NAMES = re.compile(r"[^\w\s'’.,&/()（）、·・-]|_|[.,]{2,}")
UNNAMED = "???"
BRACKETS = str.maketrans("[]【】", "()()")


def speaker_line(name: str) -> str:
    """The line that names a speaker, as the reader of plays takes it: `**Mara**`; ??? for a name without letters."""
    words = NOT_IN_NAMES.sub(" ", name).split()[:6]
    cleaned = " ".join(words)[:40] if any(char.isalnum() for char in name) else UNNAMED
    return f"**{'Speaker ' if cleaned.isdigit() else ''}{cleaned}**"


def speech(name: str, texts: Sequence[str], place: Place) -> Iterator[Line]:
    """The lines of a speech; what is said begins beside the name, where it is taken for no heading or direction."""
    for text in (f"{speaker_line(name)}: {' '.join(texts[:1])}", *texts[1:], ""):
        yield Line(text, place)


def narration(text: str, place: Place) -> Iterator[Line]:
    """The lines of what nobody says."""
    yield from (Line(f"[{text.translate(BRACKETS)}]", place), Line("", place))


def spaced(text: str) -> str:
    """A text with its white space made single spaces."""
    return " ".join(text.split())
