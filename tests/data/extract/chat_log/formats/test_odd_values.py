"""Exports whose fields hold what they never should: every format reads on, or says where it cannot."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from offbook.data.extract.chat_log.formats import CHAT_FORMATS
from offbook.data.extract.chat_log.message import Message
from offbook.data.extract.chat_log.turns import to_cues
from offbook.data.extract.cue import Cue, ParseError, Skipped

FIELDS = """
type from from_id actor action text date id reply_to_message_id media_type photo forwarded_from name author content
timestamp reference mentions attachments stickers nickname messageId sender_name senderName timestamp_ms is_unsent
call_duration photos user ts thread_ts subtype files user_profile real_name body sender quote mes is_user is_system
send_date turns msgs src is_human candidates raw_content candidate_id primary_candidate_id create_time accountName
groupNickname platformMessageId replyToMessageId elements data recalled system uid type_name is_sender talker msg
room_name CreateTime senderDisplayName createTime localId time _type chatlab meta members
displayName originalarrivaltime messagetype conversationid creator created_date topic_id message_id message_state
quoted_message_metadata attached_files origin_server_ts event_id state_key msgtype m.relates_to m.in_reply_to
"""
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["message", "Default", "RichText", "m.room.message", "m.room.member"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS.split()), inner, max_size=4),
    max_leaves=12,
)
ITEMS = st.dictionaries(st.sampled_from(FIELDS.split()), VALUES, max_size=9)


def check(name: str, lines: Any) -> None:
    try:
        messages = list(CHAT_FORMATS[name].read(lines))
    except ParseError as damage:
        assert damage.line >= 1
        assert damage.why
        return
    for message in messages:
        assert isinstance(message, Message)
        assert isinstance(message.sender, str)
        assert isinstance(message.text, str)
        assert 1 <= message.line <= len(lines)
    assert all(isinstance(item, Cue | Skipped) for item in to_cues(messages))


@pytest.mark.parametrize("name", [name for name, chat in CHAT_FORMATS.items() if chat.is_json])
@settings(max_examples=80)
@given(
    items=st.lists(ITEMS, max_size=4),
    key=st.sampled_from(["messages", "turns", "msgs", "MessageList", "message", "actions", "internal"]),
)
def test_json_of_any_values(name: str, items: Any, key: str) -> None:
    for text in (json.dumps({key: items}, indent=1), json.dumps(items), "\n".join(map(json.dumps, items))):
        check(name, list(enumerate(text.split("\n"), 1)))


@pytest.mark.parametrize("name", ["table", "wechat", "discord", "kakaotalk"])
@pytest.mark.parametrize(
    "header",
    [
        "time,sender,text",
        "localId,Type,SubType,IsSender,CreateTime,StrContent,StrTime",
        "type_name,is_sender,talker,msg,CreateTime",
        "AuthorID,Author,Date,Content",
        "Date,User,Message",
    ],
)
@settings(max_examples=40)
@given(rows=st.lists(st.lists(st.text(st.sampled_from('0159ab," \n-:/²中\u200e'), max_size=6), max_size=6), max_size=4))
def test_tables_of_any_cells(name: str, header: str, rows: Any) -> None:
    text = "\n".join([header, *(",".join(cells) for cells in rows)])
    check(name, list(enumerate(text.split("\n"), 1)))
