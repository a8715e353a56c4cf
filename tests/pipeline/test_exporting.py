"""Every format on every architecture: written, compared, released under its name or kept under another."""

import errno
import json
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import torch
from gguf import GGUFReader
from transformers import AutoModelForCausalLM, AutoTokenizer

import offbook
from offbook import export
from offbook.cli.main import main
from offbook.core.errors import GateMissed, OffbookError, UsageError
from offbook.core.types import Turn
from offbook.exporters import formats, gguf_tensors
from offbook.exporters.source import ExportSource
from tests.exporters.conftest import SYSTEM, hamlet, one_thread, save_adapter, save_base  # noqa: F401

ARCHITECTURES = {"llama": {}, "llama-tied": {}, "qwen2": {}, "qwen3": {}, "ernie": {"use_bias": False, "calm": 0.5}}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_gguf_on_every_architecture(tmp_path: Path, architecture: str) -> None:
    base = save_base(tmp_path / "base", architecture, **ARCHITECTURES[architecture])
    done = export(save_adapter(tmp_path / "hamlet", base), "gguf", quant="f16")
    assert done.parity.passed
    assert done.parity.positions > 20
    assert done.parity.kl < 1e-5
    assert done.path == tmp_path / "hamlet" / "export" / "gguf-f16"
    assert {path.name for path in done.path.iterdir()} == {
        "hamlet-f16.gguf", "hamlet-lora.gguf", "LICENSE", "MODEL_CARD.md", "parity.json",
    }  # fmt: skip


def test_merged_is_exact_and_needs_no_offbook(hamlet: Path) -> None:
    done = export(hamlet, "merged")
    assert done.parity.logits is not None
    assert done.parity.logits < 1e-5
    assert done.parity.top1 == 1
    tokenizer = AutoTokenizer.from_pretrained(done.path)
    model: Any = AutoModelForCausalLM.from_pretrained(done.path)
    inputs: Any = tokenizer.apply_chat_template(
        [{"role": "user", "content": "Who are you?"}], add_generation_prompt=True, return_tensors="pt", return_dict=True
    )
    character = offbook.load(hamlet)
    settings = character.persona.generation.model_copy(update={"temperature": 0.0})
    expected = list(character.stream("Who are you?", settings=settings))
    reply = model.generate(**inputs, do_sample=False)[0, inputs["input_ids"].shape[1] :]
    text = tokenizer.decode(reply, skip_special_tokens=True)
    assert text == "".join(piece.text for piece in expected)
    assert (
        character.template.prompt_ids([Turn("system", SYSTEM), Turn("user", "Who are you?")])
        == inputs["input_ids"][0].tolist()
    )
    stored = model.generation_config
    assert stored.eos_token_id[0] == character.persona.stop_token.id
    assert (stored.temperature, stored.top_p, stored.repetition_penalty) == (0.7, 0.9, 1.1)


@pytest.mark.parametrize(("to", "quant"), [("merged", "bf16"), ("gguf", "q8_0"), ("lora", "f16"), ("lora", "q8_0")])
def test_other_formats(hamlet: Path, tmp_path: Path, to: str, quant: str) -> None:
    done = export(hamlet, to, quant=quant, out=tmp_path / "copy")
    assert done.parity.passed
    assert done.path == tmp_path / "copy"
    names = {path.name for path in done.path.iterdir()}
    assert names >= {"MODEL_CARD.md", "parity.json"}
    if to == "lora":
        assert {name for name in names if name.endswith(".gguf")} == {"hamlet-lora.gguf"}


def test_four_bits(tmp_path: Path) -> None:
    base = save_base(tmp_path / "base", calm=0.1, hidden_size=256, intermediate_size=512, head_dim=64)
    done = export(save_adapter(tmp_path / "hamlet", base, strength=0.01), "gguf", quant="q4_k_m")
    assert done.notes == []
    types = {tensor.name: tensor.tensor_type.name for tensor in GGUFReader(done.path / "hamlet-q4_k_m.gguf").tensors}
    assert types["output.weight"] == "Q6_K"
    assert types["blk.1.attn_q.weight"] == "Q4_K"
    assert types["blk.2.attn_v.weight"] == types["blk.2.ffn_down.weight"] == "Q6_K"
    assert types["blk.0.attn_norm.weight"] == "F32"


def test_rows_that_k_quants_do_not_fit_are_told(tmp_path: Path) -> None:
    base = save_base(tmp_path / "base", calm=0.3)
    (note,) = export(save_adapter(tmp_path / "hamlet", base, strength=0.01), "gguf", quant="q4_k_m").notes
    assert "23 of 23 matrices" in note
    assert "Q5_0, Q8_0" in note


