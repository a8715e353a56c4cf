"""Pushing to both hubs, with their own clients: what arrives, what breaks, and what is in the way."""

from __future__ import annotations

import json
import time
from pathlib import Path

import huggingface_hub.constants
import modelscope_hub.config
import pytest

from offbook.core.errors import OffbookError, UsageError
from offbook.hub.push import MARKER, push_folder
from tests.fakehub import WEIGHTS, FakeHub, both
from tests.fakehub_writes import TOKEN

# Hugging Face's client hands its bytes to its own HTTP library in a way that the library calls old.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

REPO = "me/ann"


@pytest.fixture(autouse=True)
def login(hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both clients have the token that the hub accepts, and do not wait between tries."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("MODELSCOPE_API_TOKEN", TOKEN)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(time, "sleep", lambda seconds: None)
    modelscope_hub.config.set_default_config(None)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "ann"
    place.mkdir()
    (place / "adapter_model.safetensors").write_bytes(WEIGHTS)
    (place / "persona.json").write_text('{"name": "安"}', encoding="utf-8")
    (place / "README.md").write_text("---\ntags: [offbook]\n---\n\n# 安\n", encoding="utf-8")
    return place


def there(hub: FakeHub) -> dict[str, bytes]:
    return hub.repositories["models", REPO, "main"]


@both
def test_a_folder_arrives_whole_and_only_its_owner_sees_it(scheme: str, hub: FakeHub, folder: Path) -> None:
    page = push_folder(folder, f"{scheme}:{REPO}", kind="ann, adapter")
    assert page.startswith(hub.address)
    assert page.endswith(REPO)
    assert hub.account.repositories == {REPO: True}
    for name in ("adapter_model.safetensors", "persona.json", "README.md"):
        assert there(hub)[name] == (folder / name).read_bytes()
    assert json.loads(there(hub)[MARKER]) == {"pushed": "ann, adapter"}


@both
def test_the_same_character_again_sends_only_what_is_new(scheme: str, hub: FakeHub, folder: Path) -> None:
    push_folder(folder, f"{scheme}:{REPO}", kind="ann, adapter")
    (folder / "README.md").write_text("---\ntags: [offbook]\n---\n\n# Ann\n", encoding="utf-8")
    push_folder(folder, f"{scheme}:{REPO}", kind="ann, adapter")
    assert there(hub)["README.md"].endswith(b"# Ann\n")
    assert len(hub.account.puts) == 1


@both
def test_a_push_that_broke_is_gone_on_with(scheme: str, hub: FakeHub, folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(WEIGHTS[1:])
    hub.account.break_puts = 1000
    with pytest.raises(OffbookError, match=r"the upload to .* failed") as failure:
        push_folder(folder, f"{scheme}:{REPO}", kind="ann, adapter")
    assert failure.value.exit_code == 1
    assert "adapter_model.safetensors" not in there(hub), "half a file is never committed"

    hub.account.break_puts = 0
    push_folder(folder, f"{scheme}:{REPO}", kind="ann, adapter")
    assert there(hub)["adapter_model.safetensors"] == WEIGHTS
    sent = list(hub.account.puts)
    push_folder(folder, f"{scheme}:{REPO}", kind="ann, adapter")
    assert hub.account.puts == sent, "what has arrived is not sent twice"


@both
def test_one_broken_transfer_is_tried_again(scheme: str, hub: FakeHub, folder: Path) -> None:
    hub.account.break_puts = 1
    push_folder(folder, f"{scheme}:{REPO}", kind="ann, adapter")
    assert there(hub)["adapter_model.safetensors"] == WEIGHTS
    assert len(hub.account.puts) == 2


@both
def test_a_repository_of_somebody_else_is_refused(scheme: str, hub: FakeHub, folder: Path) -> None:
    with pytest.raises(UsageError, match="does not let you write you/ann"):
        push_folder(folder, f"{scheme}:you/ann", kind="ann, adapter")


@both
def test_what_is_in_the_way_is_left_alone(scheme: str, hub: FakeHub, folder: Path) -> None:
    hub.account.repositories[REPO] = True
    hub.add(REPO, {"config.json": b"{}", "model.safetensors": b"mine"})
    with pytest.raises(UsageError, match=r"holds something else already: config.json"):
        push_folder(folder, f"{scheme}:{REPO}", kind="ann, adapter")
    assert set(there(hub)) == {"config.json", "model.safetensors"}

    hub.add(REPO, {MARKER: b'{"pushed": "tom, adapter"}'})
    with pytest.raises(UsageError, match=r"holds something else already: tom, adapter"):
        push_folder(folder, f"{scheme}:{REPO}", kind="ann, adapter")
    hub.add(REPO, {MARKER: b"[]", "a.txt": b""})
    with pytest.raises(UsageError, match=r"holds something else already: a.txt"):
        push_folder(folder, f"{scheme}:{REPO}", kind="ann, adapter")
    assert hub.account.puts == []


@both
def test_a_repository_that_all_can_see_is_refused_unless_meant(scheme: str, hub: FakeHub, folder: Path) -> None:
    push_folder(folder, f"{scheme}:{REPO}", kind="ann, adapter", private=False)
    assert hub.account.repositories == {REPO: False}
    with pytest.raises(UsageError, match="can be seen by everybody"):
        push_folder(folder, f"{scheme}:{REPO}", kind="ann, adapter")


@both
def test_a_file_that_the_hub_lost_is_noticed(scheme: str, hub: FakeHub, folder: Path) -> None:
    hub.account.lose.add("persona.json")
    with pytest.raises(OffbookError, match=r"persona.json did not arrive whole"):
        push_folder(folder, f"{scheme}:{REPO}", kind="ann, adapter")


@both
def test_a_wrong_token_is_told_before_anything_is_sent_and_never_shown(
    scheme: str, hub: FakeHub, folder: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    hub.account.token = "another"
    with pytest.raises(UsageError, match="does not accept the token") as failure:
        push_folder(folder, f"{scheme}:{REPO}", kind="ann, adapter")
    captured = capfd.readouterr()
    messages = f"{failure.value}{failure.value.__cause__}{captured.out}{captured.err}{caplog.text}"
    assert TOKEN not in messages
    assert hub.account.repositories == {}


@both
def test_no_token_at_all(scheme: str, hub: FakeHub, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(huggingface_hub.constants, "HF_TOKEN_PATH", str(folder / "none"))
    monkeypatch.setenv("MODELSCOPE_API_TOKEN", "")
    modelscope_hub.config.set_default_config(None)
    with pytest.raises(UsageError, match="no token is stored here"):
        push_folder(folder, f"{scheme}:{REPO}", kind="ann, adapter")


@both
def test_a_hub_that_hangs_up_is_told_without_the_token(scheme: str, hub: FakeHub, folder: Path) -> None:
    hub.down = True
    with pytest.raises(OffbookError) as failure:
        push_folder(folder, f"{scheme}:{REPO}", kind="ann, adapter")
    assert TOKEN not in str(failure.value)


@pytest.mark.parametrize("target", ["ann", "hf:ann", "gh:me/ann", "ms:../ann", "hf:me/ann/more"])
def test_a_name_that_is_none(target: str, folder: Path) -> None:
    with pytest.raises(UsageError, match="is no name of a repository"):
        push_folder(folder, target, kind="ann, adapter")
