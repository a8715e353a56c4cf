"""Which folders of jobs can go: old ones that no page asks for any more."""

from __future__ import annotations

import shutil
from collections.abc import Sequence

from offbook.studio.jobs import JobRecord, forget

KEPT = 100
"""The newest jobs that have ended are all kept."""
MOST = 1000
"""Beyond, even the newest of its kind about its subject goes."""


def surplus(ended: Sequence[JobRecord]) -> list[JobRecord]:
    """The jobs whose folders can go.

    A page looks for the newest job of a kind about a subject, and for the newest training of a run: those stay.

    Args:
        ended: jobs that are over, in any order.
    """
    newest_first = sorted(ended, key=lambda job: job.request.created, reverse=True)
    seen: set[tuple[str, str, object]] = set()
    result = []
    for number, job in enumerate(newest_first):
        what = (job.request.kind, job.request.subject, job.request.details.get("run"))
        if number >= MOST or (number >= KEPT and what in seen):
            result.append(job)
        seen.add(what)
    return result


def remove(job: JobRecord) -> None:
    """Delete a job's folder: it is gone at once, or all there, whenever the process is killed."""
    hidden = job.folder.with_name(f".tmp-{job.id}")
    try:
        job.folder.rename(hidden)
    except OSError:  # somebody else has removed it
        return
    forget(job.folder)
    shutil.rmtree(hidden, ignore_errors=True)
