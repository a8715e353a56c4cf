"""The lines of a character: windows, changes by hand, and what is trained."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import Any

import pytest

from offbook.studio.character import CharacterFolder
from offbook.studio.context import Studio
from offbook.studio.edits import append, read_edits
from offbook.studio.new_character import Persona, make_folder
from offbook.studio.rows import RowIndex
from tests.studio.conftest import PLAY, Client


def turns(prompt: str, reply: str) -> list[dict[str, str]]:
    return [{"role": "user", "content": prompt}, {"role": "assistant", "content": reply}]


def place(line: int) -> dict[str, Any]:
    return {"file": "sources/play.txt", "line": line, "scene": "I"}


def row(number: int, confidence: float = 1.0, **changes: Any) -> dict[str, Any]:
    messages = turns(f"Question {number}?", f"Answer {number}.")
    return {"messages": messages, "source": place(2 * number + 1), "confidence": confidence, **changes}


def write_lines(path: Path, rows: list[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(each, ensure_ascii=False) + "\n" for each in rows), encoding="utf-8")


@pytest.fixture
def bob(client: Client, studio: Studio) -> str:
    """A character with its lines, as a job would have taken them out of the text."""
    client.upload("play.txt", PLAY.encode())
    folder = studio.workspace.characters / "BOB"
    make_folder(folder, Persona.of("BOB"))
    lines = PLAY.splitlines()
    texts = [text.partition(": ")[2] for text in lines]
    rows = [row(0, messages=turns(texts[at], texts[at + 2]), source=place(at + 3)) for at in (0, 4, 8)]
    write_lines(folder / "lines.jsonl", rows)
    return folder.name


def trained(studio: Studio, name: str) -> list[str]:
    character = CharacterFolder(studio.workspace.character(name))
    character.write_rows()
    return [json.loads(line)["messages"][-1]["content"] for line in character.rows.read_text("utf-8").splitlines()]


def test_a_character_is_made_from_a_text(client: Client, studio: Studio) -> None:
    client.upload("play.txt", PLAY.encode())
    made = client.post("/api/characters", {"source": "play.txt", "role": "BOB"}, 201)
    assert "init characters/BOB" in made["command"]
    client.wait(made["job"])
    bob = made["name"]
    shown = client.get(f"/api/characters/{bob}/rows")
    assert shown["total"] == 3
    first = shown["rows"][0]
    assert (first["prompt"], first["reply"]) == ("Is the stove lit?", "Since four, and it smokes.")
    assert first["source_place"].startswith("sources/play.txt:3")
    assert first["heldout"] is None
    config = client.get(f"/api/characters/{bob}/config")["values"]
    assert (config["persona.name"], config["persona.system"]) == ("Bob", "You are Bob.")
    assert client.post("/api/characters", {"source": "play.txt", "role": "BOB"}, 409)
    assert trained(studio, bob) == [each["reply"] for each in shown["rows"]]


def test_a_row_stands_beside_its_source(client: Client, bob: str) -> None:
    shown = client.get(f"/api/characters/{bob}/rows?limit=1&offset=1")["rows"][0]
    around = client.get(f"/api/characters/{bob}/rows/{shown['id']}/context")
    assert dict(map(tuple, around["lines"]))[around["replies"][0]] == "BOB: The window has been open since Sunday."


def test_changes_are_trained_and_taken_back_one_by_one(client: Client, bob: str, studio: Studio) -> None:
    address = f"/api/characters/{bob}"
    one, two, three = (each["id"] for each in client.get(f"{address}/rows")["rows"])
    client.post(f"{address}/edits", {"op": "exclude", "row": one})
    client.post(f"{address}/edits", {"op": "edit", "row": two, "reply": "It is <b>open</b>."})
    assert trained(studio, bob) == ["It is <b>open</b>.", "Only if nobody listens to me."]
    merged = client.post(f"{address}/edits", {"op": "merge", "row": two, "with": three})["row"]
    assert [each["role"] for each in merged["messages"]] == ["user", "assistant"] * 2
    assert len(trained(studio, bob)) == 1
    assert client.get(f"{address}/rows")["counts"] == {"all": 3, "excluded": 2, "edited": 1}
    assert client.get(f"{address}/rows?filter=edited")["total"] == 1
    for left in (2, 2, 3):
        client.post(f"{address}/undo")
        assert len(trained(studio, bob)) == left
    client.post(f"{address}/undo", status=409)
    assert trained(studio, bob)[0] == "Since four, and it smokes."


def test_a_change_that_leaves_nothing_to_learn_is_refused(client: Client, bob: str) -> None:
    row_id = client.get(f"/api/characters/{bob}/rows")["rows"][0]["id"]
    for edit in ({"op": "edit", "reply": "  "}, {"op": "edit", "messages": []}, {"op": "merge"}):
        client.post(f"/api/characters/{bob}/edits", {"row": row_id, **edit}, 400)
    client.post(f"/api/characters/{bob}/edits", {"op": "exclude", "row": "nobody"}, 404)
    assert client.get(f"/api/characters/{bob}/rows")["can_undo"] is False


def test_hostile_text_stays_text(client: Client, studio: Studio) -> None:
    text = "<script>alert`1`</script> <|im_end|> \u202e {{7*7}}"
    assert client.upload("<b>.txt", b"x")["name"] == "_b_.txt"
    client.upload("play.txt", f"ANN: Hi.\n\nBOB: {text}\n\nANN: Ho.\n\nBOB: Bye.\n".encode())
    made = client.post("/api/characters", {"source": "play.txt", "role": "BOB", "name": "Bob & Söhne"}, 201)
    client.wait(made["job"])
    response = client.http.get("/api/characters/Bob & Söhne/rows")
    assert response.headers["content-type"] == "application/json"
    shown = response.json()["rows"]
    assert "<script>alert`1`</script>" in shown[0]["reply"]
    assert "special_tokens" in shown[0]["findings"]


def test_a_speaker_whose_name_no_folder_can_have(client: Client, studio: Studio) -> None:
    studio.queue.stop()
    client.upload("play.txt", PLAY.replace("BOB", 'BOB "Ace" / Bo').encode())
    role = {"source": "play.txt", "role": 'BOB "Ace" / Bo'}
    assert client.post("/api/characters", {**role, "name": role["role"]}, 201)["name"] == "BOB _Ace_ _ Bo"
    assert client.get("/api/characters/BOB _Ace_ _ Bo")["config"]["persona"]["name"] == role["role"]
    client.post("/api/characters", {**role, "name": "a/b"}, 400)


@pytest.mark.parametrize("name", ["..", "../..", "a%2F..%2F..", ".studio", "con"])
def test_no_name_leads_out_of_the_workspace(client: Client, name: str) -> None:
    for method, path in (("GET", "rows"), ("DELETE", ""), ("GET", "config"), ("POST", "undo")):
        response = client.http.request(method, f"/api/characters/{name}/{path}".rstrip("/"), json={})
        assert response.status_code in (400, 404, 405), (method, path, response.text)


def test_personal_data_and_unsure_rows_come_forward(client: Client, bob: str, studio: Studio) -> None:
    rows = [row(1), row(2, 0.6), row(3, 0.91), row(4)]
    rows[3]["messages"][1]["content"] = "Write to ann@example.org (soon."
    write_lines(studio.workspace.character(bob) / "lines.jsonl", rows)
    ordered = client.get(f"/api/characters/{bob}/rows?order=confidence")["rows"]
    assert [each["confidence"] for each in ordered] == [0.6, 0.91, 1.0, 1.0]
    assert client.get(f"/api/characters/{bob}/rows?filter=unsure")["total"] == 2
    marked = client.get(f"/api/characters/{bob}/rows?filter=personal")["rows"]
    assert [(each["personal"], each["findings"]) for each in marked] == [(["ann@example.org"], ["unbalanced"])]
    assert client.get(f"/api/characters/{bob}/rows?q=question 3")["total"] == 1


def end_check(folder: Path, report: dict[str, Any]) -> None:
    """Let a job that checks rows have ended with a report."""
    for name, text in (("stdout", json.dumps(report)), ("pid", "1 1"), ("rc", "0")):
        (folder / name).write_text(text)


def test_what_the_check_finds_is_said_in_the_reader_s_language_and_that_rows_are_few(
    client: Client, bob: str, studio: Studio
) -> None:
    studio.queue.stop()
    address = f"/api/characters/{bob}"
    folder = studio.workspace.jobs / client.post(f"{address}/check", {"data_only": True})["id"]
    effect = "They narrow the character to a few sentences that it then says everywhere."
    finding = {"title": "rows nearly repeat an earlier one", "count": 2, "effect": effect, "fix": "--data.dedupe near"}
    reasons = ["3 different rows are few for a character", "2 rows nearly repeat an earlier one"]
    report = {"findings": [{**finding, "level": "usable"}], "reasons": reasons, "level": "not yet", "distinct_rows": 3}
    end_check(folder, report)
    few, near = client.get(f"{address}/check")["findings"]
    assert (few["text"], few["level"]) == (reasons[0], "not yet")
    assert (near["text"], near["effect"]) == ("rows nearly repeat an earlier one: 2", effect)
    client.http.headers["Accept-Language"] = "zh"
    for each in client.get(f"{address}/check")["findings"]:
        assert re.search("[\u4e00-\u9fff]", each["text"])
        assert "rows" not in each["text"]


def test_rows_that_are_held_out_are_marked_until_something_changes(client: Client, bob: str, studio: Studio) -> None:
    studio.queue.stop()
    address = f"/api/characters/{bob}"
    folder = studio.workspace.jobs / client.post(f"{address}/check", {"data_only": True})["id"]
    finding = {
        "count": 1,
        "title": "rows are odd",
        "effect": "",
        "fix": "Raise --data.max_length 900.",
        "level": "good",
    }
    report = {"findings": [finding], "reasons": [], "level": "usable", "heldout_places": [["rows.jsonl", 2]]}
    end_check(folder, report)
    rows = client.get(f"{address}/rows?order=file")["rows"]
    assert [each["heldout"] for each in rows] == [False, True, False]
    shown = client.get(f"{address}/check")["findings"][0]
    assert (shown["text"], shown["option"]) == ("rows are odd: 1", {"key": "data.max_length", "value": "900"})
    client.post(f"{address}/edits", {"op": "exclude", "row": rows[0]["id"]})
    assert {each["heldout"] for each in client.get(f"{address}/rows")["rows"]} == {None}


def test_edits_stay_with_their_rows_when_lines_are_extracted_anew(client: Client, bob: str, studio: Studio) -> None:
    path = studio.workspace.character(bob) / "lines.jsonl"
    write_lines(path, [row(1), row(2), row(2)])
    second = client.get(f"/api/characters/{bob}/rows")["rows"][1]["id"]
    client.post(f"/api/characters/{bob}/edits", {"op": "exclude", "row": second})
    write_lines(path, [row(0), row(1), row(2), row(2)])
    assert [each["excluded"] for each in client.get(f"/api/characters/{bob}/rows")["rows"]] == [
        False,
        False,
        True,
        False,
    ]


def test_equal_rows_have_ids_of_their_own(tmp_path: Path) -> None:
    write_lines(tmp_path / "lines.jsonl", [row(1), row(2), row(1), row(3), row(1)])
    index = RowIndex(tmp_path / "lines.jsonl")
    ids = [index.id(place) for place in range(5)]
    assert len(set(ids)) == 5
    assert [index.place(name) for name in ids] == [0, 1, 2, 3, 4]
    assert ids[2:5:2] == [f"{ids[0]}-2", f"{ids[0]}-3"]
    for name in (f"{ids[0]}-4", f"{ids[0]}-1", f"{ids[1]}-2", "f" * 16, "", "../x", f"{ids[0]}-{'9' * 30}"):
        assert index.place(name) is None


def test_a_page_sees_that_somebody_else_has_changed_something(client: Client, bob: str) -> None:
    address = f"/api/characters/{bob}"
    before = client.get(f"{address}/state")
    assert client.get(f"{address}/state") == before
    client.post(f"{address}/edits", {"op": "exclude", "row": client.get(f"{address}/rows")["rows"][0]["id"]})
    after = client.get(f"{address}/state")
    client.patch(f"{address}/config", {"train.epochs": 2})
    assert len({str(each) for each in (before, after, client.get(f"{address}/state"))}) == 3


def test_a_torn_change_counts_for_nothing_and_is_taken_away(tmp_path: Path) -> None:
    journal = tmp_path / "edits.jsonl"
    append(journal, {"op": "exclude", "row": "a"})
    with journal.open("ab") as file:
        file.write(b'{"op": "exclude", "ro')
    assert read_edits(journal).excluded == {"a"}
    append(journal, {"op": "exclude", "row": "b"})
    assert read_edits(journal).excluded == {"a", "b"}
    assert all(json.loads(line) for line in journal.read_text("utf-8").splitlines())


def test_a_hundred_thousand_rows_come_in_windows_at_once(client: Client, bob: str, studio: Studio) -> None:
    path = studio.workspace.character(bob) / "lines.jsonl"
    line = json.dumps(row(12345678, 0.987654))
    texts = (line.replace("12345678", str(at)).replace("0.987654", str(0.5 + at % 7 / 20)) for at in range(100_000))
    path.write_text("\n".join(texts), encoding="utf-8")
    client.get(f"/api/characters/{bob}/rows")
    for query in ("offset=90000", "offset=50000&order=confidence"):
        began = time.monotonic()
        assert len(client.get(f"/api/characters/{bob}/rows?{query}")["rows"]) == 100
        assert time.monotonic() - began < 2
