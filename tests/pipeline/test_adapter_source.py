"""A character is found once: by its run's folder or name, or by a bare adapter folder."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from offbook.core.errors import UsageError
from offbook.core.rundir import RunDir
from offbook.hub import pull
from offbook.pipeline import adapter_source
from offbook.pipeline.adapter_source import resolve_character
from offbook.pipeline.api import evaluate
from tests.exporters.conftest import save_adapter, save_base


def test_a_run_is_found_by_folder_by_name_and_by_its_adapter(trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OFFBOOK_RUNS", str(trained.parent))
    for character in (trained, str(trained), "tiny", trained / "adapter"):
        source = resolve_character(character)
        assert source.adapter.resolve() == (trained / "adapter").resolve()
        assert source.run is not None
        assert source.run.path.resolve() == trained.resolve()
        assert source.name == "tiny"
        assert source.persona is not None
        assert source.persona.name == "Hamlet"
        assert source.exports_dir.resolve() == (trained / "export").resolve()


def test_a_bare_adapter_has_no_run_whatever_lies_beside_it(trained: Path, tmp_path: Path) -> None:
    shutil.copytree(trained, tmp_path / "run")
    adapter = shutil.copytree(trained / "adapter", tmp_path / "run" / "ophelia")
    source = resolve_character(adapter)
    assert source.run is None
    assert (source.name, source.exports_dir) == ("ophelia", adapter / "export")
    with pytest.raises(UsageError, match="bare adapter"):
        evaluate(adapter)


def test_the_base_model_is_looked_for_when_it_is_asked_for_and_only_once(
    trained: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulled: list[str] = []

    def counted(source: str, *args: Any, **kwargs: Any) -> pull.LocalModel:
        pulled.append(source)
        return original(source, *args, **kwargs)

    original = pull.pull
    monkeypatch.setattr(adapter_source, "pull", counted)
    source = resolve_character(trained)
    assert not pulled
    assert source.base_model.path == source.base_model.path == tiny
    assert pulled == [str(tiny)]


def test_the_users_base_model_goes_before_the_adapters_own(tmp_path: Path) -> None:
    base = save_base(tmp_path / "base")
    adapter = save_adapter(tmp_path / "hamlet", base)
    moved = base.rename(tmp_path / "moved")
    assert resolve_character(adapter, base_model=str(moved)).base_model.path == moved
    with pytest.raises(UsageError, match="base"):
        _ = resolve_character(adapter).base_model


def test_a_base_model_on_a_hub_is_named_with_the_command(tmp_path: Path) -> None:
    adapter = save_adapter(tmp_path / "hamlet", save_base(tmp_path / "base"))
    (adapter / "persona.json").unlink()
    config = json.loads((adapter / "adapter_config.json").read_text())
    (adapter / "adapter_config.json").write_text(json.dumps({**config, "base_model_name_or_path": "org/fine-0.5b"}))
    with pytest.raises(UsageError, match=r"names its base model 'org/fine-0\.5b'") as error:
        _ = resolve_character(adapter).base_model
    assert "--base-model (try hf:org/fine-0.5b or ms:org/fine-0.5b)" in error.value.fix


def test_an_adapter_that_is_only_a_pickle_is_refused(tmp_path: Path) -> None:
    (tmp_path / "adapter_model.bin").write_bytes(b"no pickle is opened")
    with pytest.raises(UsageError, match=r"is only a pickle \(adapter_model\.bin\)"):
        resolve_character(tmp_path)


def test_an_adapter_that_names_no_base_model_says_how_to_name_it(tmp_path: Path) -> None:
    adapter = save_adapter(tmp_path / "hamlet", save_base(tmp_path / "base"))
    (adapter / "persona.json").unlink()
    (adapter / "adapter_config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(UsageError, match="does not name its base model") as raised:
        _ = resolve_character(adapter).base_model
    assert "--base-model" in raised.value.fix


def test_a_run_that_is_not_trained_says_how_to_go_on(trained: Path, tmp_path: Path) -> None:
    run = RunDir(shutil.copytree(trained, tmp_path / "half"))
    shutil.rmtree(run.adapter)
    with pytest.raises(UsageError, match="no adapter yet") as raised:
        resolve_character(run.path)
    assert "--resume" in raised.value.fix