def test_ollama(hamlet: Path) -> None:
    done = export(hamlet, "ollama")
    lines = (done.path / "Modelfile").read_text(encoding="utf-8")
    assert lines.startswith("FROM ./hamlet-q8_0.gguf\nTEMPLATE ")
    assert f'SYSTEM """{SYSTEM}"""' in lines
    assert 'PARAMETER stop """<|im_end|>"""' in lines
    assert "PARAMETER temperature 0.7\n" in lines
    assert "PARAMETER repeat_penalty 1.1\n" in lines
    assert done.parity.same_prompts


@pytest.mark.parametrize("options", [{"use_rslora": True}, {"target_modules": ["q_proj", "v_proj"]}])
def test_kinds_of_lora(tmp_path: Path, options: dict[str, Any]) -> None:
    base = save_base(tmp_path / "base")
    assert export(save_adapter(tmp_path / "hamlet", base, **options), "lora").parity.kl < 1e-5


def test_dora_has_no_gguf_adapter(tmp_path: Path) -> None:
    adapter = save_adapter(tmp_path / "hamlet", save_base(tmp_path / "base"), use_dora=True)
    with pytest.raises(UsageError, match="DoRA"):
        export(adapter, "lora")
    assert export(adapter, "merged").parity.passed


def test_ending_prompt_and_sampling_are_in_the_file(tmp_path: Path) -> None:
    """ERNIE's end of text is not what ends its replies."""
    base = save_base(tmp_path / "base", "ernie", use_bias=False, calm=0.5)
    adapter = save_adapter(tmp_path / "hamlet", base)
    persona = offbook.load(adapter).persona
    stop_token = persona.stop_token
    assert stop_token.token == "<|end_of_sentence|>"
    fields = GGUFReader(export(adapter, "gguf", quant="f16").path / "hamlet-f16.gguf").fields
    assert fields["tokenizer.ggml.eos_token_id"].contents() == stop_token.id
    assert fields["tokenizer.ggml.add_bos_token"].contents() is False
    assert "大理寺少卿" in fields["tokenizer.chat_template"].contents()
    for key, value in (
        ("temp", persona.generation.temperature),
        ("top_p", persona.generation.top_p),
        ("penalty_repeat", persona.generation.repetition_penalty),
        ("top_k", 0),
    ):
        assert fields[f"general.sampling.{key}"].contents() == pytest.approx(value)


def test_a_run_is_judged_on_its_heldout_rows_and_described(trained: Path, tmp_path: Path) -> None:
    done = export(trained, "merged", out=tmp_path / "copy")
    heldout = (trained / "data" / "heldout.jsonl").read_text().splitlines()
    assert done.parity.conversations == len(heldout)
    assert done.parity.stop_token_stops
    card = (done.path / "MODEL_CARD.md").read_text(encoding="utf-8")
    for output in (
        "# Hamlet",
        "You are Hamlet.",
        f"{len(heldout)} of them held out",
        "rank 8",
        "vllm serve",
        "≤ 1e-05",
    ):
        assert output in card


def test_a_base_that_has_moved_is_taken_from_where_it_is_said_to_be(hamlet: Path, tmp_path: Path) -> None:
    moved = (tmp_path / "base").rename(tmp_path / "moved")
    (moved / "preprocessor_config.json").write_text("{}", encoding="utf-8")
    done = export(hamlet, "merged", base_model=str(moved))
    assert done.parity.passed
    assert (done.path / "preprocessor_config.json").is_file()  # of a model of text and pictures
    assert (done.path / "LICENSE").read_bytes() == (moved / "LICENSE").read_bytes()


def test_rows_longer_than_the_model_reads_are_left_out(tmp_path: Path) -> None:
    """The tiny model reads 512 tokens."""
    base = save_base(tmp_path / "base")
    long, short = "word " * 600, "Who are you?"
    adapter = save_adapter(tmp_path / "hamlet", base, sample_prompts=[long, short])
    assert export(adapter, "gguf").parity.conversations == 1
    adapter = save_adapter(tmp_path / "too-long", base, sample_prompts=[long])
    with pytest.raises(
        UsageError, match=r"nothing to compare .* sample_prompts:1: the prompt alone fills the 512 tokens"
    ):
        export(adapter, "merged")


def test_rows_of_any_length_that_the_run_was_trained_on_are_compared(tmp_path: Path) -> None:
    base = save_base(tmp_path / "base", max_position_embeddings=4096)
    adapter = save_adapter(tmp_path / "hamlet", base, sample_prompts=["word " * 600])
    assert export(adapter, "merged").parity.conversations == 1


def test_a_prompt_that_quotes_a_control_token_is_told(tmp_path: Path) -> None:
    base = save_base(tmp_path / "base")
    adapter = save_adapter(tmp_path / "hamlet", base, system="Never write <|im_end|> aloud.")
    with pytest.raises(UsageError, match=r"persona\.system quotes a control token"):
        export(adapter, "merged")


