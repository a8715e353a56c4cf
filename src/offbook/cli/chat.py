"""The command `offbook chat`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import click

from offbook.cli.base_model import base_model_options, pull_named_base
from offbook.cli.chat_speaker import BackgroundLoad, CharacterSpeaker
from offbook.cli.command import Command
from offbook.cli.echo import echo
from offbook.cli.json_output import json_option, print_json
from offbook.cli.progress_bar import reporting
from offbook.core.errors import UsageError
from offbook.core.i18n import marked, translate
from offbook.core.persona import Persona
from offbook.core.progress import Reporter, fill
from offbook.core.shell import offbook_command
from offbook.core.situation import with_situation
from offbook.core.types import Turn

LONG_GREETING = 10_000
"""Characters."""
WELCOME = marked(
    "Enter sends, Alt-Enter begins a new line, Ctrl-C stops a reply, Ctrl-D leaves, /help lists the commands."
)


@click.command(cls=Command, epilog='Example:  offbook chat runs/hamlet --message "Who are you?"')
@click.argument("runs", metavar="RUN...", nargs=-1, required=True)
@click.option("-m", "--message", help="Say this, print the reply, and leave.")
@click.option("--with", "partner", metavar="NAME[=WHO]", help="Say who you are, for example: Ann=sister.")
@click.option("--time-of-day", is_flag=True, help="Tell the character the day and the time of day.")
@click.option("--continue", "go_on", is_flag=True, help="Go on with the last conversation.")
@click.option("--base", is_flag=True, help="Let the model without the adapter answer.")
@base_model_options
@click.option("--template", metavar="NAME", help="A built-in chat template, for a bare adapter whose base has none.")
@click.option("--temperature", type=click.FloatRange(min=0), help="0: always the likeliest words; 1: lively.")
@click.option("--top-p", type=click.FloatRange(0, 1, min_open=True), help="Keep to the likeliest words.")
@click.option("--max-new-tokens", type=click.IntRange(min=1), help="The longest reply, in tokens.")
@click.option("--seed", type=click.IntRange(0, 2**32 - 1), help="The same seed gives the same reply.")
@json_option
def command(
    runs: tuple[str, ...],
    message: str | None,
    partner: str | None,
    time_of_day: bool,
    go_on: bool,
    base: bool,
    base_model: str | None,
    yes: bool,
    template: str | None,
    seed: int | None,
    as_json: bool,
    **sampling: Any,
) -> None:
    """Talk to the character of RUN: a run folder, its name, or a bare PEFT adapter folder.

    The system prompt is the one that the character was trained with. Conversations are kept in the run's folder.
    Several runs play a scene with you: /help there says how it is steered.
    """
    from offbook.pipeline.preflight import refuse_unknown_template

    refuse_unknown_template(template)
    if len(runs) == 1:
        _check_message(message, as_json=as_json)
    for each in runs:
        pull_named_base(each, base_model, yes=yes)
    if len(runs) > 1:
        _play(runs, message, partner, base_model, template, as_json=as_json)
        return
    (run,) = runs
    changes = {name: value for name, value in sampling.items() if value is not None}

    def load(*, merge: bool, reporter: Reporter) -> Any:
        from offbook.models.light_import import light_import
        from offbook.pipeline import api

        with light_import():
            return api.load(run, base_model=base_model, template=template, merge=merge, reporter=reporter)

    if message is None:
        opened = _open(run, base_model, partial(load, merge=not base))
        settings = opened.persona.generation.model_copy(update=changes)
        system = _system(opened.persona.system, partner, time_of_day=time_of_day)
        speaker = CharacterSpeaker(opened.persona, opened.character, lambda: _shown(partial(load, merge=False)))
        try:
            _converse(speaker, run, system=system, go_on=go_on, base=base, settings=settings, seed=seed)
        finally:
            opened.leave()
        return
    character = _shown(partial(load, merge=not base))
    settings = character.persona.generation.model_copy(update=changes)
    system = _system(character.persona.system, partner, time_of_day=time_of_day)
    turns = [*([] if system is None else [Turn("system", system)]), Turn("user", message)]
    if as_json:
        reply = character.reply(turns, base=base, settings=settings, seed=seed)
        print_json({"reply": reply.text, "stop_reason": reply.stop_reason, "tokens": reply.tokens})
        return
    for chunk in character.stream(turns, base=base, settings=settings, seed=seed):
        echo(chunk.text, nl=False)
    echo()


def _play(
    runs: tuple[str, ...],
    message: str | None,
    partner: str | None,
    base_model: str | None,
    template: str | None,
    *,
    as_json: bool,
) -> None:
    """Play a scene with several characters."""
    if message is not None or as_json:
        raise UsageError("--message and --json are for one character", "Name one run.")
    from offbook.cli.scene import play

    user = (partner or "").partition("=")[0].strip() or translate("You")
    play(runs, user=user, base_model=base_model, template=template)


def _check_message(message: str | None, *, as_json: bool) -> None:
    if message is None:
        if as_json:
            raise UsageError("--json needs a message", 'Add one: --message "Who are you?"')
        return
    if not message.strip():
        raise UsageError("--message is empty", 'Say something: --message "Who are you?"')
    try:
        message.encode()
    except UnicodeEncodeError:  # Python hands over stray bytes of the command line as half characters
        raise UsageError(
            "--message holds bytes that are not UTF-8 text", "Set the terminal to UTF-8 and try again."
        ) from None


def _system(system: str | None, partner: str | None, *, time_of_day: bool) -> str | None:
    """The system prompt with the situation that was asked for; None where the character's own is all there is."""
    if partner is None and not time_of_day:
        return None
    name, _, relation = (partner or "").partition("=")
    # The weekday and the hour are those of the user's own clock.
    when = datetime.now() if time_of_day else None
    return with_situation(system, name.strip(), relation.strip(), when)


