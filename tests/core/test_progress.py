"""Events: templates are filled once, the time left follows from the pace of the stage."""

from __future__ import annotations

import json
import pickle
import time

import pytest

from offbook.core import i18n
from offbook.core.errors import OffbookError
from offbook.core.progress import (
    FilledText,
    Message,
    NullReporter,
    Progress,
    ProgressReporter,
    count_text,
    figure_texts,
    fill,
    sources,
    told_again,
)
from offbook.data.extract.document.line import BrokenDocumentError
from tests.recorder import Recorder


def test_the_level_is_the_method_and_fields_fill_the_template() -> None:
    recorder = Recorder()
    recorder.info("{count} rows", count=3)
    recorder.warning("{name} is damaged", name="{count}")
    recorder.stage("no fields, so {braces} stay")
    assert recorder.events == [
        Message("info", "3 rows"),
        Message("warning", "{count} is damaged"),
        Message("stage", "no fields, so {braces} stay"),
    ]


def test_an_event_can_be_told_again_in_another_language() -> None:
    i18n.use_language("zh")
    try:
        recorder = Recorder()
        recorder.warning("{path}: {reason}", path="a.txt", reason=fill("{count} jobs wait already", {"count": 3}))
        recorder.stage("the disk is full")
        events = [json.loads(json.dumps(event.as_dict())) for event in recorder.events if isinstance(event, Message)]
        error = OffbookError("the disk is full", "{advice}", advice=fill("{count} jobs wait already", {"count": 2}))
        again = sources(text=error.what, fix=error.fix)["sources"]
    finally:
        i18n.use_language("en")
    assert events[0]["text"] != "a.txt: 3 jobs wait already"
    texts = [told_again(event["sources"]["text"], event["text"]) for event in events]
    assert texts == ["a.txt: 3 jobs wait already", "the disk is full"]
    assert [told_again(again[name], "") for name in ("text", "fix")] == ["the disk is full", "2 jobs wait already"]
    assert Message("stage", "Loading").as_dict() == {"event": "stage", "text": "Loading"}


def test_a_reason_that_is_an_error_is_told_again_too() -> None:
    reason = BrokenDocumentError("it holds pictures of pages and next to no text (a scan)")
    source = sources(text=fill("{path}: {broken}", {"path": "a.pdf", "broken": reason}))["sources"]["text"]
    with i18n.in_language("zh"):
        assert "a scan" not in told_again(source, "")
    assert told_again(source, "") == "a.pdf: it holds pictures of pages and next to no text (a scan)"


@pytest.mark.parametrize(
    "source",
    [
        None,
        3,
        {},
        {"template": 4},
        {"template": "{a} {b}", "fields": {"a": 1}},
        {"template": "{a.b}", "fields": {"a": 1}},
    ],
)
def test_what_cannot_be_told_again_stays_as_it_was_told(source: object) -> None:
    assert told_again(source, "as it was") == "as it was"


def test_a_filled_text_is_a_text_and_survives_being_sent_to_another_process() -> None:
    text = fill("{count} jobs wait already", {"count": 3})
    assert isinstance(text, FilledText)
    assert text == "3 jobs wait already"
    assert pickle.loads(pickle.dumps(text)).source() == text.source()
    assert fill(text, {}) is text


def test_time_left_is_estimated_within_the_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter([0.0, 10.0, 12.0, 100.0, 101.0])
    monkeypatch.setattr(time, "monotonic", lambda: next(clock))
    recorder = Recorder()
    recorder.progress(4, 10)  # resumed: four steps were done before
    recorder.progress(6, 10)
    recorder.progress(8, 10)
    recorder.stage("another")
    recorder.progress(0, 2, "reply")
    recorder.progress(1, 2, "reply")
    left = [event.seconds_left for event in recorder.events if isinstance(event, Progress)]
    assert left == [None, 20.0, 6.0, None, 1.0]


def test_unknown_numbers_are_absent_from_the_json_object() -> None:
    recorder = Recorder()
    recorder.progress(1, 2, loss=float("nan"), heldout_loss=1.5)
    (event,) = recorder.events
    assert event.as_dict() == {"event": "progress", "done": 1, "total": 2, "unit": "step", "heldout_loss": 1.5}


def test_the_null_reporter_takes_everything() -> None:
    reporter = NullReporter()
    reporter.stage("a")
    reporter.progress(1, 1)


def test_a_task_within_a_stage_passes_on_its_count_alone() -> None:
    recorder = Recorder()
    inside = ProgressReporter(recorder, before=5, total=10)
    inside.stage("not shown")
    inside.progress(3, 5)
    inside.progress(9, 9)
    inside.progress(3, 5, heldout_loss=1.0)
    assert [(event.done, event.total) for event in recorder.events if isinstance(event, Progress)] == [
        (8, 10),
        (10, 10),
    ]
    assert len(recorder.events) == 2


def test_counts_are_for_people() -> None:
    assert count_text(Progress(3, 40)) == "step 3/40"
    assert count_text(Progress(3 * 2**20, 5 * 2**20, "byte")) == "3.0 MiB / 5.0 MiB"
    assert count_text(Progress(1, 2, "song")) == "song 1/2"
    assert figure_texts(Progress(1, 2, loss=2.0, tokens_per_second=1500.0)) == ["loss 2.000", "1,500 tokens/s"]
