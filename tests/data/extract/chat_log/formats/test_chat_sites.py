"""Talks with models and characters as their sites and programs keep them."""

import json
from pathlib import Path
from typing import Any

import pytest

from offbook.core.errors import UsageError
from offbook.data.extract.chat_log.formats import backyard, claude_code, deepseek, gemini, grok, jan, janitor
from offbook.data.extract.chat_log.message import MessageReader
from offbook.data.extract.formats import choose
from tests.data.extract.chat_log.chats import parsed, times

TALK = [("user", "Lit?"), ("assistant", "Since four."), ("user", "And oil?"), ("assistant", "Half a can.")]


def recognized(folder: Path, text: str, suffix: str = ".json") -> str:
    """The format that a file with this text is recognized as."""
    path = folder / f"export{suffix}"
    path.write_text(text, encoding="utf-8")
    return choose(path, "auto")


def event(role: str, content: Any, **more: Any) -> str:
    message = {"role": role, "content": content}
    more = {"timestamp": "2025-05-12T21:30:00.000Z", **more}
    return json.dumps({"parentUuid": None, "type": role, "message": message, "sessionId": "s", **more})


SESSION = "\n".join(
    [
        json.dumps({"type": "summary", "summary": "Lamp", "leafUuid": "b"}),
        event("user", "Lit?<system-reminder>Be brief.</system-reminder>"),
        event("assistant", [{"type": "thinking", "thinking": "Hm"}, {"type": "text", "text": "Since four."}]),
        event("assistant", [{"type": "tool_use", "id": "t", "name": "Bash", "input": {}}]),
        event("user", [{"type": "tool_result", "tool_use_id": "t", "content": "oil"}]),
        event("user", "<command-name>/clear</command-name>"),
        event("user", "A helper's task", isSidechain=True),
        event("user", [{"type": "text", "text": "And oil?"}]),
        event("assistant", [{"type": "text", "text": "Half a can."}]),
    ]
)


def of_codex(role: str, text: str) -> str:
    pieces = [{"type": "input_text" if role == "user" else "output_text", "text": text}]
    payload = {"type": "message", "role": role, "content": pieces}
    return json.dumps({"timestamp": "2025-05-12T21:30:00Z", "type": "response_item", "payload": payload})


ROLLOUT = "\n".join(
    [
        json.dumps({"timestamp": "2025-05-12T21:30:00Z", "type": "session_meta", "payload": {"id": "s"}}),
        of_codex("user", "<environment_context>home</environment_context>"),
        *(of_codex(role, text) for role, text in TALK),
        json.dumps({"type": "event_msg", "payload": {"type": "agent_message", "message": "Half a can."}}),
    ]
)


@pytest.mark.parametrize("text", [SESSION, ROLLOUT], ids=["claude", "codex"])
def test_a_session_is_what_was_said_without_tools_and_what_the_program_writes(tmp_path: Path, text: str) -> None:
    assert recognized(tmp_path, text, ".jsonl") == "claude_code"
    assert parsed(claude_code.read, text) == TALK


def activity(title: str, minute: int, answer: str = "") -> dict[str, Any]:
    more = {"safeHtmlItem": [{"html": answer}]} if answer else {}
    return {"header": "Gemini Apps", "title": title, "time": f"2025-05-12T21:3{minute}:00.000Z", **more}


CELL = (
    '<div class="outer-cell"><div class="header-cell"><p class="mdl-typography--title">Gemini Apps<br></p></div>'
    '<div class="content-cell mdl-cell mdl-typography--body-1">{}</div>'
    '<div class="content-cell mdl-cell mdl-typography--body-1 mdl-typography--text-right"></div></div>'
)


def test_gemini_s_activity_is_read_from_its_oldest_prompt_on(tmp_path: Path) -> None:
    items = [
        activity("Prompted And oil?", 2, "<p>Half a <b>can</b>.</p>"),
        activity("Created a canvas", 1),
        activity("Prompted Lit?", 0, "<p>Since four.</p>"),
    ]
    page = "<html><body>" + "".join(
        CELL.format(text)
        for text in (
            "Prompted&nbsp;And oil?<br>Attached 1 file.<br>May 12, 2025, 9:32:00\u202fPM GMT<br><p>Half a can.</p>",
            "Created&nbsp;a canvas<br>May 12, 2025, 9:31:00\u202fPM GMT<br>",
            "Gav instruktionen&nbsp;Lit?<br>12 maj 2025 21:30:00 CEST<br><p>Since four.</p>",
        )
    )
    for text, suffix in ((json.dumps(items), ".json"), (page, ".html")):
        assert recognized(tmp_path, text, suffix) == "gemini"
        assert parsed(gemini.read, text) == TALK
        assert times(gemini.read, text)[0] == "2025-05-12 21:30"


