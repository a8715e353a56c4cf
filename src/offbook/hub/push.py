"""A folder to a repository of one's own on a hub, checked there file by file.

    address = push_folder(folder, "hf:ORG/NAME", kind="hamlet, adapter", private=True)

A repository is taken for one of ours by a small file in it that names what was pushed. It is committed before all
else, so a push that broke is recognised and gone on with; anything else in the way is left as it is.
"""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path

from offbook.core.errors import OffbookError, UsageError
from offbook.core.progress import NullReporter, Reporter
from offbook.core.text import format_bytes
from offbook.hub import cache
from offbook.hub.clients import HUBS, Entry, Hub
from offbook.hub.snapshot import git_sha1

MARKER = "offbook-push.json"
"""The file that says what a repository holds."""


def push_folder(folder: Path, target: str, *, kind: str, private: bool = True, reporter: Reporter | None = None) -> str:
    """Put the files of a folder into a repository, which is made if there is none.

    Args:
        folder: its files are pushed, those in folders below it are not.
        target: ms:ORG/NAME or hf:ORG/NAME.
        kind: says what is pushed; a repository that holds something else is refused.
        private: make the repository visible to its owner alone, and refuse one that others can see.
        reporter: is told what is being done.

    Returns:
        The address of the repository's page.

    Raises:
        UsageError: the name or the token is at fault, or the repository is not ours to write.
        OffbookError: the upload failed, or what lies there now is not what was sent.
    """
    reporter = reporter or NullReporter()
    hub, repo = parse_target(target)
    account = hub.publish.account()
    reporter.info("On {hub} as {account}", hub=hub.title, account=account)
    visible = hub.publish.is_private(repo)
    if visible is None:
        hub.publish.create(repo, private)
    else:
        _refuse_foreign(hub, repo, kind)
    if private and hub.publish.is_private(repo) is not True:
        raise UsageError(
            "{repo} can be seen by everybody",
            "Push with --public if that is meant, or make it private on its page: {page}",
            repo=repo,
            page=hub.publish.page(repo),
        )
    (folder / MARKER).write_text(json.dumps({"pushed": kind}, ensure_ascii=False) + "\n", encoding="utf-8")
    names = sorted(path.name for path in folder.iterdir() if path.is_file())
    size = format_bytes(sum((folder / name).stat().st_size for name in names))
    reporter.stage("Pushing {size} to {repo} (files: {count}) …", count=len(names), size=size, repo=repo)
    hub.publish.upload(repo, folder, [MARKER])
    hub.publish.upload(repo, folder, names)
    reporter.stage("Comparing what arrived")
    _verify(hub, repo, folder, names)
    return hub.publish.page(repo)


def parse_target(target: str) -> tuple[Hub, str]:
    """The hub and the ORG/NAME of a repository.

    Raises:
        UsageError: it names none.
    """
    scheme, _, repo = target.partition(":")
    if scheme not in HUBS or not re.fullmatch(r"[\w.-]+/[\w.-]+", repo) or cache.escapes_directory(repo):
        raise UsageError(
            "'{target}' is no name of a repository on a hub", "Write it as ms:ORG/NAME or hf:ORG/NAME.", target=target
        )
    return HUBS[scheme], repo


def _refuse_foreign(hub: Hub, repo: str, kind: str) -> None:
    """Refuse a repository with content that an earlier push of the same kind did not put there."""
    commit, entries = hub.listing(repo, "model", hub.default_branch)
    marker = next((entry for entry in entries if entry.path == MARKER), None)
    if marker is None and {entry.path for entry in entries} <= hub.publish.initial_files:
        return
    held = _read_marker(hub, repo, commit, marker) if marker else None
    if held != kind:
        raise UsageError(
            "{repo} on {hub} holds something else already: {held}",
            "Push to another name. Nothing there was changed.",
            repo=repo,
            hub=hub.title,
            held=held or ", ".join(sorted(entry.path for entry in entries)[:3]),
        )


def _read_marker(hub: Hub, repo: str, commit: str, marker: Entry) -> str | None:
    with tempfile.TemporaryDirectory() as place:
        hub.download(repo, "model", commit, [marker], Path(place))
        try:
            return str(json.loads((Path(place) / MARKER).read_text(encoding="utf-8"))["pushed"])
        except (OSError, ValueError, KeyError, TypeError):
            return None


def _verify(hub: Hub, repo: str, folder: Path, names: list[str]) -> None:
    """Compare what the hub lists with what was sent.

    Raises:
        OffbookError: a file is missing there, or is another one.
    """
    listed = {entry.path: entry for entry in hub.listing(repo, "model", hub.default_branch)[1]}
    for name in names:
        entry = listed.get(name)
        if entry is None or not _is_same(folder / name, entry):
            raise OffbookError(
                "{name} did not arrive whole on {hub}",
                "Push again: what has arrived is not sent twice.",
                name=name,
                hub=hub.title,
            )


def _is_same(path: Path, entry: Entry) -> bool:
    return (
        entry.size in (None, path.stat().st_size)
        and entry.sha256 in (None, cache.sha256(path))
        and entry.git_sha1 in (None, git_sha1(path))
    )
