"""The characters of a server by name: which there are, on which base models, and who comes and goes while it runs."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from offbook.core.errors import UsageError
from offbook.pipeline.adapter_source import CharacterSource
from offbook.server.backends import Host
from offbook.server.scheduler import QUEUE, RequestScheduler
from offbook.server.served_model import ServedModel

BASE = ":base"
"""Ends the name under which a character's base model answers."""

OpenBase = Callable[[Sequence[CharacterSource]], Host]
"""Loads the base model of some characters, which are not added to it yet."""


@dataclass
class Stage:
    """A base model that is open, and the queue before it."""

    base: Path | None
    """The base model's folder."""
    host: Host
    scheduler: RequestScheduler


@dataclass(eq=False)
class Member:
    """A character of the cast."""

    model: ServedModel
    stage: Stage
    version: object = None
    """What the character's files were like; another value means that they were replaced."""
    requests: int = 0
    """Requests that are being answered or wait for it."""
    changed: threading.Condition = field(default_factory=threading.Condition)

    @contextmanager
    def in_use(self) -> Iterator[Hold]:
        """Context manager: a request holds the character, which then is not taken out of memory."""
        hold = Hold(self)
        try:
            yield hold
        finally:
            if not hold.is_kept:
                hold.end()

    def wait_until_idle(self) -> None:
        """Wait until no request holds the character."""
        with self.changed:
            self.changed.wait_for(lambda: self.requests == 0)


class Hold:
    """A request's hold on a character.

    Args:
        member: the character.
    """

    def __init__(self, member: Member) -> None:
        self._member = member
        self.is_kept = False
        """Whether a streamed response goes on after the request's handler, and ends the hold itself."""
        with member.changed:
            member.requests += 1

    def end(self) -> None:
        """The request needs the character no more."""
        with self._member.changed:
            self._member.requests -= 1
            self._member.changed.notify_all()


class UnknownCharacterError(Exception):
    """No character of that name is served.

    Args:
        name: as it was asked for.
        has_left: whether there was one.
    """

    def __init__(self, name: str, *, has_left: bool) -> None:
        super().__init__(name)
        self.name = name
        self.has_left = has_left


class Cast:
    """The characters that a server has, and their base models.

    Characters are added and removed from any thread, one at a time; requests go on meanwhile. A character that leaves
    is found no more at once, and its adapter is freed when its last reply has ended.

    Args:
        open_base: loads the base model of some characters.
        queue: requests that may wait for each base model beyond those that are answered.
    """

    def __init__(self, open_base: OpenBase, queue: int = QUEUE) -> None:
        self._open_base = open_base
        self._queue = queue
        self._members: dict[str, Member] = {}
        self._left: set[str] = set()
        self._stages: list[Stage] = []
        self._changing = threading.Lock()
        self.draining = False

    @property
    def members(self) -> list[Member]:
        """All characters, in the order in which they came."""
        return list(self._members.values())

    @property
    def schedulers(self) -> list[RequestScheduler]:
        """The queues before the base models."""
        return [stage.scheduler for stage in self._stages]

    @property
    def names(self) -> list[str]:
        """All names under which somebody answers: characters, and their base models."""
        return [name for key in self._members for name in (key, key + BASE)]

    def find(self, name: str) -> tuple[Member, bool]:
        """The character that answers to a name, and whether its base model is meant.

        Where there is but one, and never was another, it answers to any name: many clients send one of their own.

        Raises:
            UnknownCharacterError: nobody answers to it.
        """
        tuned_name = name.removesuffix(BASE)
        member = self._members.get(name) or self._members.get(tuned_name)
        if member is not None:
            return member, name not in self._members
        if len(self._members) == 1 and not self._left:
            return next(iter(self._members.values())), False
        raise UnknownCharacterError(name, has_left=tuned_name in self._left)

    def add(self, sources: Sequence[CharacterSource], version: Callable[[Path], object] = str) -> None:
        """Take characters in; one that has the name of another takes its place.

        Args:
            sources: the characters.
            version: what the files of an adapter folder are like.

        Raises:
            UsageError: one of them cannot be opened; those before it are in.
        """
        with self._changing:
            for base in dict.fromkeys(source.base_model.path for source in sources):
                self._add_on(base, [source for source in sources if source.base_model.path == base], version)

    def _add_on(self, base: Path, sources: Sequence[CharacterSource], version: Callable[[Path], object]) -> None:
        stage: Stage | None = None
        for index, source in enumerate(sources):
            stage = next((each for each in self._stages if each.base == base and each.host.accepts(source)), None)
            stage = stage or self._open(base, sources[index:])
            member = Member(stage.host.add(source), stage, version(source.adapter))
            replaced = self._members.get(source.name)
            self._left.discard(source.name)
            self._members = {**self._members, source.name: member}
            if replaced is not None:
                self._retire(replaced)

    def _open(self, base: Path, sources: Sequence[CharacterSource]) -> Stage:
        host = self._open_base(sources)
        stage = Stage(base, host, RequestScheduler(host.slots, self._queue))
        stage.scheduler.draining = self.draining
        self._stages = [*self._stages, stage]
        return stage

    def remove(self, name: str) -> None:
        """Let a character go; returns when its last reply has ended.

        Raises:
            UsageError: there is none of that name.
        """
        with self._changing:
            member = self._members.get(name)
            if member is None:
                raise UsageError(
                    "no character '{name}' is served",
                    "There are {members}.",
                    name=name,
                    members=", ".join(self._members),
                )
            self._left.add(name)
            self._members = {other: each for other, each in self._members.items() if other != name}
            self._retire(member)

    def _retire(self, member: Member) -> None:
        member.wait_until_idle()
        member.stage.host.remove(member.model)

    def drain(self) -> None:
        """Begin no more replies."""
        self.draining = True
        for scheduler in self.schedulers:
            scheduler.drain()

    def abort_all(self) -> None:
        """End every reply where it is."""
        for scheduler in self.schedulers:
            scheduler.abort_all()

    def close(self) -> None:
        """Free all; replies must have been aborted."""
        for stage in self._stages:
            stage.scheduler.close()
            stage.host.close()
