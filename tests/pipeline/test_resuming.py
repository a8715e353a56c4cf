"""What a run chose when it began, it keeps when it goes on."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch

import offbook
from offbook.core.config.loading import load
from offbook.core.errors import UsageError
from offbook.models.load import load_model
from offbook.models.storage import is_stored
from offbook.pipeline.resuming import DEFAULT_MICRO_BATCH_TOKENS, with_stored_choices
from offbook.training import compute


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFBOOK_RUNS", str(tmp_path / "runs"))


def without_its_end(run: Any) -> Any:
    """Make the run one that was killed before its adapter appeared; returns what the adapter was."""
    weights = (run.adapter / "adapter_model.safetensors").read_bytes()
    shutil.rmtree(run.adapter)
    for folder in sorted(run.checkpoints.iterdir())[1:]:
        shutil.rmtree(folder)
    return weights


def test_a_run_keeps_the_format_that_it_began_with(settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine is measured anew at a resume, and may come out otherwise: what counts is in run.yaml."""
    monkeypatch.setattr("offbook.pipeline.setup.choose_compute", lambda hidden_size, device: "bfloat16")
    run = offbook.train(load(None, settings))
    assert load(run.config).train.compute == "bfloat16"
    assert json.loads(run.environment.read_text())["compute"]["format"] == "bfloat16"
    weights = without_its_end(run)
    monkeypatch.setattr("offbook.pipeline.setup.choose_compute", lambda hidden_size, device: "float32")
    offbook.train(load(None, settings), resume=True)
    assert (run.adapter / "adapter_model.safetensors").read_bytes() == weights


def test_another_format_is_no_exact_resume(settings: dict[str, Any]) -> None:
    run = offbook.train(load(None, {**settings, "train.compute": "bfloat16"}))
    without_its_end(run)
    with pytest.raises(UsageError, match=r"train\.compute bfloat16 → float32"):
        offbook.train(load(None, {**settings, "train.compute": "float32"}), resume=True)


def test_a_tiny_model_computes_in_float32_and_nothing_is_measured(
    settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compute, "product_rates", lambda: pytest.fail("measured"))
    setup = offbook.pipeline.setup.prepare_training(
        with_stored_choices(load(None, settings)), offbook.core.progress.NullReporter()
    )
    assert setup.config.train.compute == "float32"
    assert setup.config.train.max_tokens_per_micro_batch == DEFAULT_MICRO_BATCH_TOKENS


def test_the_verdict_is_of_the_model_that_is_talked_to(settings: dict[str, Any]) -> None:
    """Trained in bfloat16, judged and sampled in float32: what `offbook eval` says afterwards is the same."""
    run = offbook.train(load(None, {**settings, "train.compute": "bfloat16", "evaluate.prompts": 2}))
    card = json.loads(run.eval.read_text(encoding="utf-8"))
    again = offbook.evaluate(run.path).to_json()
    assert again["heldout"]["tuned"]["loss"] == pytest.approx(card["heldout"]["tuned"]["loss"], rel=5e-3)


def test_a_model_published_in_bfloat16_is_kept_so_where_float32_loses_nothing_by_it(
    settings: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While it is trained; the verdict is of the ordinary model again."""
    model = load_model(Path(settings["model.source"]), "float32", "full")
    with torch.no_grad():
        for weight in model.parameters():
            weight.copy_(weight.bfloat16())
    shutil.copytree(settings["model.source"], tmp_path / "base")
    model.save_pretrained(tmp_path / "base")
    settings = {**settings, "model.source": str(tmp_path / "base"), "evaluate.prompts": 2}
    monkeypatch.setattr("offbook.pipeline.setup.splits_float32", lambda hidden_size, device: True)
    setup = offbook.pipeline.setup.prepare_training(
        with_stored_choices(load(None, settings)), offbook.core.progress.NullReporter()
    )
    assert setup.config.train.compute == "float32"
    assert is_stored(setup.model)
    run = offbook.train(load(None, settings))
    card = json.loads(run.eval.read_text(encoding="utf-8"))
    again = offbook.evaluate(run.path).to_json()
    assert again["heldout"]["tuned"]["loss"] == pytest.approx(card["heldout"]["tuned"]["loss"], rel=1e-5)
