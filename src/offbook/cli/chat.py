"""offbook chat"""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import click

from offbook.cli.command import Command
from offbook.cli.options import json_option, print_json
from offbook.core.errors import UsageError
from offbook.core.situation import with_situation
from offbook.core.types import Turn

HELP = "/reset starts over, /save FILE keeps the conversation, /quit leaves."


@click.command(cls=Command, epilog='Example:  offbook chat runs/hamlet --message "Who are you?"')
@click.argument("run")
@click.option("-m", "--message", help="Say this, print the reply, and leave.")
@click.option("--with", "partner", metavar="NAME[=WHO]", help="Say who you are, for example: Ann=sister.")
@click.option("--time-of-day", is_flag=True, help="Tell the character the day and the time of day.")
@click.option("--base", is_flag=True, help="Let the model without the adapter answer.")
@click.option("--base-model", metavar="SOURCE", help="The base of a bare adapter folder (as in model.source).")
@click.option("--template", metavar="NAME", help="A built-in chat template, for a bare adapter whose base has none.")
@click.option("--temperature", type=click.FloatRange(min=0), help="0: always the likeliest words; 1: lively.")
@click.option("--top-p", type=click.FloatRange(0, 1, min_open=True), help="Keep to the likeliest words.")
@click.option("--max-new-tokens", type=click.IntRange(min=1), help="The longest reply.")
@click.option("--seed", type=int, help="The same seed gives the same reply.")
@json_option
def command(
    run: str,
    message: str | None,
    partner: str | None,
    time_of_day: bool,
    base: bool,
    base_model: str | None,
    template: str | None,
    seed: int | None,
    as_json: bool,
    **sampling: Any,
) -> None:
    """Talk to the character of RUN: a run folder, its name, or a bare PEFT adapter folder.

    The prompt is the one that the character was trained with.
    """
    if as_json and message is None:
        raise UsageError("--json needs a message", 'Add one: --message "Who are you?"')
    if message is not None and not message.strip():
        raise UsageError("--message is empty", 'Say something: --message "Who are you?"')
    if message is not None and not _is_text(message):
        raise UsageError("--message holds bytes that are not UTF-8 text", "Set the terminal to UTF-8 and try again.")
    from offbook.cli.progress_bar import reporting
    from offbook.cli.terminal import console
    from offbook.pipeline import api

    with reporting() as reporter:
        character = api.load(run, base_model=base_model, template=template, reporter=reporter)
    if not base:
        character.merge_adapter()
    changes = {name: value for name, value in sampling.items() if value is not None}
    settings = character.persona.generation.model_copy(update=changes)
    options: dict[str, Any] = {"base": base, "settings": settings, "seed": seed}
    system = _system(character, partner, time_of_day)
    if as_json and message is not None:
        reply = character.reply([*system, Turn("user", message)], **options)
        print_json({"reply": reply.text, "stop_reason": reply.stop_reason, "tokens": reply.tokens})
    elif message is not None:
        _speak(character, [*system, Turn("user", message)], options)
    else:
        console().print(HELP, style="dim")
        _converse(character, system, options)


def _is_text(typed: str) -> bool:
    """Whether all of it can be encoded: Python hands over stray bytes of the command line as half characters."""
    try:
        typed.encode()
    except UnicodeEncodeError:
        return False
    return True


def _system(character: Any, partner: str | None, time_of_day: bool) -> list[Turn]:
    """The system prompt with the situation that was asked for; nothing where the character's own is all there is."""
    if partner is None and not time_of_day:
        return []
    name, _, relation = (partner or "").partition("=")
    # The weekday and the hour are those of the user's own clock.
    when = datetime.now() if time_of_day else None
    persona = character.persona
    return [Turn("system", with_situation(persona.system, name.strip(), relation.strip(), when))]


def _converse(character: Any, system: list[Turn], options: dict[str, Any]) -> None:
    """Read lines and answer them until the user has had enough."""
    turns = [*system, *_opening(character)]
    while True:
        try:
            said = click.prompt("", prompt_suffix="> ", default="", show_default=False).strip()
        except click.Abort:  # Ctrl-C or Ctrl-D
            click.echo()
            return
        word, _, rest = said.partition(" ")
        if word == "/quit":
            return
        if word == "/reset":
            turns = [*system, *_opening(character)]
        elif word == "/save":
            _save(turns, Path(rest.strip() or "conversation.json"))
        elif word.startswith("/"):
            click.echo(HELP, err=True)
        elif said:
            turns.append(Turn("user", said))
            turns.append(Turn("assistant", _speak(character, turns, options)))


def _opening(character: Any) -> list[Turn]:
    greeting = character.persona.greeting
    if greeting is None:
        return []
    click.echo(greeting)
    return [Turn("assistant", greeting)]


def _speak(character: Any, turns: list[Turn], options: dict[str, Any]) -> str:
    """Print the reply as it comes; Ctrl-C ends it, not the conversation."""
    text = ""
    try:
        for piece in character.stream(turns, **options):
            click.echo(piece.text, nl=False)
            text += piece.text
    except KeyboardInterrupt:
        pass
    click.echo()
    return text.strip()


def _save(turns: list[Turn], path: Path) -> None:
    messages = [{"role": turn.role, "content": turn.text} for turn in turns]
    try:
        path.write_text(json.dumps({"messages": messages}, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        click.echo(f"Cannot save to {path}: {error.strerror}", err=True)
        return
    click.echo(f"Saved to {path}.", err=True)
