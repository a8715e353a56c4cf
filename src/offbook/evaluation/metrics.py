"""The metrics, by their key in eval.json.

One more metric is a module of this package with a section type, a `measure` function and a `METRIC`, which is entered
here. Scorecard, page, `--bound` and `runs compare` read this registry.
"""

from __future__ import annotations

from typing import Any

from offbook.evaluation import copying, fidelity, forgetting, heldout_loss, language, stopping
from offbook.evaluation.metric import Metric, ReportedMetric

METRICS: dict[str, Metric[Any]] = {
    metric.name: metric
    for metric in (
        heldout_loss.METRIC,
        fidelity.METRIC,
        copying.METRIC,
        forgetting.METRIC,
        stopping.METRIC,
        language.METRIC,
    )
}

REPORTED: dict[str, ReportedMetric[Any]] = {
    reported.name: reported for metric in METRICS.values() for reported in metric.reported
}
"""Every reported number by its name, in the order of the page."""
