"""The markup of wikis and of Obsidian's callouts, as the Markdown that the reader of scripts takes.

'''[[Tom Reed|Tom]]''': ''(outside)'' Only me.      **Tom**: _(outside)_ Only me.
> [!quote] Mara                                     **Mara**
> Who is there?                                     Who is there?
"""

from __future__ import annotations

import re

BOLD = re.compile(r"'''(?!')(?P<text>.+?)'''")
ITALIC = re.compile(r"(?<!')''(?!')(?P<text>.+?)(?<!')''(?!')")
LINK = re.compile(r"\[\[(?:[^\[\]|]*\|)?(?P<text>[^\[\]|]*)\]\]")
OF_THE_PAGE = re.compile(
    r"\[\[(?:Category|File|Image|Kategorie|Datei|Catégorie|Fichier|分类|文件):[^\[\]]*\]\]", re.IGNORECASE
)
TEMPLATE = re.compile(r"(?<!\{)\{\{(?P<inside>[^{}|]*\|[^{}]*)\}\}(?!\})")
"""{{tt|lit|burning}}, {{color|red|No.}}, {{ruby|火|ひ}}; {{name}} alone is what a game puts in."""
SHOWN_LAST = frozenset(["color", "colour", "font", "font color", "c", "style", "size", "lang", "w", "wp", "l"])
"""Templates whose last part is what the page shows; of others it is the first: the second is an explanation."""
UNSHOWN = frozenset(["ref", "cite", "note", "efn", "anchor", "clear", "main", "see also", "file", "audio", "voice"])
REFERENCE = re.compile(r"<ref\b[^<>]*(?:/>|>.*?</ref>)")
INDENT = re.compile(r"^[:*#;]+\s*(?=\*\*|_)")
CALLOUT = re.compile(r"^\s*>\s*\[!\w+\][+-]?\s*(?P<name>.*?)\s*$")
QUOTE = re.compile(r"^\s*>(?:\s+>)*(?:\s+(?![^<]*<\s*$)|$)")
"""What stands before a quoted line; > THE END < is centred."""


NESTED = 2
"""Templates within templates that are taken apart."""


def _shown(template: re.Match[str]) -> str:
    """What a page shows of a template."""
    name, *values = (part.strip() for part in template["inside"].split("|"))
    shown = [value for value in values if not re.match(r"[a-z]+\s*=", value)]
    if name.casefold() in UNSHOWN or not shown:
        return ""
    return shown[-1] if name.casefold() in SHOWN_LAST else shown[0]


def in_markdown(line: str) -> str:
    """A line with the marks of Markdown in place of a wiki's, without quotation marks and links."""
    if callout := CALLOUT.match(line):
        return f"**{callout['name']}**" if callout["name"] else ""
    if ">" in line:
        line = QUOTE.sub("", REFERENCE.sub("", line), count=1)
    if "[[" in line:
        line = LINK.sub(r"\g<text>", OF_THE_PAGE.sub("", line))
    for _ in range(NESTED if "{{" in line else 0):
        line = TEMPLATE.sub(_shown, line)
    if "''" not in line or "``" in line:
        return line
    return INDENT.sub("", ITALIC.sub(r"_\g<text>_", BOLD.sub(r"**\g<text>**", line)))
