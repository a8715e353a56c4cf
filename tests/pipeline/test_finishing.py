"""After the last step: the adapter stands, and the verdict may be skipped, fail, or be made later."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import offbook
from offbook.core.config.loading import load
from offbook.core.errors import OffbookError, UsageError
from offbook.core.rundir import RunDir
from offbook.evaluation import responses
from offbook.models import weight_size
from offbook.pipeline import finishing, preflight
from tests.recorder import Recorder


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OFFBOOK_RUNS", str(tmp_path / "my runs"))
    return tmp_path / "my runs"


@pytest.fixture
def judged(settings: dict[str, Any]) -> dict[str, Any]:
    """A short run that ends with a verdict."""
    return {**settings, "train.epochs": 1, "evaluate.prompts": 2, "generation.max_new_tokens": 4}


def interrupt(*_: Any, **__: Any) -> None:
    raise KeyboardInterrupt


def test_ctrl_c_in_the_verdict_skips_it_and_resume_makes_it(
    judged: dict[str, Any], runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(responses, "collect", interrupt)
        recorder = Recorder()
        run = offbook.train(load(None, judged), reporter=recorder)
    assert run.adapter.is_dir()
    assert not run.eval.exists()
    report, skipped = recorder.texts[-2:]
    assert f"offbook chat '{runs}/tiny'" in report
    assert "Ctrl-C skips it" in report
    assert skipped == f"The verdict is skipped. Make it later: offbook eval '{runs}/tiny'"
    weights = (run.adapter / "adapter_model.safetensors").read_bytes()

    offbook.train(load(None, judged), resume=True)
    assert json.loads(run.eval.read_text())["headline"]
    assert run.report.is_file()
    assert (run.adapter / "adapter_model.safetensors").read_bytes() == weights
    with pytest.raises(UsageError, match="is finished"):
        offbook.train(load(None, judged), resume=True)


def test_a_run_on_a_quantized_base_is_judged_on_the_base_as_it_was_pulled(judged: dict[str, Any], runs: Path) -> None:
    full = offbook.train(load(None, {**judged, "name": "full"}))
    recorder = Recorder()
    run = offbook.train(load(None, {**judged, "model.storage": "nf4"}), reporter=recorder)
    assert not any("as it was trained on" in text for text in recorder.texts)
    losses = [json.loads(each.eval.read_text())["heldout"] for each in (full, run)]
    assert losses[1]["base"]["loss"] == pytest.approx(losses[0]["base"]["loss"], rel=1e-3)
    offbook.evaluate(run)
    assert json.loads(run.eval.read_text())["heldout"] == losses[1]


def test_without_memory_for_it_the_verdict_is_about_the_quantized_base_and_says_so(
    judged: dict[str, Any], runs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(weight_size, "SPARE", 1e9)
    recorder = Recorder()
    run = offbook.train(load(None, {**judged, "model.storage": "int8"}), reporter=recorder)
    offbook.evaluate(run, reporter=recorder)
    warnings = [text for text in recorder.texts if text.startswith("The verdict is about the base in int8")]
    assert len(warnings) == 2


def test_a_run_is_not_begun_anew_where_it_is_to_go_on(settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="not both"):
        offbook.train(load(None, settings), resume=True, overwrite=True)


def test_a_run_without_a_verdict_to_make_lacks_none(trained: Path, runs: Path) -> None:
    shutil.copytree(trained, runs / "tiny")
    assert not preflight.lacks_verdict(RunDir(runs / "tiny"))  # evaluate.prompts is 0


def test_a_verdict_that_fails_is_a_warning_and_the_run_is_finished(
    judged: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finishing, "evaluate_character", lambda *_, **__: 1 / 0)
    recorder = Recorder()
    run = offbook.train(load(None, judged), reporter=recorder)
    assert run.finished
    assert "no verdict (division by zero)" in recorder.warnings[-1]


def test_a_verdict_on_an_adapter_that_was_replaced_is_not_written(
    judged: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run = offbook.train(load(None, judged))
    before = run.eval.read_text()
    collect = responses.collect

    def overwritten(*args: Any, **options: Any) -> Any:
        run.adapter.rename(run.path / "away")
        shutil.copytree(run.path / "away", run.adapter)
        return collect(*args, **options)

    monkeypatch.setattr(responses, "collect", overwritten)
    with pytest.raises(OffbookError, match="got another adapter while this one was evaluated"):
        offbook.evaluate(run, prompts=1)
    assert run.eval.read_text() == before
