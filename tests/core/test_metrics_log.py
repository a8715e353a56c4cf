"""metrics.jsonl: durable, and continued without gaps or doubles."""

import json
from pathlib import Path

from offbook.core.metrics_log import MetricsLog, best_step, points, read, stalled


def test_lines_are_on_disk_when_the_call_returns(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path / "metrics.jsonl")
    for step in range(3):
        log({"step": step, "loss": 1.5})
        assert [line["step"] for line in read(log.path)] == list(range(step + 1))


def test_a_resumed_log_drops_what_came_after_the_checkpoint_and_mends_a_torn_line(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    log = MetricsLog(path)
    for step in (0, 10, 20, 30):
        log({"step": step, "loss": float(step)})
    with path.open("a") as file:
        file.write('{"step": 40, "lo')
    assert [line["step"] for line in read(path)] == [0, 10, 20, 30]
    log = MetricsLog(path, log.lines[:3])
    log({"step": 30, "loss": 3.0})
    assert read(path) == [{"step": s, "loss": float(v)} for s, v in ((0, 0), (10, 10), (20, 20), (30, 3))]


def test_a_new_log_starts_empty(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    MetricsLog(path)({"step": 0})
    MetricsLog(path)
    assert path.read_text() == ""


def test_values_that_json_does_not_know_are_null(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path / "m.jsonl")
    log({"step": 1, "loss": float("nan"), "grad_norm": float("inf")})
    assert json.loads(log.path.read_text()) == {"step": 1, "loss": None, "grad_norm": None}


def test_the_best_step_is_the_earliest_of_the_lowest() -> None:
    lines = [
        {"step": 0, "heldout_loss": 4.5},
        {"step": 5, "loss": 4.4},
        {"step": 10, "heldout_loss": 4.1},
        {"step": 20, "heldout_loss": 4.1},
        {"step": 30, "heldout_loss": 4.3, "loss": 3.0},
    ]
    assert best_step(lines) == 10
    assert best_step(lines[:1]) is None, "before its first step it is the base model"
    assert points([{"step": 1, "loss": float("nan")}, {"step": 2, "loss": float("inf")}], "loss") == []
    assert best_step([{"step": 1, "loss": 2.0}]) is None
    assert points(lines, "loss") == [(5, 4.4), (30, 3.0)]
    assert stalled(lines, patience=2)
    assert not stalled(lines, patience=3)
    assert not stalled(lines[:3], patience=1)


def test_numbers_beyond_every_step_and_loss_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    huge = "9" * 400
    lines = [f'{{"step": 0, "heldout_loss": {huge}}}', f'{{"step": {huge}, "heldout_loss": 1}}', '{"step": -1}']
    path.write_text("\n".join([*lines, '{"step": 2, "heldout_loss": 3}']))
    assert points(read(path), "heldout_loss") == [(2, 3)]
