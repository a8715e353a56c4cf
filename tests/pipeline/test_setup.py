"""A run before its first step."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from offbook.core.config.loading import load
from offbook.pipeline.resuming import with_stored_choices
from offbook.pipeline.setup import prepare_training
from tests.recorder import Recorder


@pytest.mark.parametrize(("heldout", "is_said"), [(0.15, True), (0, False)])
def test_rows_that_all_resemble_each_other_leave_nothing_to_judge_on_and_that_is_said(
    settings: dict[str, Any], tmp_path: Path, heldout: float, is_said: bool
) -> None:
    rows = [
        {"instruction": f"Where were you on day {day}?", "output": f"I was in the garden on day {day}, as ever."}
        for day in range(20)
    ]
    (tmp_path / "rows.json").write_text(json.dumps(rows))
    recorder = Recorder()
    changes = {"data.source": str(tmp_path / "rows.json"), "data.heldout": heldout}
    setup = prepare_training(with_stored_choices(load(None, {**settings, **changes})), recorder)
    assert not setup.dataset.heldout
    assert any("none of the rows could be held out" in text for text in recorder.warnings) == is_said
