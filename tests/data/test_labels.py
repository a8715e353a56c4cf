"""Names before replies, which are written and not said."""

import json
from pathlib import Path

import pytest

from offbook.core.errors import UsageError
from offbook.data.loading import ReadingOptions, load


def rows(path: Path, replies: list[str]) -> Path:
    lines = [json.dumps({"prompt": f"Lit on day {day}?", "reply": reply}) for day, reply in enumerate(replies)]
    path.write_text("\n".join(lines))
    return path


def test_a_name_before_every_reply_is_not_learned_without_a_word(tmp_path: Path) -> None:
    path = rows(tmp_path / "a.jsonl", ["Mara: Since four.", "Mara: Since five.", "Mara: Not yet."])
    with pytest.raises(UsageError, match="all others begin with 'Mara:'") as error:
        load([path])
    assert "--persona.name" in str(error.value)
    loaded = load([path], options=ReadingOptions(character="Mara"))
    assert loaded.conversations[2].turns[-1].text == "Not yet."


def test_a_colon_in_some_replies_is_no_name(tmp_path: Path) -> None:
    replies = ["Mind this: it smokes.", "Mind this: it is hot.", "Not yet."]
    loaded = load([rows(tmp_path / "a.jsonl", replies)])
    assert [row.turns[-1].text for row in loaded.conversations] == replies