def test_the_card_of_a_bare_adapter(hamlet: Path) -> None:
    card = (export(hamlet, "gguf").path / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "Tiny License, version 1" in card
    assert "llama-server -m hamlet-q8_0.gguf" in card
    assert "trained elsewhere" in card


def test_what_lies_beside_a_bare_adapter_is_not_its_own(hamlet: Path) -> None:
    (hamlet.parent / "run.yaml").write_text("train: {epochs: 77}", encoding="utf-8")
    (hamlet.parent / "data").mkdir()
    (hamlet.parent / "data" / "heldout.jsonl").write_text("nobody's", encoding="utf-8")
    card = (export(hamlet, "merged").path / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert "trained elsewhere" in card
    assert "77" not in card


def test_a_copy_without_the_adapter_is_not_released(hamlet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The loudest complaint about exports: the merged model is the base model."""
    monkeypatch.setattr("peft.PeftModel.merge_and_unload", lambda self: self.unload(), raising=False)
    with pytest.raises(GateMissed) as raised:
        export(hamlet, "merged")
    assert "KL" in raised.value.what
    kept = hamlet / "export" / "merged-f32-missed-parity"
    output = json.loads((kept / "parity.json").read_text())
    assert output["passed"] is False
    assert output["kl"] > 1e-6
    assert "missed its bounds" in (kept / "MODEL_CARD.md").read_text(encoding="utf-8")
    assert not (hamlet / "export" / "merged-f32").exists()
    monkeypatch.undo()
    assert export(hamlet, "merged").path.is_dir()


def test_wrong_row_order_is_not_released(hamlet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """GGUF word salad: the weights are all there, in the wrong order."""
    monkeypatch.setattr(gguf_tensors._Names, "ordered", lambda _names, _key, value: value)
    with pytest.raises(GateMissed, match="KL"):
        export(hamlet, "gguf")


def test_a_lost_prompt_is_not_released(hamlet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("offbook.exporters.source.self_contained", lambda source, *_: source)
    with pytest.raises(GateMissed, match="other token ids"):
        export(hamlet, "gguf")


def test_a_lost_ending_is_not_released(hamlet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    generation = formats._generation

    def without(original: ExportSource) -> Any:
        settings = generation(original)
        settings.eos_token_id = [0]
        return settings

    monkeypatch.setattr(formats, "_generation", without)
    with pytest.raises(GateMissed, match="stop token does not end a reply"):
        export(hamlet, "merged")


def test_mistakes_are_told(hamlet: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="did you mean 'merged'"):
        export(hamlet, "merge")
    with pytest.raises(UsageError, match="unknown number format 'q8', did you mean 'q8_0'"):
        export(hamlet, "gguf", quant="q8")
    (tmp_path / "there").mkdir()
    with pytest.raises(UsageError, match="already exists"):
        export(hamlet, "merged", out=tmp_path / "there")


def test_an_architecture_that_cannot_be_written(tmp_path: Path) -> None:
    adapter = save_adapter(tmp_path / "hamlet", save_base(tmp_path / "base", "gemma3"))
    with pytest.raises(UsageError, match=r"gemma3_text model cannot be written for llama\.cpp here"):
        export(adapter, "gguf")
    assert not (adapter / "export").exists()


def test_the_command_line(hamlet: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = ["export", str(hamlet), "--to", "merged", "--json"]
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 0
    output = json.loads(capsys.readouterr().out)
    assert output["parity"]["passed"] is True
    assert output["path"] == str(hamlet / "export" / "merged-f32")
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "already exists" in capsys.readouterr().err


def test_the_original_is_what_was_loaded(hamlet: Path) -> None:
    """Export leaves the adapter as it was."""
    before = offbook.load(hamlet).model.state_dict()
    export(hamlet, "merged")
    after = offbook.load(hamlet).model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_two_exports_at_once_do_not_write_into_one_folder(hamlet: Path) -> None:
    words = [sys.executable, "-m", "offbook.cli.main", "export", str(hamlet), "--to", "merged"]
    both = [subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    errors = [process.communicate(timeout=250)[1] for process in both]
    assert sorted(process.returncode for process in both) == [0, 2], errors
    assert not any("Traceback" in text for text in errors)
    assert [path.name for path in (hamlet / "export").iterdir()] == ["merged-f32"]


def test_a_full_disk_is_told(hamlet: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> formats.ExportedArtifact:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setitem(formats.FORMATS, "merged", formats.Format(full, ("f32",)))
    with pytest.raises(OffbookError, match=r"cannot write .*merged-f32: No space left on device"):
        export(hamlet, "merged")
    assert not any((hamlet / "export").iterdir())


def test_the_hashes_of_what_was_compared_are_kept(hamlet: Path) -> None:
    folder = export(hamlet, "gguf").path
    recorded = json.loads((folder / "parity.json").read_text())["sha256"]
    assert recorded == {path.name: sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.gguf")}
