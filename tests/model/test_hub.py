"""Pulling from hubs: the real clients of ModelScope and Hugging Face against a hub on loopback."""

from __future__ import annotations

import json
import os
import shutil
import threading
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub.constants
import modelscope_hub._download
import modelscope_hub._legacy_api
import modelscope_hub.config
import pytest
from click.testing import CliRunner

from offbook.cli.pull import command
from offbook.core.errors import OffbookError, UsageError
from offbook.model import cache, clients
from offbook.model.hub import pull, pull_dataset
from offbook.model.load import load_model
from tests.fakehub import FakeHub
from tests.tiny import tiny_folder

WEIGHTS = bytes(range(256)) * 2000
MODEL = {"config.json": b"{}", "tokenizer.json": b"{}", "model.safetensors": WEIGHTS}
BRANCH = {"ms": "master", "hf": "main"}

both = pytest.mark.parametrize("scheme", ["ms", "hf"])


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("OFFBOOK_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A hub that both clients take for the real one; they keep their own files in the test's folder."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with FakeHub() as fake:
        monkeypatch.setenv("MODELSCOPE_ENDPOINT", fake.address)
        monkeypatch.setenv("MODELSCOPE_HOME", str(tmp_path / "modelscope"))
        monkeypatch.setenv("MODELSCOPE_CACHE", str(tmp_path / "modelscope-cache"))
        modelscope_hub.config.set_default_config(None)
        constants = huggingface_hub.constants
        monkeypatch.setattr(constants, "ENDPOINT", fake.address)
        template = fake.address + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "huggingface"))
        # A few kilobytes at a time, so that a small file can break in its middle; no waiting between tries.
        monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", 4096)
        monkeypatch.setattr(modelscope_hub._download, "DOWNLOAD_INTEGRITY_RETRY_BACKOFF", 0.01)
        monkeypatch.setattr(modelscope_hub._legacy_api, "REPO_TREE_PAGE_MAX_ATTEMPTS", 1)
        yield fake
    modelscope_hub.config.set_default_config(None)


def names(folder: Path) -> set[str]:
    return {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()} - {cache.RECORD}


def shelf(home: Path, scheme: str) -> list[str]:
    """What a user could take for a pulled revision."""
    return sorted(path.name for path in (home / "models" / scheme / "org--tiny").glob("[!.]*"))


@both
def test_a_model_arrives_whole_and_loads(scheme: str, hub: FakeHub, tmp_path: Path) -> None:
    folder = tiny_folder(tmp_path / "tiny", "ernie")
    files = {file.name: file.read_bytes() for file in folder.iterdir()}
    unwanted = {"README.md": b"x", "onnx/model.safetensors": b"x", "consolidated.safetensors": b"x"}
    commit = hub.add("org/tiny", files | unwanted)

    said: list[str] = []
    pulled = pull(f"{scheme}:org/tiny", progress=said.append)

    assert names(pulled.path) == set(files)
    assert {name: (pulled.path / name).read_bytes() for name in files} == files
    assert pulled.files == {"model.safetensors": cache.sha256(folder / "model.safetensors")}
    assert pulled.source == f"{scheme}:org/tiny"
    assert pulled.revision == {"ms": "master", "hf": commit}[scheme]
    assert load_model(pulled.path).config.model_type == "ernie4_5"
    assert any(clients.HUBS[scheme].title in line for line in said)


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
    read: list[Path] = []
    monkeypatch.setattr(cache, "sha256", lambda path, real=cache.sha256: read.append(path) or real(path))
    assert pull(f"{scheme}:org/tiny") == pulled and read == []

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
def test_a_broken_transfer_goes_on_where_it_broke(scheme: str, hub: FakeHub) -> None:
    hub.add("org/tiny", MODEL)
    hub.break_after["model.safetensors"] = 300_000
    pulled = pull(f"{scheme}:org/tiny")
    starts = [request.start for request in hub.transfers if request.file == "model.safetensors"]
    assert starts[0] == 0 and 290_000 < starts[1] <= 300_000
    assert (pulled.path / "model.safetensors").read_bytes() == WEIGHTS


