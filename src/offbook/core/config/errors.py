"""Validation errors in plain words: which key, on which line, what its value should be."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from offbook.core.config.renamed import RENAMED
from offbook.core.i18n import translate
from offbook.core.progress import fill
from offbook.core.registry import nearest

SHOULD = {
    **dict.fromkeys(("float_parsing", "float_type"), "be a number"),
    **dict.fromkeys(("int_parsing", "int_type", "int_from_float"), "be a whole number"),
    **dict.fromkeys(("bool_parsing", "bool_type"), "be true or false"),
    "string_type": "be text",
    "list_type": 'be a list: ["a", "b"]',
    "dict_type": "be names and texts: name=text,name=text",
    "too_short": "not be empty",
    "finite_number": "be a finite number",
    "greater_than": "be greater than {gt}",
    "greater_than_equal": "be greater than or equal to {ge}",
    "less_than": "be less than {lt}",
    "less_than_equal": "be less than or equal to {le}",
    "literal_error": "be one of {names}",
    "string_pattern_mismatch": "be a date: 2026-01-31",
}
"""What a value should be, by pydantic's error type; the fields are those of its `ctx`."""


def explain(
    faults: Iterable[Any], names: Collection[str], where: str, lines: Mapping[str, int], overridden: Collection[str]
) -> str:
    """Describe all errors in one sentence.

    Args:
        faults: what `ValidationError.errors()` gives.
        names: every option's dotted name.
        where: the file, or whatever else the config comes from.
        lines: the line of the file that a dotted key stands on, as far as known.
        overridden: the dotted names that came from command-line options instead.
    """
    in_file: dict[str, str] = {}
    in_options: dict[str, str] = {}
    for fault in faults:
        key = _key(fault["loc"], names)
        if key in overridden and key in names:
            in_options.setdefault(key, _sentence(fault, key, f"--{key}", names))
        else:
            place = translate("line {line}: ").format(line=lines[key]) if key in lines else ""
            in_file.setdefault(key, place + _sentence(fault, key, f"'{key}'", names))
    from_file = [f"{where}: {'; '.join(in_file.values())}"] if in_file else []
    return "; ".join([*from_file, *in_options.values()])


def _key(place: tuple[Any, ...], names: Collection[str]) -> str:
    """The dotted key of an error; what lies below an option (a list's item, a union's type) counts as the option."""
    keys = [".".join(map(str, place[:depth])) for depth in range(1, len(place) + 1)]
    return next((key for key in keys if key in names), keys[-1])


def _sentence(fault: Any, key: str, shown: str, names: Collection[str]) -> str:
    if fault["type"] == "extra_forbidden":
        return translate("unknown key '{key}'{hint}").format(key=key, hint=_meant(key, names))
    if fault["type"] == "missing":
        return translate("{key} is missing").format(key=shown)
    if inside := _inside(key, names):
        return translate(
            "{key} needs settings of its own below it, indented by two spaces, such as '  {setting}: …'"
        ).format(key=shown, setting=inside[0])
    item = fault["loc"][-1]
    of_list = translate("item {number} of ").format(number=item + 1) if isinstance(item, int) else ""
    return of_list + translate("{key} is {value}: it should {rule}").format(
        key=shown, value=_written(fault["input"]), rule=_rule(fault)
    )


def _rule(fault: Any) -> str:
    """What the value should do, in the user's language."""
    context = fault.get("ctx", {})
    if fault["type"] == "value_error":  # from a validator of ours
        return translate(str(context["error"]))
    fields = {name: int(value) if str(value).endswith(".0") else value for name, value in context.items()}
    fields["names"] = ", ".join(re.findall("'(.*?)'", str(context.get("expected", ""))))
    rule = SHOULD.get(fault["type"]) or fault["msg"].partition("should ")[2]
    return fill(rule, fields)


def _written(value: Any) -> str:
    """A value as Python writes it, cut where it is long."""
    try:
        return _shortened(repr(value))
    except ValueError:  # Python writes no whole number of more than 4,300 digits
        return translate("a number of thousands of digits")


def _shortened(text: str) -> str:
    return (
        text if len(text) <= 80 else translate("{text}… ({count} characters)").format(text=text[:60], count=len(text))
    )


def _meant(key: str, names: Collection[str]) -> str:
    """A hint at the key that was probably meant: its new name, the same key in another section, or the nearest one."""
    if key in RENAMED:
        return translate(", it is called '{name}' now").format(name=RENAMED[key])
    section, _, leaf = key.rpartition(".")
    elsewhere = [name for name in names if name.rpartition(".")[2] == leaf]
    if elsewhere:
        return translate(", did you mean '{name}'?").format(name=translate("' or '").join(elsewhere))
    return nearest(leaf, _inside(section, names))


def _inside(section: str, names: Collection[str]) -> list[str]:
    """The keys directly below a section, in order; "" is the whole config."""
    prefix = f"{section}." if section else ""
    return list(dict.fromkeys(name[len(prefix) :].split(".")[0] for name in names if name.startswith(prefix)))
