"""Chat logs in the form that each app exports them."""

import json

import pytest

from offbook.data import extract
from offbook.data.extract.chat_log import discord, telegram, wechat, whatsapp
from offbook.data.extract.chat_log.json_messages import BLOCK, read_messages
from offbook.data.extract.cue import ParseError
from tests.data.extract.reading import cues, fixture, left, numbered

NOTE = "picture, file or note of the app"


def spoken(read, name):
    return [(cue.line, cue.speaker, cue.text, cue.scene) for cue in cues(read, fixture(name))]


def test_whatsapp_from_an_iphone():
    assert spoken(whatsapp.read, "whatsapp_iphone.txt") == [
        (2, "Mara", "Did you see the storm warning?", "2021-05-12 21:33"),
        (3, "Old Tom", "Saw it. Felt it in my knee first.", "2021-05-12 21:33"),
        (4, "Mara", "Your knee should be on the radio\nit is never wrong", "2021-05-12 21:33"),
        (7, "Old Tom", "That: a proper sky.", "2021-05-12 21:33"),
        (8, "Old Tom", "Morning. Lamp held.", "2021-05-13 08:02"),
        (9, "Mara", "Told you so", "2021-05-13 08:02"),
    ]
    assert left(whatsapp.read, fixture("whatsapp_iphone.txt")) == {NOTE: [1, 6], "deleted message": [10]}


def test_whatsapp_from_android_in_the_usa():
    """Month first, twelve hours: midnight parts no conversation, a long silence does."""
    assert spoken(whatsapp.read, "whatsapp_android.txt") == [
        (3, "Mara", "Did you see the storm warning?", "2021-05-12 21:33"),
        (4, "Old Tom", "Saw it.", "2021-05-12 21:33"),
        (6, "Old Tom", "Still up?", "2021-05-12 21:33"),
        (7, "Mara", "Always.", "2021-05-12 21:33"),
    ]


def test_whatsapp_in_chinese():
    assert [row[1:3] for row in spoken(whatsapp.read, "whatsapp_zh.txt")] == [
        ("阿澈", "风暴预警看到了吗？"),
        ("老汤", "膝盖先知道的。"),
    ]


def test_qq():
    assert spoken(wechat.read, "qq.txt") == [
        (9, "阿澈", "风暴预警看到了吗？", "2021-05-12 21:33"),
        (12, "老汤", "膝盖先知道的。\n不骗你", "2021-05-12 21:33"),
        (22, "老汤", "灯没灭。", "2021-05-13 08:02"),
    ]
    assert left(wechat.read, fixture("qq.txt")) == {NOTE: [16, 19]}


def test_wechat():
    assert [row[:3] for row in spoken(wechat.read, "wechat.txt")] == [
        (1, "阿澈", "在吗"),
        (4, "老汤", "在。\n灯塔这边风大"),
        (13, "阿澈", "小心点"),
        (17, "老汤", "知道了"),
    ]
    assert left(wechat.read, fixture("wechat.txt")) == {NOTE: [8, 11]}


def test_telegram():
    assert spoken(telegram.read, "telegram.json") == [
        (22, "Mara", 'Did you see the "messages": [warning]?', "2021-05-12 21:33"),
        (37, "Old Tom", "Saw it twice, see https://example.com", "2021-05-12 21:33"),
        (82, "Mara", "Lamp held?", "2021-05-13 08:02"),
        (92, "Old Tom", "Lamp held.", "2021-05-13 08:02"),
    ]
    assert left(telegram.read, fixture("telegram.json")) == {NOTE: [6, 58], "forwarded from others": [71]}


def test_discord():
    assert spoken(discord.read, "discord.json") == [
        (45, "Mara", "Did you see the storm warning?", "2021-05-12 21:33"),
        (69, "Old Tom", "Saw it.\nFelt it in my knee.", "2021-05-12 21:33"),
        (117, "Old Tom", "Lamp held.", "2021-05-13 08:03"),
    ]


def test_all_chats_of_an_account_are_read():
    chat = {"name": "x", "messages": [{"type": "message", "from": "A", "text": "hi"}]}
    text = json.dumps({"chats": {"list": [chat, {"name": "empty", "messages": []}, chat]}})
    assert [cue.speaker for cue in cues(telegram.read, numbered(text))] == ["A", "A"]


def test_messages_are_read_through_a_window_that_they_outgrow():
    long = [{"text": "x" * BLOCK * 2}, {"text": "short"}]
    text = json.dumps({"name": "y" * BLOCK, "messages": long}, indent=1)
    assert [(line, len(item["text"])) for line, item in read_messages(numbered(text))] == [(4, BLOCK * 2), (7, 5)]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ('{"messages": [\n{"a": 1},\n{"a": ]}', 3),
        ('{"messages": [\n{"a": 1}', 2),
        ('{"messages": [\n{"a": 1},\n3]}', 3),
        ('{"messages": [\n\n' + "[" * 100000 + "]}", 3),
    ],
)
def test_a_damaged_export_names_the_line(text, line):
    with pytest.raises(ParseError) as damage:
        list(read_messages(numbered(text)))
    assert damage.value.line == line


def test_half_an_emoji_in_a_chat_does_not_stop_the_rows(tmp_path):
    said = [{"type": "message", "from": name, "text": f"hi \ud83d there, {name}"} for name in "ABAB"]
    chat = tmp_path / "result.json"
    chat.write_text(json.dumps({"name": "x", "messages": said}), encoding="utf-8")
    extract.save(extract.extract([chat], "A", format="telegram").rows, tmp_path / "rows.jsonl")
    assert "hi \ufffd there, A" in (tmp_path / "rows.jsonl").read_text(encoding="utf-8")
