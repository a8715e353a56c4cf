"""metrics.jsonl: durable, and continued without gaps or doubles."""

import json

from offbook.core.metrics_log import MetricsLog, read
from offbook.tracking.loss_plot import draw_loss


def test_lines_are_on_disk_when_the_call_returns(tmp_path):
    log = MetricsLog(tmp_path / "metrics.jsonl")
    for step in range(3):
        log({"step": step, "loss": 1.5})
        assert [line["step"] for line in read(log.path)] == list(range(step + 1))


def test_a_resumed_log_drops_what_came_after_the_checkpoint_and_mends_a_torn_line(tmp_path):
    path = tmp_path / "metrics.jsonl"
    log = MetricsLog(path)
    for step in (0, 10, 20, 30):
        log({"step": step, "loss": float(step)})
    with path.open("a") as file:
        file.write('{"step": 40, "lo')
    assert [line["step"] for line in read(path)] == [0, 10, 20, 30]
    log = MetricsLog(path, resume_step=20)
    log({"step": 30, "loss": 3.0})
    assert read(path) == [{"step": s, "loss": float(v)} for s, v in ((0, 0), (10, 10), (20, 20), (30, 3))]


def test_a_new_log_starts_empty(tmp_path):
    path = tmp_path / "metrics.jsonl"
    MetricsLog(path)({"step": 0})
    MetricsLog(path)
    assert path.read_text() == ""


def test_values_that_json_does_not_know_are_null(tmp_path):
    log = MetricsLog(tmp_path / "m.jsonl")
    log({"step": 1, "loss": float("nan"), "grad_norm": float("inf")})
    assert json.loads(log.path.read_text()) == {"step": 1, "loss": None, "grad_norm": None}


def test_the_picture_shows_both_curves(tmp_path):
    lines = [{"step": 0, "heldout_loss": 4.0}, {"step": 1, "loss": 3.9}, {"step": 5, "loss": 3.0, "heldout_loss": 3.1}]
    draw_loss(lines, tmp_path / "both.png", "甄嬛")
    draw_loss([{"step": 0}], tmp_path / "none.png", "empty")
    both, none = (tmp_path / "both.png").read_bytes(), (tmp_path / "none.png").read_bytes()
    assert both.startswith(b"\x89PNG")
    assert len(both) > len(none) > 1000
