"""A conversation of several characters and the user: who speaks next, what each of them hears, and its script.

scene = Scene("Tom", ["Ann", "Ben"])
scene.say("Tom", "Ann, is the stove lit?")
scene.next_speakers()          # ["Ann"]
scene.turns_for("Ann")         # what Ann hears: her own lines as hers, everyone else's as named user turns
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from offbook.core.errors import UsageError
from offbook.core.types import Turn

Rule = Literal["addressed", "round", "named"]
RULES: tuple[Rule, ...] = get_args(Rule)
"""Who answers a line: whom it names, else the one who was silent longest; all in turn; the named alone."""


@dataclass(frozen=True, slots=True)
class Line:
    """What somebody says, or, without a name, what happens."""

    name: str
    text: str


@dataclass
class Scene:
    """The state of a scene.

    Args:
        user: the user's name.
        cast: names of the characters, in their order of speaking.
        rule: who answers.
    """

    user: str
    cast: Sequence[str]
    rule: Rule = "addressed"
    lines: list[Line] = field(default_factory=list)
    absent: set[str] = field(default_factory=set)

    @property
    def present(self) -> list[str]:
        """The characters that are there."""
        return [name for name in self.cast if name not in self.absent]

    def say(self, name: str, text: str) -> None:
        """Add a line; one in parentheses is something that happens."""
        is_direction = re.fullmatch(r"\(.*\)|（.*）", text, re.DOTALL) is not None
        self.lines.append(Line("" if is_direction else name, text))

    def leave(self, name: str) -> None:
        """A character goes: it hears nothing more, and is not asked."""
        self.absent.add(self._known(name, self.present))
        self.lines.append(Line("", f"({self._known(name, self.cast)} leaves.)"))

    def enter(self, name: str) -> None:
        """A character comes back."""
        self.absent.remove(self._known(name, sorted(self.absent)))
        self.lines.append(Line("", f"({self._known(name, self.cast)} enters.)"))

    def next_speakers(self) -> list[str]:
        """Who answers the last line, in order."""
        if not self.present:
            return []
        last = self.lines[-1] if self.lines else Line("", "")
        if self.rule == "round":
            return [name for name in self.present if name != last.name]
        named = [name for name in self.present if name != last.name and is_named(name, last.text)]
        if named or self.rule == "named":
            return sorted(named, key=lambda name: last.text.casefold().find(name.casefold()))
        spoken = [line.name for line in self.lines]
        others = [name for name in self.present if name != last.name] or self.present
        silence = {name: spoken[::-1].index(name) if name in spoken else len(spoken) for name in others}
        return [max(others, key=lambda name: silence[name])]

    def turns_for(self, name: str) -> list[Turn]:
        """The scene as a character has heard it: its own lines, and between them what others said, each with a name."""
        turns: list[Turn] = []
        for line in self.lines:
            role: Literal["assistant", "user"] = "assistant" if line.name == name else "user"
            text = line.text if role == "assistant" or not line.name else f"{line.name}: {line.text}"
            if turns and turns[-1].role == role:
                turns[-1] = Turn(role, f"{turns[-1].text}\n{text}")
            else:
                turns.append(Turn(role, text))
        return turns

    def script(self) -> str:
        """The scene as a script, a line each, in the form that `offbook extract` reads."""
        return "".join(
            (f"{line.name}: " if line.name else "") + " ".join(line.text.split()) + "\n\n" for line in self.lines
        )

    def _known(self, name: str, names: Sequence[str]) -> str:
        """The name as the cast has it.

        Raises:
            UsageError: it is none of these.
        """
        found = next((each for each in names if each.casefold() == name.strip().casefold()), None)
        if found is None:
            raise UsageError("'{name}' is not among {names}", "Say one of these.", name=name, names=", ".join(names))
        return found


def is_named(name: str, text: str) -> bool:
    """Whether a text names somebody: as a word of its own, or anywhere in a script without spaces."""
    boundary = r"\b" if name.isascii() else ""
    return re.search(f"{boundary}{re.escape(name)}{boundary}", text, re.IGNORECASE) is not None
