"""Which characters a server has: from what was named on its command line, and from folders that are watched."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import psutil

from offbook.core.errors import UsageError
from offbook.core.i18n import translate
from offbook.core.progress import NullReporter, Reporter
from offbook.core.rundir import runs_root
from offbook.core.text import format_bytes
from offbook.models.weight_size import loaded_bytes
from offbook.pipeline.adapter_source import CharacterSource, resolve_character
from offbook.server.backends import Host, open_host
from offbook.server.cast import Cast
from offbook.server.gguf_files import gguf_files
from offbook.server.run_folders import check_weights, is_folder_of_runs, run_of, runs_in, version, weights_of

WATCH_SECONDS = 2.0
"""A watched folder is looked at so often."""


@dataclass
class CastSources:
    """What a server was told to serve.

    Args:
        runs: run folders, names of runs, adapter folders, or folders that hold runs.
        everything: whether all runs of the usual place are served too.
        engine: a name in ENGINES, or auto.
        base_model: source of the base model, as for `offbook.load`.
        template: a built-in chat template by name, as for `offbook.load`.
        reporter: is told who comes and goes.
        upstream: address of the server that runs the models, for the engine `openai`.
    """

    runs: Sequence[str]
    everything: bool = False
    engine: str = "auto"
    base_model: str | None = None
    template: str | None = None
    reporter: Reporter = field(default_factory=NullReporter)
    upstream: str | None = None
    _bases: set[Path] = field(default_factory=set, init=False)
    """Base models that were loaded."""

    @property
    def folders(self) -> list[Path]:
        """The folders that are watched."""
        named = [Path(run) for run in self.runs if is_folder_of_runs(run)]
        return [*named, *([runs_root()] if self.everything else [])]

    def resolve(self) -> list[CharacterSource]:
        """All characters that are there now.

        Raises:
            UsageError: one that was named is not there, none is there at all, or two have one name.
        """
        named = [self.source(run) for run in self.runs if not is_folder_of_runs(run)]
        sources_found = [self.source(str(run)) for folder in self.folders for run in runs_in(folder)]
        sources = {source.adapter.resolve(): source for source in [*named, *sources_found]}
        by_name: dict[str, CharacterSource] = {}
        for source in sources.values():
            other = by_name.setdefault(source.name, source)
            if other is not source:
                raise UsageError(
                    "two characters are named '{name}': {one} and {other}",
                    "Rename one of the folders: clients choose a character by its name.",
                    name=source.name,
                    one=other.adapter,
                    other=source.adapter,
                )
        if not by_name:
            raise UsageError(
                "there is no finished run in {folders}",
                "Name a run: offbook serve runs/NAME",
                folders=", ".join(map(str, self.folders)) or translate("what was named"),
            )
        return list(by_name.values())

    def source(self, run: str) -> CharacterSource:
        """One character.

        Raises:
            UsageError: it is not there, or its files are damaged or not complete yet.
        """
        source = resolve_character(run, base_model=self.base_model, reporter=self.reporter)
        check_weights(source.adapter)
        return source

    def run_of(self, name: str) -> CharacterSource:
        """A character by the name of its run; clients of the server name no paths.

        Raises:
            UsageError: there is no such run in the folders that are served, nor in the usual place.
        """
        if Path(name).name != name or name in ("", ".", ".."):
            raise UsageError("'{name}' is not the name of a run", "Name a run, without a path.", name=name)
        places = [folder / name for folder in [*self.folders, runs_root()]]
        there = next((place for place in places if weights_of(place).is_file()), None)
        if there is None:
            raise UsageError("no finished run '{name}'", "See `offbook runs list`.", name=name)
        return self.source(str(there))

    def open_base(self, sources: Sequence[CharacterSource]) -> Host:
        """Load the base model of some characters; see `open_host`.

        Raises:
            UsageError: another one is loaded already, and there is no memory for this one beside it.
        """
        base, size, free = sources[0].base_model.path, self._bytes(sources), psutil.virtual_memory().available
        if self._bases and size > free:
            raise UsageError(
                "{base} takes {size}, and {free} are free",
                "Serve fewer base models at once.",
                base=base.name,
                size=format_bytes(size),
                free=format_bytes(free),
            )
        self._bases.add(base)
        return open_host(sources, self.engine, self.template, self.reporter, self.upstream)

    def announce_bases(self, sources: Sequence[CharacterSource]) -> None:
        """Tell, where there is more than one base model, how much memory they will take.

        Raises:
            UsageError: more than is free.
        """
        bases: dict[Path, list[CharacterSource]] = {}
        for source in sources:
            bases.setdefault(source.base_model.path, []).append(source)
        if len(bases) < 2:
            return
        sizes = {base: self._bytes(members) for base, members in bases.items()}
        for base, size in sizes.items():
            names = ", ".join(source.name for source in bases[base])
            self.reporter.info("{base}: {size} for {names}", base=base.name, size=format_bytes(size), names=names)
        total, free = sum(sizes.values()), psutil.virtual_memory().available
        amounts = {"count": len(bases), "total": format_bytes(total), "free": format_bytes(free)}
        if total > free:
            raise UsageError(
                "{count} base models take {total}, and {free} are free",
                "Serve fewer at once, or characters of one base.",
                **amounts,
            )
        self.reporter.info("{count} base models side by side: {total} of {free} free", **amounts)

    def _bytes(self, sources: Sequence[CharacterSource]) -> int:
        """The memory that the base model of some characters takes here."""
        if self.engine == "openai":
            return 0
        files = gguf_files(sources) if self.engine in ("auto", "llama.cpp") else None
        return files[0].model.stat().st_size if files else loaded_bytes(sources[0].base_model.path)


class CastWatcher:
    """Keeps a cast as its folders are: characters come, are replaced and go with their runs.

    Args:
        cast: the characters.
        sources: what the server was told to serve.
    """

    def __init__(self, cast: Cast, sources: CastSources) -> None:
        self._cast = cast
        self._sources = sources
        self._stop = threading.Event()
        self._seen: dict[Path, object] = {}
        """Run → what its files were like when it was last dealt with."""
        self._thread = threading.Thread(target=self._work, name="cast", daemon=True)

    def start(self) -> None:
        """Begin to watch, if there is a folder to watch."""
        if self._sources.folders:
            self._seen = {run_of(member.version): member.version for member in self._cast.members}
            self._thread.start()

    def stop(self) -> None:
        """Look no more."""
        self._stop.set()

    def join(self) -> None:
        """Wait for what is being done; replies must have been aborted."""
        if self._thread.is_alive():
            self._thread.join()

    def _work(self) -> None:
        while not self._stop.wait(WATCH_SECONDS):
            with suppress(OSError):  # a run is being moved or deleted at this moment: the next look sees it
                self.look()

    def look(self) -> None:
        """Bring the cast up to date with its folders; what a client removed stays out until its files change."""
        folders = [folder.resolve() for folder in self._sources.folders]
        there = {run.resolve(): run for folder in folders for run in runs_in(folder)}
        serving = {run_of(member.version): member for member in self._cast.members}
        for path, member in serving.items():
            if path.parent in folders and path not in there:
                self._attempt(path, partial(self._cast.remove, member.model.name))
                self._sources.reporter.info("{name} has left", name=member.model.name)
        self._seen = {path: seen for path, seen in self._seen.items() if path in there}
        for path, run in there.items():
            now, served = version(weights_of(run).parent), serving.get(path)
            is_served = served is not None and served.version == now
            if not is_served and self._seen.get(path) != now:
                self._attempt(path, partial(self._add, run))
            self._seen[path] = now

    def _add(self, run: Path) -> None:
        source = self._sources.source(str(run))
        self._cast.add([source], version)
        self._sources.reporter.info("{name} is on", name=source.name)

    def _attempt(self, path: Path, work: Callable[[], None]) -> None:
        """Do it; a character that cannot be opened is told once, and tried again when its files have changed."""
        try:
            work()
        except Exception as error:  # whatever is the matter with one run, the others are watched on
            self._sources.reporter.warning("{run} is not served: {why}", run=path, why=error)
