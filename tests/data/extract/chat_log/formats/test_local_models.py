"""The talks that programs for local models keep: LM Studio, Jan."""

import json
from typing import Any

from offbook.data.extract.chat_log.formats import CHAT_FORMATS
from offbook.data.extract.chat_log.message import Content
from tests.data.extract.chat_log.chats import contents, parsed, times

SPEECH = [("user", "Is the lamp lit?"), ("assistant", "Since four.\nIt stays lit.")]


def texts(*values: str) -> list[dict[str, Any]]:
    return [{"type": "text", "text": value} for value in values]


def block(*values: str, **fields: Any) -> dict[str, Any]:
    return {"type": "contentBlock", "content": texts(*values), **fields}


def test_of_lm_studio_s_versions_the_selected_one_is_read_without_what_the_model_thinks() -> None:
    thinking = block("Hm.", style={"type": "thinking", "ended": True})
    steps = [thinking, block("Since four.", "It stays lit."), {"type": "debugInfoBlock", "debugInfo": "x"}]
    conversation = {
        "name": "Mara",
        "messages": [
            {"versions": [{"type": "singleStep", "role": "user", "content": texts("Is the lamp lit?")}]},
            {
                "versions": [
                    {"type": "multiStep", "role": "assistant", "steps": [block("No idea.")]},
                    {"type": "multiStep", "role": "assistant", "steps": steps},
                    {"type": "multiStep", "role": "assistant", "steps": [block("Go away.")]},
                ],
                "currentlySelected": 1,
            },
            {
                "versions": [{"role": "user", "content": [{"type": "file"}]}],
                "currentlySelected": 0,
            },
            {"versions": [], "currentlySelected": 0},
        ],
    }
    chat = CHAT_FORMATS["lmstudio"]
    for indent in (None, 2):
        text = json.dumps(conversation, indent=indent)
        assert chat.looks_like(text.split("\n")) == 1
        assert parsed(chat.read, text) == SPEECH
        assert contents(chat.read, text)[2:] == [Content.MEDIA, Content.NOTE]


def test_jan_s_thread_is_read_as_lines_and_as_a_list() -> None:
    spoken = [*SPEECH, ("system", "You are Mara.")]
    messages = [
        {
            "object": "thread.message",
            "thread_id": "jan_1",
            "role": role,
            "content": [{"type": "text", "text": {"value": text, "annotations": []}}],
            "created_at": 1620855000000 + 60000 * at,
        }
        for at, (role, text) in enumerate(spoken)
    ]
    chat = CHAT_FORMATS["jan"]
    for written in ("\n".join(map(json.dumps, messages)), json.dumps(messages)):
        assert chat.looks_like(written.split("\n")) == 1
        assert parsed(chat.read, written) == SPEECH
        assert times(chat.read, written)[:2] == ["2021-05-12 21:30", "2021-05-12 21:31"]
