"""loss.png: the loss curve of a run, training and held-out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any


def draw_loss(lines: Sequence[dict[str, Any]], path: Path, title: str) -> None:
    """Draw the `loss` and `heldout_loss` of metrics lines over their `step` as a PNG."""
    # Without pyplot: no display is asked for, and no global state is left behind.
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4.5), dpi=120, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    curves: list[tuple[str, str, dict[str, Any]]] = [
        ("loss", "training", {"color": "#9db4c0", "linewidth": 1.5}),
        ("heldout_loss", "held out", {"color": "#c1121f", "linewidth": 2, "marker": "o", "markersize": 4}),
    ]
    for key, label, style in curves:
        points = [(line["step"], line[key]) for line in lines if line.get(key) is not None]
        if points:
            steps, values = zip(*points, strict=True)
            axes.plot(steps, values, label=label, **style)
            if key == "heldout_loss":
                for step, value in (points[0], points[-1]):
                    axes.annotate(f"{value:.3f}", (step, value), textcoords="offset points", xytext=(0, 8), ha="center")
    axes.set_xlabel("optimizer step")
    axes.set_ylabel("loss per learned token (nats)")
    axes.set_title(title, loc="left", fontfamily=_fonts())
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    if axes.lines:
        axes.legend(frameon=False)
    figure.savefig(path)


def _fonts() -> list[str]:
    """The default font and, for a title in Chinese, whichever of the usual Chinese fonts is installed."""
    from matplotlib.font_manager import fontManager

    installed = {font.name for font in fontManager.ttflist}
    chinese = (
        "Noto Sans CJK SC",
        "Source Han Sans SC",
        "WenQuanYi Zen Hei",
        "PingFang SC",
        "Microsoft YaHei",
        "SimHei",
    )
    return ["DejaVu Sans", *(name for name in chinese if name in installed)]
