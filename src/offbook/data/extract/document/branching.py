"""Scripts of branching stories, `Mara: Lit?`: Yarn Spinner (.yarn), Ink (.ink), Twee (.twee), Naninovel (.nani).

Sources: the documentation of Yarn Spinner 2 (Nodes and Lines), Writing with ink, the Twee 3 specification,
Naninovel's guide.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from offbook.data.encoding import open_text
from offbook.data.extract.cue import Lines
from offbook.data.extract.document.line import BrokenDocumentError, Line, Place, narration, speech

NODE = {
    ".yarn": re.compile(r"^title:\s*(?P<name>\S+)"),
    ".ink": re.compile(r"^\s*={1,}\s*(?:function\s+)?(?P<name>\w+)"),
    ".nani": re.compile(r"^#\s*(?P<name>\S.*)$"),
    ".twee": re.compile(r"^::\s*(?P<name>[^\[{]*?)\s*(?:\[(?P<tags>[^\]]*)\])?\s*(?:\{.*\})?$"),
}
"""The line that begins a part of the story."""
DATA = re.compile(
    r"^Story(?:Title|Data|Init|Settings|Caption|Menu|Banner|Subtitle|Author|Share|DisplayTitle|Interface|Includes)$"
    r"|^User(?:Script|Stylesheet)$|^Passage(?:Header|Footer|Ready|Done)$"
)
"""Parts of a Twee file that hold data, or what stands around the story on its page."""
DATA_TAG = re.compile(r"\b(?:stylesheet|script)\b")
STATEMENT = re.compile(r"^\s*(?:~|(?:VAR|CONST|LIST|INCLUDE|EXTERNAL|TODO:?)\s|#)")
COMMAND = re.compile(r"^\s*[@;]")
"""A command or a comment of Naninovel's."""
APPEARANCE = re.compile(r"^(?P<name>[^\W\d]\w*)\.\w+(?=\s*:)")
"""Mara.Happy: Lit?"""
BEGINS = re.compile(r"^\s*(?:[-=]>\s*|(?:[*+]\s*)+|(?:-(?!>)\s*)+)?(?:\(\w+\)\s*)?")
"""The mark of a choice or of what choices come together in, and its label: `* `, `- (top) `, `-> `, `=> `."""
REMOVED = re.compile(
    r"<<(?:(?!<<).)*?>>|\[\[(?:(?!\[\[).)*?\]\]|(?<!:)//.*$|\s#\S+|<>|\((?:set|put|if|else-if|else|link|display|print)[^()]*:[^()]*\)|''"
    r"|->\s*[\w.]*\s*$|(?<!\\)\[/?[\w ]+(?:=[^\]]*)?/?\]|(?<!\\)\[[-<>\w][^\[\]]*\]|</?\w[^<>]*>"
)
"""Commands, links, comments, tags, glue, where the story goes on, markup."""
ESCAPED = re.compile(r"\\([\[\]#<>])")
"""\\[really\\]: a bracket that means itself"""
_MACRO = r"\((?P<macro>[a-z][\w-]*):(?:[^()]|\([^()]*\))*+\)"
TWINE_COMMENT = re.compile(r"/\*(?:(?!/\*).)*?\*/|/%(?:(?!/%).)*?%/|<!--(?:(?!<!--).)*?-->|(?<!:)//")
"""Comments, and the marks about italics."""
TWINE_SHOWN = re.compile(r"\(print:\s*(\$\w+)\s*\)|<<(?:print|=|-)\s*(\$\w+)\s*>>")
"""(print: $name), <<print $name>>: what the game puts in."""
TWINE_HOOK = re.compile(rf"{_MACRO}\s*\[(?!\[)(?P<text>[^\[\]]*)\]")
"""(if: $lit)[It is bright.]"""
TWINE_MACRO = re.compile(_MACRO)
TWINE_NAMED_HOOK = re.compile(r"\[(?P<before>[^\[\]]*)\]<\w+\||\|\w+>\[(?P<behind>[^\[\]]*)\]")
"""[big]<size|: a text that macros elsewhere change."""
TWINE_STYLED = re.compile(r"@@(?:[.#][\w.#-]+;|[\w-]+:[^;@]*;)+(?P<text>[^@]*)@@")
"""@@.red;Careful!@@, @@color:red;Careful!@@"""
TWINE_ELSE = re.compile(r"<<else(?:if\b(?:(?!>>).)*)?>>(?:(?!<</if>>).)*(?=<</if>>)")
"""(<<if $lit>>It is bright.)<<else>>It is dark.(<</if>>)"""
TWINE_LINK = re.compile(r"(?<=[^\s.!?…\"”»)\]>])(?P<gap>\s*)\[\[(?P<link>[^\[\]]*)\](?:\[[^\[\]]*\])?\]")
"""(I saw a) [[red lamp|Lamp]] (up there.): a link within a sentence; behind one it is a choice."""
TWINE_BOLD = re.compile(r"\*{2}(?=\S)([^*]+)(?<=\S)\*{2}|\\$")
"""**words** of Harlowe's, and the sign by which a line of SugarCube's goes on in the next."""
TWINE_STRUCK = re.compile(r"==(?=\S)[^=]+==|~~(?=\S)[^~]+~~")
"""==words==, ~~words~~: struck through."""
TWINE_SPEECH = re.compile(
    r"<<(?P<macro>say|speech|speak|speaks|talk|dialogue|dialog|bubble)\s+"
    r"(?:\"(?P<double>[^\"<>]+)\"|'(?P<single>[^'<>]+)')(?:(?!>>).)*>>",
    re.IGNORECASE,
)
"""<<speech "Tom" "tom.png">>Not yet.<</speech>>: macros that writers make for it."""
TWINE_TARGET = re.compile(r"(?:\||->).*$|^.*<-")
YARN_CHOICE = re.compile(
    r"\[(?:select|plural|ordinal)\s+(?:value=)?(?P<value>\{[^{}]*\}|\"[^\"]*\"|\S+)\s+\w+=\"(?P<first>[^\"]*)\"[^\]]*\]"
)
"""[select value={$who} m="he" f="she"/], [plural value={$n} one="an apple" other="% apples"/]: the first is taken."""
YARN_EXPRESSION = re.compile(r"(?<!\\)\{(?=[^{}]*[^{}$\w])(?P<code>[^{}]+)\}")
"""{plural($n)}: what the game works out."""
VARIABLE = re.compile(r"\{\$?(?P<name>\w+)\}|\$(?P<bare>[^\W\d]\w*(?:\.[^\W\d]\w*)*)")
TEXT_ID = re.compile(r"\|#[^|\n]*\|")
"""Mara: Lit?|#3f2a|: by what Naninovel finds a line again for its translations."""
INK_ONLY = re.compile(r"\s#.*$|->\s*(?:->\s*)?[\w.]*\s*$")
"""# a tag, which may hold spaces, and where the story goes on."""
INK_CHOICE = re.compile(r"\{(?:(?:[^{}|:]*:)|[~&!$]|(?=[^{}|]*\|))(?P<first>[^{}|]*)(?:\|[^{}]*)?\}")
"""{lit: It is bright.|It is dark.}, {~Well|So}: what the game chooses from; the first is taken."""
COMMENT_MARKS = {".ink": ("/*", "*/"), ".twee": ("/*", "*/")}
"""What begins and ends a comment of several lines."""
SPEECH = re.compile(r"^(?P<name>[^\W\d_][^:：{}<>\[\]\"“”.!?]{0,40}?)\s*[:：]\s*(?P<text>\S.*)$")