def test_the_verb_before_gemini_s_prompts_is_what_all_titles_begin_with() -> None:
    titles = ["Fråga: Lit?", "Fråga: And oil?", "Fråga: Anna?"]
    items = [activity(title, number, "<p>Yes.</p>") for number, title in enumerate(titles)]
    assert [text for sender, text in parsed(gemini.read, json.dumps(items)) if sender == "user"] == [
        "Lit?", "And oil?", "Anna?",
    ]  # fmt: skip


def test_other_activity_of_google_s_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Google's list of what you did"):
        recognized(tmp_path, json.dumps([{"header": "Search", "title": "Searched for a lamp", "time": "2025-05-12"}]))


def of_deepseek(number: int, parent: int | None, role: str, text: str) -> dict[str, Any]:
    more = {"thinking_content": "Hm", "inserted_at": 1747085400 + number}
    return {"message_id": number, "parent_id": parent, "role": role.upper(), "content": text, **more}


DEEPSEEK = [
    of_deepseek(1, None, *TALK[0]), of_deepseek(2, 1, "assistant", "No."), of_deepseek(3, 1, *TALK[1]),
    of_deepseek(4, 3, *TALK[2]), of_deepseek(5, 4, *TALK[3]),
]  # fmt: skip
SITES = [
    (deepseek.read, "deepseek", {"data": {"biz_data": {"chat_messages": DEEPSEEK}}}, TALK),
    (
        deepseek.read,
        "deepseek",
        {"items": [{"role": role, "content": text, "created_at": "2025-05-12T21:30:00Z"} for role, text in TALK]},
        TALK,
    ),
    (
        backyard.read,
        "backyard",
        {"version": 2, "chat": {"ChatItems": [{"input": "Lit?", "output": "Since four.", "createdAt": 1747085400000}]}},
        [("User", "Lit?"), ("Character", "Since four.")],
    ),
    (
        janitor.read,
        "janitor",
        {
            "character": {"id": "c", "name": "Mara", "description": "A keeper"},
            "chatMessages": [
                {
                    "id": 3,
                    "is_bot": True,
                    "is_main": True,
                    "message": "Since four.",
                    "created_at": "2025-05-12T21:32:00",
                },
                {"id": 2, "is_bot": True, "is_main": False, "message": "No.", "created_at": "2025-05-12T21:31:00"},
                {"id": 1, "is_bot": False, "is_main": True, "message": "Lit?", "created_at": "2025-05-12T21:30:00"},
            ],
        },
        [("User", "Lit?"), ("Mara", "Since four.")],
    ),
]


SITES += [
    (
        grok.read,
        "grok",
        {
            "conversations": [
                {
                    "conversation": {"id": "c"},
                    "responses": [
                        {
                            "response": {
                                "message": text,
                                "sender": "human" if role == "user" else "ASSISTANT",
                                "create_time": {"$date": {"$numberLong": "1747085400000"}},
                            }
                        }
                        for role, text in TALK
                    ],
                }
            ]
        },
        TALK,
    ),
    (
        jan.read,
        "jan",
        [
            {"id": str(at), "chatId": "c", "role": role, "content": text, "createdAt": "2025-05-12T21:30:00Z"}
            for at, (role, text) in enumerate(TALK)
        ],
        TALK,
    ),
]
NAMES = ["deepseek", "kimi", "backyard", "janitor", "grok", "le_chat"]


@pytest.mark.parametrize(("read", "format", "value", "talk"), SITES, ids=NAMES)
def test_a_site_s_chat(
    read: MessageReader, format: str, value: Any, talk: list[tuple[str, str]], tmp_path: Path
) -> None:
    text = json.dumps(value)
    assert recognized(tmp_path, text) == format
    assert parsed(read, text) == talk
