"""Checkpoints that are whole or absent.

    store = CheckpointStore(run.checkpoints, fingerprint, keep=3, protected_step=monitor.best)
    with store.write(step) as folder:
        model.save_pretrained(folder, save_embedding_layers=False)
    store.rotate()

A checkpoint is written to a temporary sibling, its files fsynced, `manifest.json` (size and sha256 of every file) last,
then renamed. One that does not match its manifest does not count.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import file_digest
from pathlib import Path
from typing import Any

from offbook.core.atomic import atomic_dir, atomic_write_json, restore
from offbook.core.text_file import read_text

FORMAT = 3
"""Version of what a checkpoint holds. 1, which no manifest names, held the states of the random generators; since 2
dropout follows from seed, step and micro-batch, and there is none to hold. 3 holds the lines of metrics and samples
up to its step as well."""
MANIFEST = "manifest.json"
PROGRESS = "progress.json"
SET_ASIDE = "passed-"
"""Prefix of the name of a whole checkpoint that lies ahead of a run which went on from an earlier one."""


def verify(folder: Path) -> dict[str, Any]:
    """Read the manifest of a checkpoint and compare every file with it.

    Returns:
        The manifest: `format`, `step`, what the store's fingerprint held, and `files`.

    Raises:
        ValueError: naming the first file that is missing or differs.
    """
    try:
        manifest = json.loads(read_text(folder / MANIFEST))
        files = manifest["files"].items()
        manifest["step"] = int(manifest["step"])
    except (OSError, ValueError, KeyError, AttributeError, TypeError):
        raise ValueError(f"{folder.name}: {MANIFEST} is missing or damaged") from None
    for name, digest in files:
        path = folder / name
        if not path.is_file():
            raise ValueError(f"{folder.name}: {name} is missing")
        if file_digest_of(path) != digest:
            raise ValueError(f"{folder.name}: {name} is damaged (its hash differs from the manifest's)")
    return manifest


def read_progress(folder: Path) -> dict[str, Any]:
    """What the trainer's callbacks kept in a checkpoint: among it the lines of metrics and samples up to its step."""
    progress: dict[str, Any] = json.loads((folder / PROGRESS).read_text(encoding="utf-8"))
    return progress


def is_whole(folder: Path) -> bool:
    """Whether a checkpoint matches its manifest."""
    try:
        verify(folder)
    except ValueError:
        return False
    return True


def file_digest_of(path: Path) -> dict[str, Any]:
    """A file's entry in the manifest: its size in bytes and its sha256."""
    with path.open("rb") as file:
        return {"bytes": path.stat().st_size, "sha256": file_digest(file, "sha256").hexdigest()}


@dataclass(frozen=True)
class CheckpointStore:
    """The checkpoints of a run: a folder with one subfolder a step."""

    dir: Path
    fingerprint: Mapping[str, Any] = field(default_factory=dict)
    """What a resume has to find unchanged (hashes of data and config, versions); written into every manifest."""
    keep: int = 1
    """How many checkpoints `rotate` leaves."""
    protected_step: Callable[[], int | None] = lambda: None
    """Returns the step of a checkpoint that `rotate` leaves however old it is, or None."""

    def folder(self, step: int) -> Path:
        """The folder of a step's checkpoint, whether it exists or not."""
        return self.dir / f"step-{step:06d}"

    @contextmanager
    def write(self, step: int) -> Iterator[Path]:
        """Context manager: a folder to write the checkpoint of `step` in; it counts only if the block ends well."""
        with atomic_dir(self.folder(step)) as folder:
            yield folder
            files = {path.name: file_digest_of(path) for path in sorted(folder.iterdir())}
            atomic_write_json(folder / MANIFEST, {"format": FORMAT, "step": step, **self.fingerprint, "files": files})
        reached = _set_aside_path(self.folder(step))
        _delete([folder for folder in self.dir.glob(f"{SET_ASIDE}*") if folder <= reached])

    def newest(self, required_step: Callable[[int], int | None] = lambda _step: None) -> tuple[Path | None, list[str]]:
        """Find the checkpoint to resume from.

        That is the newest that verifies together with the one it requires; where there is none, the newest that
        verifies.

        Args:
            required_step: step of a checkpoint → step of an earlier one that a run which resumes from it will need.

        Returns:
            The checkpoint's folder, or None; and what is wrong with others, a line each.
        """
        faults: dict[str, None] = {}
        complete = []
        for folder in self._folders()[::-1]:
            try:
                required = required_step(verify(folder)["step"])
                complete.append(folder)
                if required is not None:
                    verify(self.folder(required))
            except ValueError as fault:
                faults[str(fault)] = None
            else:
                return folder, list(faults)
        return next(iter(complete), None), list(faults)

    def rotate(self) -> None:
        """Delete the oldest checkpoints beyond `keep`, once the newest has been read back and verified.

        Raises:
            ValueError: the newest does not verify; nothing is deleted.
        """
        folders = self._folders()
        if len(folders) > self.keep:
            verify(folders[-1])
            protected = self.protected_step()
            kept = None if protected is None else self.folder(protected)
            _delete([folder for folder in folders[: -self.keep] if folder != kept])

    def set_aside_after(self, step: int) -> None:
        """Clear the way for a run that resumes from `step`.

        Later checkpoints that do not verify are deleted. Whole ones are renamed, since the metrics after `step` are
        lost to them, and deleted once the run has reached their step again.
        """
        later = [folder for folder in self._folders() if folder > self.folder(step)]
        _delete([folder for folder in later if not is_whole(folder)])
        for folder in later:
            if folder.exists():
                shutil.rmtree(_set_aside_path(folder), ignore_errors=True)
                folder.rename(_set_aside_path(folder))

    def clear_leftovers(self) -> None:
        """Put right what a writer or a rotation that was killed left behind."""
        for old in self.dir.glob(".old-step-*"):
            restore(old.with_name(old.name.removeprefix(".old-")))
        for folder in self.dir.glob(".tmp-step-*"):
            shutil.rmtree(folder, ignore_errors=True)

    def _folders(self) -> list[Path]:
        return sorted(self.dir.glob("step-[0-9]*")) if self.dir.is_dir() else []


def _delete(folders: list[Path]) -> None:
    for folder in folders:
        # Renamed first: a deletion that is cut short never leaves half a checkpoint under its name.
        shutil.rmtree(folder.rename(folder.with_name(f".tmp-{folder.name}")), ignore_errors=True)


def _set_aside_path(folder: Path) -> Path:
    return folder.with_name(f"{SET_ASIDE}{folder.name}")
