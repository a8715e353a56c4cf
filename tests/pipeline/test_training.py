"""The main job, from rows to a talking adapter, on a tiny model."""

import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import LoraConfig, PeftModel, get_peft_model
from transformers import AutoModelForCausalLM, Ernie4_5Config, Ernie4_5ForCausalLM

import offbook
from offbook.core.config.loading import load
from offbook.core.config.schema import TrainConfig
from offbook.core.errors import OffbookError, UsageError
from offbook.core.metrics_log import read
from offbook.core.progress import NullReporter
from offbook.core.rundir import RunDir
from offbook.core.types import Conversation, Origin, Turn
from offbook.data import row_files
from offbook.models import adapter as adapters
from offbook.pipeline import checking, resuming
from offbook.training import fast_path
from tests.forks import Forked, Forks
from tests.paths import shared_file
from tests.tiny import ernie_tokenizer, tiny_folder, tiny_model


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("OFFBOOK_RUNS", str(tmp_path / "runs"))
    return tmp_path / "runs"


def test_a_run_holds_what_the_contract_says(trained: Path) -> None:
    run = RunDir(trained)
    for path in (run.config, run.environment, run.metrics, run.loss_picture, run.samples):
        assert path.stat().st_size > 0
    assert sorted(path.name for path in run.data.iterdir()) == ["heldout.jsonl", "report.json", "train.jsonl"]
    assert sorted(run.checkpoints.iterdir())[-1].name == f"step-{steps_of(run):06d}"
    held = {path.name for path in run.adapter.iterdir()}
    assert {"adapter_model.safetensors", "adapter_config.json", "persona.json", "tokenizer.json"} <= held
    rows = (run.data / "train.jsonl").read_text().splitlines()
    assert json.loads(rows[0])["messages"][0] == {"role": "system", "content": "You are Hamlet."}


def steps_of(run: RunDir) -> int:
    return json.loads((run.data / "report.json").read_text())["steps"]


def test_metrics_tell_the_whole_story(trained: Path) -> None:
    lines = read(RunDir(trained).metrics)
    last = steps_of(RunDir(trained))
    assert [line["step"] for line in lines] == sorted({line["step"] for line in lines})
    assert [line["step"] for line in lines if "heldout_loss" in line] == sorted({*range(0, last, 6), last})
    assert [line["step"] for line in lines if "loss" in line] == sorted({1, *range(3, last, 3), last})
    beginning, end = lines[0], lines[-1]
    assert end["heldout_loss"] < beginning["heldout_loss"] - 0.5
    assert {"epoch", "loss", "learning_rate", "grad_norm", "tokens_per_second", "memory_bytes"} <= end.keys()


def test_the_heldout_loss_is_the_plain_one(trained: Path, tiny: Path, settings: dict[str, Any]) -> None:
    """The last held-out loss equals transformers' own loss, row by row, weighted by label tokens."""
    run = RunDir(trained)
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(tiny), run.adapter)
    total, tokens = 0.0, 0
    character = offbook.load(run.path)
    for text in (run.data / "heldout.jsonl").read_text().splitlines():
        turns = [Turn(m["role"], m["content"]) for m in json.loads(text)["messages"]]
        prompt = character.template.prompt_ids(turns[:-1])
        reply = character.template.reply_ids(turns, prompt)
        ids = torch.tensor([prompt + reply])
        labels = torch.tensor([[-100] * len(prompt) + reply])
        with torch.no_grad():
            total += model(ids, labels=labels).loss.item() * len(reply)
        tokens += len(reply)
    assert read(run.metrics)[-1]["heldout_loss"] == pytest.approx(total / tokens, rel=1e-5)


def test_the_adapter_is_an_ordinary_peft_adapter(trained: Path, tiny: Path) -> None:
    """Plain peft loads it, and computes what offbook computes."""
    reloaded = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(tiny), trained / "adapter").eval()
    character = offbook.load(trained)
    ids = torch.tensor([character.template.prompt_ids([Turn("user", "Who are you?")])])
    with torch.no_grad():
        torch.testing.assert_close(character.model(ids).logits, reloaded(ids).logits, rtol=1e-5, atol=1e-5)
        assert not torch.allclose(reloaded(ids).logits, tiny_base(tiny)(ids).logits, atol=1e-2)


