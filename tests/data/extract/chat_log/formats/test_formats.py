"""Exports of each app as whole files: who says what, on which line, in which conversation."""

import json
from pathlib import Path
from typing import Any

import pytest

from offbook.data import extract
from offbook.data.extract.chat_log.formats import CHAT_FORMATS, discord, qq, telegram, wechat, whatsapp
from offbook.data.extract.chat_log.message import Content
from offbook.data.extract.chat_log.turns import to_cues
from offbook.data.extract.cue import Cue, Skipped
from tests.data.extract.reading import fixture

MEDIA, NOTE = Content.MEDIA.value, Content.NOTE.value


def spoken(read: Any, name: str) -> Any:
    items = to_cues(read(fixture(name)))
    return [(cue.line, cue.speaker, cue.text, cue.scene) for cue in items if isinstance(cue, Cue)]


def left(read: Any, name: str) -> Any:
    reasons: dict[str, list[int]] = {}
    for item in to_cues(read(fixture(name))):
        if isinstance(item, Skipped):
            reasons.setdefault(item.reason, []).append(item.line)
    return reasons


def test_whatsapp_from_an_iphone() -> None:
    assert spoken(whatsapp.read, "whatsapp_iphone.txt") == [
        (2, "Mara", "Did you see the storm warning?", "2021-05-12 21:33"),
        (3, "Old Tom", "Saw it. Felt it in my knee first.", "2021-05-12 21:33"),
        (4, "Mara", "Your knee should be on the radio\nit is never wrong", "2021-05-12 21:33"),
        (7, "Old Tom", "That: a proper sky.", "2021-05-12 21:36"),
        (8, "Old Tom", "Morning. Lamp held.", "2021-05-13 08:02"),
        (9, "Mara", "Told you so", "2021-05-13 08:02"),
    ]
    assert left(whatsapp.read, "whatsapp_iphone.txt") == {NOTE: [1], MEDIA: [6], "deleted message": [10]}


def test_whatsapp_from_android_in_the_usa() -> None:
    """Month first, twelve hours: what follows another's picture begins a conversation."""
    assert spoken(whatsapp.read, "whatsapp_android.txt") == [
        (3, "Mara", "Did you see the storm warning?", "2021-05-12 21:33"),
        (4, "Old Tom", "Saw it.", "2021-05-12 21:33"),
        (6, "Old Tom", "Still up?", "2021-05-13 00:05"),
        (7, "Mara", "Always.", "2021-05-13 00:05"),
    ]


def test_whatsapp_in_chinese() -> None:
    assert [row[1:3] for row in spoken(whatsapp.read, "whatsapp_zh.txt")] == [
        ("阿澈", "风暴预警看到了吗？"),
        ("老汤", "膝盖先知道的。"),
    ]


def test_qq() -> None:
    assert spoken(qq.read, "qq.txt") == [
        (9, "阿澈", "风暴预警看到了吗？", "2021-05-12 21:33"),
        (12, "老汤", "膝盖先知道的。\n不骗你", "2021-05-12 21:33"),
        (22, "老汤", "灯没灭。", "2021-05-13 08:02"),
    ]
    assert left(qq.read, "qq.txt") == {MEDIA: [16], "deleted message": [19]}


def test_wechat() -> None:
    assert [row[:3] for row in spoken(wechat.read, "wechat.txt")] == [
        (1, "阿澈", "在吗"),
        (4, "老汤", "在。\n灯塔这边风大"),
        (13, "阿澈", "小心点"),
        (17, "老汤", "知道了"),
    ]
    assert left(wechat.read, "wechat.txt") == {MEDIA: [8], NOTE: [11]}


def test_telegram() -> None:
    assert spoken(telegram.read, "telegram.json") == [
        (22, "Mara", 'Did you see the "messages": [warning]?', "Lighthouse, 2021-05-12 21:33"),
        (37, "Old Tom", "Saw it twice, see https://example.com", "Lighthouse, 2021-05-12 21:33"),
        (82, "Mara", "Lamp held?", "Lighthouse, 2021-05-13 08:02"),
        (92, "Old Tom", "Lamp held.", "Lighthouse, 2021-05-13 08:02"),
    ]
    assert left(telegram.read, "telegram.json") == {NOTE: [6], MEDIA: [58], "forwarded from others": [71]}


def test_discord() -> None:
    assert spoken(discord.read, "discord.json") == [
        (45, "Mara", "Did you see the storm warning?", "2021-05-12 21:33"),
        (69, "Old Tom", "Saw it.\nFelt it in my knee.", "2021-05-12 21:33"),
        (117, "Old Tom", "Lamp held.", "2021-05-13 08:03"),
    ]


def test_half_an_emoji_in_a_chat_does_not_stop_the_rows(tmp_path: Path) -> None:
    items = [{"type": "message", "from": name, "text": f"hi \ud83d there, {name}"} for name in "ABAB"]
    chat = tmp_path / "result.json"
    chat.write_text(json.dumps({"name": "x", "messages": items}), encoding="utf-8")
    extract.save(extract.extract([chat], "A", format="telegram").rows, tmp_path / "rows.jsonl")
    assert "hi \ufffd there, A" in (tmp_path / "rows.jsonl").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", CHAT_FORMATS)
def test_every_format_says_what_it_is(name: str) -> None:
    chat = CHAT_FORMATS[name]
    assert chat.name == name
    assert chat.description
    assert chat.is_json or chat.is_text
    assert chat.looks_like(["Nothing", "is said here."]) == 0
