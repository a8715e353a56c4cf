"""Pulling what is honest and whole: the real clients of ModelScope and Hugging Face against a hub on loopback."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from click.testing import CliRunner

from offbook.cli.pull import command
from offbook.core.errors import OffbookError, UsageError
from offbook.hub import cache, clients
from offbook.hub.pull import pull, pull_dataset
from offbook.models.load import load_model
from tests.fakehub import BRANCH, MODEL, WEIGHTS, FakeHub, both, names
from tests.recorder import Recorder
from tests.tiny import tiny_folder


@both
def test_a_model_arrives_whole_and_loads(scheme: str, hub: FakeHub, tmp_path: Path) -> None:
    folder = tiny_folder(tmp_path / "tiny", "ernie")
    files = {file.name: file.read_bytes() for file in folder.iterdir()}
    unwanted = {
        "README.md": b"x",
        cache.RECORD: b"{}",
        "onnx/model.safetensors": b"x",
        "consolidated.safetensors": b"x",
    }
    commit = hub.add("org/tiny", files | unwanted)

    reporter = Recorder()
    pulled = pull(f"{scheme}:org/tiny", reporter=reporter)

    assert names(pulled.path) == set(files)
    assert {name: (pulled.path / name).read_bytes() for name in files} == files
    assert pulled.files == {"model.safetensors": cache.sha256(folder / "model.safetensors")}
    assert pulled.source == f"{scheme}:org/tiny"
    assert pulled.revision == {"ms": "master", "hf": commit}[scheme]
    assert load_model(pulled.path).config.model_type == "ernie4_5"
    assert any(clients.HUBS[scheme].title in line for line in reporter.texts)


@both
def test_master_and_main_both_mean_the_default_branch(scheme: str, hub: FakeHub) -> None:
    hub.add("org/tiny", MODEL, revision=BRANCH[scheme])
    assert pull(f"{scheme}:org/tiny", "master") == pull(f"{scheme}:org/tiny", "main")


@both
def test_revision_is_honoured(scheme: str, hub: FakeHub) -> None:
    hub.add("org/tiny", MODEL)
    old = hub.add("org/tiny", MODEL | {"model.safetensors": b"old"}, revision="feature/v1")
    for revision in ("feature/v1", old):
        assert (pull(f"{scheme}:org/tiny", revision).path / "model.safetensors").read_bytes() == b"old"
    assert (pull(f"{scheme}:org/tiny").path / "model.safetensors").read_bytes() == WEIGHTS


def test_no_two_names_share_a_folder(hub: FakeHub) -> None:
    """On ModelScope: Hugging Face allows no such repositories."""
    pulled = {}
    for repo in ("good/name--x", "good--name/x", "good-/x", "good/-x"):
        hub.add(repo, MODEL | {"model.safetensors": repo.encode()})
        pulled[repo] = pull(f"ms:{repo}").path
    for revision in ("a/b", "a--b"):
        hub.add("org/tiny", MODEL | {"model.safetensors": revision.encode()}, revision=revision)
        pulled[revision] = pull("ms:org/tiny", revision).path
    assert {name: (path / "model.safetensors").read_bytes().decode() for name, path in pulled.items()} == {
        name: name for name in pulled
    }
    for repo, file in (("org/lines", "a/b.csv"), ("org/lines", "a--b.csv"), ("org/lines--a", "b.csv")):
        hub.add(repo, {file: f"{repo}/{file}".encode()}, kind="datasets")
        assert pull_dataset(f"ms:{repo}/{file}").read_text() == f"{repo}/{file}"


def test_a_folder_whose_name_does_not_say_whose_it_is_is_not_taken(hub: FakeHub, home: Path) -> None:
    """As ORG--NAME was once written, whatever stood in ORG and NAME."""
    for old, repo, revision in (("good--name--x/v1", "good/name--x", "v1"), ("org--tiny/a--b", "org/tiny", "a--b")):
        folder = home / "models" / "ms" / old
        folder.mkdir(parents=True)
        for file, content in (MODEL | {"model.safetensors": b"another's"}).items():
            (folder / file).write_bytes(content)
        cache.Record("unknown", cache.fingerprint_files(folder, MODEL)).save(folder)
        hub.add(repo, MODEL, revision=revision)
        assert (pull(f"ms:{repo}", revision).path / "model.safetensors").read_bytes() == WEIGHTS


def test_one_commit_under_two_names_is_fetched_once(hub: FakeHub) -> None:
    commit = hub.add("org/tiny", MODEL)
    first = pull("hf:org/tiny")
    hub.repositories["models", "org/tiny", "v1"] = hub.repositories["models", "org/tiny", commit]
    transfers = len(hub.transfers)
    assert pull("hf:org/tiny", "v1").path == pull("hf:org/tiny", commit).path == first.path
    assert len(hub.transfers) == transfers == 3


@both
def test_what_is_here_needs_no_network(scheme: str, hub: FakeHub) -> None:
    hub.add("org/tiny", MODEL)
    pulled = pull(f"{scheme}:org/tiny")
    hub.down = True
    assert pull(f"{scheme}:org/tiny") == pulled
    assert pull(f"{scheme}:org/tiny", pulled.revision) == pulled
    with pytest.raises(OffbookError, match=r"the download from .* failed: ") as failure:
        pull(f"{scheme}:org/other")
    assert failure.value.exit_code == 1
    assert "network" in failure.value.fix


@both
def test_weights_are_not_hashed_again_until_they_change(
    scheme: str, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add("org/tiny", MODEL)
    pulled = pull(f"{scheme}:org/tiny")
    pull(f"{scheme}:org/tiny")  # the move into the cache was a change, too
    read: list[Path] = []
    sha256 = cache.sha256

    def counted(path: Path) -> str:
        read.append(path)
        return sha256(path)

    monkeypatch.setattr(cache, "sha256", counted)
    assert pull(f"{scheme}:org/tiny") == pulled
    assert read == []

    os.utime(pulled.path / "model.safetensors", ns=(1, 1))
    for _ in range(2):
        assert pull(f"{scheme}:org/tiny") == pulled
    assert read == [pulled.path / "model.safetensors"]


@both
def test_a_damaged_copy_is_replaced(scheme: str, hub: FakeHub) -> None:
    hub.add("org/tiny", MODEL)
    weights = pull(f"{scheme}:org/tiny").path / "model.safetensors"
    weights.write_bytes(b"X" + WEIGHTS[1:])
    assert (pull(f"{scheme}:org/tiny").path / "model.safetensors").read_bytes() == WEIGHTS
    weights.unlink()
    assert (pull(f"{scheme}:org/tiny").path / "model.safetensors").read_bytes() == WEIGHTS


@both
def test_two_at_once_fetch_it_once(scheme: str, hub: FakeHub) -> None:
    hub.add("org/tiny", MODEL)
    got: list[object] = []
    threads = [threading.Thread(target=lambda: got.append(pull(f"{scheme}:org/tiny"))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 2
    assert got[0] == got[1]
    assert len(hub.transfers) == 3


def test_a_folder_of_ones_own(tmp_path: Path) -> None:
    folder = tiny_folder(tmp_path / "tiny")
    pulled = pull(str(folder))
    assert (pulled.path, pulled.revision) == (folder, "")
    assert pulled.files == {"model.safetensors": cache.sha256(folder / "model.safetensors")}
    (folder / "model.safetensors").write_bytes(b"other")
    assert pull(str(folder)).files != pulled.files

    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    with pytest.raises(UsageError, match="only a pickle"):
        pull(str(folder))
    with pytest.raises(UsageError, match="no model"):
        pull(str(tmp_path / "absent"))


@both
def test_a_data_set(scheme: str, hub: FakeHub) -> None:
    files = {
        "README.md": b"",
        "data/train.jsonl": b'{"a": 1}\n',
        "data/test.parquet": b"PAR1",
        "load.py": b"raise SystemExit",
        "more.csv": b"a,b\n",
    }
    hub.add("org/lines", files, kind="datasets")
    folder = pull_dataset(f"{scheme}:org/lines")
    assert names(folder) == {"README.md", "data/train.jsonl", "data/test.parquet", "more.csv"}
    assert (folder / "data/train.jsonl").read_bytes() == files["data/train.jsonl"]

    hub.transfers.clear()
    one = pull_dataset(f"{scheme}:org/lines/data/train.jsonl")
    assert one.read_bytes() == files["data/train.jsonl"]
    assert names(one.parents[1]) == {"data/train.jsonl"}
    assert [request.file for request in hub.transfers] == ["data/train.jsonl"]
    with pytest.raises(UsageError, match=r"holds no absent.json"):
        pull_dataset(f"{scheme}:org/lines/absent.json")
    hub.add("org/empty", {"README.md": b""}, kind="datasets")
    with pytest.raises(UsageError, match="holds no data file"):
        pull_dataset(f"{scheme}:org/empty")


def test_data_by_path(tmp_path: Path) -> None:
    assert pull_dataset(str(tmp_path)) == tmp_path
    with pytest.raises(UsageError, match="no data"):
        pull_dataset(str(tmp_path / "absent.json"))


def test_the_verb_prints_the_folder_alone_on_stdout(hub: FakeHub, home: Path) -> None:
    hub.add("org/tiny", MODEL, revision="v1")
    result = CliRunner().invoke(command, ["hf:org/tiny", "--revision", "v1"], catch_exceptions=False)
    assert result.stdout == f"{home / 'models/hf/org--tiny/v1'}\n"
    assert "Pulling org/tiny from Hugging Face: 500 KiB (files: 3)" in result.stderr


def test_gguf_files_alone_are_told_from_nothing(tmp_path: Path) -> None:
    file = tmp_path / "small-q4_k_m.gguf"
    file.write_bytes(b"GGUF")
    for source in (tmp_path, file):
        with pytest.raises(UsageError, match="only GGUF files"):
            pull(str(source))
