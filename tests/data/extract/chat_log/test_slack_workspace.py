"""A workspace of Slack's, given as a folder or an archive."""

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from offbook.core.errors import UsageError
from offbook.data.extract import ChatOptions, extract, listing
from offbook.data.extract.progress import bytes_of

NIGHT = 1714600000 + 85_800  # 23:36 UTC
FILES: dict[str, Any] = {
    "users.json": [
        {"id": "U1", "name": "mara", "profile": {"display_name": "Mara", "real_name": "Mara Lie"}},
        {"id": "U2", "name": "odd", "profile": {"display_name": "", "real_name": "Odd Berg"}},
        {"id": "U3", "name": "odd.two", "profile": {"display_name": "", "real_name": "Odd Berg"}},
    ],
    "channels.json": [{"id": "C1", "name": "general", "members": ["U1", "U2"]}],
    "dms.json": [{"id": "D1", "created": 1, "members": ["U1", "U2"]}],
}


def message(user: str, text: str, minute: float, **fields: Any) -> dict[str, Any]:
    return {"type": "message", "user": user, "text": text, "ts": f"{NIGHT + 60 * minute:.4f}", **fields}


@pytest.fixture(params=["folder", "archive", "archive with a folder"])
def workspace(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    started = f"{NIGHT + 60:.4f}"
    days = {
        "general/2024-05-01.json": [
            message("U1", "<@U1> has joined", 0, subtype="channel_join"),
            message("U1", "<@U2> is it lit?", 1, thread_ts=started),
            message("U3", "Anybody for tea?", 2),
            message("U2", "Since noon.", 3, thread_ts=started),
            message("U2", "And tended.", 6, thread_ts=started),
            message("U1", "Who locks up?", 20),
        ],
        "general/2024-05-02.json": [message("U2", "I do.", 26)],
        "D1/2024-05-01.json": [message("U1", "Secretly?", 9), message("U2", "Yes.", 10)],
    }
    folder = tmp_path / "acme"
    for name, content in (FILES | days).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(json.dumps(content, indent=1))
    if request.param == "folder":
        return folder
    with zipfile.ZipFile(tmp_path / "acme.zip", "w") as archive:
        for file in folder.rglob("*.json"):
            archive.write(file, file.relative_to(folder if request.param == "archive" else tmp_path))
    return tmp_path / "acme.zip"


def test_each_channel_is_a_chat_and_its_days_are_joined(workspace: Path) -> None:
    made = extract([workspace], "Odd Berg (odd)")
    assert [[message["content"] for message in row["messages"]] for row in made.rows] == [
        ["Secretly?", "Yes."],
        ["Odd Berg (odd.two): Anybody for tea?\nMara: @Odd Berg (odd) is it lit?", "Since noon."],
        ["Mara: @Odd Berg (odd) is it lit?", "And tended."],
        ["Mara: Who locks up?", "I do."],
    ]
    assert [row["source"]["scene"].split(",")[0] for row in made.rows] == ["Mara – Odd Berg (odd)"] + 3 * ["#general"]
    assert made.rows[-1]["source"]["day"].endswith("general/2024-05-02.json")


def test_the_channels_become_conversations(workspace: Path) -> None:
    rows = extract([workspace], "Odd Berg (odd)", chat=ChatOptions(whole_conversations=True)).rows
    assert rows[0]["messages"][-1]["content"] == "Yes."


def test_everybody_is_listed(workspace: Path) -> None:
    listed = listing([workspace])
    assert {each.name: each.lines for each in listed.speakers} == {
        "Odd Berg (odd)": 4,
        "Mara": 3,
        "Odd Berg (odd.two)": 1,
    }
    assert list(listed.formats.values()) == ["slack"]
    assert bytes_of(workspace) > 500


def test_one_channel_of_a_workspace_can_be_given(tmp_path: Path) -> None:
    (tmp_path / "users.json").write_text(json.dumps(FILES["users.json"]))
    channel = tmp_path / "pier"
    channel.mkdir()
    for day, text in enumerate(["Is it lit?", "Is it late?"], 1):
        messages = [message("U1", text, 1440 * day), message("U2", "Yes.", 1440 * day + 1)]
        (channel / f"2024-05-0{day}.json").write_text(json.dumps(messages))
    assert [row["messages"][0]["content"] for row in extract([channel], "Odd Berg (odd)").rows] == [
        "Is it lit?",
        "Is it late?",
    ]


def test_a_damaged_day_is_named(tmp_path: Path) -> None:
    (tmp_path / "users.json").write_text("[]")
    (tmp_path / "pier").mkdir()
    (tmp_path / "pier/2024-05-01.json").write_text('[\n{"type": "message",\n')
    with pytest.raises(UsageError, match=r"pier/2024-05-01\.json:2"):
        extract([tmp_path], "Mara")


def test_any_other_folder_or_archive_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder"):
        listing([tmp_path])
    with zipfile.ZipFile(tmp_path / "photos.zip", "w") as archive:
        archive.writestr("a.jpg", "a")
    with pytest.raises(UsageError, match="zip archive without a text"):
        listing([tmp_path / "photos.zip"])


@pytest.mark.parametrize("named", ["the days", "the days, mixed", "the folder"])
def test_days_of_a_channel_that_are_named_one_by_one_are_one_conversation(named: str, tmp_path: Path) -> None:
    channel = tmp_path / "acme" / "general"
    channel.mkdir(parents=True)
    (tmp_path / "acme" / "users.json").write_text(json.dumps(FILES["users.json"]))
    days = [channel / "2024-05-01.json", channel / "2024-05-02.json", channel / "2024-05-03.json"]
    days[0].write_text(json.dumps([message("U1", "Who locks up?", 20)], indent=1))
    days[1].write_text(json.dumps([message("U2", "I do.", 26), message("U1", "<@U2> the key?", 27)], indent=1))
    days[2].write_text(json.dumps([message("U2", "Here.", 28)], indent=1))
    paths = {"the days": days[:2], "the days, mixed": [days[1], days[0]], "the folder": [channel]}[named]
    made = extract(paths, "Odd Berg (odd)")
    expected = [["Who locks up?", "I do."], ["@Odd Berg (odd) the key?", "Here."]]
    rows = [[message["content"] for message in row["messages"]] for row in made.rows]
    assert rows == (expected if named == "the folder" else expected[:1])
    assert made.rows[0]["source"]["day"] == "2024-05-02.json"
    assert set(made.summary.formats.values()) == {"slack"}
    assert len(made.summary.formats) == len(paths)
