"""Texts: what is dropped stays as it was, and who speaks in it is found by a job."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from offbook.studio.context import Studio
from tests.conftest import ROWS
from tests.studio.conftest import PLAY, Client


def test_an_upload_never_overwrites(client: Client, studio: Studio) -> None:
    first, second = client.upload("play.txt", b"ANN: Hi."), client.upload("play.txt", b"ANN: Ho.")
    assert (first["name"], second["name"]) == ("play.txt", "play (2).txt")
    assert (studio.workspace.sources / "play.txt").read_bytes() == b"ANN: Hi."
    assert [entry["name"] for entry in client.get("/api/sources")] == ["play (2).txt", "play.txt"]


@pytest.mark.parametrize("name", ["..", "", " . ", "..."])
def test_names_that_are_no_names_are_refused(client: Client, studio: Studio, name: str) -> None:
    client.upload(name, b"text", 400)
    assert studio.workspace.list_sources() == []


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("Who goes there?.txt", "Who goes there_.txt"),
        ('chat "Nora": 1|2.txt', "chat _Nora__ 1_2.txt"),
        ("../a.txt", "_a.txt"),
        (".hidden", "hidden"),
        ("a\u0000b", "a_b"),
        ("a\u202etxt.exe", "a_txt.exe"),
        ("con", "con_"),
        ("nul.txt", "nul_.txt"),
        ("长" * 80 + ".txt", "长" * 48 + ".txt"),
        ("and so on. " + "x" * 200, "and so on. " + "x" * 139),
    ],
)
def test_a_text_is_kept_under_the_nearest_name(client: Client, studio: Studio, name: str, kept: str) -> None:
    assert client.upload(name, b"text")["name"] == kept
    client.upload(name, b"another text")
    first, second = sorted(studio.workspace.list_sources(), key=lambda path: "(2)" in path.name)
    assert first.parent == second.parent == studio.workspace.sources
    for path in (first, second):
        assert studio.workspace.source(path.name) == path, "it is found by that name"


def test_a_name_has_one_form(client: Client) -> None:
    assert client.upload("Ame\u0301lie.txt", b"x")["name"] == "Am\u00e9lie.txt"


def test_a_link_out_of_the_workspace_is_refused(client: Client, studio: Studio) -> None:
    (studio.workspace.root.parent / "secret.txt").write_text("secret")
    studio.workspace.sources.mkdir()
    (studio.workspace.sources / "link.txt").symlink_to(studio.workspace.root.parent / "secret.txt")
    assert client.get("/api/sources") == []
    for path in ("/api/sources/link.txt", "/api/sources/link.txt/lines", "/api/sources/..%2F..%2Fsecret.txt"):
        assert client.http.get(path).status_code in (400, 404)


def test_who_speaks_is_found_by_a_job_and_kept(client: Client, studio: Studio) -> None:
    client.upload("play.txt", PLAY.encode())
    job = client.get("/api/sources/play.txt", 202)["job"]
    client.wait(job)
    listing = client.get("/api/sources/play.txt")
    assert [(each["name"], each["lines"]) for each in listing["speakers"]] == [("ANN", 3), ("BOB", 3)]
    assert listing["format"] == "screenplay"
    assert "Is the stove lit?" in listing["speakers"][0]["samples"]
    assert len(studio.queue.list()) == 1
    assert listing["command"].endswith("offbook extract sources/play.txt --list --json")


ODD_TABLE = "wer,was,gesendet am\n" + "".join(
    f"{name},Is the stove lit? ({minute}),2021-05-01 10:{minute}\n"
    for minute in range(10, 13)
    for name in ("Tom", "Ann")
)


def test_a_table_of_odd_names_is_read_once_its_columns_are_told(client: Client) -> None:
    client.upload("odd.csv", ODD_TABLE.encode())
    client.wait(client.get("/api/sources/odd.csv", 202)["job"], "failed")
    unread = client.get("/api/sources/odd.csv")
    assert "--" not in unread["error"]["fix"]
    assert [(each["key"], each["samples"][0]) for each in unread["columns"]] == [
        ("wer", "Tom"),
        ("was", "Is the stove lit? (10)"),
        ("gesendet am", "2021-05-01 10:10"),
    ]
    columns = "sender=wer,text=was"
    address = f"/api/sources/odd.csv?format=table&columns={columns}"
    client.wait(client.get(address, 202)["job"])
    listing = client.get(address)
    assert {each["name"]: each["lines"] for each in listing["speakers"]} == {"Tom": 3, "Ann": 3}
    assert "--columns" in listing["command"]
    new = {"source": "odd.csv", "role": "Ann", "format": "table", "columns": columns}
    client.wait(client.post("/api/characters", new)["job"])
    assert client.get("/api/characters/Ann/rows")["total"] == 3
    client.wait(client.post("/api/characters", {**new, "role": "Tom"})["job"])
    left = client.get("/api/characters/Tom")["left_out"]
    assert [(each["reason"], each["count"]) for each in left] == [("opens a conversation, answers nobody", 1)]
    assert "Is the stove lit?" in left[0]["examples"][0]


ODD_ROWS = [{"ask": f"Is the stove lit? ({number})", "say": f"Since {number}.", "n": number} for number in range(9)]


@pytest.mark.parametrize("kind", ["csv", "json", "jsonl"])
def test_rows_of_odd_names_become_a_character_s_once_their_columns_are_told(client: Client, kind: str) -> None:
    name = f"odd.{kind}"
    lines = [json.dumps(each) for each in ODD_ROWS]
    texts = {"json": json.dumps(ODD_ROWS), "jsonl": "\n".join(lines)}
    texts["csv"] = "\n".join(["ask,say,n", *(f"{each['ask']},{each['say']},{each['n']}" for each in ODD_ROWS)])
    client.upload(name, texts[kind].encode())
    client.wait(client.get(f"/api/sources/{name}", 202)["job"], "failed")
    unread = client.get(f"/api/sources/{name}")
    assert unread["error"]["fix"].startswith("Say below which column")
    assert [(each["key"], each["samples"][1]) for each in unread["columns"]] == [
        ("ask", "Is the stove lit? (1)"),
        ("say", "Since 1."),
        ("n", "1"),
    ]
    wrong = client.get(f"/api/sources/{name}?format=rows&columns=prompt=ask,reply=answer")
    assert wrong["speakers"] == []
    assert wrong["error"]["message"]
    columns = "prompt=ask,reply=say"
    listing = client.get(f"/api/sources/{name}?format=rows&columns={columns}")
    assert [(each["name"], each["lines"]) for each in listing["speakers"]] == [("odd", 9)]
    made = client.post("/api/characters", {"source": name, "role": "odd", "format": "rows", "columns": columns}, 201)
    rows = client.get(f"/api/characters/{made['name']}/rows")["rows"]
    assert (rows[0]["prompt"], rows[0]["reply"]) == ("Is the stove lit? (0)", "Since 0.")


def test_messages_as_objects_are_read_once_their_keys_are_told(client: Client) -> None:
    messages = [{"wer": name, "was": f"It is {at}."} for at in range(8, 12) for name in ("Tom", "Ann")]
    client.upload("odd.json", json.dumps(messages).encode())
    client.wait(client.get("/api/sources/odd.json", 202)["job"], "failed")
    assert [each["key"] for each in client.get("/api/sources/odd.json")["columns"]] == ["wer", "was"]
    address = "/api/sources/odd.json?format=table&columns=sender=wer,text=was"
    client.wait(client.get(address, 202)["job"])
    assert {each["name"] for each in client.get(address)["speakers"]} == {"Tom", "Ann"}


def test_rows_that_a_table_loses_are_counted(client: Client) -> None:
    rows = [{"instruction": "Is it lit?", "output": "Since four."}, {"instruction": "Why?", "output": ""}]
    client.upload("rows.jsonl", "\n".join(map(json.dumps, rows)).encode())
    listing = client.get("/api/sources/rows.jsonl?format=rows")
    assert listing["speakers"][0]["lines"] == 1
    assert listing["notes"][0].startswith("1 rows cannot be read")


def test_texts_are_read_together(client: Client, studio: Studio) -> None:
    studio.queue.stop()
    for name in ("one.txt", "two.txt"):
        client.upload(name, PLAY.encode())
    first = client.get("/api/sources/one.txt?also=two.txt", 202)["job"]
    assert first["command"].endswith("offbook extract sources/one.txt sources/two.txt --list --json")
    assert client.get("/api/sources/one.txt", 202)["job"]["id"] != first["id"], "one alone is another question"
    made = client.post("/api/characters", {"source": "one.txt", "also": ["two.txt"], "role": "ANN"}, 201)
    assert "extract sources/one.txt sources/two.txt --role ANN" in made["command"]
    client.post("/api/characters", {"source": "one.txt", "also": ["../two.txt"], "role": "BOB"}, 400)


def test_a_text_in_which_nobody_speaks_says_so(client: Client) -> None:
    client.upload("prose.txt", b"It rained.\n")
    client.wait(client.get("/api/sources/prose.txt", 202)["job"], "failed")
    listing = client.get("/api/sources/prose.txt")
    assert listing["speakers"] == []
    assert "nobody" in listing["error"]["message"]
    assert "--format" not in listing["error"]["fix"], "the page has a list for that"
    titles = {each["name"]: each["title"] for each in listing["formats"]}
    assert {"novel", "play", "whatsapp"} <= titles.keys()
    assert titles["sms"] == "text messages of SMS Backup & Restore (XML)"


def test_a_text_is_read_as_what_the_reader_says(client: Client, studio: Studio) -> None:
    client.upload("play.txt", PLAY.encode())
    client.wait(client.get("/api/sources/play.txt?format=play", 202)["job"])
    assert client.get("/api/sources/play.txt?format=play")["format"] == "play"
    studio.queue.stop()
    made = client.post("/api/characters", {"source": "play.txt", "role": "ANN", "format": "play"}, 201)
    assert "--format play" in made["command"]


def test_what_is_wrong_with_a_text_is_said_in_the_reader_s_language(client: Client) -> None:
    client.upload("empty.txt", b"")
    client.wait(client.get("/api/sources/empty.txt", 202)["job"], "failed")
    assert client.get("/api/sources/empty.txt")["error"]["message"] == "sources/empty.txt is empty"
    client.http.headers["Accept-Language"] = "zh"
    client.wait(client.get("/api/sources/empty.txt", 202)["job"], "failed")
    assert client.get("/api/sources/empty.txt")["error"]["message"] == "sources/empty.txt 是空的"


def test_lines_of_a_text_come_in_windows(client: Client) -> None:
    client.upload("play.txt", PLAY.encode())
    assert client.get("/api/sources/play.txt/lines?offset=2&limit=1")["lines"] == [
        [3, "BOB: Since four, and it smokes."]
    ]


def test_a_text_is_deleted(client: Client) -> None:
    client.upload("play.txt", PLAY.encode())
    assert client.delete("/api/sources/play.txt")["command"] == "rm sources/play.txt"
    assert client.get("/api/sources") == []


def test_a_table_of_rows_becomes_a_character_as_it_is(client: Client, rows: Path) -> None:
    client.upload("hamlet.json", rows.read_bytes())
    client.wait(client.get("/api/sources/hamlet.json", 202)["job"], "failed")
    listing = client.get("/api/sources/hamlet.json")
    assert (listing["format"], listing["speakers"][0]["lines"]) == ("rows", len(ROWS))
    made = client.post("/api/characters", {"source": "hamlet.json", "role": "Hamlet"}, 201)
    assert made["job"] is None
    shown = client.get("/api/characters/Hamlet/rows")
    assert shown["total"] == len(ROWS)
    assert shown["rows"][1]["prompt"] == ROWS[1]["instruction"]
    assert shown["rows"][1]["source_place"] == "sources/hamlet.json:2"


def test_the_characters_of_a_table_are_told_apart(client: Client) -> None:
    client.upload("wharf.csv", b"character,prompt,reply\nMara,Lit?,Since four.\nBen,Cold?,No.\nMara,Oil?,Half a can.\n")
    client.wait(client.get("/api/sources/wharf.csv", 202)["job"], "failed")
    speakers = client.get("/api/sources/wharf.csv")["speakers"]
    assert [(speaker["name"], speaker["lines"]) for speaker in speakers] == [("Mara", 2), ("Ben", 1)]
    client.post("/api/characters", {"source": "wharf.csv", "role": "Mara"}, 201)
    shown = client.get("/api/characters/Mara/rows")
    assert [row["prompt"] for row in shown["rows"]] == ["Lit?", "Oil?"]
    client.post("/api/characters", {"source": "wharf.csv", "role": "Orla"}, 400)
    assert client.get("/api/characters") == ["Mara"]
