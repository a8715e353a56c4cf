"""The formats that lines are extracted from.

A format of scripts and books is a module with `read` and `looks_like`, and an entry in `EXTRACTORS`; a chat format is a
module in `chat_log/formats` and needs no entry.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NoReturn

from offbook.core.errors import UsageError
from offbook.core.i18n import marked, translate
from offbook.core.registry import lookup
from offbook.data.encoding import readable
from offbook.data.extract import subtitles
from offbook.data.extract.chat_log import messenger_web
from offbook.data.extract.chat_log.formats import CHAT_FORMATS, copied, table, text_log
from offbook.data.extract.chat_log.message import MessageReader
from offbook.data.extract.chat_log.options import ChatOptions
from offbook.data.extract.chat_log.table_stream import is_rectangular
from offbook.data.extract.chat_log.turns import to_cues
from offbook.data.extract.cue import Cue, Lines, Reader, Skipped
from offbook.data.extract.novel import choicescript, reader
from offbook.data.extract.novel.languages import is_unread
from offbook.data.extract.script import chinese_opera, fountain, interview, nscripter, play, screenplay
from offbook.data.extract.script import reader as script_reader
from offbook.data.extract.script.profile import ScriptProfile, Style
from offbook.data.extract.script.storyboard import is_storyboard
from offbook.data.extract.source import TextFile, document_format, open_source
from offbook.data.extract.unsupported_chats import AS_TABLE, UNSUPPORTED_CHATS
from offbook.data.extract.word_lists import words
from offbook.data.loading import to_conversation
from offbook.data.row_values import RowError
from offbook.data.sources import read_rows
from offbook.data.unpacking import open_bytes

SAMPLE_LINES = 3000
"""So many lines at the head of a file tell its format."""
JSON_HEAD = re.compile(r'[\s\ufeff]*(?:\{\s*["}]|\[\s*[\[{"\]])')
LEAST_LIKELY = 0.05
"""A file that looks less like every format is of none."""
TIMED_SHARE = 0.5
"""A text that looks so much like an app's chat, with times beside names, is one, however much it is like a script."""
COPIED_SHARE = 0.2
"""The same for lines of a name and a time, with the text below: a script that has some at all has few of them."""
CHARACTER_CARD = re.compile(r'"spec"\s*:\s*"chara_card_v|"first_mes"\s*:')
COMMENTS = marked("a page of comments that was copied")
ANSWER_BUTTONS = words(
    "Upvote Downvote Reply Antworten Répondre Responder Rispondi Ответить Odpowiedz Yanıtla 回复 回覆 返信 답글"
)
FEWEST_BUTTONS = 3
"""So many lines with the words of the button below each comment alone tell such a page."""
UNLABELLED = marked("a conversation copied from Messenger's page without its labels")
ENCRYPTED = re.compile(r"\.crypt\d{0,2}$", re.IGNORECASE)
"""How the name of a backup ends that WhatsApp locks with the phone's key."""
BACKUP = marked("WhatsApp's locked backup")
EXPORT_CHAT = marked(
    "Use “Export chat” in WhatsApp, or unlock the backup with WhatsApp-Chat-Exporter and extract its result.json."
)
DOWNLOAD = marked(
    "It does not tell where a message ends. Download the conversation from Messenger as JSON and extract that."
)
TABLES = frozenset([".csv", ".tsv", ".xlsx", ".xlsm"])
"""Suffixes of tables, whose cells may look like a novel's lines or a script's."""
PROGRAMS = frozenset(
    [
        ".py",
        ".js",
        ".ts",
        ".c",
        ".h",
        ".cpp",
        ".java",
        ".go",
        ".rs",
        ".sh",
        ".yaml",
        ".yml",
        ".toml",
        ".ini",
        ".cfg",
        ".css",
        ".sql",
        ".lua",
    ]
)
"""Suffixes of what programs read and write; in it words before a colon look like names."""
NESTED_KEYS = re.compile(r"(?m)^( *+)[a-z_][\w-]*:[ \t]*\n\1 +(?:- )?[a-z_][\w-]*:(?: |$)")
"""A setting that holds others, as YAML writes it: `model:` above `  source: x`."""
XML_HEAD = re.compile(r"\ufeff?\s*<\?xml\b")
XML = marked("XML of another program's")
EXPORT_TEXT = marked("Export it from the program that wrote it as .docx, .epub, .fountain or plain text.")
HEAD_BYTES = 1 << 17
OF_NO_APP = ("copied", "table", text_log.FORMAT.name)
"""Chat formats that give way to an app's own where that fits as well."""


