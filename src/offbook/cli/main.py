"""The command line: finds the verb, loads it alone, and turns errors into two lines and an exit code."""

from __future__ import annotations

import errno
import gettext
import importlib
import io
import os
import sys
from typing import Any

import click

from offbook.cli.command import Group, debug_option
from offbook.cli.context import Invocation
from offbook.cli.echo import echo
from offbook.core import process_env
from offbook.core.errors import OffbookError
from offbook.core.i18n import DOMAIN, LOCALES, language, languages, marked, preferred_language, translate, use_language
from offbook.core.launch import launched
from offbook.core.progress import fill, sources
from offbook.core.system_errors import system_reason

VERBS = {
    "init": "Make a folder with run.yaml, ready to edit.",
    "migrate": "Write a run.yaml from another tool's config.",
    "pull": "Download a base model (or a data set).",
    "extract": "Take a character's lines out of scripts, novels and chats.",
    "check": "Look at data, model and settings before training.",
    "train": "Teach the model the character's lines.",
    "sweep": "Try many settings, and say which to use.",
    "eval": "Judge a run: base beside tuned, on lines held out.",
    "chat": "Talk to the character.",
    "serve": "Serve the character to other programs and to the browser.",
    "studio": "Do it all in a browser.",
    "export": "Write the character for transformers, llama.cpp or Ollama.",
    "push": "Put the character on ModelScope or Hugging Face.",
    "prove": "Show that fast training computes the plain gradient.",
    "runs": "List, show, compare and remove runs.",
    "doctor": "Look at this machine: what is there, what is missing.",
    "completion": "Print the script that completes commands in your shell.",
}
"""Every verb with its summary; a verb is the `command` of the module of that name."""


class Verbs(Group):
    """Imports a verb's module only when it is called: help answers at once."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        command: click.Command = importlib.import_module(f"offbook.cli.{name}").command
        command.short_help = VERBS[name]
        return command

    def resolve_command(
        self, context: click.Context, words: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(context, words)
        except click.exceptions.NoSuchCommand as error:
            raise click.exceptions.NoSuchCommand(error.command_name, possibilities=VERBS, ctx=context) from None

    def summaries(self, context: click.Context) -> dict[str, str]:
        return VERBS


@click.group(
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start here, in a browser or in the terminal:  offbook studio   "
    "offbook init hamlet --recipe hamlet && offbook train -c hamlet/run.yaml",
)
@debug_option
@click.option(
    "--lang",
    type=click.Choice(languages()),
    is_eager=True,
    expose_value=False,
    callback=lambda context, option, value: _speak(value or language()),
    help="Language of messages and help; default: OFFBOOK_LANG, else that of the locale.",
)
@click.version_option(package_name="offbook")
def group() -> None:
    """Give a small language model a part: tune it into your character, on the computer you have (脱稿)."""


def main(arguments: list[str] | None = None) -> None:
    """Run a command line and exit with its code.

    Args:
        arguments: the words after `offbook`; default: those of the process.

    Raises:
        SystemExit: always, with the exit code.
        OffbookError: with --debug, instead of the two lines.
    """
    process_env.prepare()
    _speak(preferred_language())
    call = Invocation()
    try:
        launched()
        code: Any = group.main(args=arguments, prog_name="offbook", standalone_mode=False, obj=call)
    except click.exceptions.Exit as ended:
        sys.exit(ended.exit_code)
    except click.ClickException as error:
        shown = io.StringIO()
        error.show(shown)
        echo(shown.getvalue(), err=True, nl=False)  # what was typed stands in it, or a file's name
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):  # click makes the first of the second
        echo(translate("Stopped at once; what was saved is intact."), err=True)
        sys.exit(130)
    except OffbookError as error:
        if call.debug:
            raise
        _show_error(error, call)
        sys.exit(error.exit_code)
    except MemoryError:
        if call.debug:
            raise
        _show_error(
            OffbookError("out of memory", "Close other programs, or choose a smaller model or less data."), call
        )
        sys.exit(OffbookError.exit_code)
    except BrokenPipeError:
        # Whoever read our output has gone (offbook … | head).
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        if call.debug:
            raise
        reason = system_reason(error)
        if error.filename:
            reason = fill("{path}: {reason}", {"path": error.filename, "reason": reason})
        is_long = error.errno == errno.ENAMETOOLONG
        fix = marked("Look at its rights and at the free space on its disk; --debug shows where it happened.")
        refusal = OffbookError(
            "the system refused: {reason}", marked("Choose a shorter name.") if is_long else fix, reason=reason
        )
        _show_error(refusal, call)
        sys.exit(OffbookError.exit_code)
    sys.exit(code if isinstance(code, int) else 0)


def _speak(name: str) -> None:
    """Show messages and help in a language: offbook's, and click's, which asks gettext itself."""
    use_language(name)
    os.environ["LANGUAGE"] = name
    gettext.bindtextdomain(DOMAIN, str(LOCALES))
    gettext.textdomain(DOMAIN)


def _show_error(error: OffbookError, call: Invocation) -> None:
    if call.as_json:
        from offbook.cli.progress_bar import JsonReporter

        event = {"event": "error", "text": error.what, "fix": error.fix, "exit_code": error.exit_code}
        JsonReporter.write({**event, **sources(text=error.what, fix=error.fix)})
        return
    echo(fill("Error: {message}", {"message": error.what}), fg="red", err=True)
    if error.fix:
        echo(f"  {error.fix}", err=True)


if __name__ == "__main__":
    main()
