"""What to do about an error, in the words of the page: it has buttons and fields where a terminal has options."""

from __future__ import annotations

import re
from typing import Any

from offbook.core.config.schema import options
from offbook.core.i18n import marked, translate

INEXACT = "--allow-inexact"
CONTROLS = {
    INEXACT: marked("Undo the change, rehearse again, or go on all the same: the button below does that."),
    r"--format\b": marked("Choose below what it is, or bring a text in which it can be seen who says what."),
    r"--columns\b": marked("Say below which column holds what."),
    r"--data\.columns\b": marked("Bring the table again, under 1, Text, and say there which column holds what."),
    r"--(?:role|alias|list|me|rows)\b": marked("Go back to the text, under 1, and choose there who is to speak."),
    r"--(?:persona\.name)\b": marked("Give the character, under 3, the name that it has in the lines."),
    r"--(?:persona\.system)\b": marked("Say under 3, Character, who it is."),
    r"--(?:model\.(?:template|source))\b": marked("Choose another model under 3, Character."),
    r"--out\b": marked("Look at the rights and at the free space on the disk."),
    r"--(?:to|quant)\b": marked("Make another file of those on this page."),
    r"--overwrite\b": marked("Rehearse again: the new run stands beside the old one."),
    r"--resume\b": marked("Go on with it once that is mended, or rehearse again."),
    r"\bocrmypdf\b": marked(
        "Have its text recognized first (OCR), for example by a scanner's program, and bring that."
    ),
}
"""What a terminal's advice names → what a person does on the page instead; the first that is found counts."""
ELSEWHERE = ("data.columns", "persona.name", "persona.system", "model.template", "model.source")
"""Settings that another page than the form of all of them has."""
BUTTONS = {"--resume": marked("“Go on”"), INEXACT: marked("“Go on with the changes”")}
"""What a terminal's advice names beside settings → the page's button."""
ANSWERS = {
    marked("Unpack it, and name what is in it."): marked("Unpack it, and bring what is in it."),
    marked("Name the format: {extractors}."): CONTROLS[r"--format\b"],
}
"""Advice of a terminal → the page's, where it names no option."""
SETTING = re.compile(r"--([a-z_]+(?:\.[a-z_]+)+)(?:[ =](?![,.;:)，。；：）])([^\s,;)，。；）]*[^\s,;:.)，。；：）]))?")
"""A setting as the command line takes it: `--data.on_error skip`."""


def page_error(event: dict[str, Any] | None) -> dict[str, Any] | None:
    """A job's event of an error with what to do on the page; `inexact`: the job could go on all the same.

    Args:
        event: the event, if there was one, in the reader's language.
    """
    if event is None:
        return None
    fix = str(event.get("fix") or "")
    return {**event, "fix": page_fix(fix), "inexact": INEXACT in fix}


def page_fix(fix: str) -> str:
    """What to do on the page in place of what a terminal's user is told, in the language of messages.

    Args:
        fix: the second line of an error, in the same language.
    """
    for terminal, page in ANSWERS.items():
        if fix.startswith(translate(terminal).partition("{")[0]):
            return translate(page)
    text = page_settings(fix)
    named = {match[1] for match in SETTING.finditer(fix)}
    if named and not named & set(ELSEWHERE):
        for option, button in BUTTONS.items():
            text = text.replace(option, translate(button))
        where = translate("Settings stand under 4, Rehearse, at Details.")
        return f"{text}\n{where}"
    return next((translate(page) for pattern, page in CONTROLS.items() if re.search(pattern, fix)), text)


def page_settings(text: str) -> str:
    """A text that names settings as they stand in the page's form: `data.on_error = skip`."""
    settings = dict(options())

    def name(match: re.Match[str]) -> str:
        key, value = match.groups()
        if key not in settings:
            return match[0]
        return f"{key} = {value}" if value else key

    return SETTING.sub(name, text)