def read(path: Path) -> Iterator[Line]:
    """The lines of a script: a speech under its speaker's name, narration in brackets, parts as headings."""
    suffix = path.suffix.casefold()
    node, is_yarn, is_naninovel = NODE[suffix], suffix == ".yarn", suffix == ".nani"
    in_text, spoken = not is_yarn, 0
    lines = _without_comments(open_text(path), COMMENT_MARKS.get(suffix))
    for number, raw in _with_labels(lines) if suffix == ".twee" else lines:
        line = APPEARANCE.sub(r"\g<name>", TEXT_ID.sub("", raw)) if is_naninovel else raw
        line = INK_CHOICE.sub(r"\g<first>", INK_ONLY.sub("", line)) if suffix == ".ink" else line
        line = _without_hooks(line) if suffix == ".twee" else line
        line = _chosen_in_yarn(line) if is_yarn else line
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


def _without_comments(lines: Lines, marks: tuple[str, str] | None) -> Iterator[tuple[int, str]]:
    """The lines without comments that may run over several of them."""
    is_open = False
    for number, raw in lines:
        text, rest = "", raw
        while marks and (is_open or marks[0] in rest):
            before, _, rest = ("", "", rest) if is_open else rest.partition(marks[0])
            text += before
            is_open = marks[1] not in rest
            rest = "" if is_open else rest.partition(marks[1])[2]
            if is_open:
                break
        yield number, text + rest


