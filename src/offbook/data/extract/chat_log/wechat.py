"""QQ's own "消息记录" as text, and WeChat logs as MemoTrace (留痕) writes them: a line of time and name, then words.

2023-08-08 21:14:05 阿澈(10001)
在吗
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from offbook.data.extract.chat_log.chat import Message, iso_time, to_cues
from offbook.data.extract.cue import Cue, Lines, Skipped

HEADER = re.compile(r"^\ufeff?(\d{4}-\d{2}-\d{2}) (\d{1,2}:\d{2}:\d{2}) (.+)$")
SENDER = re.compile(r"^(?:【[^】]*】)?(.*?)(?:\(\d{4,}\)|<[^<>]+@[^<>]+>)?$")
TOKENS = r"\[(?:图片|表情|表情包|语音|视频|文件|音乐分享|动画表情|闪照|链接)\]"
MEDIA = re.compile(rf"^(?:\s*{TOKENS})+\s*$|^\s*\[链接\]")
QUOTED = re.compile(r"\n引用:.*$", re.DOTALL)
REVOKED = re.compile(r"撤回了一条消息")


def read(lines: Lines) -> Iterator[Cue | Skipped]:
    """The messages of a QQ or WeChat text export."""
    return to_cues(_messages(lines))


def looks_like(sample: list[str]) -> float:
    """How much a text looks like such an export: half of its lines or so begin a message."""
    texts = [line for line in sample if line.strip()]
    return min(1.0, 2.5 * sum(bool(HEADER.match(line)) for line in texts) / len(texts)) if texts else 0.0


def _messages(lines: Lines) -> Iterator[Message]:
    held: tuple[int, re.Match[str], list[str]] | None = None
    for number, line in lines:
        if found := HEADER.match(line):
            if held:
                yield _message(*held)
            held = number, found, []
        elif held:
            held[2].append(line.strip())
    if held:
        yield _message(*held)


def _message(line: int, found: re.Match[str], parts: list[str]) -> Message:
    when = iso_time(f"{found[1]} {found[2].zfill(8)}")
    body = "\n".join(parts).strip()
    if not body or REVOKED.search(body):
        return Message("", f"{found[3]} {body}".strip(), line, when, "picture, file or note of the app")
    sender = SENDER.match(found[3])
    name = (sender[1].strip() if sender else "") or found[3].strip()
    text = re.sub(TOKENS, "", QUOTED.sub("", body)).strip()
    return Message(
        name, text or body, line, when, "picture, file or note of the app" if MEDIA.match(body) or not text else ""
    )
