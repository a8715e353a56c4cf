r"""NScripter's and ONScripter's scripts (0.txt): commands, and text that waits for a click (@) or turns the page (\).

    bg "pier.jpg",1
    【エイダ】
    「まだ？」@
    霧の音。\

Source: the NScripter reference: a line that begins with an ASCII letter is a command, `*` begins a label, `;` a
comment, a backquote text in ASCII; `!w500` waits, `#ff0000` colours. The text is read on as KiriKiri's, which names
speakers alike.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from offbook.data.extract.cue import Cue, Lines, Skipped
from offbook.data.extract.document import kirikiri
from offbook.data.extract.script import play, reader

TEXT = re.compile(r"^[`!#]|^[^\x00-\x7f]")
EFFECT = re.compile(r"!(?:sd|[swd]\d+)|#[0-9A-Fa-f]{6}|`")
VARIABLE = re.compile(r"\$(\w+)")
WAITS = re.compile(r"^[^\x00-\x7f`].*[@\\]$")
"""A line of text at whose end the game waits."""
CLICK = re.compile(r"(?P<quoted>(?<=[」』”）])@$)|@")
NAME = re.compile(r"^【[^【】]{1,20}】")
BEGINS = frozenset(["*define", "game"])
"""Lines that every game has."""
LABEL = re.compile(r"^\*[A-Za-z_]\w*$")
FEWEST, SHARE = 3, 0.1


def read(lines: Lines) -> Iterator[Cue | Skipped]:
    """The cues of a script."""
    script = kirikiri.script_lines(_converted(lines))
    spoken = [(int(line.place["script_line"]), line.text) for line in script]
    yield from reader.read(spoken, play.STYLE)


def looks_like(sample: list[str]) -> float:
    """How much a text looks like such a script: 0 or 1."""
    texts = [text for line in sample if (text := line.strip("\ufeff \t\u3000"))]
    waits = sum(bool(WAITS.match(text)) for text in texts)
    has_labels = any(map(LABEL.match, texts))  # Markdown may have a backslash at the end of each line
    return float(set(texts) >= BEGINS or (has_labels and waits >= max(FEWEST, SHARE * len(texts))))


def _converted(lines: Lines) -> Iterator[tuple[int, str]]:
    """The lines as KiriKiri has them; a name holds for all that is quoted on its page."""
    name = ""
    for number, raw in lines:
        line = raw.strip("\ufeff \t\u3000")
        if line.startswith("*"):
            yield number, line
        elif TEXT.match(line):
            text = VARIABLE.sub(r'[emb exp="\1"]', EFFECT.sub("", line.replace("[", "[[")))
            named = NAME.match(text)
            name = named[0] if named else name
            text = name + text if name and text.startswith(("「", "『")) else text
            name = "" if text.endswith("\\") else name
            text = CLICK.sub(lambda click: "[p]" if click["quoted"] is not None else "[l]", text)
            yield number, text.replace("\\", "[p]").removesuffix("/")
