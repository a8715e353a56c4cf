"""The logs of front ends for role-play: Agnai, text-generation-webui, KoboldAI, RisuAI."""

import json
from pathlib import Path
from typing import Any

import pytest

from offbook.core.errors import UsageError
from offbook.data.extract import extract, listing
from offbook.data.extract.chat_log.formats import CHAT_FORMATS
from tests.data.extract.chat_log.chats import times

TALK = [("Odd", "Is it lit?"), ("Mara", "Since four.\nI lit it."), ("Odd", "And oil?"), ("Mara", "Half.")]
ROWS = [["Is it lit?", "Since four.\nI lit it."], ["And oil?", "Half."]]


def rows(path: Path, value: Any, role: str, indent: int | None = None) -> list[list[str]]:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value, indent=indent), encoding="utf-8")
    return [[message["content"] for message in row["messages"]] for row in extract([path], role).rows]


def format_of(path: Path) -> list[str]:
    return list(listing([path]).formats.values())


def agnai(named: bool) -> dict[str, Any]:
    messages: list[dict[str, Any]] = [
        {
            "_id": str(at),
            "createdAt": f"2024-05-01T21:3{at}:00.000Z",
            "extras": [],
            **({"userId": "u1"} if name == "Odd" else {"characterId": "imported"}),
            **({"handle": name, "name": name} if named else {}),
            "msg": text,
        }
        for at, (name, text) in enumerate(TALK)
    ]
    messages.insert(2, {"_id": "x", "userId": "u1", "msg": "brb", "ooc": True})
    return {"name": "Exported", "greeting": "", "sampleChat": "", "scenario": "A lighthouse.", "messages": messages}


@pytest.mark.parametrize(("named", "role"), [(True, "Mara"), (False, "Character")])
def test_agnai(tmp_path: Path, named: bool, role: str) -> None:
    path = tmp_path / "chat-1a2b.json"
    assert rows(path, agnai(named), role, indent=2) == ROWS
    assert format_of(path) == ["agnai"]


PAIRS = [["<|BEGIN-VISIBLE-CHAT|>", "Welcome."], [TALK[0][1], TALK[1][1]], [TALK[2][1], TALK[3][1]]]
SHOWN = [["", "Welcome."], ["Is it lit?", "Since four.<br>I lit it."], ["And oil?", "Half."]]


@pytest.mark.parametrize(
    ("name", "role"),
    [("Mara/20240501-21-30-42.json", "Mara"), ("Mara_20230501-213042.json", "Mara"), ("saved.json", "AI")],
)
@pytest.mark.parametrize("indent", [None, 4])
def test_text_generation_webui(tmp_path: Path, name: str, role: str, indent: int | None) -> None:
    metadata = {"user_1": {"timestamp": "May 01, 2024 21:30"}, "assistant_1": {"timestamp": "May 01, 2024 21:31"}}
    history = {"internal": PAIRS, "visible": SHOWN, "metadata": metadata}
    assert rows(tmp_path / name, history, role, indent) == ROWS
    assert format_of(tmp_path / name) == ["oobabooga"]


def test_text_generation_webui_of_old(tmp_path: Path) -> None:
    path = tmp_path / "Mara_persistent.json"
    assert rows(path, {"data": PAIRS, "data_visible": SHOWN}, "Mara", indent=2) == ROWS
    assert [row["source"]["line"] for row in extract([path], "Mara").rows] == [9, 13]


SAVE = {"gamestarted": True, "memory": "", "authorsnote": "", "anotetemplate": "", "worldinfo": []}
CHAT = ["\nMara:", " Since four.\nI lit it.\nOdd: And oil?\n", "Mara: Half."]
INSTRUCT = [
    "### Instruction:\nIs it lit?\n### Response:\n",
    "Since four.\nI lit it.",
    "\n### Instruction:\nAnd oil?\n### Response:\n",
    "Half.",
]


