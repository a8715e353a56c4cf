"""The geometry of the pages' charts; charts.html.jinja draws them as inline SVG, in the page's own colours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10
from typing import Any

WIDTH, HEIGHT = 640, 260
LEFT, RIGHT, TOP, BOTTOM = 52, 14, 14, 34
"""Margins that leave room for the numbers on the axes."""


@dataclass(frozen=True, slots=True)
class Scale:
    """From values (`low` to `high`) to places (`start` to `end`) along one axis."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The place of a value."""
        share = (value - self.low) / (self.high - self.low or 1)
        return round(self.start + share * (self.end - self.start), 1)

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """(place, label) of round numbers within the range."""
        return [(self(value), label) for value, label in round_numbers(self.low, self.high)]


def round_numbers(low: float, high: float, about: int = 5) -> list[tuple[float, str]]:
    """(number, label) of some five round numbers from `low` to `high`."""
    rough = (high - low or 1) / about
    step = _round_up(rough)
    digits = max(0, -floor(log10(step)))
    count = floor((high - ceil(low / step) * step) / step + 1e-9)
    return [((number := (ceil(low / step) + i) * step), f"{number:.{digits}f}") for i in range(count + 1)]


def _round_up(value: float) -> float:
    """The next 1, 2 or 5 times a power of ten."""
    size = 10 ** floor(log10(value))
    return float(size * next(factor for factor in (1, 2, 5, 10) if factor * size >= value * (1 - 1e-9)))


def line_chart(series: Mapping[str, Sequence[tuple[float, float]]]) -> dict[str, Any] | None:
    """Lines over a common x: {x, y: ticks, lines: [{name, path, dots, last}]}; None where no series has two points."""
    drawn = {name: points for name, points in series.items() if points}
    if not any(len(points) > 1 for points in drawn.values()):
        return None
    xs, ys = zip(*(point for points in drawn.values() for point in points), strict=True)
    pad = (max(ys) - min(ys)) * 0.06 or 0.1
    x = Scale(min(xs), max(xs), LEFT, WIDTH - RIGHT)
    y = Scale(min(ys) - pad, max(ys) + pad, HEIGHT - BOTTOM, TOP)
    lines = []
    for name, points in drawn.items():
        places = [(x(step), y(value)) for step, value in points]
        path = "M" + "L".join(f"{across} {up}" for across, up in places)
        lines.append({"name": name, "path": path, "dots": list(zip(places, points, strict=True))})
    return {"x": x.ticks, "y": y.ticks, "lines": lines}


def histogram(groups: Mapping[str, Sequence[int]], bars: int = 14) -> dict[str, Any] | None:
    """Shares of each group's values in common classes, side by side; the last class is open.

    Returns:
        {x, y: ticks, bars: [{name, x, y, width, height, share, low, high}]}, or None where there are no values.
    """
    filled = {name: sorted(values) for name, values in groups.items() if values}
    if not filled:
        return None
    # The longest twentieth goes into the open class: one soliloquy must not press all else flat.
    top = max(values[int(len(values) * 0.95)] if len(values) > 20 else values[-1] for values in filled.values())
    step = max(ceil(_round_up((top + 1) / bars)), 1)
    bars = ceil((top + 1) / step)
    shares = {name: _shares(values, step, bars) for name, values in filled.items()}
    x = Scale(0, step * bars, LEFT, WIDTH - RIGHT)
    y = Scale(0, max(max(heights) for heights in shares.values()) * 1.05, HEIGHT - BOTTOM, TOP)
    room = (x(step) - x(0)) * 0.84
    width = round(room / len(shares), 1)
    drawn = [
        {
            "name": name,
            "x": round(x(bar * step) + (x(step) - x(0) - room) / 2 + place * width, 1),
            "y": y(share),
            "width": max(round(width - 1, 1), 1),
            "height": round(y(0) - y(share), 1),
            "share": share,
            "label": f"{share:.0%}",
            "low": bar * step,
            "high": (bar + 1) * step - 1 if bar < bars - 1 else None,
        }
        for place, (name, heights) in enumerate(shares.items())
        for bar, share in enumerate(heights)
        if share
    ]
    ticks = [(x(bar * step), str(bar * step)) for bar in range(0, bars, 2)]
    return {"x": ticks, "y": [(place, f"{float(label):.0%}") for place, label in y.ticks], "bars": drawn}


def bar_chart(bins: Sequence[Mapping[str, int]], name: str) -> dict[str, Any] | None:
    """A bar for each bin ({low, high, count}), as `histogram` gives them; None where nothing was counted."""
    if not any(each["count"] for each in bins):
        return None
    x = Scale(0, bins[-1]["high"] + 1, LEFT, WIDTH - RIGHT)
    y = Scale(0, max(each["count"] for each in bins) * 1.05, HEIGHT - BOTTOM, TOP)
    drawn = [
        {
            "name": name,
            "x": round(x(each["low"]) + 1, 1),
            "y": y(each["count"]),
            "width": max(round(x(each["high"] + 1) - x(each["low"]) - 2, 1), 1),
            "height": round(y(0) - y(each["count"]), 1),
            "label": f"{each['count']:,}",
            "low": each["low"],
            "high": each["high"],
        }
        for each in bins
        if each["count"]
    ]
    return {"x": x.ticks, "y": [tick for tick in y.ticks if "." not in tick[1]], "bars": drawn}


def strip(estimates: Mapping[str, tuple[float | None, Sequence[float] | None]]) -> list[dict[str, Any]]:
    """Values with their intervals on one small line, 0–100 wide: [{name, at, low, high}]."""
    estimated = {
        name: (value, around or (value, value)) for name, (value, around) in estimates.items() if value is not None
    }
    edges = [edge for value, around in estimated.values() for edge in (value, *around)]
    if len(estimated) < 2 or min(edges) == max(edges):
        return []
    x = Scale(min(edges), max(edges), 6, 94)
    return [
        {"name": name, "at": x(value), "low": x(around[0]), "high": x(around[1])}
        for name, (value, around) in estimated.items()
    ]


def _shares(values: Sequence[int], step: int, bars: int) -> list[float]:
    counts = [0] * bars
    for value in values:
        counts[min(value // step, bars - 1)] += 1
    return [count / len(values) for count in counts]
