"""sweep.html: what was tried, what mattered, what to use, on one page that needs nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from optuna.study import Study
from optuna.trial import FrozenTrial

from offbook.core.html import charts, page
from offbook.core.i18n import translated_tree
from offbook.pipeline.sweep.study import importances, is_within_bounds

WORDS = {
    "title": "Sweep {name}",
    "use": "What to use",
    "none": "No trial is complete and within the bounds.",
    "best": "Trial {number} has the lowest held-out loss: {loss}.",
    "front": "{count} trials of which none is better in both held-out loss and forgetting.",
    "mattered": "What mattered",
    "mattered_help": "Share of the differences in held-out loss that each option explains (functional ANOVA).",
    "tried": "What was tried",
    "progress": "The best held-out loss so far, by trial",
    **{"trial": "trial", "loss": "held-out loss", "forgetting": "forgetting", "copying": "copying"},
    **{"state": "state", "COMPLETE": "complete", "PRUNED": "ended early", "FAIL": "failed", "RUNNING": "running"},
    "outside": "out of bounds",
    "config": "run.yaml of the best trial",
}


def summary(study: Study, trials: Sequence[FrozenTrial], ranked: Sequence[FrozenTrial], name: str) -> dict[str, Any]:
    """The sweep's results as JSON.

    Args:
        study: the sweep.
        trials: all its trials.
        ranked: those that can be used, the best first.
        name: of the sweep.
    """
    return {
        "name": name,
        "pareto": len(study.directions) > 1,
        "best": ranked[0].number if ranked else None,
        "usable": [trial.number for trial in ranked],
        "importances": importances(study),
        "trials": [
            {
                "number": trial.number,
                "run": f"{name}-{trial.number:03d}",
                "state": trial.state.name,
                "values": trial.params,
                "heldout_loss": trial.values[0] if trial.values else None,
                "forgetting": trial.user_attrs.get("forgetting"),
                "copying": trial.user_attrs.get("copying"),
                "within_bounds": is_within_bounds(trial),
                "losses": {str(step): loss for step, loss in sorted(trial.intermediate_values.items())},
            }
            for trial in trials
        ],
    }


def render(content: dict[str, Any], lang: str, config: str) -> str:
    """The page.

    Args:
        content: what `summary` gave.
        lang: language of its words.
        config: run.yaml of the best trial.
    """
    best_so_far: list[tuple[float, float]] = []
    for trial in content["trials"]:
        if trial["heldout_loss"] is not None and trial["within_bounds"]:
            loss = min([trial["heldout_loss"], *(value for _, value in best_so_far[-1:])])
            best_so_far.append((trial["number"], loss))
    return page.render(
        "offbook.pipeline.sweep",
        "sweep.html.jinja",
        lang=lang,
        t=translated_tree(WORDS, lang),
        sweep=content,
        options=list(content["trials"][0]["values"]) if content["trials"] else [],
        curve=charts.line_chart({"heldout_loss": best_so_far}),
        config=config,
    )