@pytest.mark.parametrize(
    ("save", "role"),
    [
        (
            {
                "prompt": "Odd: Is it lit?",
                "actions": CHAT,
                "savedsettings": {"chatname": "Odd", "chatopponent": "Mara"},
            },
            "Mara",
        ),
        ({"prompt": "A pier.\nYou: Is it lit?", "actions": [each.replace("Odd", "You") for each in CHAT]}, "Mara"),
        ({"prompt": INSTRUCT[0], "actions": INSTRUCT[1:]}, "KoboldAI"),
        ({"prompt": INSTRUCT[0], "actions": INSTRUCT[1:], "savedsettings": {"chatopponent": "Mara||$||Zoë"}}, "Mara"),
        (
            {
                "prompt": "",
                "actions": [
                    "{{[INPUT]}}Is it lit?{{[OUTPUT]}}",
                    "Since four.\nI lit it.[<|p|12|p|>]",
                    "{{[INPUT]}}And oil?{{[OUTPUT]}}",
                    "Half.",
                ],
            },
            "KoboldAI",
        ),
        (
            {
                "prompt": "You: Is it lit?",
                "actions": {
                    "action_count": 1,
                    "actions": {
                        "0": {"Selected Text": "\nMara: Since four.\nI lit it."},
                        "1": {"Selected Text": "\nYou: And oil?\nMara: Half."},
                    },
                },
            },
            "Mara",
        ),
    ],
)
def test_koboldai(tmp_path: Path, save: dict[str, Any], role: str) -> None:
    path = tmp_path / "saved_story.json"
    assert rows(path, SAVE | save, role) == ROWS
    assert format_of(path) == ["koboldai"]


def test_a_koboldai_story_has_no_speakers(tmp_path: Path) -> None:
    path = tmp_path / "saved_story.json"
    story = {
        "prompt": "The lamp was lit.",
        "actions": [" It was four. Note: nobody knew.\n\n> You go in\n\n", "It is warm."],
    }
    with pytest.raises(UsageError, match="story in which no names"):
        rows(path, SAVE | story, "Mara")


def risu(messages: list[dict[str, Any]]) -> dict[str, Any]:
    return {"message": messages, "note": "", "name": "New Chat 1", "localLore": [], "fmIndex": -1}


RISU = [{"role": "char" if name == "Mara" else "user", "data": text, "time": 1714600000000} for name, text in TALK]


def test_risuai(tmp_path: Path) -> None:
    path = tmp_path / "Mara_2024-05-01T213042123Z_chat.json"
    assert rows(path, {"type": "risuChat", "ver": 2, "data": risu(RISU), "folders": []}, "Mara") == ROWS
    assert format_of(path) == ["risuai"]
    assert rows(tmp_path / "chat.json", {"type": "risuChat", "ver": 1, "data": risu(RISU)}, "Character") == ROWS


def test_all_chats_of_risuai_are_parted(tmp_path: Path) -> None:
    chats = {"type": "risuAllChats", "ver": 2, "data": [risu(RISU[:3]), risu(RISU[3:]), risu(RISU[2:])]}
    assert rows(tmp_path / "Mara_2024-05-01T213042123Z_all_chats.json", chats, "Mara") == ROWS


def test_a_group_of_risuai_has_numbers_for_names(tmp_path: Path) -> None:
    group = [{**item, "saying": f"id{at}"} if item["role"] == "char" else item for at, item in enumerate(RISU)]
    path = tmp_path / "chat.json"
    assert rows(path, {"type": "risuChat", "ver": 2, "data": risu(group)}, "id3") == [
        ["User: Is it lit?\nid1: Since four.\nI lit it.\nUser: And oil?", "Half."]
    ]


def test_character_ai_s_page_is_read_without_the_badge_below_the_character_s_name(tmp_path: Path) -> None:
    copy = "".join(
        f"{name}\nc.ai\n\n{text}\n\n" if name == "Mara" else f"{name}\n\n{text}\n\n" for name, text in [TALK[1], *TALK]
    )
    path = tmp_path / "a.txt"
    path.write_text(copy, encoding="utf-8")
    assert format_of(path) == ["characterai"]
    messages = [row["messages"] for row in extract([path], "Mara").rows]
    assert [[message["content"] for message in listed] for listed in messages] == ROWS


@pytest.mark.parametrize("time", ["2021-5-12 @21h 30m 05s 100ms", "2021-05-12@21h30m05s", "May 12, 2021 9:30pm"])
def test_sillytavern_s_times_in_all_its_forms(time: str) -> None:
    line = json.dumps({"name": "Mara", "is_user": False, "send_date": time, "mes": "Hm?"})
    assert times(CHAT_FORMATS["sillytavern"].read, line) == ["2021-05-12 21:30"]
