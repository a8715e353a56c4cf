"""Pydantic's faults in a beginner's words: which key, where it stands, what it should be."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from offbook.core.registry import nearest

SHOULD = {
    **dict.fromkeys(("float_parsing", "float_type"), "be a number"),
    **dict.fromkeys(("int_parsing", "int_type", "int_from_float"), "be a whole number"),
    **dict.fromkeys(("bool_parsing", "bool_type"), "be true or false"),
    "string_type": "be text",
    "list_type": 'be a list: ["a", "b"]',
    "too_short": "not be empty",
    "string_pattern_mismatch": "name a folder: no slash in it, and no dot at its start",
}
"""What a value should do, by the type of its fault, where pydantic's own words are jargon."""


def explain(
    faults: Iterable[Any], names: Collection[str], where: str, lines: Mapping[str, int], told: Collection[str]
) -> str:
    """One sentence of all faults.

    Args:
        faults: what `ValidationError.errors()` gives.
        names: every option's dotted name.
        where: the file, or what else the config comes from.
        lines: the line of the file that a dotted key stands on, as far as known.
        told: the dotted names that did not come from there, but from options.
    """
    in_file: dict[str, str] = {}
    in_options: dict[str, str] = {}
    for fault in faults:
        key = _key(fault["loc"], names)
        if key in told and key in names:
            in_options.setdefault(key, _sentence(fault, key, f"--{key}", names))
        else:
            place = f"line {lines[key]}: " if key in lines else ""
            in_file.setdefault(key, place + _sentence(fault, key, f"'{key}'", names))
    from_file = [f"{where}: {'; '.join(in_file.values())}"] if in_file else []
    return "; ".join([*from_file, *in_options.values()])


def _key(place: tuple[Any, ...], names: Collection[str]) -> str:
    """The dotted key of a fault; what lies below an option (a list's item, a type that it may be) is the option's."""
    keys = [".".join(map(str, place[:depth])) for depth in range(1, len(place) + 1)]
    return next((key for key in keys if key in names), keys[-1])


def _sentence(fault: Any, key: str, shown: str, names: Collection[str]) -> str:
    if fault["type"] == "extra_forbidden":
        return f"unknown key '{key}'{_meant(key, names)}"
    if fault["type"] == "missing":
        return f"{shown} is missing"
    if inside := _inside(key, names):
        return f"{shown} needs settings of its own below it, indented by two spaces, such as '  {inside[0]}: …'"
    item = fault["loc"][-1]
    of_list = f"item {item + 1} of " if isinstance(item, int) else ""
    should = SHOULD.get(fault["type"], fault["msg"].partition("should ")[2])
    return f"{of_list}{shown} is {fault['input']!r}: it should {should}"


def _meant(key: str, names: Collection[str]) -> str:
    """The nearest key beside it, unless the very same one stands in another section."""
    section, _, leaf = key.rpartition(".")
    elsewhere = [name for name in names if name.rpartition(".")[2] == leaf]
    if elsewhere:
        return f", did you mean {' or '.join(map(repr, elsewhere))}?"
    return nearest(leaf, _inside(section, names))


def _inside(section: str, names: Collection[str]) -> list[str]:
    """The keys right below a section, in their order; of the whole config for ""."""
    prefix = f"{section}." if section else ""
    return list(dict.fromkeys(name[len(prefix) :].split(".")[0] for name in names if name.startswith(prefix)))