def _with_labels(lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """The lines of a Twee file; what stands in a macro that names who speaks is a line with a label."""
    held = list(lines)
    place = 0
    while place < len(held):
        number, rest = held[place]
        place += 1
        while opened := TWINE_SPEECH.search(rest):
            end = f"<</{opened['macro']}>>"
            stop = next((at for at in range(place - 1, len(held)) if end in held[at][1]), None)
            if stop is None or any(text.startswith("::") for _, text in held[place:stop]):
                break
            yield number, rest[: opened.start()]
            block = " ".join([rest[opened.end() :], *(text.strip() for _, text in held[place : stop + 1])])
            speech_text, _, rest = block.partition(end)
            yield number, f"{opened['double'] or opened['single']}: {speech_text.strip()}"
            place = max(place, stop + 1)
        yield number, rest


def _without_hooks(line: str) -> str:
    """A line of Harlowe's or SugarCube's with what its macros show; of alternatives the first."""
    bare = TWINE_SHOWN.sub(lambda shown: shown[1] or shown[2], TWINE_COMMENT.sub("", line))
    hooks = TWINE_HOOK.sub(lambda hook: "" if hook["macro"].startswith("else") else hook["text"], bare)
    hooks = TWINE_NAMED_HOOK.sub(lambda hook: hook["before"] or hook["behind"] or "", hooks)
    hooks = TWINE_STYLED.sub(r"\g<text>", TWINE_ELSE.sub("", hooks))
    hooks = TWINE_BOLD.sub(lambda bold: bold[1] or "", TWINE_STRUCK.sub("", hooks))
    hooks = TWINE_LINK.sub(lambda link: link["gap"] + TWINE_TARGET.sub("", link["link"]), hooks)
    return TWINE_MACRO.sub("", hooks)


def _chosen_in_yarn(line: str) -> str:
    """A line of Yarn Spinner's with the first of what the game chooses from, and its code as placeholders."""
    chosen = YARN_CHOICE.sub(lambda choice: choice["first"].replace("%", choice["value"]), line)
    return YARN_EXPRESSION.sub(lambda code: "{{" + " ".join(re.findall(r"[\w.]+", code["code"])) + "}}", chosen)


def _text(line: str) -> str:
    """A line without what the program does; a variable as the placeholder {{name}}."""
    text = ESCAPED.sub(r"\1", REMOVED.sub("", BEGINS.sub("", line, count=1)))
    text = VARIABLE.sub(lambda variable: "{{" + (variable["name"] or variable["bare"]) + "}}", text)
    words = " ".join(text.split())
    return "" if re.match(r"\{[^{]", words) or not any(char.isalnum() for char in words) else words
