"""What a notebook shows of a task, and that nothing is shown elsewhere."""

import sys
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from offbook.core.notebook import NotebookReporter, card, default_reporter
from offbook.core.progress import NullReporter


class Display(ModuleType):
    """IPython.display, as far as it is used: remembers what is shown where."""

    def __init__(self) -> None:
        super().__init__("IPython.display")
        self.shown: list[str] = []

    def HTML(self, text: str) -> str:
        return text

    def display(self, content: str, display_id: bool = False) -> Any:
        self.shown.append(content)
        place = len(self.shown) - 1

        def update(changed: str) -> None:
            self.shown[place] = changed

        return SimpleNamespace(update=update) if display_id else None


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Display:
    """This process as the kernel of a notebook."""
    display, ipython = Display(), ModuleType("IPython")
    shell = type("ZMQInteractiveShell", (), {})()
    ipython.get_ipython = lambda: shell  # type: ignore[attr-defined]
    ipython.display = display  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    return display


def test_colab_is_a_notebook_too(notebook: Display, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its shell is `google.colab._shell.Shell`, which derives from Jupyter's."""
    colab_shell = type("Shell", (type("ZMQInteractiveShell", (), {}),), {})()
    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", lambda: colab_shell)
    monkeypatch.setitem(sys.modules, "google.colab", ModuleType("google.colab"))
    reporter = default_reporter()
    reporter.stage("Training")
    assert notebook.shown == ["Training"]


def test_progress_stays_in_one_place_and_messages_stand_below(notebook: Display) -> None:
    reporter = default_reporter()
    assert isinstance(reporter, NotebookReporter)
    reporter.stage("Training <tiny>")
    reporter.progress(1, 4, loss=2.5)
    reporter.warning("row {row} is empty", row=7)
    reporter.progress(4, 4, loss=1.25)
    bar, warning = notebook.shown
    assert '<progress value="4" max="4">' in bar
    assert "Training &lt;tiny&gt;" in bar
    assert "loss 1.250" in bar
    assert warning == "<strong>Warning:</strong> row 7 is empty"


def test_outside_of_a_notebook_nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "IPython", raising=False)
    assert isinstance(default_reporter(), NullReporter)
    terminal = ModuleType("IPython")
    terminal.get_ipython = lambda: object()  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", terminal)
    assert isinstance(default_reporter(), NullReporter)


def test_a_card_escapes_all_that_it_shows() -> None:
    html = card("<i>", [("<a>", "<b>")], "<script>")
    for tag in ("<i>", "<a>", "<b>", "<script>"):
        assert tag not in html
