"""What a character can be exported to."""

from __future__ import annotations

from offbook.exporters.formats import FORMATS


def export_formats() -> dict[str, list[str]]:
    """Name of each export format → its number formats, the usual one first."""
    return {name: list(each.quants) for name, each in FORMATS.items()}
