"""What the tests of the readers share: a text in, what was said out."""

from pathlib import Path

from offbook.data.encoding import open_text
from offbook.data.extract.cue import Cue, Reader, Skipped

FIXTURES = Path(__file__).parent / "fixtures"


def numbered(text: str) -> list[tuple[int, str]]:
    return list(enumerate(text.strip("\n").split("\n"), 1))


def fixture(name: str) -> list[tuple[int, str]]:
    return list(open_text(FIXTURES / name))


def cues(read: Reader, lines: list[tuple[int, str]]) -> list[Cue]:
    return [item for item in read(lines) if isinstance(item, Cue)]


def texts(read: Reader, text: str) -> list[tuple[str, str]]:
    """(speaker, text) of every cue."""
    return [(cue.speaker, cue.text) for cue in cues(read, numbered(text))]


def left(read: Reader, lines: list[tuple[int, str]]) -> dict[str, list[int]]:
    """Reason → the lines that were left for it."""
    result: dict[str, list[int]] = {}
    for item in read(lines):
        if isinstance(item, Skipped):
            result.setdefault(item.reason, []).append(item.line)
    return result