def tiny_base(tiny: Path) -> Any:
    return AutoModelForCausalLM.from_pretrained(tiny).eval()


def test_an_adapter_of_plain_pefts_making_chats(tmp_path: Path, tiny: Path) -> None:
    model = get_peft_model(
        AutoModelForCausalLM.from_pretrained(tiny), LoraConfig(r=4, target_modules=["q_proj", "v_proj"])
    )
    model.save_pretrained(str(tmp_path / "theirs"))
    reply = offbook.load(tmp_path / "theirs", base_model=str(tiny)).reply("Who are you?", seed=0)
    assert reply.tokens >= 1
    assert reply.stop_reason in ("stop", "length")


def test_chat_speaks_with_the_stored_prompt(trained: Path) -> None:
    character = offbook.load(trained)
    prompt = character.template.prompt_ids(character.with_system([Turn("user", "Who are you?")]))
    first_row = json.loads((trained / "data" / "train.jsonl").read_text().splitlines()[0])["messages"]
    system = character.template.tokenizer.decode(prompt).split("<|im_end|>")[0]
    assert system == f"<|im_start|>system\n{first_row[0]['content']}"
    assert character.stop_ids[0] == character.persona.stop_token.id == 2


def test_a_seed_makes_a_reply_repeatable_and_base_differs(trained: Path) -> None:
    character = offbook.load(trained)
    one, again = (character.reply("Who are you, Horatio?", seed=3).text for _ in range(2))
    assert one == again
    assert one != character.reply("Who are you, Horatio?", seed=3, base=True).text
    assert [sample["prompt"] for sample in json.loads(RunDir(trained).samples.read_text())] == [
        "Who are you?",
        "Will you come?",
    ]


def test_a_character_with_a_merged_adapter_has_no_base(trained: Path) -> None:
    character = offbook.load(trained, dtype="float32")
    before = character.reply("Who are you?", seed=1).text
    assert character.merge_adapter()
    assert character.reply("Who are you?", seed=1).text == before
    with pytest.raises(UsageError, match="base model is no longer available"):
        character.reply("Who are you?", base=True)


