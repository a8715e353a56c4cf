"""DiscordChatExporter's JSON, CSV and text."""

import json
from typing import Any

import pytest

from offbook.data.extract.chat_log.formats.discord import looks_like, read
from offbook.data.extract.chat_log.message import Content
from tests.data.extract.chat_log.chats import contents, parsed, times
from tests.data.extract.reading import numbered

TEXT = """==============================================================
Guild: Coast
Channel: Text / lamp
==============================================================

[12-May-21 09:30 PM] mara
Is it lit?

[12-May-21 09:31 PM] tom (pinned)
Since four.
Look.

{Reactions}
👍 (2)

[12-May-21 09:32 PM] mara

{Attachments}
https://cdn.example.com/a.png

[12-May-21 09:33 PM] tom

{Stickers}
https://cdn.example.com/s.png

==============================================================
Exported 4 message(s)
==============================================================
"""
TABLE = """AuthorID,Author,Date,Content,Attachments,Reactions
"1","mara","2021-05-12T21:30:00.0000000+02:00","Is it lit?","",""
"2","tom","2021-05-12T21:31:00.0000000+02:00","Since four.
Look.","","👍 (2)"
"1","mara","2021-05-12T21:32:00.0000000+02:00","","https://cdn.example.com/a.png",""
"""


def test_text() -> None:
    assert parsed(read, TEXT) == [("mara", "Is it lit?"), ("tom", "Since four.\nLook.")]
    assert contents(read, TEXT)[2:] == [Content.MEDIA, Content.STICKER]
    assert times(read, TEXT)[1] == "2021-05-12 21:31"
    assert looks_like(TEXT.split("\n")) == 1


def test_table() -> None:
    assert parsed(read, TABLE) == [("mara", "Is it lit?"), ("tom", "Since four.\nLook.")]
    assert contents(read, TABLE)[2] is Content.MEDIA
    assert times(read, TABLE)[0] == "2021-05-12 21:30"
    assert looks_like(TABLE.split("\n")) == 1


def test_discord_s_own_notes_are_no_texts() -> None:
    row = '"1","mara","2021-05-12T21:33:00.0000000+02:00","{}","",""\n'
    notes = ["Pinned a message.", "Added tom to the group.", "Started a call that lasted 3 minutes.", "I pinned it."]
    expected = [Content.NOTE, Content.NOTE, Content.CALL, Content.TEXT]
    assert contents(read, TABLE + "".join(map(row.format, notes)))[3:] == expected
    text = TEXT.replace("Is it lit?", "Joined the server.")
    assert contents(read, text)[:2] == [Content.NOTE, Content.TEXT]


def test_json_says_whom_a_message_answers_and_addresses() -> None:
    item: dict[str, Any] = {
        "id": "2",
        "type": "Reply",
        "content": "yes",
        "author": {"name": "tom"},
        "reference": {"messageId": "1"},
    }
    item["mentions"] = [{"name": "mara", "nickname": "Mara"}]
    (message,) = read(numbered(json.dumps({"guild": {}, "channel": {}, "messages": [item]})))
    assert (message.reply_to, message.mentions, message.id) == ("1", ("Mara",), "2")


@pytest.mark.parametrize("time", ["12 May 2021 21:30", "2021/05/12 21:30", "12.05.2021 21:30", "5/12/2021, 9:30 PM"])
def test_the_time_in_any_language_s_form(time: str) -> None:
    log = f"{'=' * 62}\nGuild: Coast\n{'=' * 62}\n\n[{time}] mara\nLit?\n\n[{time}] tom\nYes."
    assert parsed(read, log) == [("mara", "Lit?"), ("tom", "Yes.")]
    assert looks_like(log.split("\n")) == 1


def test_a_piece_without_its_head_is_recognized() -> None:
    lines = ["[5/12/2021 9:30 PM] Mara", "Lit?", "[5/12/2021 9:31 PM] Tom", "Since four."]
    assert looks_like(lines) == 0.9
    assert looks_like(["[5/12/2021 9:30 PM] Mara: Lit?", "[5/12/2021 9:31 PM] Tom: Yes"]) == 0


def test_the_month_stands_first_in_a_day_s_text_whose_times_are_american() -> None:
    text = "[5/12/2021 9:30 PM] mara\nIs it lit?\n\n[5/12/2021 9:31 PM] tom\nSince four.\n"
    assert times(read, text) == ["2021-05-12 21:30", "2021-05-12 21:31"]
