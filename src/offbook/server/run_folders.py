"""Folders that hold runs: what is in them, and whether it has changed."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError, safe_open

from offbook.core.errors import UsageError
from offbook.core.rundir import RunDir, refuse_impossible

WEIGHTS = "adapter_model.safetensors"


def is_folder_of_runs(run: str) -> bool:
    """Whether a folder is no run and no adapter itself, but holds runs or is to hold them."""
    refuse_impossible(run)
    folder = Path(run)
    is_character = RunDir(folder).exists or RunDir(folder).config.is_file() or any(folder.glob("adapter_*"))
    return folder.is_dir() and not is_character


def runs_in(folder: Path) -> list[Path]:
    """The runs and adapters in a folder that are ready to be served, by name."""
    entries = sorted(folder.iterdir()) if folder.is_dir() else []
    return [path for path in entries if weights_of(path).is_file()]


def version(adapter: Path) -> tuple[object, ...]:
    """What the files of an adapter folder are like: another adapter differs."""
    stats = [path.stat() for name in (WEIGHTS, "persona.json") if (path := adapter / name).is_file()]
    return adapter.resolve(), *((stat.st_mtime_ns, stat.st_size, stat.st_ino) for stat in stats)


def weights_of(path: Path) -> Path:
    """The weights of a run, or of an adapter folder; they need not be there."""
    inside = path / "adapter" / WEIGHTS
    return inside if inside.is_file() else path / WEIGHTS


def run_of(version: object) -> Path:
    """The run, or the adapter folder, that a character came from."""
    assert isinstance(version, tuple)
    folder: Path = version[0]
    return folder.parent if folder.name == "adapter" else folder


def check_weights(adapter: Path) -> None:
    """See that an adapter's weights are all there: a file that is still being copied is not.

    Raises:
        UsageError: they cannot be read.
    """
    try:
        with safe_open(adapter / WEIGHTS, "pt"):
            pass
    except (OSError, SafetensorError) as error:
        raise UsageError(
            "{folder} is damaged: {error}", "Restore it, or train again.", folder=adapter / WEIGHTS, error=error
        ) from None