@both
def test_a_failed_pull_is_gone_on_with(scheme: str, hub: FakeHub, home: Path) -> None:
    hub.add("org/tiny", MODEL)
    hub.withheld.add("tokenizer.json")
    with pytest.raises(OffbookError, match=r"lists tokenizer.json in org/tiny but does not have it"):
        pull(f"{scheme}:org/tiny")
    assert shelf(home, scheme) == []

    hub.withheld.clear()
    pull(f"{scheme}:org/tiny")
    assert [request.file for request in hub.transfers].count("model.safetensors") == 1
    assert shelf(home, scheme) == [BRANCH[scheme]]


@both
@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_a_wrong_hash_is_refused_and_never_promoted(scheme: str, name: str, hub: FakeHub, home: Path) -> None:
    hub.add("org/tiny", MODEL)
    hub.served_instead[name] = b"X" + MODEL[name][1:]
    with pytest.raises(OffbookError, match=f"{name} of org/tiny arrived damaged") as failure:
        pull(f"{scheme}:org/tiny")
    assert failure.value.exit_code == 1
    assert shelf(home, scheme) == []

    hub.served_instead.clear()
    assert (pull(f"{scheme}:org/tiny").path / name).read_bytes() == MODEL[name]


@both
@pytest.mark.parametrize(
    "path",
    ["../x.safetensors", "a/../../x.json", "/x.json", "C:\\x.json", "C:x.json", "\\\\host\\share\\x.json", "a\\..\\x"],
)
def test_a_listed_path_that_leads_out_condemns_the_repository(scheme: str, path: str, hub: FakeHub, home: Path) -> None:
    hub.add("org/tiny", MODEL | {path: b"{}"})
    with pytest.raises(UsageError, match="lists a file outside its own folder"):
        pull(f"{scheme}:org/tiny")
    assert hub.transfers == [] and shelf(home, scheme) == []


@both
def test_a_pickle_is_refused_before_anything_is_fetched(scheme: str, hub: FakeHub) -> None:
    hub.add("org/tiny", {"config.json": b"{}", "pytorch_model.bin": b"pickle"})
    with pytest.raises(UsageError, match=r"only a pickle \(pytorch_model.bin\)"):
        pull(f"{scheme}:org/tiny")
    hub.add("org/text", {"README.md": b""})
    with pytest.raises(UsageError, match=r"no config.json"):
        pull(f"{scheme}:org/text")
    assert hub.transfers == []


@both
def test_a_part_that_the_index_names_but_nobody_has(scheme: str, hub: FakeHub, home: Path) -> None:
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    files = {
        "config.json": b"{}",
        "model-1.safetensors": b"1",
        "model.safetensors.index.json": json.dumps(index).encode(),
    }
    hub.add("org/tiny", files)
    with pytest.raises(UsageError, match=r"lacks model-2.safetensors"):
        pull(f"{scheme}:org/tiny")
    assert shelf(home, scheme) == []


@both
def test_code_of_a_repository_never_arrives_and_never_runs(scheme: str, hub: FakeHub, tmp_path: Path) -> None:
    folder = tiny_folder(tmp_path / "tiny", "ernie")
    files = {file.name: file.read_bytes() for file in folder.iterdir()}
    config = json.loads(files["config.json"])
    config["auto_map"] = {"AutoConfig": "canary.Config", "AutoModelForCausalLM": "canary.Model"}
    files["config.json"] = json.dumps(config).encode()
    canary = tmp_path / "canary"
    files["canary.py"] = f"open({str(canary)!r}, 'w')".encode()
    files["model.bin"] = b"pickle"
    hub.add("org/tiny", files)

    pulled = pull(f"{scheme}:org/tiny")
    assert type(load_model(pulled.path)).__module__ == "transformers.models.ernie4_5.modeling_ernie4_5"
    assert names(pulled.path) == set(files) - {"canary.py", "model.bin"}
    assert not canary.exists()


