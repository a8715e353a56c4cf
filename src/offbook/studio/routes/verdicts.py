"""What came of a run: the verdict's sentences, and the next run that they advise."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel

from offbook.core.i18n import language
from offbook.core.shell import offbook_command
from offbook.evaluation.rules import RULES, Change
from offbook.pipeline.comparing import compare_runs
from offbook.pipeline.next_run import suggestion
from offbook.studio.advice import page_settings
from offbook.studio.character import CharacterFolder
from offbook.studio.context import StudioDep
from offbook.studio.errors import Conflict, NotFound
from offbook.studio.json_files import objects, read_object, read_objects
from offbook.studio.runs import character_of, run_entry, settings_of
from offbook.studio.stored_verdict import stored_verdict
from offbook.studio.training import start_training

router = APIRouter(tags=["verdict"])

DECIDED: dict[Change, str] = {
    Change.OTHER_BASE: "character",
    Change.MORE_LINES: "text",
    Change.NO_MORE_LINES: "lines",
    Change.BETTER_ROWS: "lines",
    Change.OTHER_ROWS: "lines",
}
"""What a person has to choose → the page where that is done."""


class NextRun(BaseModel):
    """What the next run changes."""

    option: str
    """Dotted name of a setting."""
    value: Any = None
    """Default: what the verdict advises."""


@router.get("/runs/{name}/verdict")
def verdict(name: str, studio: StudioDep) -> dict[str, Any]:
    """The verdict: its headline, its sentences, each with its number and the option that it names, and the figures."""
    run = studio.workspace.run(name)
    card = read_object(run.eval)
    if not card:
        raise NotFound("the run '{name}' has no verdict yet", "Let it finish, or judge it now.", name=name)
    settings, worded = settings_of(run), stored_verdict(run)
    texts = [{**each, "text": page_settings(str(each.get("text")))} for each in objects(worded.get("verdict"))]
    sentences = [{**each, "option": _option(each, settings)} for each in texts]
    return {
        "headline": str(worded.get("headline") or ""),
        "sentences": sentences,
        "figures": {key: value for key, value in card.items() if key not in ("verdict", "headline")},
        "character": character_of(studio.workspace, run),
        "command": offbook_command("eval", studio.workspace.relative(run.path)),
    }


@router.post("/runs/{name}/next")
def begin_next(name: str, change: NextRun, studio: StudioDep) -> dict[str, Any]:
    """Change one setting of the run's character, and train it again: a job."""
    run = studio.workspace.run(name)
    character = character_of(studio.workspace, run)
    if character is None:
        raise Conflict("the run '{name}' was not made from a character of this folder", "Train it again.", name=name)
    folder = CharacterFolder(studio.workspace.character(character))
    value = change.value
    if value is None:
        sentences = objects(read_object(run.eval).get("verdict"))
        advised = (_option(each, settings_of(run)) for each in sentences)
        value = next((each["value"] for each in advised if each and each["key"] == change.option), None)
    if value is None:
        raise Conflict("no value is advised for {option}", "Choose one.", option=change.option)
    folder.change_settings({change.option: value})
    return start_training(studio, folder).as_json()


@router.get("/compare")
def compare(a: Annotated[str, Query()], b: Annotated[str, Query()], studio: StudioDep) -> dict[str, Any]:
    """Two runs side by side, with the difference of each figure and whether it is more than chance."""
    runs = [studio.workspace.run(name) for name in (a, b)]
    comparison = compare_runs([str(run.path) for run in runs], language())
    return {
        "runs": [run_entry(studio.workspace, run) for run in runs],
        "samples": [read_objects(run.samples) for run in runs],
        **{key: value for key, value in comparison.to_json().items() if key != "runs"},
        "command": offbook_command("runs", "compare", *(studio.workspace.relative(run.path) for run in runs)),
    }


def _option(sentence: dict[str, Any], settings: dict[str, Any]) -> dict[str, Any] | None:
    """The setting that a sentence names, with the value to try next; None leaves it to a person, on the named page."""
    key, rule = sentence.get("option"), str(sentence.get("rule"))
    if not key:
        return None
    advice = RULES[rule].change if rule in RULES else None
    page = DECIDED.get(advice) if advice else None
    return {"key": key, "value": suggestion(rule, key, settings), "page": page}
