"""The folder that a studio works in: where everything lies, by names that were looked at.

sources/FILE                  texts
characters/NAME/              run.yaml, lines.jsonl (as extracted), edits.jsonl (appended to), rows.jsonl (trained)
runs/NAME/                    run folders, also those begun in a terminal
.studio/                      token, lock, address, jobs/
"""

from __future__ import annotations

import hmac
import os
import secrets
import shutil
import unicodedata
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from offbook.core.atomic import atomic_write_text
from offbook.core.errors import UsageError
from offbook.core.folder_names import NAME_BYTES, check_folder_name
from offbook.core.rundir import RunDir
from offbook.core.system_errors import system_reason
from offbook.pipeline.user_secret import signature
from offbook.studio.errors import NotFound
from offbook.studio.runner import CANCEL, PID

BIDI_CONTROLS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that make a name look like another one (Unicode TR 36)."""
NOT_IN_NAMES = frozenset('<>:"|?*/\\')
"""Characters that some system has in no name."""
LONGEST_SUFFIX = 16
"""Letters of what is taken for a file's suffix, with its dot."""


class Workspace:
    """Paths of a workspace. Nothing is created until something is written.

    Args:
        root: the folder; it is made absolute.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.sources = self.root / "sources"
        self.characters = self.root / "characters"
        self.runs = self.root / os.environ.get("OFFBOOK_RUNS", "runs")
        self.state = self.root / ".studio"
        self.jobs = self.state / "jobs"
        self.address = self.state / "address"

    def source(self, name: str) -> Path:
        """A text that is there.

        Raises:
            UsageError: no file can have that name.
            NotFound: there is none.
        """
        path = self._child(self.sources, name)
        if not path.is_file():
            raise NotFound("there is no text '{name}'", "Go back to the first page and choose one.", name=name)
        return path

    def character(self, name: str) -> Path:
        """The folder of a character that is there.

        Raises:
            UsageError: no folder can have that name.
            NotFound: there is none.
        """
        path = self._child(self.characters, name)
        if not (path / "run.yaml").is_file():
            raise NotFound("there is no character '{name}'", "Go back to the first page and choose one.", name=name)
        return path

    def run(self, name: str) -> RunDir:
        """A run that is there.

        Raises:
            UsageError: no folder can have that name.
            NotFound: there is none.
        """
        run = RunDir(self._child(self.runs, name))
        if not run.exists:
            raise NotFound("there is no run '{name}'", "Go back to the first page and choose one.", name=name)
        return run

    def list_sources(self) -> list[Path]:
        """The texts, by name."""
        return [path for path in _children(self.sources) if path.is_file() and _is_inside(path, self.sources)]

    def list_characters(self) -> list[Path]:
        """The characters' folders, by name."""
        folders = [path for path in _children(self.characters) if (path / "run.yaml").is_file()]
        return [path for path in folders if _is_inside(path, self.characters)]

    def list_runs(self) -> list[RunDir]:
        """The runs, newest first."""
        runs = [RunDir(path) for path in _children(self.runs) if path.is_dir() and _is_inside(path, self.runs)]
        return sorted((run for run in runs if run.exists), key=lambda run: run.path.stat().st_mtime)[::-1]

    def relative(self, path: Path) -> str:
        """A path as it is typed in the workspace's folder."""
        return str(path.relative_to(self.root)) if path.is_relative_to(self.root) else str(path)

    def token(self) -> str:
        """What browsers have to show: drawn once a workspace, so that pages stay open over a restart."""
        path = self.state / "token"
        if not path.is_file():
            self.state.mkdir(parents=True, exist_ok=True)
            with FileLock(self.state / "token.lock"):
                if not path.is_file():
                    _write_private(path, secrets.token_urlsafe(24))
        return path.read_text(encoding="ascii").strip()

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Context manager: be the one studio of this workspace.

        Raises:
            UsageError: another one is; its address is told.
        """
        if self.state.is_symlink():
            raise UsageError(
                "'{name}' leads out of the folder {folder}",
                "Only what lies in it can be used here.",
                name=self.state.name,
                folder=self.root.name,
            )
        try:
            self.state.mkdir(parents=True, exist_ok=True)
            _ignore_in_git(self.state)
            lock = FileLock(self.state / "lock", timeout=0)
            lock.acquire()
            self._remove_leftovers()
            self._disown_what_was_sent()
        except Timeout:
            address = self.address.read_text(encoding="utf-8").strip() if self.address.is_file() else "?"
            raise UsageError(
                "a studio of this folder is open already: {address}",
                "Open that address in a browser, or name another folder: offbook studio FOLDER",
                address=address,
            ) from None
        except OSError as error:
            raise UsageError(
                "cannot write in {path}: {reason}",
                "Choose another folder: offbook studio FOLDER",
                path=self.root,
                reason=system_reason(error),
            ) from None
        try:
            yield
        finally:
            self.address.unlink(missing_ok=True)
            lock.release()

    def _remove_leftovers(self) -> None:
        """Remove what a killed studio was writing or deleting; nothing else writes here while the lock is held."""
        for folder in (self.sources, self.characters, self.jobs):
            for path in folder.glob(".tmp-*"):
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path, ignore_errors=True)
                else:
                    path.unlink(missing_ok=True)

    def _disown_what_was_sent(self) -> None:
        """Draw another token, and let no job begin, where `.studio` was not written here by this user.

        A folder comes from somebody else, who would know the token, and could have put jobs in: commands that would be
        run without anybody asking for them.
        """
        seal = self.state / "seal"
        try:
            expected = signature(str(self.state))
        except OSError:
            expected = ""
        if expected and seal.is_file() and hmac.compare_digest(seal.read_bytes(), expected.encode()):
            return
        (self.state / "token").unlink(missing_ok=True)
        for job in self.jobs.glob("*/job.json"):
            if not (job.parent / PID).exists():
                (job.parent / CANCEL).touch()
        seal.unlink(missing_ok=True)  # it may be a link
        atomic_write_text(seal, expected)

    def _child(self, folder: Path, name: str) -> Path:
        path = folder / checked_name(name)
        if not _is_inside(path, folder):
            raise UsageError(
                "'{name}' leads out of the folder {folder}",
                "Only what lies in it can be used here.",
                name=name,
                folder=folder.name,
            )
        return path


def checked_name(name: str) -> str:
    """A name for a file or folder, in Unicode's composed form (NFC).

    Raises:
        UsageError: not every system can have a file of that name.
    """
    name = unicodedata.normalize("NFC", name).strip()
    if any(unicodedata.category(letter) in ("Cc", "Cs") or letter in BIDI_CONTROLS for letter in name):
        raise UsageError("'{name}' cannot be a name here", "Leave out what is not seen.", name=ascii(name))
    try:
        return check_folder_name(name)
    except ValueError as reason:
        raise UsageError("'{name}' cannot be a name here", "It should {reason}.", name=name, reason=reason) from None


def nearest_name(name: str) -> str:
    """The name that comes nearest to one that some system cannot have, as files and speakers bear them: `Who?.txt`.

    Raises:
        UsageError: nothing is left of it.
    """
    try:
        return checked_name(name)
    except UsageError:
        letters = (
            "_"
            if letter in NOT_IN_NAMES or letter in BIDI_CONTROLS or unicodedata.category(letter) in ("Cc", "Cs")
            else letter
            for letter in unicodedata.normalize("NFC", name)
        )
        stem, suffix = _split("".join(letters).strip(". "))
        stem = _cut(stem, suffix)
        try:
            return checked_name(stem + suffix)
        except UsageError:
            return checked_name(f"{stem}_{suffix}" if stem else name)  # con, nul


def free_name(folder: Path, name: str, taken: Collection[object] = ()) -> Path:
    """A path in a folder that nothing has yet: `name`, or `name (2)` and so on, before its suffix.

    Args:
        folder: where.
        name: what is wished for.
        taken: names that something else is going to have.
    """
    stem, suffix = _split(name)
    endings = (suffix if number == 1 else f" ({number}){suffix}" for number in range(1, 10_000))
    candidates = (folder / (_cut(stem, ending) + ending) for ending in endings)
    return next(path for path in candidates if not path.exists() and path.name not in taken)


def _split(name: str) -> tuple[str, str]:
    """A name before its suffix, and the suffix; what is long is none."""
    suffix = Path(name).suffix
    return (name, "") if len(suffix) > LONGEST_SUFFIX else (Path(name).stem, suffix)


def _cut(stem: str, ending: str) -> str:
    """As much of a name as can stand before its ending."""
    return stem.encode()[: NAME_BYTES - len(ending.encode())].decode(errors="ignore").rstrip(". ")


def folder_bytes(folder: Path) -> int:
    """Bytes of all files below a folder; links are not followed."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(parent, name)).st_size  # noqa: PTH118
            except OSError:  # it went away meanwhile
                continue
    return total


def _children(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if not path.name.startswith("."))


def _is_inside(path: Path, folder: Path) -> bool:
    """Whether a path, its links followed, lies in a folder."""
    return path.resolve().is_relative_to(folder.resolve())


def _write_private(path: Path, text: str) -> None:
    """Write a text that the user alone may read."""
    descriptor = os.open(path.with_suffix(".new"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    path.with_suffix(".new").replace(path)


def _ignore_in_git(folder: Path) -> None:
    """Keep the token out of a repository that the workspace may be in."""
    if not (folder / ".gitignore").is_file():
        atomic_write_text(folder / ".gitignore", "*\n")
