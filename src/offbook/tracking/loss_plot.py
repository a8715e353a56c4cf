"""loss.png: the loss curve of a run, training and held-out."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from offbook.core.atomic import atomic_file
from offbook.core.text import has_chinese

CHINESE_FONTS = ("notosanscjk", "sourcehansans", "wqy-", "pingfang", "msyh", "simhei", "notoserifcjk")
"""How the files of fonts with Chinese characters are called."""


def draw_loss(lines: Sequence[dict[str, Any]], path: Path, title: str) -> None:
    """Draw the loss curves of a run as a PNG.

    Args:
        lines: the lines of metrics.jsonl; their `loss` and `heldout_loss` are drawn over their `step`.
        path: the picture.
        title: what stands above it.
    """
    # Without pyplot: no display is asked for, and no global state is left behind.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    curves: list[tuple[str, str, dict[str, Any]]] = [
        ("loss", "training", {"color": "#557089", "linewidth": 1.5}),
        ("heldout_loss", "held out", {"color": "#c1121f", "linewidth": 2, "marker": "o", "markersize": 4}),
    ]
    for key, label, style in curves:
        points = [(line["step"], line[key]) for line in lines if line.get(key) is not None]
        if points:
            steps, values = zip(*points, strict=True)
            axes.plot(steps, values, label=label, **style)
            if key == "heldout_loss":
                _label(axes, points[0], "left")
                _label(axes, points[-1], "right")
    axes.set_xlabel("optimizer step")
    axes.set_ylabel("loss per learned token (nats)")
    axes.set_title(title, loc="left", fontfamily=_fonts(title))
    axes.margins(x=0.03, y=0.12)  # room for the numbers at both ends
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    if axes.lines:
        axes.legend(frameon=False)
    with warnings.catch_warnings(), atomic_file(path) as picture:
        warnings.filterwarnings("ignore", "Glyph")  # there is no font for the title: boxes stand in its place
        figure.savefig(picture, format="png")


def _label(axes: Any, point: tuple[int, float], side: str) -> None:
    """Write a point's value above it, on the inner side of the axes, so that it never stands on their frame."""
    from matplotlib.patheffects import withStroke

    number = axes.annotate(f"{point[1]:.3f}", point, textcoords="offset points", xytext=(0, 9), ha=side, zorder=5)
    number.set_path_effects([withStroke(linewidth=3, foreground="white")])


def _fonts(title: str) -> list[str]:
    """The default font, and for a title in Chinese whichever of the usual Chinese fonts is installed."""
    from matplotlib.font_manager import FontProperties, findSystemFonts, fontManager

    if not has_chinese(title):
        return ["DejaVu Sans"]
    # matplotlib's own list is as old as its cache: a font that was installed since is not in it.
    names = {path: Path(path).name.lower() for path in findSystemFonts()}
    files = [path for path, name in names.items() if any(part in name for part in CHINESE_FONTS)]
    if not files:
        return ["DejaVu Sans"]
    file = min(files, key=lambda path: ("regular" not in names[path], names[path]))
    fontManager.addfont(file)
    return ["DejaVu Sans", FontProperties(fname=file).get_name()]
