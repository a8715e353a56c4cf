"""The command line as a person meets it: exit codes, two-line errors, JSON on stdout alone."""

import io
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from offbook.cli import main as cli
from offbook.cli.options import config_options
from offbook.core.config import loading, schema
from offbook.recipes import PLACEHOLDERS, recipes


@pytest.fixture(autouse=True)
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("OFFBOOK_RUNS", str(tmp_path / "runs"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "runs"


@pytest.fixture
def offbook(capfd: pytest.CaptureFixture[str]) -> Any:
    """Run a command line in this process: (exit code, stdout, stderr)."""

    def run(*words: Any) -> Any:
        with pytest.raises(SystemExit) as ended:
            cli.main([str(word) for word in words])
        out, err = capfd.readouterr()
        assert "Traceback" not in err
        return ended.value.code or 0, out, err

    return run


def options(settings: dict[str, Any]) -> Any:
    return [word for name, value in settings.items() for word in (f"--{name}", json.dumps(value))]


def test_every_verb_has_help_with_what_it_does(offbook: Any) -> None:
    for verb, summary in cli.VERBS.items():
        code, out, _ = offbook(verb, "--help")
        assert code == 0
        assert out.startswith("Usage: offbook")
        assert summary


def test_a_bare_command_prints_help(offbook: Any) -> None:
    code, out, err = offbook()
    assert "extract" in out + err
    assert code in (0, 2)


@pytest.mark.parametrize(
    ("words", "texts"),
    [
        (["trian"], "Did you mean 'train'?"),
        (["train", "--train.epoch", "3"], "--train.epochs"),
        (["train", "-c", "none.yaml"], "no such file"),
        (["train"], "'data' is missing"),
        (["train", "--data.source", "none.json", "--model.source", "nowhere"], "none.json"),
        (["chat", "hamlett"], "no run 'hamlett'"),
        (["chat", "x", "--json"], "--message"),
        (["chat", "x", "-m", " "], "--message is empty"),
        (["chat", "x", "-m", "caf\udce9"], "not UTF-8"),
        (["init", "x", "--recipe", "hamlett"], "did you mean 'hamlet'"),
        (["runs", "show", "x"], "no run 'x'"),
        (["train", "--data.source", __file__, "--track.trackers", "[swanlub]"], "did you mean 'swanlab'"),
    ],
)
def test_mistakes_exit_2_and_say_how_to_mend_them(offbook: Any, words: Any, texts: Any) -> None:
    code, out, err = offbook(*words)
    assert code == 2
    assert texts in err
    assert out == ""
    assert len(err.strip().splitlines()) <= 4


@pytest.mark.parametrize(
    ("words", "texts"),
    [
        ([], "  Did you mean -c mira/run.yaml?\n"),
        (["mira/run.yaml"], "Did you mean -c mira/run.yaml?"),
        (["mira"], "Did you mean -c mira?"),
        (["lines.jsonl"], "Did you mean --data.source lines.jsonl?"),
        (["-c", "mira"], "none.jsonl: no such file"),
        (["-c", "empty"], "empty/run.yaml: no such file"),
    ],
)
def test_settings_named_in_another_way_are_understood_or_explained(
    offbook: Any, tmp_path: Path, words: Any, texts: Any
) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "mira").mkdir()
    (tmp_path / "mira" / "run.yaml").write_text("data: {source: none.jsonl}\n")
    code, out, err = offbook("check", *words)
    assert (code, out) == (2, "")
    assert texts in err
    assert len(err.strip().splitlines()) == 2


def test_a_typo_in_the_file_names_the_nearest_key(offbook: Any, tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text("data: {source: x.json}\ntrain: {epoch: 3}\n")
    code, _, err = offbook("check", "-c", "run.yaml")
    assert code == 2
    assert "unknown key 'train.epoch', did you mean 'epochs'?" in err


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    answer = subprocess.run(
        [sys.executable, "-m", "offbook.cli.main", "--debug", "chat", "none"],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert "Traceback" in answer.stderr
    assert "no run 'none'" in answer.stderr


def test_check_json_is_one_object_and_writes_nothing(offbook: Any, settings: dict[str, Any], runs: Any) -> None:
    code, out, _ = offbook("check", *options(settings), "--json")
    assert code == 0
    report = json.loads(out)
    keys = {
        *("rows", "heldout_rows", "duplicates", "conflicts", "truncated", "tokens", "label_tokens", "prefix_tokens"),
        *("parameters", "trainable_parameters", "steps", "stop", "estimate"),
    }
    assert keys <= report.keys()
    assert {"token", "id", "proved"} <= report["stop"].keys()
    assert report["estimate"]["seconds"] > 0
    assert report["estimate"]["peak_bytes"] > 10**8
    assert not runs.exists()


def test_check_shows_what_is_learned(offbook: Any, settings: dict[str, Any]) -> None:
    code, out, _ = offbook("check", *options(settings))
    assert code == 0
    assert "<|im_start|>assistant\n[" in out
    assert ".<|im_end|>]" in out
    assert "(verified)" in out


def test_dora_on_a_quantized_base_is_refused(offbook: Any, settings: dict[str, Any]) -> None:
    code, _, err = offbook("check", *options({**settings, "lora.use_dora": True, "model.storage": "nf4"}))
    assert code == 2
    assert "DoRA cannot measure the weights of a base in nf4" in err


def test_prove_json(offbook: Any, settings: dict[str, Any]) -> None:
    code, out, _ = offbook("prove", *options(settings), "--json")
    proof = json.loads(out)
    assert code == 0
    assert proof["max_relative_difference"] <= 1e-5
    assert proof["isolated"] is True
    assert len(proof["modules"]) == 2 * 7 * 3
    assert proof["bfloat16"] is None


def test_prove_measures_what_rounding_does_where_it_may_be_more(
    offbook: Any, settings: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offbook.pipeline.checking.BOUND", 0.0)
    code, out, _ = offbook("prove", *options(settings), "--json")
    assert code == 0
    assert 1e-8 < json.loads(out)["rounding"] < 1e-5
    code, out, _ = offbook("prove", *options(settings))
    assert code == 0
    assert "from the exact one" in out


def test_prove_measures_bfloat16_beside_torch_s_own(offbook: Any, settings: dict[str, Any]) -> None:
    code, out, _ = offbook("prove", *options({**settings, "train.compute": "bfloat16"}), "--json")
    proof = json.loads(out)
    assert code == 0
    assert proof["max_relative_difference"] <= 1e-5
    assert 1e-4 < proof["bfloat16"]["fast"] <= proof["bfloat16"]["plain"] < 0.5


def test_the_whole_way_from_train_to_talk(offbook: Any, settings: dict[str, Any], runs: Any) -> None:
    code, out, err = offbook("train", *options({**settings, "train.epochs": 1}))
    assert code == 0
    assert "held-out loss" in out
    assert "offbook chat" in out
    assert "step 1/" in err
    code, out, err = offbook("chat", "tiny", "--message", "Who are you?", "--json", "--seed", 0)
    reply = json.loads(out)
    assert reply["stop_reason"] in ("stop", "length")
    assert isinstance(reply["reply"], str)
    code, again, _ = offbook("chat", runs / "tiny", "--message", "Who are you?", "--json", "--seed", 0)
    assert again == out
    code, out, _ = offbook("runs", "list", "--json")
    (row,) = json.loads(out)["runs"]
    assert (row["name"], row["status"]) == ("tiny", "finished")
    code, out, _ = offbook("runs", "show", "tiny")
    assert "train.epochs: 1" in out
    assert "train.seed" not in out  # a default
    assert "Hamlet" in out
    for name, damage in (("samples.json", "[1]"), ("eval.json", "[]"), ("environment.json", "\x00")):
        (runs / "tiny" / name).write_text(damage)
    os.utime(runs / "tiny" / "metrics.jsonl", (10**11, 10**11))  # by a clock that was wrong
    code, out, _ = offbook("runs", "show", "tiny")
    assert code == 0
    assert "Hamlet" in out
    code, _, err = offbook("train", *options(settings))
    assert code == 2
    assert "--overwrite" in err
    code, _, _ = offbook("runs", "rm", "tiny", "--yes")
    assert not (runs / "tiny").exists()


def test_rm_deletes_the_run_and_not_the_settings_of_that_name(offbook: Any, runs: Any, tmp_path: Path) -> None:
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "run.yaml").write_text("name: tiny\n")
    code, _, err = offbook("runs", "rm", "tiny", "--yes")
    assert code == 2
    assert "has settings, but no run" in err
    (runs / "tiny").mkdir(parents=True)
    for name in ("run.yaml", "environment.json"):
        (runs / "tiny" / name).write_text("{}")
    assert offbook("runs", "rm", "tiny", "--yes")[0] == 0
    assert not (runs / "tiny").exists()
    assert (tmp_path / "tiny" / "run.yaml").exists()


@pytest.mark.parametrize("text", ["Say [/b] always", "Speak [bold]softly[/bold] :smile:"])
def test_what_a_user_writes_is_shown_as_it_is(offbook: Any, settings: dict[str, Any], runs: Any, text: str) -> None:
    code, out, _ = offbook("check", *options({**settings, "persona.system": text}))
    assert code == 0
    assert f"system prompt  {text}" in out
    (runs / "[red]x").mkdir(parents=True)
    for name, content in (("run.yaml", "model: {source: m}"), ("environment.json", "{}")):
        (runs / "[red]x" / name).write_text(content)
    assert "[red]x" in offbook("runs", "list")[1]


def test_a_run_with_damaged_settings_is_a_row_of_the_list(offbook: Any, runs: Any) -> None:
    for name, content in (("a", "name: a"), ("b", "- :"), ("c", "model: {source: m}")):
        (runs / name).mkdir(parents=True)
        (runs / name / "run.yaml").write_text(content)
        (runs / name / "environment.json").write_text("{}")
    code, out, _ = offbook("runs", "list", "--json")
    rows = {row["name"]: (row["status"], row["model"]) for row in json.loads(out)["runs"]}
    assert code == 0
    assert rows == {"a": ("faulty", None), "b": ("faulty", None), "c": ("empty", "m")}
    assert offbook("runs", "list")[1].count("damaged)") == 2


def test_a_conversation_through_a_pipe(
    offbook: Any, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """History, /reset, /save, /quit."""
    lines = "Who are you?\n/nonsense\nHoratio, who are you?\n/save talk.json\n/reset\n/save empty.json\n/quit\n"
    monkeypatch.setattr(sys, "stdin", io.StringIO(lines))
    code, _, err = offbook("chat", trained, "--seed", 0, "--max-new-tokens", 5)
    assert code == 0, err
    assert "There is no /nonsense" in err
    messages = json.loads((tmp_path / "talk.json").read_text(encoding="utf-8"))["messages"]
    assert [message["role"] for message in messages] == ["user", "assistant", "user", "assistant"]
    assert json.loads((tmp_path / "empty.json").read_text(encoding="utf-8"))["messages"] == []


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=[pytest.mark.torture] * (name in ("qwen", "smollm2"))) for name in sorted(recipes())],
)
def test_every_recipe_trains(
    offbook: Any, name: str, tiny: Path, rows: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the model and the lines exchanged for tiny ones; everything else as it ships."""
    from offbook.cli import init

    monkeypatch.setattr(init, "LINES", {})
    code, out, _ = offbook("init", "mine", "--recipe", name)
    assert code == 0
    assert out == "mine/run.yaml\n"
    assert loading.load("mine/run.yaml").name == "mine"
    small = {"model.source": str(tiny), "data.source": str(rows), "data.heldout": 0.15, "train.epochs": 0.5}
    code, _, err = offbook("train", "-c", "mine/run.yaml", *options({**small, "generation.max_new_tokens": 4}))
    assert code == 0, err
    assert (tmp_path / "runs" / "mine" / "adapter" / "persona.json").is_file()
    code, _, err = offbook("init", "mine", "--recipe", name)
    assert code == 2
    assert "already exists" in err


def test_init_explains_where_it_cannot_write_and_quotes_what_it_names(offbook: Any, tmp_path: Path) -> None:
    (tmp_path / "play.txt").write_text("To be\n")
    for folder, texts in (("play.txt", "a file of that name exists"), ("play.txt/x", "Not a directory")):
        code, _, err = offbook("init", folder)
        assert (code, err.count("\n")) == (2, 2)
        assert f"cannot make the folder {folder}: {texts}" in err
    code, out, err = offbook("init", "my char")
    assert (code, out) == (0, "my char/run.yaml\n")
    assert "offbook check -c 'my char/run.yaml'" in err
    assert "offbook check -c 猫/run.yaml" in offbook("init", "猫")[2]


def test_extract_ends_with_the_next_command_and_aliases_that_can_be_pasted(offbook: Any, tmp_path: Path) -> None:
    folder = tmp_path / "my Ann's play"
    folder.mkdir()
    script = folder / "play.txt"
    lines = "ANN: Hi.\nTOM: Yes?\nANN O'NEIL: No.\nTOM: So?\nANN: Well.\nTOM: Well?\nANN O'NEIL: Then.\n"
    script.write_text(lines * 3)
    words = ["extract", str(script), "--role", "Ann", "--out", str(folder / "rows.jsonl")]
    _, _, errors = offbook(*words)
    assert shlex.split(errors.splitlines()[-1])[1:] == ["offbook", "check", "--data", str(folder / "rows.jsonl")]
    (folder / "run.yaml").write_text("name: ann")
    _, _, errors = offbook(*words)
    assert shlex.split(errors.splitlines()[-1])[1:] == ["offbook", "check", "-c", str(folder / "run.yaml")]
    (hint,) = [line for line in errors.splitlines() if "--alias" in line]
    assert shlex.split(hint.partition("--alias ")[2]) == ["ANN O'NEIL=ANN"]


def test_a_forgotten_placeholder_is_told_before_it_is_learned(offbook: Any, settings: dict[str, Any]) -> None:
    for verb in ("check", "train"):
        output = {**settings, "persona.name": "Your character", "persona.system": "You are a character."}
        _, out, err = offbook(verb, *options({**output, "model.source": "./nowhere"}))
        assert out == ""
        assert "persona.name (Your character), persona.system (You are a character.)" in err
        assert "recipe's" not in offbook(verb, *options({**settings, "model.source": "./nowhere"}))[2]
    assert all(any(text in recipe for recipe in recipes().values()) for text in PLACEHOLDERS)


def test_doctor_tells_what_it_sees(offbook: Any) -> None:
    code, out, _ = offbook("doctor", "--json")
    report = json.loads(out)
    assert code == 0
    assert report["versions"]["torch"]
    assert report["hardware"]["memory_bytes"] > 2**30
    assert report["device"] in ("cpu", "cuda", "mps")
    code, out, _ = offbook("doctor")
    assert "memory" in out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(offbook: Any, shell: Any) -> None:
    code, out, _ = offbook("completion", shell)
    assert code == 0
    assert "_OFFBOOK_COMPLETE" in out


def test_every_config_option_is_on_the_command_line() -> None:
    import click

    @click.command()
    @config_options
    def command(config: Any) -> None:
        click.echo(config.train.learning_rate)

    names = {option for parameter in command.params for option in parameter.opts}
    assert {f"--{name}" for name, _ in schema.options()} <= names
    answer = CliRunner().invoke(command, ["--data.source", "x", "--train.learning_rate", "3e-3"])
    assert answer.output == "0.003\n"


TREES = ["oak", "elm", "ash", "fir", "yew", "bay", "fig", "nut", "pea", "rye", "oat", "hay", "hop"]


def test_check_says_if_few_scenes_hold_out_far_more_than_was_asked(offbook: Any, tmp_path: Path) -> None:
    lines = [
        {"instruction": f"{word} {number}?", "output": f"{number} {word}s of {word}.", "scene": f"{number % scenes}"}
        for scenes in (2, 25)
        for number, word in enumerate(TREES * 2)
    ]
    for name, rows in (("few", lines[:26]), ("many", lines[26:])):
        (tmp_path / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    _, _, err = offbook("check", "--data", "few.jsonl")
    assert "of 26 rows (50%) are held out though data.heldout asks for 5%" in err
    assert "--data.heldout_source FILE" in err
    assert "Warning" not in offbook("check", "--data", "many.jsonl")[2]
    assert "Warning" not in offbook("check", "--data", "few.jsonl", "--data.heldout", "0")[2]


def test_help_shows_how_a_list_is_written(offbook: Any) -> None:
    _, out, _ = offbook("train", "--help")
    assert """A list is written '["a", "b"]'.""" in " ".join(out.split())


def test_check_of_rows_alone_needs_no_model(offbook: Any, settings: dict[str, Any], rows: Any, tmp_path: Path) -> None:
    page = tmp_path / "found.html"
    code, out, _ = offbook("check", "--data", str(rows), "--html", str(page), "--json")
    assert code == 0
    report = json.loads(out)
    assert (report["rows"], report["duplicates"], "parameters" in report) == (24, 0, False)
    html = page.read_text(encoding="utf-8")
    assert all(reason in html for reason in report["reasons"])
    assert report["reasons"]
    assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", html)
    code, out, _ = offbook("check", "--data", str(rows), "--data", str(rows))
    assert code == 0
    assert "48 rows" in out
    assert offbook("check", "--data", str(tmp_path / "none.json"))[0] == 2


def a_run(folder: Path, *, character: str, model: str, rows: str, losses: tuple[float, float]) -> None:
    """A finished run's records, without an adapter's weights."""
    (folder / "data").mkdir(parents=True)
    (folder / "adapter").mkdir()
    (folder / "run.yaml").write_text(f"name: x\npersona: {{name: {character}}}\nmodel: {{source: {model}}}\n", "utf-8")
    (folder / "environment.json").write_text('{"adapter_step": 20}')
    (folder / "data" / "heldout.jsonl").write_text(rows, "utf-8")
    lines = [{"step": 0, "heldout_loss": losses[0]}, {"step": 20, "heldout_loss": losses[1]}]
    lines.append({"step": 30, "heldout_loss": 9.0})
    (folder / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines))


@pytest.mark.parametrize(
    "damage", ["", "[", "null", "3", '{"verdict": 1, "headline": {}}', '{"heldout": []}', "[" * 9999]
)
def test_a_damaged_verdict_is_named_and_does_not_end_a_comparison_in_a_traceback(
    offbook: Any, runs: Path, damage: str
) -> None:
    for name in ("rosalind", "celia"):
        a_run(runs / name, character="Rosalind", model="hf:a/model", rows="1", losses=(4.0, 3.0))
        (runs / name / "eval.json").write_text(damage)
        (runs / name / "samples.json").write_text(damage)
    code, _, err = offbook("runs", "compare", "rosalind", "celia")
    assert code == 2
    assert "eval.json is damaged" in err
    assert json.loads(offbook("runs", "show", "celia", "--json")[1])["samples"] == []


@pytest.mark.parametrize("width", [60, 140])
def test_losses_of_different_people_do_not_stand_side_by_side_without_a_word(
    offbook: Any, runs: Path, monkeypatch: pytest.MonkeyPatch, width: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    a_run(runs / "rosalind", character="Rosalind", model="hf:a/model", rows="1", losses=(4.0, 3.0))
    a_run(runs / "rosalind-2", character="Rosalind", model="hf:a/model", rows="1", losses=(4.0, 3.99))
    _, out, _ = offbook("runs", "list")
    assert "4.000 → 3.000 (-25%)" in out  # of the adapter, not of the last step
    assert "4.000 → 3.990 (-0.2%)" in out
    assert "Rosalind" in out
    assert all(len(line) <= width for line in out.splitlines())
    assert "do not compare" not in out
    a_run(runs / "桂儿", character="桂儿", model="hf:a/model", rows="2", losses=(5.0, 4.0))
    _, out, _ = offbook("runs", "list")
    assert "do not compare" in " ".join(out.split())
    assert "桂儿" in out
    rows = json.loads(offbook("runs", "list", "--json")[1])["runs"]
    assert {row["heldout_rows"] for row in rows if row["character"] == "Rosalind"} != {rows[0]["heldout_rows"]}
