"""loss.png: both curves, and numbers that stand within the axes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from matplotlib.figure import Figure

from offbook.tracking.loss_plot import draw_loss

LINES = [
    {"step": 0, "heldout_loss": 4.45},
    *({"step": step, "loss": 4.5 - step / 20} for step in range(1, 30)),
    {"step": 30, "heldout_loss": 2.95},
]


def draw(lines: list[dict[str, Any]], path: Path, title: str, monkeypatch: pytest.MonkeyPatch) -> Figure:
    """The figure that was saved."""
    saved: list[Figure] = []
    save = Figure.savefig

    def keep(figure: Figure, *args: Any, **options: Any) -> None:
        saved.append(figure)
        save(figure, *args, **options)

    monkeypatch.setattr(Figure, "savefig", keep)
    draw_loss(lines, path, title)
    return saved[0]


def test_the_numbers_stand_within_the_axes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figure = draw(LINES, tmp_path / "loss.png", "will", monkeypatch)
    axes = figure.axes[0]
    frame = axes.get_window_extent()
    boxes = [text.get_window_extent() for text in axes.texts]
    assert [text.get_text() for text in axes.texts] == ["4.450", "2.950"]
    for box in boxes:
        assert frame.x0 < box.x0 < box.x1 < frame.x1
        assert frame.y0 < box.y0 < box.y1 < frame.y1


def test_both_curves_are_drawn_and_an_empty_run_is_no_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    figure = draw(LINES, tmp_path / "both.png", "甄嬛", monkeypatch)
    assert [line.get_label() for line in figure.axes[0].lines] == ["training", "held out"]
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (tmp_path / "none.png").symlink_to(victim)
    draw_loss([{"step": 0}], tmp_path / "none.png", "empty")
    assert victim.read_text() == "precious", "a link that lies in a run's folder is replaced"
    both, none = (tmp_path / "both.png").read_bytes(), (tmp_path / "none.png").read_bytes()
    assert both.startswith(b"\x89PNG")
    assert len(both) > len(none) > 1000
