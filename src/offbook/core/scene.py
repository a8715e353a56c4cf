"""A conversation of several characters and the user: who speaks next, what each of them hears, and its script.

scene = Scene("Tom", ["Ann", "Ben"])
scene.add_line("Tom", "Ann, is the stove lit?")
scene.next_speakers()          # ["Ann"]
scene.turns_for("Ann")         # what Ann hears: her own lines as hers, everyone else's as named user turns

The state of a scene is its lines: who is there follows from who has left and entered.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from offbook.core.errors import UsageError
from offbook.core.text import has_chinese
from offbook.core.types import Turn

Rule = Literal["addressed", "round", "named"]
RULES: tuple[Rule, ...] = get_args(Rule)
"""Who answers a line: whom it names, else the one who was silent longest; all in turn; the named alone."""

Move = Literal["enters", "leaves"]
MOVES: dict[Move, tuple[str, ...]] = {
    "leaves": ("leaves", "exits", "goes", "下场", "离开", "走了", "退场"),
    "enters": ("enters", "returns", "comes back", "上场", "回来", "进来", "登场"),
}
"""What is written behind a name (`Ann leaves`, `小翠下场`) to let a character go or come; the first word is ours."""

SILENCE = "…"
"""What a character hears who speaks again before anybody else does."""


@dataclass(frozen=True, slots=True)
class Line:
    """What somebody says, or what happens."""

    name: str
    """Who says it, or who moves; empty where something else happens."""
    text: str
    move: Move | None = None

    @property
    def speaker(self) -> str:
        """Who says it; empty where it is not said but happens."""
        return "" if self.move else self.name


@dataclass
class Scene:
    """The state of a scene.

    Args:
        user: the user's name.
        cast: names of the characters, in their order of speaking.
        rule: who answers.
        lines: what was said and has happened so far.

    Raises:
        UsageError: two have one name.
    """

    user: str
    cast: Sequence[str]
    rule: Rule = "addressed"
    lines: list[Line] = field(default_factory=list)

    def __post_init__(self) -> None:
        names = [name.casefold() for name in (self.user, *self.cast)]
        twice = next((name for name in (self.user, *self.cast) if names.count(name.casefold()) > 1), None)
        if twice is not None:
            raise UsageError("two in the scene are named '{name}'", "Take another name for yourself.", name=twice)

    @property
    def absent(self) -> set[str]:
        """The characters that have left."""
        last = {line.name: line.move for line in self.lines if line.move}
        return {name for name in self.cast if last.get(name) == "leaves"}

    @property
    def present(self) -> list[str]:
        """The characters that are there."""
        absent = self.absent
        return [name for name in self.cast if name not in absent]

    def add_line(self, name: str, text: str) -> None:
        """Add a line. One of the user's in parentheses is something that happens, `Ann leaves` is that she does."""
        is_direction = name == self.user and re.fullmatch(r"\(.*\)|（.*）", text, re.DOTALL) is not None
        move = self._move(text) if name == self.user else None
        self.lines.append(move or Line("" if is_direction else name, text))

    def _move(self, text: str) -> Line | None:
        """The line of a text that says of somebody that they leave or enter, and nothing else."""
        bare = re.sub(r"^[\s(（]+|[\s.。!！)）]+$", "", text)
        absent = self.absent
        for name in self.cast:
            if bare[: len(name)].casefold() == name.casefold():
                move: Move = "enters" if name in absent else "leaves"
                verb = bare[len(name) :].strip()
                if verb.casefold() in MOVES[move]:
                    return _move_line(name, move, verb)
        return None

    def leave(self, name: str) -> None:
        """A character goes: it hears nothing more, and is not asked.

        Raises:
            UsageError: it is not there.
        """
        self.lines.append(_move_line(match_name(name, self.present), "leaves"))

    def enter(self, name: str) -> None:
        """A character comes back; what happened meanwhile it has not heard.

        Raises:
            UsageError: it is there.
        """
        self.lines.append(_move_line(match_name(name, sorted(self.absent)), "enters"))

    def next_speakers(self) -> list[str]:
        """Who answers the last line, in order."""
        present = self.present
        if not present:
            return []
        last = self.lines[-1] if self.lines else Line("", "")
        if self.rule == "round":
            return [name for name in present if name != last.speaker]
        named = [name for name in present if name != last.speaker and is_named(name, last.text)]
        if named or self.rule == "named":
            return sorted(named, key=lambda name: last.text.casefold().find(name.casefold()))
        speakers = [line.speaker for line in self.lines]
        others = [name for name in present if name != last.speaker] or present
        silence = {name: speakers[::-1].index(name) if name in speakers else len(speakers) for name in others}
        return [max(others, key=lambda name: silence[name])]

    def turns_for(self, name: str, first: int = 0) -> list[Turn]:
        """The scene as a character has heard it: its own lines, and between them what others said, each with a name.

        Args:
            name: the character.
            first: index of the line at which its memory begins.
        """
        turns: list[Turn] = []
        for line in self._heard_by(name, first):
            role: Literal["assistant", "user"] = "assistant" if line.speaker == name else "user"
            text = line.text if role == "assistant" or not line.speaker else f"{line.speaker}: {line.text}"
            if turns and turns[-1].role == role:
                turns[-1] = Turn(role, f"{turns[-1].text}\n{text}")
            else:
                turns.append(Turn(role, text))
        return turns if turns and turns[-1].role == "user" else [*turns, Turn("user", SILENCE)]

    def _heard_by(self, name: str, first: int) -> Iterable[Line]:
        is_there = True
        for index, line in enumerate(self.lines):
            is_own_move = line.move is not None and line.name == name
            if index >= first and (is_there or is_own_move):
                yield line
            if is_own_move:
                is_there = line.move == "enters"

    def prefixes_of_others(self, name: str) -> list[str]:
        """How a line of somebody else's begins; a character that writes one has ended its own."""
        return [f"\n{other}{colon}" for other in (self.user, *self.cast) if other != name for colon in ":："]

    def script(self) -> str:
        """The scene as a script, a line each, in the form that `offbook extract` reads."""
        return "".join(
            (f"{_label(line.speaker)}: " if line.speaker else "") + " ".join(line.text.split()) + "\n\n"
            for line in self.lines
            if line.text.strip()
        )


def match_name(name: str, names: Sequence[str]) -> str:
    """The one of `names` that is meant, small and capital letters alike.

    Raises:
        UsageError: it is none of these.
    """
    meant = next((each for each in names if each.casefold() == name.strip().casefold()), None)
    if meant is None:
        raise UsageError("'{name}' is not among {names}", "Say one of these.", name=name, names=", ".join(names))
    return meant


def is_named(name: str, text: str) -> bool:
    """Whether a text names somebody: as a word of its own, or anywhere in a script without spaces."""
    boundary = r"\b" if name.isascii() else ""
    return re.search(f"{boundary}{re.escape(name)}{boundary}", text, re.IGNORECASE) is not None


def _move_line(name: str, move: Move, verb: str = "") -> Line:
    chinese = has_chinese(verb or name)
    verb = verb or next(word for word in MOVES[move] if has_chinese(word) == chinese)
    return Line(name, f"（{name}{verb}。）" if chinese else f"({name} {verb}.)", move)


def _label(name: str) -> str:
    """A name as it can stand before a colon."""
    return " ".join(re.sub("[:：]", " ", name).split())