@both
def test_names_that_the_hub_does_not_have(scheme: str, hub: FakeHub) -> None:
    hub.add("org/tiny", MODEL)
    for repo, revision in (("org/none", "main"), ("org/tiny", "v9")):
        with pytest.raises(UsageError, match=f"{repo} .* is not on") as failure:
            pull(f"{scheme}:{repo}", revision)
        assert failure.value.exit_code == 2
    for source, revision in (("tiny", "main"), ("../tiny", "main"), ("org/tiny", "../v1"), ("a/b/c", "main")):
        with pytest.raises(UsageError):
            pull(f"{scheme}:{source}", revision)


@both
def test_two_at_once_fetch_it_once(scheme: str, hub: FakeHub) -> None:
    hub.add("org/tiny", MODEL)
    got: list[object] = []
    threads = [threading.Thread(target=lambda: got.append(pull(f"{scheme}:org/tiny"))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(got) == 2 and got[0] == got[1]
    assert len(hub.transfers) == 3


@both
def test_too_small_a_disk_is_refused_before_the_download(
    scheme: str, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add("org/tiny", MODEL)
    usage = namedtuple("usage", "total used free")(10**6, 10**6 - 500, 500)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(OffbookError, match=r"512 kB are needed in .*, 0 kB are free"):
        pull(f"{scheme}:org/tiny")
    assert hub.transfers == []


@both
def test_a_disk_that_fills_up_is_told(scheme: str, hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.add("org/tiny", MODEL)

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    target = "huggingface_hub.file_download.http_get" if scheme == "hf" else "modelscope_hub._download._finish_download"
    with monkeypatch.context() as patch, pytest.raises(OffbookError, match="the disk is full") as failure:
        patch.setattr(target, lambda *args, **kwargs: full())
        pull(f"{scheme}:org/tiny")
    assert failure.value.exit_code == 1 and "OFFBOOK_HOME" in failure.value.fix
    assert pull(f"{scheme}:org/tiny").files


def test_a_cache_that_cannot_be_written_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("OFFBOOK_HOME", str(tmp_path / "file"))
    with pytest.raises(UsageError, match=r"cannot write in .*: Not a directory") as failure:
        pull("ms:org/tiny")
    assert "OFFBOOK_HOME" in failure.value.fix


@pytest.mark.parametrize("target", ["/etc/hostname", "config.json"])
def test_a_link_in_place_of_a_file_is_refused(target: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def listing(repo: str, kind: str, revision: str) -> tuple[str, list[clients.Entry]]:
        return revision, [clients.Entry("config.json", None), clients.Entry("model.safetensors", None)]

    def download(repo: str, kind: str, revision: str, entries: list[clients.Entry], folder: Path) -> None:
        (folder / "config.json").write_bytes(b"{}")
        (folder / "model.safetensors").symlink_to(target)

    monkeypatch.setitem(
        clients.HUBS, "ms", SimpleNamespace(title="x", default_branch="master", listing=listing, download=download)
    )
    with pytest.raises(OffbookError, match="did not arrive"):
        pull("ms:org/tiny")
    assert shelf(home, "ms") == []


@pytest.mark.parametrize("path", ["a.json", "a/b.json", "..a/b..", "名/字.json", "10:20.json"])
def test_harmless_paths_are_let_in(path: str) -> None:
    assert not cache.leads_out(path)


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
    assert names(folder) == {"data/train.jsonl", "data/test.parquet", "more.csv"}
    assert (folder / "data/train.jsonl").read_bytes() == files["data/train.jsonl"]

    hub.transfers.clear()
    one = pull_dataset(f"{scheme}:org/lines/data/train.jsonl")
    assert one.read_bytes() == files["data/train.jsonl"] and names(one.parents[1]) == {"data/train.jsonl"}
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
    assert "Pulling org/tiny from Hugging Face: 3 files, 512 kB" in result.stderr