@dataclass(frozen=True, slots=True)
class Extractor:
    """A format: what it is, how it is read, and how much a text looks like it (0 … 1)."""

    description: str
    looks_like: Callable[[list[str]], float]
    read: Reader | None = None
    """For scripts and books: lines to cues."""
    messages: MessageReader | None = None
    """For chats: lines to messages, of which turns are made."""
    style: Style | None = None
    """For scripts in which a name stands before what it says: how (`script/reader.py` reads them)."""
    suffixes: tuple[str, ...] = ()
    json: bool = False
    text: bool = True

    @property
    def is_chat(self) -> bool:
        """Whether its cues are the turns of a chat."""
        return self.messages is not None

    def cues(self, lines: Lines, options: ChatOptions, layout: ScriptProfile | None = None) -> Iterator[Cue | Skipped]:
        """The cues of a file, and what is left out.

        Args:
            lines: the file's lines.
            options: how the messages of a chat become turns.
            layout: the layout of a script, where it is known from other files.

        Raises:
            ParseError: the file is damaged; the line is named.
        """
        if self.style is not None:
            return script_reader.read(lines, self.style, layout)
        if self.messages is None:
            assert self.read is not None
            return self.read(lines)
        messages = table.read(lines, options.columns) if options.columns else self.messages(lines)
        return to_cues(messages, options.pauses)


EXTRACTORS = {
    "subtitles": Extractor(
        "subtitles that name who speaks (.srt, .ass, .vtt, .sbv)",
        subtitles.looks_like,
        subtitles.read,
        suffixes=(".srt", ".ass", ".ssa", ".vtt", ".sbv"),
    ),
    **{
        name: Extractor(chat.description, chat.looks_like, messages=chat.read, json=chat.is_json, text=chat.is_text)
        for name, chat in sorted(CHAT_FORMATS.items(), key=lambda item: item[0] in OF_NO_APP)
    },
    "interview": Extractor(
        "interviews with questions in bold and no names: **When?**", interview.looks_like, interview.read
    ),
    "chinese_opera": Extractor(
        "Chinese plays of old: （旦云）…（生唱）…", chinese_opera.looks_like, chinese_opera.read
    ),
    "choicescript": Extractor("scenes of ChoiceScript: *choice, *goto", choicescript.looks_like, choicescript.read),
    "nscripter": Extractor("NScripter's scripts: commands among the text", nscripter.looks_like, nscripter.read),
    "fountain": Extractor(
        "Fountain and film scripts", fountain.looks_like, fountain.read, suffixes=(".fountain", ".spmd")
    ),
    "play": Extractor("plays: HAMLET. or **HAMLET** above the lines", play.looks_like, style=play.STYLE),
    "screenplay": Extractor("screenplays: 角色：台词, NAME: line", screenplay.looks_like, style=screenplay.STYLE),
    "novel": Extractor("novels: 黛玉笑道：“…”", reader.looks_like, reader.read),
}
"""Name → format. Where two fit as well, the one that stands first is taken: the more particular one."""


def choose(path: Path, format: str) -> str:
    """The name of the format: the one given, or for "auto" the one that the file looks most like.

    Raises:
        UsageError: the name is unknown, or the file looks like none: it is empty, say, or holds rows already.
    """
    if format != "auto":
        lookup(EXTRACTORS, format, "format")
        return format
    if (kind := document_format(path)) != "auto":
        open_source(path)
        return kind
    if ENCRYPTED.search(path.name):
        raise _unreadable(path, BACKUP, EXPORT_CHAT)
    _refuse_unsupported(path)
    sample = [text for _, text in islice(open_source(path), SAMPLE_LINES)]
    if not any(text.strip() for text in sample):
        raise UsageError(
            "{path} is empty",
            "Is it the right file?",
            path=path,
        )
    if messenger_web.lacks_labels(sample):
        raise _unreadable(path, UNLABELLED, DOWNLOAD)
    is_json = JSON_HEAD.match("\n".join(sample[:20])) is not None
    scores = {
        name: 1.0 if path.suffix.casefold() in extractor.suffixes else extractor.looks_like(sample)
        for name, extractor in EXTRACTORS.items()
        if (extractor.json if is_json else extractor.text)
    }
    best = max(scores, key=lambda name: scores[name])
    if EXTRACTORS[best].style:
        best = _timed_chat(scores) or best
    if EXTRACTORS[best].style and sum(line.strip() in ANSWER_BUTTONS for line in sample) >= FEWEST_BUTTONS:
        raise _unreadable(path, COMMENTS, AS_TABLE)
    if (best == "novel" and is_unread(sample)) or (scores[best] < LEAST_LIKELY and script_reader.is_told(sample)):
        raise UsageError(
            "{path} is a novel in a language that extract does not read novels in",
            "Write who speaks before each line, as scripts do (NAME: line), or make a table with columns for who "
            "speaks and for what is said, and extract that.",
            path=path,
        )
    if (
        XML_HEAD.match("\n".join(sample[:20]))
        and not EXTRACTORS[best].is_chat
        and isinstance(open_source(path), TextFile)
    ):
        raise _unreadable(path, XML, EXPORT_TEXT)
    is_program = path.suffix.casefold() in PROGRAMS or NESTED_KEYS.search("\n".join(sample))
    if is_program and EXTRACTORS[best].style:
        raise UsageError(
            "{path} is a program's file, not a text in which somebody speaks",
            "If somebody does, say so: --format {best}",
            path=path,
            best=best,
        )
    is_table = path.suffix.casefold() in TABLES and not EXTRACTORS[best].is_chat
    is_table_of_rows = is_table and _holds_rows(path)
    if is_table and scores.get(table.FORMAT.name):
        best = table.FORMAT.name
    if is_table and not EXTRACTORS[best].is_chat and not is_table_of_rows and is_rectangular(sample):
        raise UsageError("{path} is a table in which no column is seen to hold who speaks", table.BY_NUMBER, path=path)
    if scores[best] >= LEAST_LIKELY and not is_table_of_rows:
        _refuse_tie(path, scores, best)
        return best
    _refuse(path, sample, is_json)
    return None