class _Opened(NamedTuple):
    """A character whose persona is known and which may still be being loaded."""

    persona: Persona
    character: Callable[[], Any]
    leave: Callable[[], None]


def _open(run: str, base_model: str | None, load: Callable[..., Any]) -> _Opened:
    """Find a character, download its base model if need be, and load it in the background.

    Raises:
        UsageError: there is none, or it is not trained yet.
    """
    from offbook.pipeline.adapter_source import resolve_character

    with reporting() as reporter:
        source = resolve_character(run, base_model=base_model, reporter=reporter)
        source.base_model  # noqa: B018 - a download draws its bar before a line is read
    greeting = source.persona and source.persona.greeting
    # Of an adapter from another program the persona is known when the tokenizer is; and nothing is typed beside a
    # greeting that fills the screen, of which the tokenizer may say that it is longer than the model can read.
    if source.persona is None or len(greeting or "") > LONG_GREETING:
        character = _shown(load)
        return _Opened(character.persona, lambda: character, lambda: None)
    loading = BackgroundLoad(lambda reporter: load(reporter=reporter), source.name)
    return _Opened(source.persona, loading.result, loading.leave)


def _shown(load: Callable[..., Any]) -> Any:
    """Load a character, and show that it is being loaded."""
    with reporting() as reporter:
        return load(reporter=reporter)


def _converse(
    speaker: CharacterSpeaker,
    run: str,
    *,
    system: str | None,
    go_on: bool,
    base: bool,
    settings: Any,
    seed: int | None,
) -> None:
    """Read messages and answer them until the user leaves."""
    from offbook.cli import chat_log
    from offbook.cli.chat_screen import ChatScreen, open_input
    from offbook.cli.chat_session import COMMANDS, ChatSession, Leave

    folder = _chat_folder(run)
    screen = ChatScreen(speaker.persona.name)
    past = chat_log.newest(folder) if go_on else None
    log = chat_log.ChatLog(folder, past)
    session = ChatSession(speaker, screen, log, base=base, settings=settings, seed=seed)
    screen.note(translate(WELCOME))
    if past is not None:
        session.resume(past)
    else:
        if go_on:
            screen.note(translate("There is no earlier conversation; this is a new one."))
        session.open()
    session.system = system or session.system
    read = open_input(folder / ".history" if folder is not None else None, list(COMMANDS))
    while True:
        draft, session.draft = session.draft, ""
        try:
            text = read(draft)
            if text.strip() and not text.startswith("/"):
                speaker.character()  # what cannot be loaded ends the chat here
            session.handle(text)
        except KeyboardInterrupt:
            screen.note(translate("Ctrl-D or /quit leaves."))
        except (EOFError, Leave):
            if session.log.path is not None:
                again = offbook_command("chat", run, "--continue")
                screen.note(fill("Go on later with: {command}", {"command": again}))
            return


def _chat_folder(run: str) -> Path | None:
    """Where the run's conversations are kept; None for a bare adapter."""
    from offbook.core.rundir import find_run

    try:
        return find_run(run).chats
    except UsageError:
        return None
