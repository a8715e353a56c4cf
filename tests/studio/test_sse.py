"""Streams of events: there are never too many of them, and each ends when it has told everything."""

from __future__ import annotations

import asyncio

import pytest

from offbook.studio import sse
from offbook.studio.sse import EventStreams


def test_the_oldest_stream_makes_room_for_one_too_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "MAX_STREAMS", 3)
    monkeypatch.setattr(sse, "POLL_SECONDS", 0.01)

    async def open_five() -> tuple[list[bool], int, int]:
        streams = EventStreams()
        followed = [streams.follow(lambda: ([b"event"], False)) for _ in range(5)]
        for each in followed:
            assert await anext(each) == b"event"
        goes_on = [await anext(each, b"") == b"event" for each in followed]
        most = len(streams)
        for each in followed:
            await each.aclose()  # type: ignore[attr-defined]
        return goes_on, most, len(streams)

    assert asyncio.run(open_five()) == ([False, False, True, True, True], 3, 0)


def test_a_stream_ends_with_its_last_event_and_keeps_a_silent_listener(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sse, "POLL_SECONDS", 0.01)
    monkeypatch.setattr(sse, "KEEP_ALIVE_SECONDS", 0.02)
    looks = iter([([b"a"], False), ([], False), ([], False), ([b"b", b"c"], True)])

    async def listen() -> list[bytes]:
        return [event async for event in EventStreams().follow(lambda: next(looks))]

    assert asyncio.run(listen()) == [b"a", sse.KEEP_ALIVE, b"b", b"c"]
