"""What a notebook shows: progress bars while a task is under way, and runs, characters and replies as small cards."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from html import escape
from typing import Any

from offbook.core.i18n import translate
from offbook.core.progress import (
    Event,
    Message,
    NullReporter,
    Progress,
    Reporter,
    count_text,
    figure_texts,
    fill,
)
from offbook.core.text import clock


def card(title: str, rows: Iterable[tuple[str, str]] = (), text: str = "") -> str:
    """An HTML fragment with a title, a table of names and values, and a text; all of it is escaped.

    Args:
        title: stands at the top.
        rows: (name, value) pairs.
        text: a paragraph whose line breaks are kept.
    """
    cells = "".join(
        f'<tr><th style="text-align:left">{escape(name)}</th><td style="text-align:left">{escape(value)}</td></tr>'
        for name, value in rows
    )
    table = f"<table>{cells}</table>" if cells else ""
    paragraph = f'<p style="white-space:pre-wrap">{escape(text)}</p>' if text else ""
    return f"<div><strong>{escape(title)}</strong>{table}{paragraph}</div>"


def default_reporter() -> Reporter:
    """The reporter for a caller who passes none: it draws in a notebook, and says nothing elsewhere."""
    display = _display_module()
    return NullReporter() if display is None else NotebookReporter(display)


def starting_reporter(reporter: Reporter | None) -> Reporter:
    """The caller's reporter or the default one, told that the libraries are being imported, which takes seconds."""
    reporter = reporter or default_reporter()
    reporter.stage("Starting")
    return reporter


class NotebookReporter(Reporter):
    """Progress in a Jupyter notebook: the stage and its bar in one place, infos and warnings below each other.

    Args:
        display: the module `IPython.display`.
    """

    def __init__(self, display: Any) -> None:
        super().__init__()
        self._display = display
        self._handle: Any = None
        self._stage = ""

    def emit(self, event: Event) -> None:
        """Draw one event."""
        if isinstance(event, Progress):
            self._draw(f"{escape(self._stage)} {_bar(event)}")
        elif event.level == "stage":
            self._stage = event.text
            self._draw(escape(event.text))
        else:
            self._display.display(self._display.HTML(_line(event)))

    def _draw(self, html: str) -> None:
        content = self._display.HTML(html)
        if self._handle is None:
            self._handle = self._display.display(content, display_id=True)
        else:
            self._handle.update(content)


def _bar(event: Progress) -> str:
    left = [] if event.seconds_left is None else [fill("{time} left", {"time": clock(event.seconds_left)})]
    bar = f'<progress value="{event.done}" max="{event.total}"></progress>'
    return f"{bar} {escape(', '.join([count_text(event), *figure_texts(event), *left]))}"


def _line(event: Message) -> str:
    warning = escape(translate("Warning"))
    mark = f"<strong>{warning}:</strong> " if event.level == "warning" else ""
    return f"{mark}{escape(event.text)}"


def _display_module() -> Any | None:
    """`IPython.display` where this process is a notebook's kernel, else None. IPython is never imported for it."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    # Colab's shell is a subclass of its own.
    if shell is None or "ZMQInteractiveShell" not in {kind.__name__ for kind in type(shell).__mro__}:
        return None
    from IPython import display

    return display