def test_check_writes_nothing(settings: dict[str, Any], runs: Any, tmp_path: Path) -> None:
    report = checking.check(load(None, settings))
    assert not runs.exists()
    assert report["rows"] == 24
    assert 0 < report["heldout_rows"] < 8
    assert report["heldout_rows"] + len(report["lengths"]) <= 24
    assert report["stop"] == {"token": "<|im_end|>", "id": 2, "proved": True}
    assert report["steps"] == 5 * -(-len(report["lengths"]) // 4)
    assert 0 < report["label_tokens"] < report["tokens"]
    assert report["prefix_tokens"] > 5
    assert report["trainable_parameters"] < report["parameters"]


def run_train(forks: Forks, settings: dict[str, Any], runs: Path, *more: str) -> Forked:
    runs.mkdir(exist_ok=True)
    words = [word for key, value in settings.items() for word in (f"--{key}", json.dumps(value))]
    return forks.start(["train", *words, *more], {"OFFBOOK_RUNS": str(runs), "HOME": str(runs)}, runs / "log.txt")


def wait_for(path: Path, process: Forked) -> None:
    deadline = time.monotonic() + 120
    while not path.exists():
        assert time.monotonic() < deadline, process.texts()
        time.sleep(0.005)


def without_times(lines: Any) -> Any:
    return [{k: v for k, v in line.items() if k not in ("tokens_per_second", "memory_bytes")} for line in lines]


@pytest.mark.parametrize(
    ("fast", "compute"),
    [  # float32 alone and the plain path are in tests/torture/test_runs.py, killed again and again
        (True, "bfloat16"),
        pytest.param(True, "float32", marks=pytest.mark.torture),
        pytest.param(False, "float32", marks=pytest.mark.torture),
    ],
)
def test_1_a_killed_run_ends_with_the_same_bits(
    forks: Forks, settings: dict[str, Any], runs: Path, fast: Any, compute: Any
) -> None:
    output = {**settings, **{f"train.fast.{name}": fast for name in ("packing", "prefix", "fused", "head")}}
    output["train.compute"] = compute
    assert run_train(forks, {**output, "name": "whole"}, runs).wait() == 0
    process = run_train(forks, {**output, "name": "killed"}, runs)
    wait_for(runs / "killed" / "checkpoints" / "step-000010", process)
    process.signal(signal.SIGKILL)
    process.wait()
    assert not (runs / "killed" / "adapter").exists()
    assert run_train(forks, {**output, "name": "killed"}, runs, "--resume").wait() == 0
    undisturbed, killed = RunDir(runs / "whole"), RunDir(runs / "killed")
    for name in ("adapter_model.safetensors",):
        assert (undisturbed.adapter / name).read_bytes() == (killed.adapter / name).read_bytes()
    assert without_times(read(undisturbed.metrics)) == without_times(read(killed.metrics))


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_11_12_a_signal_saves_and_the_run_goes_on(
    forks: Forks, settings: dict[str, Any], runs: Path, number: Any, code: Any
) -> None:
    output = {**settings, "train.epochs": 40}
    process = run_train(forks, output, runs)
    wait_for(runs / "tiny" / "checkpoints" / "step-000005", process)
    process.signal(number)
    assert process.wait() == code
    texts = process.texts()
    assert "--resume" in texts
    assert "Traceback" not in texts
    saved = max(int(path.name[5:]) for path in (runs / "tiny" / "checkpoints").glob("step-*"))
    assert f"step {saved} of {steps_of(RunDir(runs / 'tiny'))}" in texts


def test_13_a_resume_under_other_settings_is_refused_with_the_difference(
    forks: Forks, settings: dict[str, Any], runs: Path
) -> None:
    process = run_train(forks, {**settings, "train.epochs": 40}, runs)
    wait_for(runs / "tiny" / "checkpoints" / "step-000005", process)
    process.signal(signal.SIGKILL)
    process.wait()
    with pytest.raises(UsageError, match=r"train.learning_rate 0.01 → 0.02"):
        offbook.train(load(None, {**settings, "train.epochs": 40, "train.learning_rate": 0.02}), resume=True)
    with pytest.raises(UsageError, match="the training data"):
        offbook.train(load(None, {**settings, "train.epochs": 40, "data.seed": 5}), resume=True)


def test_resume_without_a_checkpoint_starts_at_the_beginning(settings: dict[str, Any]) -> None:
    run = offbook.train(load(None, {**settings, "train.epochs": 1}), resume=True)
    assert read(run.metrics)[0]["step"] == 0


def test_15_divergence_stops_and_names_the_rows(settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    sums = iter(range(100))
    undisturbed = fast_path.loss_sum

    def explode(model: Any, batch: Any) -> Any:
        return undisturbed(model, batch) * (float("nan") if next(sums) == 7 else 1.0)

    monkeypatch.setattr(fast_path, "loss_sum", explode)
    with pytest.raises(OffbookError, match=r"step \d+ is nan \(rows: .*lines.json:\d+"):
        offbook.train(load(None, settings))


def test_a_finished_run_is_not_touched(settings: dict[str, Any], trained: Path) -> None:
    monkeypatched = RunDir(trained)
    before = monkeypatched.metrics.read_bytes()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OFFBOOK_RUNS", str(trained.parent))
        with pytest.raises(UsageError, match="finished"):
            offbook.train(load(None, settings))
    assert monkeypatched.metrics.read_bytes() == before


def test_14_a_moved_run_chats(trained: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(trained, tmp_path / "elsewhere" / "moved")
    assert offbook.load(tmp_path / "elsewhere" / "moved").reply("Who are you?", seed=0).tokens >= 1


def test_29_an_adapter_on_another_base_is_refused(trained: Path, tmp_path: Path) -> None:
    other = tiny_folder(tmp_path / "other", "qwen2")
    with pytest.raises(UsageError, match="other weights"):
        offbook.load(trained, base_model=str(other))
    bare = tmp_path / "bare"
    bare.mkdir()
    for name in ("adapter_model.safetensors", "adapter_config.json"):
        (bare / name).write_bytes((trained / "adapter" / name).read_bytes())
    wide = tiny_model(hidden_size=64)
    wide.save_pretrained(tmp_path / "wide")
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        (tmp_path / "wide" / name).write_bytes((other / name).read_bytes())
    with pytest.raises(UsageError, match="does not fit"):
        offbook.load(bare, base_model=str(tmp_path / "wide"))


@pytest.mark.parametrize("part", ["adapter", ""])
def test_going_on_from_an_adapter_or_a_run(settings: dict[str, Any], trained: Path, part: Any) -> None:
    run = offbook.train(load(None, {**settings, "model.adapter": str(trained / part), "train.epochs": 1}))
    assert read(run.metrics)[0]["heldout_loss"] == pytest.approx(read(RunDir(trained).metrics)[-1]["heldout_loss"])


def test_mixed_in_rows_have_no_part_to_play(settings: dict[str, Any], tmp_path: Path) -> None:
    general = tmp_path / "general.jsonl"
    general.write_text("".join(json.dumps({"instruction": f"Add {i}.", "output": f"{i}."}) + "\n" for i in range(20)))
    run = offbook.train(load(None, {**settings, "data.replay": str(general), "train.epochs": 1}))
    rows = [json.loads(text)["messages"] for text in (run.data / "train.jsonl").read_text().splitlines()]
    mixed = [row for row in rows if row[0]["role"] == "user"]
    assert len(mixed) == round((len(rows) - len(mixed)) * 0.2 / 0.8)
    assert all(row[0]["content"].startswith("Add") for row in mixed)
    offbook.evaluate(run.path, prompts=2)
    character = len(rows) - len(mixed)
    assert len(offbook.pipeline.evaluating.character_rows(run)) == character > 0


def test_the_default_budget_is_the_one_that_is_told() -> None:
    description = TrainConfig.model_fields["max_tokens_per_micro_batch"].description
    assert description is not None
    assert f"Default: {resuming.DEFAULT_MICRO_BATCH_TOKENS};" in description


def test_the_tutorials_numbers() -> None:
    """The ERNIE-4.5-0.3B shape as transformers ships it, with the tutorial's adapter."""
    with torch.device("meta"):
        model = Ernie4_5ForCausalLM(Ernie4_5Config())
    wrapped = get_peft_model(
        model,
        LoraConfig(
            r=8,
            target_modules=["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"],
        ),
    )
    assert adapters.parameter_counts(wrapped) == (363_770_880, 3_022_848)


@pytest.mark.torture
@pytest.mark.parametrize("vocabulary", [2048])
def test_the_tutorials_shape_trains_on_its_rows(tmp_path: Path, vocabulary: Any) -> None:
    """Steps of the real shape (its vocabulary alone is smaller) on the real rows."""
    rows = shared_file("data/huanhuan.json")
    folder = tmp_path / "ernie"
    Ernie4_5ForCausalLM(Ernie4_5Config(vocab_size=vocabulary, num_hidden_layers=2)).save_pretrained(folder)
    ernie_tokenizer(vocabulary).save_pretrained(folder)
    config = load(
        None,
        {
            "model.source": str(folder),
            "persona.system": "现在你要扮演皇帝身边的女人--甄嬛",
            "persona.sample_prompts": ["你是谁？"],
            "generation.max_new_tokens": 4,
            "data.source": str(rows),
            "data.heldout": 0.005,
            "train.epochs": 0.01,
            "track.trackers": [],
        },
    )
    run = offbook.train(config, reporter=NullReporter())
    lines = read(run.metrics)
    report = json.loads((run.data / "report.json").read_text())
    assert (report["rows"], report["duplicates"], report["conflicts"]) == (3729, 112, 50)
    assert lines[-1]["step"] == 3
    assert lines[-1]["heldout_loss"] < lines[0]["heldout_loss"]


def test_a_line_separator_in_a_text_splits_no_row(tmp_path: Path) -> None:
    row = Conversation((Turn("user", "Who\u2028is it?"), Turn("assistant", "I\x85am.")), Origin("a.json", 1))
    row_files.save_rows([row, row], tmp_path / "rows.jsonl")
    assert row_files.load_rows(tmp_path / "rows.jsonl") == [row, row]
