"""offbook extract"""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import click

from offbook.cli.command import Command
from offbook.cli.options import json_option, print_json
from offbook.core.errors import UsageError
from offbook.data import extract
from offbook.data.extract import Speaker, Summary


@click.command(cls=Command)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE…")
@click.option("--role", metavar="NAME", help="The character.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Where the rows go (JSONL).")
@click.option("--list", "list_only", is_flag=True, help="Only show who speaks.")
@click.option("--alias", "aliases", multiple=True, metavar="A=B", help="A and B are one person (repeat as needed).")
@click.option(
    "--format", default="auto", show_default=True, metavar="NAME", help=f"What it is: {', '.join(extract.EXTRACTORS)}."
)
@click.option("--context", default=0, show_default=True, type=click.IntRange(0), help="Turns before the prompt.")
@click.option("--keep-actions", is_flag=True, help="Leave stage directions and actions in the texts.")
@click.option(
    "--min-confidence",
    default=0.8,
    show_default=True,
    type=click.FloatRange(0, 1),
    help="Take only lines of whose speaker it is so sure.",
)
@json_option
def command(
    files: tuple[Path, ...],
    role: str | None,
    out: Path | None,
    list_only: bool,
    aliases: tuple[str, ...],
    as_json: bool,
    **options: Any,
) -> None:
    """Take a character's lines out of screenplays, plays, novels, chat logs and subtitles.

    \b
    offbook extract hamlet.md --list
    offbook extract hamlet.md --role Hamlet --out hamlet.jsonl
    offbook extract 剧本/*.txt --role 甄嬛 --alias 莞嫔=甄嬛 --context 4 --out lines.jsonl

    Each row holds what was said to the character and what it answered, with file, line, scene and confidence.
    """
    if list_only:
        found = extract.speakers(files, format=options["format"])
        print_json([_plain(speaker) for speaker in found]) if as_json else _show_speakers(found)
        return
    if not role or not out:
        raise UsageError("say whose lines, and where to put them: --role NAME --out lines.jsonl", "Who speaks: --list")
    extract.check_place(out, files)
    extraction = extract.extract(files, role, aliases=[_pair(alias) for alias in aliases], **options)
    extract.save(extraction.rows, out)
    if as_json:
        print_json(dataclasses.asdict(extraction.summary))
    else:
        _show_summary(extraction.summary, out)


def _pair(alias: str) -> tuple[str, str]:
    one, equals, other = alias.partition("=")
    if not (one.strip() and equals and other.strip()):
        raise UsageError(f"--alias {alias}: an alias is written A=B", "For example: --alias 莞嫔=甄嬛")
    return one.strip(), other.strip()


def _plain(speaker: Speaker) -> dict[str, Any]:
    return {
        "name": speaker.name,
        "lines": speaker.lines,
        "characters": speaker.characters,
        "unsure": speaker.unsure,
        "likely_aliases": speaker.likely,
    }


def _show_speakers(found: list[Speaker]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table()
    unsure = any(speaker.unsure for speaker in found)
    for title in ("speaker", "lines", "characters", *(["not sure"] if unsure else []), "may be the same person"):
        table.add_column(title, justify="left" if title in ("speaker", "may be the same person") else "right")
    for speaker in found:
        counts = [speaker.lines, speaker.characters, *([speaker.unsure] if unsure else [])]
        table.add_row(Text(speaker.name), *(f"{count:,}" for count in counts), Text(", ".join(speaker.likely)))
    Console().print(table)


def _show_summary(summary: Summary, out: Path) -> None:
    for file, format in summary.formats.items():
        click.echo(f"{file}: read as {format}", err=True)
    names = f" ({', '.join(summary.names)})" if summary.names != (summary.role,) else ""
    click.echo(f"{summary.taken} rows of {summary.role}{names} → {out}", err=True)
    if summary.unsure:
        click.echo(f"  {summary.unsure} of them by a speaker who is only likely", err=True)
    for reason, count in sorted(summary.left.items(), key=lambda item: -item[1]):
        click.echo(f"left: {count} × {reason}", err=True)
        for example in summary.examples[reason]:
            click.echo(f"    {example}", err=True)
    if summary.likely_aliases:
        flags = " ".join(f"--alias {name}={summary.names[0]}" for name in summary.likely_aliases)
        click.echo(f"These may be the same person and were not taken; if so, add: {flags}", err=True)