def _timed_chat(scores: dict[str, float]) -> str | None:
    """The chat that a text looks like whose names stand beside times: a script has no times at its lines."""
    chats = {name: score for name, score in scores.items() if EXTRACTORS[name].is_chat and name not in OF_NO_APP}
    likely = max(chats, key=lambda name: chats[name], default="")
    if likely and chats[likely] >= TIMED_SHARE:
        return likely
    if (log := scores.get(text_log.FORMAT.name, 0.0)) > scores.get(copied.FORMAT.name, 0.0):
        return likely if likely and chats[likely] >= log else text_log.FORMAT.name
    return copied.FORMAT.name if scores.get(copied.FORMAT.name, 0.0) >= COPIED_SHARE else None


def _refuse_unsupported(path: Path) -> None:
    """Raises: UsageError: the file is a chat as a program exports it that is not read."""
    with readable(path), open_bytes(path) as file:
        head = file.read(HEAD_BYTES).replace(b"\0", b"")  # in UTF-16, ASCII is filled up with zeros
    text = head.decode("utf-8", errors="ignore")
    for pattern, what, fix in UNSUPPORTED_CHATS:
        if re.search(pattern, text, re.DOTALL):
            raise _unreadable(path, what, fix)


def _unreadable(path: Path, what: str, fix: str) -> UsageError:
    return UsageError("{path} is {unreadable}, which extract does not read", fix, path=path, unreadable=translate(what))


def _refuse_tie(path: Path, scores: dict[str, float], best: str) -> None:
    """Raises: UsageError: the file looks as much like one chat as like another."""
    rivals = [name for name in scores if EXTRACTORS[name].is_chat and name not in OF_NO_APP]
    tied = [name for name in rivals if scores[name] == scores[best]]
    if EXTRACTORS[best].is_chat and len(tied) > 1:
        raise UsageError(
            "{path} looks as much like {first} as like {others}",
            "Say which it is: {flags}.",
            path=path,
            first=tied[0],
            others=translate(" and ").join(tied[1:]),
            flags=translate(" or ").join(f"--format {name}" for name in tied),
        )


def _refuse(path: Path, sample: Sequence[str], is_json: bool) -> NoReturn:
    """Say what a file is that nobody speaks in.

    Raises:
        UsageError: always.
    """
    if is_json and CHARACTER_CARD.search("\n".join(sample)[:200_000]):
        raise UsageError(
            "{path} is a character card, not a text in which somebody speaks",
            "Copy its description into persona.system, and extract lines from chats with the character.",
            path=path,
        )
    if is_storyboard(sample):
        raise UsageError(
            "{path} is a storyboard whose column of what is said names nobody",
            "Write who speaks before each line (Ann: Is it lit?), or add a column called Speaker.",
            path=path,
        )
    if _holds_rows(path):
        raise UsageError(
            "{path} holds rows already, there is nothing to extract",
            "Train on them as they are: write them into run.yaml as data.source, or --data.source {path}",
            path=path,
        )
    raise UsageError(
        "{path}: nobody can be seen to speak in this text",
        "If it is one of these, say so with --format: {extractors}. A table of messages: "
        "--columns sender=…,text=…,time=…",
        path=path,
        extractors=", ".join(EXTRACTORS),
    )


def _holds_rows(path: Path) -> bool:
    """Whether a file's first row is one that can be trained on."""
    try:
        return any(to_conversation(row, origin) for origin, row in islice(read_rows(path), 1))
    except (UsageError, RowError):
        return False
