"""The command `offbook extract`."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from offbook.cli.command import Command, FilePath
from offbook.cli.echo import echo
from offbook.cli.extract_page import check_page, save_with_page
from offbook.cli.extract_review import review_rows
from offbook.cli.json_output import json_option, print_json
from offbook.core.errors import UsageError
from offbook.core.i18n import translate
from offbook.core.progress import CountProgress, fill
from offbook.core.registry import nearest
from offbook.core.shell import offbook_command, shell_command
from offbook.data import extract
from offbook.data.extract import ChatOptions, Pauses, SpeakerStats, Summary

COLUMN_KINDS = ("sender", "text", "time", "day", "chat", "id", "reply_to", "deleted")
"""What the columns of a table of messages may hold."""
NAMED = 3
"""Files, at most, that are named while they are read."""
MOST_SPEAKERS = 60
"""So many speakers fit a table that one looks through; a long novel has hundreds, most of whom say a line or two."""


@click.command(cls=Command)
@click.argument("files", nargs=-1, type=FilePath(path_type=Path), metavar="FILE…")
@click.option("--role", "roles", multiple=True, metavar="NAME", help="The character.")
@click.option("--me", metavar="NAME", help="Clone yourself: as --role NAME --rows conversation.")
@click.option("--out", type=FilePath(path_type=Path, dir_okay=False), metavar="FILE", help="Where the rows go (JSONL).")
@click.option(
    "--html",
    type=FilePath(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="The rows beside their source, as a web page.",
)
@click.option(
    "--review",
    type=FilePath(path_type=Path, dir_okay=False),
    metavar="ROWS",
    help="Go through extracted rows by hand: keep, drop, edit, undo; goes on where you stopped.",
)
@click.option("--list", "list_only", is_flag=True, help="Only show who speaks.")
@click.option("--alias", "aliases", multiple=True, metavar="A=B", help="A and B are one person (repeat as needed).")
@click.option(
    "--format", default="auto", show_default=True, metavar="NAME", help=f"What it is: {', '.join(extract.EXTRACTORS)}."
)
@click.option("--context", default=0, show_default=True, type=click.IntRange(0), help="Turns before the prompt.")
@click.option("--keep-actions", is_flag=True, help="Leave stage directions and actions in the texts.")
@click.option(
    "--min-confidence",
    default=0.9,
    show_default=True,
    type=click.FloatRange(0, 1),
    help="Take only lines of whose speaker it is so sure.",
)
@click.option(
    "--rows",
    "row_kind",
    type=click.Choice(["reply", "conversation"]),
    help="Chats: a row for each reply (the default with --role) or for each conversation (with --me).",
)
@click.option("--max-turns", default=40, show_default=True, type=click.IntRange(2), help="Most turns of such a row.")
@click.option(
    "--max-tokens",
    default=900,
    show_default=True,
    type=click.IntRange(1),
    help="Most tokens of such a row, four bytes of text taken for one.",
)
@click.option(
    "--burst",
    default=2.0,
    show_default=True,
    type=click.FloatRange(0),
    metavar="MINUTES",
    help="Chats: messages of one sender, so close to each other, are one turn.",
)
@click.option(
    "--silence",
    default=180.0,
    show_default=True,
    type=click.FloatRange(0),
    metavar="MINUTES",
    help="Chats: after so long a silence another conversation begins.",
)
@click.option(
    "--columns",
    metavar="K=NAME,…",
    help="A table's columns by name, or by number from 1: sender=…,text=…,time=… (day, chat, id, reply_to, deleted).",
)
@click.option("--system", default="", metavar="TEXT", help="Chats: a system prompt for the rows.")
@click.option(
    "--relation", "relations", multiple=True, metavar="NAME=WHO", help="Chats: say who it is, for example: Ann=sister."
)
@click.option("--time-of-day", is_flag=True, help="Chats: say the day and the time of day.")
@json_option
def command(
    files: tuple[Path, ...],
    roles: tuple[str, ...],
    me: str | None,
    out: Path | None,
    html: Path | None,
    review: Path | None,
    list_only: bool,
    aliases: tuple[str, ...],
    as_json: bool,
    format: str,
    context: int,
    keep_actions: bool,
    min_confidence: float,
    **chat_options: Any,
) -> None:
    """Take a character's lines out of screenplays, plays, novels, chat logs and subtitles.

    \b
    offbook extract hamlet.md --list
    offbook extract hamlet.md --role Hamlet --out hamlet.jsonl
    offbook extract 剧本/*.txt --role 甄嬛 --alias 莞嫔=甄嬛 --context 4 --out lines.jsonl
    offbook extract WhatsApp*.txt result.json --me Tom --out me.jsonl --html me.html
    offbook extract --review me.jsonl

    Each row holds what was said to the character and what it answered, with file, line, scene and confidence.
    """
    if review is not None:
        review_rows(review)
        return
    if not files:
        raise UsageError("no file is named", "For example: offbook extract hamlet.md --list")
    if roles and me:
        raise UsageError("--role and --me both name the character", "Keep one of them.")
    if len(roles) > 1:
        raise UsageError(
            "--role names several characters: {names}",
            "Run the command once for each, with an --out of its own; --alias joins the names of one person.",
            names=", ".join(roles),
        )
    chat = _chat_options(whole_conversations=me is not None, **chat_options)
    if list_only:
        with _reading(files) as progress:
            listing = extract.listing(files, format=format, chat=chat, progress=progress)
        _show_files(listing.formats, listing.unread)
        if as_json:
            speakers = [_speaker_fields(speaker) for speaker in listing.speakers]
            print_json({"formats": listing.formats, "unread": listing.unread, "speakers": speakers})
        else:
            _show_speakers(listing.speakers)
            if listing.speakers:
                echo(fill("Next:  {command}", {"command": _with_a_role(files)}), err=True)
        return
    character = roles[0] if roles else me
    if not character or not out:
        raise UsageError("say whose lines, and where to put them: --role NAME --out lines.jsonl", "Who speaks: --list")
    extract.check_place(out, files)
    if html is not None:
        check_page(html, out)
    pairs = [_pair("alias", alias, "莞嫔=甄嬛") for alias in aliases]
    with _reading(files) as progress:
        made = extract.stream(
            files,
            character,
            format=format,
            aliases=pairs,
            context=context,
            keep_actions=keep_actions,
            min_confidence=min_confidence,
            chat=chat,
            progress=progress,
        )
        if html is None:
            extract.save(made.rows(), out)
        else:
            save_with_page(made, out, html)
    if as_json:
        print_json(dataclasses.asdict(made.summary))
    else:
        _show_summary(made.summary, out)


def _with_a_role(files: Sequence[Path]) -> str:
    """The command under way as it takes a character's lines instead of listing who speaks."""
    context = click.get_current_context()
    words: list[str | Path] = ["extract", *(files if len(files) <= NAMED else ["FILES"])]
    for option in context.command.params:
        name, value = str(option.name), context.params.get(str(option.name))
        is_given = context.get_parameter_source(name) is ParameterSource.COMMANDLINE
        if is_given and name not in ("files", "list_only", "roles", "me", "out", "html"):
            for each in value if isinstance(value, tuple) else [value]:
                words += [option.opts[-1], *([] if each is True else [str(each)])]
    return offbook_command(*words, "--role", "NAME", "--out", "lines.jsonl")


@contextmanager
def _reading(files: Sequence[Path]) -> Iterator[CountProgress]:
    """Context manager: a live line says that the files are being read, and how far as it is told."""
    from offbook.cli.progress_bar import reporting

    with reporting() as reporter:
        reporter.stage("Reading {files}", files=", ".join(map(str, files)) if len(files) <= NAMED else len(files))
        yield lambda done, total: reporter.progress(done, total, "byte")


def _chat_options(
    whole_conversations: bool,
    row_kind: str | None,
    burst: float,
    silence: float,
    columns: str | None,
    relations: tuple[str, ...],
    **options: Any,
) -> ChatOptions:
    return ChatOptions(
        pauses=Pauses(burst, silence),
        whole_conversations=whole_conversations if row_kind is None else row_kind == "conversation",
        columns=_columns(columns) if columns else {},
        relations=dict(_pair("relation", relation, "Ann=sister") for relation in relations),
        **options,
    )


def _columns(text: str) -> dict[str, str]:
    columns = dict(_pair("columns", part, "sender=from,text=body,time=date") for part in text.split(","))
    unknown = next((key for key in columns if key not in COLUMN_KINDS), None)
    if unknown is not None:
        raise UsageError(
            "--columns: a table has no '{unknown}'{hint}",
            "What a column may hold: {column_kinds}.",
            unknown=unknown,
            hint=nearest(unknown, COLUMN_KINDS),
            column_kinds=", ".join(COLUMN_KINDS),
        )
    return columns


def _pair(option: str, text: str, example: str) -> tuple[str, str]:
    one, equals, other = text.partition("=")
    if not (one.strip() and equals and other.strip()):
        raise UsageError(
            "--{option} {text}: this is written A=B",
            "For example: --{option} {example}",
            option=option,
            text=text,
            example=example,
        )
    return one.strip(), other.strip()


def _speaker_fields(speaker: SpeakerStats) -> dict[str, Any]:
    return {
        "name": speaker.name,
        "lines": speaker.lines,
        "characters": speaker.characters,
        "unsure": speaker.unsure,
        "likely_aliases": speaker.likely,
        "samples": speaker.samples,
    }


def _show_speakers(speakers: list[SpeakerStats]) -> None:
    from rich.table import Table

    from offbook.cli.terminal import console

    table = Table()
    unsure = any(speaker.unsure for speaker in speakers)
    table.add_column(translate("speaker"))
    for title in (translate("lines"), translate("characters"), *([translate("not sure")] if unsure else [])):
        table.add_column(title, justify="right")
    table.add_column(translate("may be the same person"))
    for speaker in speakers[:MOST_SPEAKERS]:
        counts = [speaker.lines, speaker.characters, *([speaker.unsure] if unsure else [])]
        table.add_row(speaker.name, *(f"{count:,}" for count in counts), ", ".join(speaker.likely))
    console(stderr=False).print(table)
    if len(speakers) > MOST_SPEAKERS:
        count = len(speakers) - MOST_SPEAKERS
        echo(fill("and {count} more; --list --json shows them all", {"count": count}))


def _show_files(formats: dict[str, str], unread: dict[str, str]) -> None:
    for file, format in formats.items():
        echo(fill("{file}: read as {format}", {"file": file, "format": format}), err=True)
    for file, reason in unread.items():
        echo(fill("{file}: not read: {reason}", {"file": file, "reason": reason.removeprefix(f"{file}: ")}), err=True)


def _show_summary(summary: Summary, out: Path) -> None:
    _show_files(summary.formats, summary.unread)
    names = f" ({', '.join(summary.names)})" if summary.names != (summary.role,) else ""
    replies = fill(" ({count} replies)", {"count": summary.replies}) if summary.replies != summary.taken else ""
    echo(
        fill(
            "{taken} rows of {role}{names}{replies} → {out}",
            {"taken": summary.taken, "role": summary.role, "names": names, "replies": replies, "out": out},
        ),
        err=True,
    )
    if summary.unsure:
        echo(fill("  {unsure} of them by a speaker who is only likely", {"unsure": summary.unsure}), err=True)
    for reason, count in sorted(summary.left.items(), key=lambda item: -item[1]):
        echo(fill("left out: {count} × {reason}", {"count": count, "reason": translate(reason)}), err=True)
        for example in summary.examples[reason]:
            echo(f"    {example}", err=True)
    if summary.likely_aliases:
        flags = " ".join(shell_command("--alias", f"{name}={summary.names[0]}") for name in summary.likely_aliases)
        echo(fill("These may be the same person and were not taken; if so, add: {flags}", {"flags": flags}), err=True)
    config = out.parent / "run.yaml"
    check = offbook_command("check", *(("-c", config) if config.is_file() else ("--data", out)))
    echo(fill("Next:  {check}", {"check": check}), err=True)
