"""A character to a hub: what is in the repository, what it says of itself, and what is not let out."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import ModelCard

import offbook
from offbook.cli.main import main
from offbook.core.errors import GateMissed, UsageError
from tests.fakehub import FakeHub, both
from tests.fakehub_writes import TOKEN
from tests.hub.conftest import home, hub  # noqa: F401
from tests.hub.test_push import REPO, login  # noqa: F401

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    """A finished run that was judged."""
    folder = tmp_path / "ann"
    shutil.copytree(trained, folder, ignore=shutil.ignore_patterns("export"))
    verdict = {"heldout": {"base": {"loss": 3.0}, "tuned": {"loss": 2.5}}, "verdict": [{"text": "It helped."}]}
    (folder / "eval.json").write_text(json.dumps(verdict))
    return folder


@pytest.fixture(scope="module")
def merged(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export that was proved equal to the adapter."""
    folder = tmp_path_factory.mktemp("merged") / "ann"
    shutil.copytree(trained, folder, ignore=shutil.ignore_patterns("export"))
    return offbook.export(folder, "merged").path


def exported(run: Path, merged: Path, name: str = "") -> Path:
    """The run's own copy of an export."""
    return Path(shutil.copytree(merged, run / "export" / (name or merged.name)))


def data_of(card: ModelCard) -> Any:
    """The card's front matter."""
    return card.data


def there(hub: FakeHub) -> dict[str, bytes]:
    return hub.repositories["models", REPO, "main"]


@both
def test_an_adapter_goes_with_its_card_and_without_a_place_of_this_computer(
    scheme: str, hub: FakeHub, run: Path, tiny: Path, tmp_path: Path
) -> None:
    (run / "adapter" / "MODEL_CARD.md").write_text("an old one")
    before = {path: path.read_bytes() for path in (run / "adapter").iterdir()}
    offbook.push(run, f"{scheme}:{REPO}")
    files = there(hub)
    assert {"adapter_model.safetensors", "adapter_config.json", "persona.json", "tokenizer.json"} <= set(files)
    assert "MODEL_CARD.md" not in files
    for name, content in files.items():
        assert str(tiny).encode() not in content, name
        assert str(tmp_path).encode() not in content, name
    card = ModelCard(files["README.md"].decode())
    assert data_of(card).library_name == "peft"
    assert data_of(card).eval_results is not None
    assert data_of(card).eval_results[0].metric_value == 2.5
    assert "It helped." in card.text
    assert '{"role": "system", "content": "You are Hamlet."}' in card.text
    assert "Comparison with the adapter" not in card.text
    after = {path: path.read_bytes() for path in (run / "adapter").iterdir()}
    assert after == before, "what lies in the run stays as it is"
    assert not list(run.glob(".push-*"))


def test_the_base_model_is_named_as_hubs_name_it(hub: FakeHub, run: Path, tiny: Path) -> None:
    path = run / "adapter" / "persona.json"
    persona = json.loads(path.read_text())
    persona["base"]["source"] = "ms:org/base"
    path.write_text(json.dumps(persona))
    offbook.push(run, f"hf:{REPO}", base_model=str(tiny))
    assert json.loads(there(hub)["adapter_config.json"])["base_model_name_or_path"] == "org/base"
    assert data_of(ModelCard(there(hub)["README.md"].decode())).base_model == "org/base"


@both
def test_an_export_is_pushed_as_it_was_compared(scheme: str, hub: FakeHub, run: Path, merged: Path) -> None:
    with pytest.raises(UsageError, match="there is no merged of ann yet"):
        offbook.push(run, f"{scheme}:{REPO}", what="merged")
    folder = exported(run, merged)
    offbook.push(run, f"{scheme}:{REPO}", what="merged")
    assert there(hub)["model.safetensors"] == (folder / "model.safetensors").read_bytes()
    assert "Comparison with the adapter" in there(hub)["README.md"].decode()

    with pytest.raises(UsageError, match="holds something else already: Hamlet, merged"):
        offbook.push(run, f"{scheme}:{REPO}")
    with (folder / "model.safetensors").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"X")
    with pytest.raises(UsageError, match="is not the file that was compared"):
        offbook.push(run, f"{scheme}:{REPO}", what="merged")


def test_an_export_that_missed_its_bound_is_not_pushed(hub: FakeHub, run: Path, merged: Path) -> None:
    folder = exported(run, merged)
    record = json.loads((folder / "parity.json").read_text())
    (folder / "parity.json").write_text(json.dumps({**record, "passed": False, "failures": ["KL 3 is above 1"]}))
    with pytest.raises(GateMissed, match="differs from the adapter: KL 3 is above 1"):
        offbook.push(run, f"hf:{REPO}", what="merged")
    for damage in ("", "[]", "{}", '{"passed": true, "failures": [], "sha256": 3}', "\x00"):
        (folder / "parity.json").write_text(damage)
        with pytest.raises(UsageError, match=r"parity\.json is damaged"):
            offbook.push(run, f"hf:{REPO}", what="merged")
    (folder / "parity.json").write_text(json.dumps({**record, "passed": False, "failures": ["KL 3 is above 1"]}))
    folder.rename(folder.with_name(f"{folder.name}-missed-parity"))
    with pytest.raises(GateMissed, match="differs from the adapter"):
        offbook.push(run, f"hf:{REPO}", what="merged")
    assert hub.account.repositories == {}


def test_of_several_exports_one_is_named(hub: FakeHub, run: Path, merged: Path) -> None:
    for quant in ("f32", "bf16"):
        exported(run, merged, f"merged-{quant}")
    with pytest.raises(UsageError, match="there are several exports: merged-bf16, merged-f32"):
        offbook.push(run, f"hf:{REPO}", what="merged")
    offbook.push(run, f"hf:{REPO}", what="merged", quant="bf16")


def test_what_cannot_be_pushed(hub: FakeHub, run: Path) -> None:
    with pytest.raises(UsageError, match="unknown thing to push 'gufg', did you mean 'gguf'"):
        offbook.push(run, f"hf:{REPO}", what="gufg")
    (run / "adapter" / "persona.json").unlink()
    with pytest.raises(UsageError, match="trained by another program"):
        offbook.push(run / "adapter", f"hf:{REPO}")


@both
def test_the_command_prints_the_page_and_nothing_else(
    scheme: str, hub: FakeHub, run: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["push", str(run), f"{scheme}:{REPO}", "--public"])
    assert ended.value.code == 0
    captured = capfd.readouterr()
    assert captured.out.strip().endswith(REPO)
    assert len(captured.out.splitlines()) == 1
    assert TOKEN not in captured.out + captured.err
    assert hub.account.repositories == {REPO: False}
