"""Pulling what is broken, hostile or absent, and on a disk that is full."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import NamedTuple

import pytest

from offbook.core.errors import OffbookError, UsageError
from offbook.core.progress import NullReporter
from offbook.hub import cache, clients
from offbook.hub.pull import pull
from offbook.hub.web import web_file
from offbook.models.load import load_model
from tests.fakehub import BRANCH, MODEL, WEIGHTS, FakeHub, both, names, repo_dir
from tests.tiny import tiny_folder


@both
def test_28_a_broken_transfer_goes_on_where_it_broke(scheme: str, hub: FakeHub) -> None:
    hub.add("org/tiny", MODEL)
    hub.break_after["model.safetensors"] = 300_000
    pulled = pull(f"{scheme}:org/tiny")
    starts = [request.start for request in hub.transfers if request.file == "model.safetensors"]
    assert starts[0] == 0
    assert 290_000 < starts[1] <= 300_000
    assert (pulled.path / "model.safetensors").read_bytes() == WEIGHTS


@both
def test_a_failed_pull_is_gone_on_with(scheme: str, hub: FakeHub, home: Path) -> None:
    hub.add("org/tiny", MODEL)
    hub.withheld.add("tokenizer.json")
    with pytest.raises(OffbookError, match=r"lists tokenizer.json in org/tiny but does not have it"):
        pull(f"{scheme}:org/tiny")
    assert repo_dir(home, scheme) == []

    hub.withheld.clear()
    pull(f"{scheme}:org/tiny")
    assert [request.file for request in hub.transfers].count("model.safetensors") == 1
    assert repo_dir(home, scheme) == [BRANCH[scheme]]


@both
@pytest.mark.parametrize("name", ["model.safetensors", "config.json"])
def test_28_a_wrong_hash_is_refused_and_never_promoted(scheme: str, name: str, hub: FakeHub, home: Path) -> None:
    hub.add("org/tiny", MODEL)
    hub.served_instead[name] = b"X" + MODEL[name][1:]
    with pytest.raises(OffbookError, match=f"{name} of org/tiny arrived damaged") as failure:
        pull(f"{scheme}:org/tiny")
    assert failure.value.exit_code == 1
    assert repo_dir(home, scheme) == []

    hub.served_instead.clear()
    assert (pull(f"{scheme}:org/tiny").path / name).read_bytes() == MODEL[name]


@both
@pytest.mark.parametrize(
    "path",
    ["../x.safetensors", "a/../../x.json", "/x.json", "C:\\x.json", "C:x.json", "\\\\host\\share\\x.json", "a\\..\\x"],
)
def test_27_a_listed_path_that_escapes_its_folder_condemns_the_repository(
    scheme: str, path: str, hub: FakeHub, home: Path
) -> None:
    hub.add("org/tiny", MODEL | {path: b"{}"})
    with pytest.raises(UsageError, match="lists a file outside its own folder"):
        pull(f"{scheme}:org/tiny")
    assert hub.transfers == []
    assert repo_dir(home, scheme) == []


@both
def test_23_a_pickle_is_refused_before_anything_is_fetched(scheme: str, hub: FakeHub) -> None:
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
    assert repo_dir(home, scheme) == []


@both
def test_25_code_of_a_repository_never_arrives_and_never_runs(scheme: str, hub: FakeHub, tmp_path: Path) -> None:
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


class Usage(NamedTuple):
    """What `shutil.disk_usage` gives."""

    total: int
    used: int
    free: int


@both
def test_too_small_a_disk_is_refused_before_the_download(
    scheme: str, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.add("org/tiny", MODEL)
    usage = Usage(10**6, 10**6 - 500, 500)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    with pytest.raises(OffbookError, match=r"500 KiB are needed in .*, 500 bytes are free"):
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
    assert failure.value.exit_code == 1
    assert "OFFBOOK_HOME" in failure.value.fix
    assert pull(f"{scheme}:org/tiny").files


def test_a_cache_that_cannot_be_written_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("OFFBOOK_HOME", str(tmp_path / "file"))
    with pytest.raises(UsageError, match=r"cannot write in .*: Not a directory") as failure:
        pull("ms:org/tiny")
    assert "OFFBOOK_HOME" in failure.value.fix


@pytest.mark.parametrize("target", ["/etc/hostname", "config.json"])
def test_24_a_link_in_place_of_a_file_is_refused(target: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
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
    assert repo_dir(home, "ms") == []


@pytest.mark.parametrize("path", ["a.json", "a/b.json", "..a/b..", "名/字.json", "10:20.json"])
def test_harmless_paths_are_let_in(path: str) -> None:
    assert not cache.escapes_directory(path)


@pytest.mark.parametrize(
    "address", ["https://example.org/a%2Fb.json", "https://example.org/", "https://example.org/.."]
)
def test_an_address_without_a_files_name_is_refused_before_it_is_asked(address: str) -> None:
    with pytest.raises(UsageError, match="names no file"):
        web_file(address, NullReporter())
