"""The command line: finds the verb, loads it alone, and turns errors into two lines and an exit code."""

from __future__ import annotations

import importlib
import os
import sys
import warnings
from typing import Any

import click

from offbook.core import process_env
from offbook.core.errors import OffbookError

VERBS = {
    "init": "Make a folder with run.yaml, ready to edit.",
    "pull": "Download a base model (or a data set).",
    "extract": "Take a character's lines out of scripts, novels and chats.",
    "check": "Look at data, model and settings before training.",
    "train": "Teach the model the character's lines.",
    "eval": "Judge a run: base beside tuned, on lines held out.",
    "chat": "Talk to the character.",
    "serve": "Serve the character to other programs and to the browser.",
    "export": "Write the character for transformers, llama.cpp or Ollama.",
    "prove": "Show that fast training computes the plain gradient.",
    "runs": "List, show, compare and remove runs.",
    "doctor": "Look at this machine: what is there, what is missing.",
    "completion": "Print the script that completes commands in your shell.",
}


class Verbs(click.Group):
    """Imports a verb's module only when it is called: help answers at once."""

    def list_commands(self, context: click.Context) -> list[str]:
        return list(VERBS)

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in VERBS:
            return None
        return importlib.import_module(f"offbook.cli.{name}").command

    def resolve_command(
        self, context: click.Context, words: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        try:
            return super().resolve_command(context, words)
        except click.exceptions.NoSuchCommand as error:
            raise click.exceptions.NoSuchCommand(error.command_name, possibilities=VERBS, ctx=context) from None

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


@click.group(
    cls=Verbs,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Start here:  offbook init hamlet --recipe hamlet  &&  offbook train -c hamlet/run.yaml",
)
@click.option("--debug", is_flag=True, help="Show the full traceback of an error.")
@click.version_option(package_name="offbook")
def group(debug: bool) -> None:
    """Give a small language model a part: tune it into your character, on the computer you have. 脱稿"""


def main(arguments: list[str] | None = None) -> None:
    """Run a command line and exit with its code."""
    words = sys.argv[1:] if arguments is None else arguments
    process_env.prepare()
    if "--debug" not in words:
        _hush()
    try:
        code: Any = group.main(args=words, prog_name="offbook", standalone_mode=False)
    except click.exceptions.Exit as ended:
        sys.exit(ended.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):  # click makes the first of the second
        click.echo("Stopped at once; what was saved is intact.", err=True)
        sys.exit(130)
    except OffbookError as error:
        if "--debug" in words:
            raise
        click.secho(f"Error: {error.what}", fg="red", err=True)
        if error.fix:
            click.echo(f"  {error.fix}", err=True)
        sys.exit(error.exit_code)
    except BrokenPipeError:
        # Whoever read our output has gone (offbook … | head).
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    sys.exit(code if isinstance(code, int) else 0)


def _hush() -> None:
    """Libraries' warnings speak to programmers; what a user has to know, offbook says itself."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    warnings.simplefilter("ignore")


if __name__ == "__main__":
    main()
