r"""ChoiceScript's scenes (.txt): prose of a novel's kind among commands that begin with an asterisk.

    *label pier
    "You're late, ${name}," says Tom.
    *choice
      #"The boat was slow."
        "The boat," says Tom, "is always slow."

Source: the ChoiceScript wiki: a line of `*` and a word is a command, `#` begins an option of a choice, ${name} puts in
a variable, @{lit one|another} one of several texts, [b] and [i] are markup.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from offbook.data.extract.cue import Cue, Lines, Skipped
from offbook.data.extract.novel import reader
from offbook.data.extract.script import screenplay

COMMAND = re.compile(r"^\s*\*(?P<name>[a-z_]+)\b(?!\*)(?P<rest>.*)$")
COMMANDS = frozenset(
    re.findall(
        r"\w+",
        """
    choice fake_choice goto goto_scene gosub gosub_scene label finish set create temp page_break scene_list if else
    elseif elsif return stat_chart hide_reuse disable_reuse selectable_if ending input_text rand
    """,
    )
)
FEWEST = 3
LIST = frozenset(["scene_list", "stat_chart", "achievement"])
"""Commands below which indented lines are data."""
OPTION = re.compile(r"^(?:\*\w+\s+(?:\(.*?\)\s*)?)*[^#\"]*?#\s*(?P<text>.*)$")
"""#"The boat was slow.", *hide_reuse #Wait, *if (lit) #Row"""
VARIABLE = re.compile(r"\$!{0,2}\{(?P<code>[^{}]*)\}")
CHOSEN = re.compile(r"@!{0,2}\{(?:\([^{}]*?\)|\w+)\s+(?P<first>[^{}|]*)(?:\|[^{}]*)?\}")
QUOTATION_MARKS = re.compile('["“”]')
"""They go from options: these are the player's, whom the scene calls you."""
MARKUP = re.compile(r"\[/?(?:[biu]|n/)\]")


def looks_like(sample: list[str]) -> float:
    """How much a text looks like such a scene: 0 or 1."""
    names = [match["name"] for line in sample if (match := COMMAND.match(line)) and match["name"] in COMMANDS]
    return float(len(names) >= FEWEST and len(set(names)) > 1)


def read(lines: Lines) -> Iterator[Cue | Skipped]:
    """The cues of a scene; its prose is read as a novel's, or as a script's where names stand before what is said."""
    prose = list(_prose(lines))
    sample = [text for _, text in prose]
    is_script = screenplay.looks_like(sample) > reader.looks_like(sample)
    yield from screenplay.read(prose) if is_script else reader.read(prose)


def _prose(lines: Lines) -> Iterator[tuple[int, str]]:
    """The lines that are shown, without code; a variable as the placeholder {{name}}."""
    is_list = False
    for number, raw in lines:
        command = COMMAND.match(raw)
        option = OPTION.match(raw.strip()) if raw.lstrip().startswith(("#", "*")) else None
        is_list = (is_list and raw[:1].isspace()) or (command is not None and command["name"] in LIST)
        if is_list or (command and not option):
            yield number, ""
            continue
        text = QUOTATION_MARKS.sub("", option["text"]) if option else raw.strip()
        text = CHOSEN.sub(r"\g<first>", text)
        text = VARIABLE.sub(lambda code: "{{" + " ".join(re.findall(r"\w+", code["code"])) + "}}", text)
        yield number, MARKUP.sub("", text)
