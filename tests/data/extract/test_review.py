"""Going through rows by hand: decisions are kept whenever the process ends, and the rows' file stays as it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from offbook.cli.extract import command
from offbook.core.errors import UsageError
from offbook.data.extract.review import Review, replies


def rows_file(folder: Path) -> Path:
    path = folder / "rows.jsonl"
    rows = [
        {
            "messages": [{"role": "user", "content": "Lit?"}, {"role": "assistant", "content": text}],
            "source": {"file": "play.txt", "line": line, "scene": None},
            "confidence": confidence,
        }
        for line, (text, confidence) in enumerate([("Yes", 1.0), ("No", 0.9), ("Maybe", 0.95), ("Yes", 1.0)], 1)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def kept(path: Path) -> list[str]:
    return [replies(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines()]


def test_decisions_outlive_the_process(tmp_path: Path) -> None:
    path = rows_file(tmp_path)
    before = path.read_bytes()
    first = Review(path)
    assert first.pending() == [1, 2, 0, 3], "least sure first"
    first.decide(1, "drop")
    first.decide(2, "edit", "Perhaps")
    again = Review(path)
    assert again.pending() == [0, 3]
    assert kept(again.save()) == ["Yes", "Perhaps", "Yes"]
    assert path.read_bytes() == before


def test_the_last_decision_is_taken_back(tmp_path: Path) -> None:
    path = rows_file(tmp_path)
    review = Review(path)
    assert review.undo() is None
    review.decide(1, "drop")
    review.decide(0, "drop")
    assert Review(path).undo() == 0
    assert Review(path).undo() == 1
    assert kept(Review(path).save()) == ["Yes", "No", "Maybe", "Yes"]


def test_a_decision_that_was_cut_off_by_a_kill_is_asked_again(tmp_path: Path) -> None:
    path = rows_file(tmp_path)
    Review(path).decide(1, "drop")
    journal = tmp_path / "rows.review.jsonl"
    content = journal.read_bytes()
    for stop in range(1, 40):
        journal.write_bytes(content + content[:stop])
        review = Review(path)
        review.decide(2, "drop")
        assert Review(path).pending() == [0, 3]


def test_decisions_hold_for_the_same_rows_of_another_extraction(tmp_path: Path) -> None:
    path = rows_file(tmp_path)
    Review(path).decide(1, "drop")
    lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
    path.write_text("".join(reversed(lines)), encoding="utf-8")
    assert kept(Review(path).save()) == ["Yes", "Maybe", "Yes"]


def test_an_edit_keeps_the_number_of_replies(tmp_path: Path) -> None:
    review = Review(rows_file(tmp_path))
    for text in ("", "Yes\n---\nNo"):
        with pytest.raises(ValueError, match="replies"):
            review.decide(0, "edit", text)
    assert review.pending() == [1, 2, 0, 3]


def test_what_extract_did_not_write_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"instruction": "a", "output": "b"}\n', encoding="utf-8")
    with pytest.raises(UsageError, match="did not write"):
        Review(path)


def test_the_terminal_asks_row_by_row_and_goes_on_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = rows_file(tmp_path)
    monkeypatch.setattr(click, "edit", lambda text: text + " indeed\n")

    def go(keys: str) -> Any:
        return CliRunner().invoke(command, ["--review", str(path)], input=keys)

    shown = go("d?uq")
    assert shown.exit_code == 0
    assert "play.txt:2" in shown.output
    assert "▶ No" in shown.output
    assert "0 kept, 0 changed, 0 dropped, 4 not looked at" in shown.stderr
    assert "3 not looked at" in go("d").stderr, "the end of the input ends the session"
    assert "2 kept, 1 changed, 1 dropped, 0 not looked at" in go("e\nk").stderr
    assert kept(tmp_path / "rows.kept.jsonl") == ["Yes", "Maybe indeed", "Yes"]
