"""What `check` says of a character's rows and settings, with the option that mends it."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from offbook.core.i18n import language
from offbook.core.progress import fill
from offbook.data.messages import localized
from offbook.studio.advice import page_fix
from offbook.studio.character import CharacterFolder
from offbook.studio.checks import newest_check, option_of, version_of
from offbook.studio.context import StudioDep

router = APIRouter(prefix="/characters/{name}", tags=["check"])


class CheckRequest(BaseModel):
    """What is looked at."""

    data_only: bool = False
    """The rows alone, without the base model: quicker, and nothing is downloaded."""


@router.post("/check")
def check(name: str, request: CheckRequest, studio: StudioDep) -> dict[str, Any]:
    """Look at the rows (and with the base model at everything that can be known before training): a job."""
    character = CharacterFolder(studio.workspace.character(name))
    character.require_rows()
    config = studio.workspace.relative(character.config)
    argv = ["check", "-c", config, "--json"]
    if request.data_only:
        argv += ["--data", studio.workspace.relative(character.rows)]
    details = {"version": version_of(character), "data_only": request.data_only}
    return studio.queue.submit("check", name, argv, details=details).as_json()


@router.get("/check")
def show(name: str, studio: StudioDep) -> dict[str, Any]:
    """The newest check: its job, whether rows or settings have changed since, its findings, and its whole report."""
    character = CharacterFolder(studio.workspace.character(name))
    job = newest_check(studio, character)
    report = job.result() if job is not None else None
    report = localized(report, language()) if isinstance(report, dict) else None
    return {
        "job": job.as_json() if job is not None else None,
        "stale": job is None or job.request.details.get("version") != version_of(character),
        "findings": _findings(report) if report else [],
        "level": report["level"] if report else None,
        "report": {key: value for key, value in report.items() if key != "heldout_places"} if report else None,
    }


def _findings(report: dict[str, Any]) -> list[dict[str, Any]]:
    """First what no finding stands for, that there are few rows; then the findings, the gravest first."""
    findings = [_finding(each) for each in report["findings"]]
    others = report["reasons"][: len(report["reasons"]) - sum(each["level"] != "good" for each in findings)]
    return [{"text": reason, "level": report["level"], "option": None} for reason in others] + findings


def _finding(finding: dict[str, Any]) -> dict[str, Any]:
    text = fill("{title}: {count}", {"title": finding["title"], "count": finding["count"]})
    fix, option = finding["fix"], option_of(finding["fix"])
    is_said = option is not None and len(fix.split()) == 2  # by the button of the option
    return {**finding, "text": text, "option": option, "fix": "" if is_said else page_fix(fix)}
