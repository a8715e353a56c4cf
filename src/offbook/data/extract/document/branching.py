"""Scripts of branching stories, `Mara: Lit?`: Yarn Spinner (.yarn), Ink (.ink), Twee (.twee), Naninovel (.nani).

Sources: the documentation of Yarn Spinner 2 (Nodes and Lines), Writing with ink, the Twee 3 specification,
Naninovel's guide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from offbook.data.encoding import open_text
from offbook.data.extract.document.line import BrokenDocumentError, Line, Place, narration, speech

NODE = {
    ".yarn": re.compile(r"^title:\s*(?P<name>\S+)"),
    ".ink": re.compile(r"^\s*={1,}\s*(?:function\s+)?(?P<name>\w+)"),
    ".nani": re.compile(r"^#\s*(?P<name>\S.*)$"),
    ".twee": re.compile(r"^::\s*(?P<name>[^\[{]*?)\s*(?:\[(?P<tags>[^\]]*)\])?\s*(?:\{.*\})?$"),
}
"""The line that begins a part of the story."""
DATA = re.compile(r"^Story(?:Title|Data|Init|Settings)$|^User(?:Script|Stylesheet)$")
DATA_TAG = re.compile(r"\b(?:stylesheet|script)\b")
STATEMENT = re.compile(r"^\s*(?:~|(?:VAR|CONST|LIST|INCLUDE|EXTERNAL|TODO:?)\s|#)")
COMMAND = re.compile(r"^\s*[@;]")
"""A command or a comment of Naninovel's."""
APPEARANCE = re.compile(r"^(?P<name>[^\W\d]\w*)\.\w+(?=\s*:)")
"""Mara.Happy: Lit?"""
BEGINS = re.compile(r"^\s*(?:->\s*|(?:[*+]\s*)+|(?:-(?!>)\s*)+)?(?:\(\w+\)\s*)?")
"""The mark of a choice or of what choices come together in, and its label: `* `, `- (top) `, `-> `."""
REMOVED = re.compile(
    r"<<(?:(?!<<).)*?>>|\[\[(?:(?!\[\[).)*?\]\]|//.*$|\s#\S+|<>|\((?:set|put|if|else-if|else|link|display|print)[^()]*:[^()]*\)|''"
    r"|->\s*[\w.]*\s*$|\[/?[\w ]+(?:=[^\]]*)?/?\]|\[[-<>\w][^\[\]]*\]|</?\w[^<>]*>"
)
"""Commands, links, comments, tags, glue, where the story goes on, markup."""
_MACRO = r"\((?P<macro>[a-z][\w-]*):(?:[^()]|\([^()]*\))*+\)"
TWINE_COMMENT = re.compile(r"/\*(?:(?!/\*).)*?\*/|/%(?:(?!/%).)*?%/|<!--(?:(?!<!--).)*?-->|(?<!:)//")
"""Comments, and the marks about italics."""
TWINE_SHOWN = re.compile(r"\(print:\s*(\$\w+)\s*\)|<<(?:print|=|-)\s*(\$\w+)\s*>>")
"""(print: $name), <<print $name>>: what the game puts in."""
TWINE_HOOK = re.compile(rf"{_MACRO}\s*\[(?!\[)(?P<text>[^\[\]]*)\]")
"""(if: $lit)[It is bright.]"""
TWINE_MACRO = re.compile(_MACRO)
VARIABLE = re.compile(r"\{\$?(?P<name>\w+)\}|\$(?P<bare>[^\W\d]\w*)")
TEXT_ID = re.compile(r"\|#[^|\n]*\|")
"""Mara: Lit?|#3f2a|: by what Naninovel finds a line again for its translations."""
INK_ONLY = re.compile(r"\s#.*$|->\s*(?:->\s*)?[\w.]*\s*$")
"""# a tag, which may hold spaces, and where the story goes on."""
INK_CHOICE = re.compile(r"\{(?:(?:[^{}|:]*:)|[~&!$]|(?=[^{}|]*\|))(?P<first>[^{}|]*)(?:\|[^{}]*)?\}")
"""{lit: It is bright.|It is dark.}, {~Well|So}: what the game chooses from; the first is taken."""
SPEECH = re.compile(r"^(?P<name>[^\W\d_][^:：{}<>\[\]\"“”.!?]{0,40}?)\s*[:：]\s*(?P<text>\S.*)$")


def read(path: Path) -> Iterator[Line]:
    """The lines of a script: a speech under its speaker's name, narration in brackets, parts as headings."""
    suffix = path.suffix.casefold()
    node, is_yarn, is_naninovel = NODE[suffix], suffix == ".yarn", suffix == ".nani"
    in_text, spoken = not is_yarn, 0
    for number, raw in open_text(path):
        line = APPEARANCE.sub(r"\g<name>", TEXT_ID.sub("", raw)) if is_naninovel else raw
        line = INK_CHOICE.sub(r"\g<first>", INK_ONLY.sub("", line)) if suffix == ".ink" else line
        line = _without_hooks(line) if suffix == ".twee" else line
        place: Place = {"script_line": number}
        if (begin := node.match(line)) and not (is_yarn and in_text):
            in_text = not is_yarn and not _holds_data(begin)
            yield from (Line(f"# {begin['name']}", place), Line("", place))
        elif is_yarn and line.strip() in ("---", "==="):
            in_text = line.strip() == "---"
        elif is_naninovel and COMMAND.match(line):
            continue
        elif in_text and not STATEMENT.match(line) and (text := _text(line)):
            match = SPEECH.match(text)
            spoken += match is not None
            yield from speech(match["name"], [match["text"]], place) if match else narration(text, place)
    if not spoken:
        raise BrokenDocumentError("nobody speaks in this script", "Lines of dialogue begin with a name and a colon.")


def _holds_data(begin: re.Match[str]) -> bool:
    """Whether a part of a Twee file is none of the story."""
    return bool(DATA.match(begin["name"]) or DATA_TAG.search(begin.groupdict().get("tags") or ""))


def _without_hooks(line: str) -> str:
    """A line of Harlowe's or SugarCube's with what its macros show; of alternatives the first."""
    bare = TWINE_SHOWN.sub(lambda shown: shown[1] or shown[2], TWINE_COMMENT.sub("", line))
    hooks = TWINE_HOOK.sub(lambda hook: "" if hook["macro"].startswith("else") else hook["text"], bare)
    return TWINE_MACRO.sub("", hooks)


def _text(line: str) -> str:
    """A line without what the program does; a variable as the placeholder {{name}}."""
    text = REMOVED.sub("", BEGINS.sub("", line, count=1))
    text = VARIABLE.sub(lambda variable: "{{" + (variable["name"] or variable["bare"]) + "}}", text)
    words = " ".join(text.split())
    return "" if re.match(r"\{[^{]", words) or not any(char.isalnum() for char in words) else words
