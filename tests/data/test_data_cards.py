"""What a data set's README names for training is what is read of its folder."""

import json
from pathlib import Path

import pytest

from offbook.core.errors import UsageError
from offbook.data.sources import data_files

ROW = json.dumps({"prompt": "Lit?", "reply": "Since four."})
ONE = "configs:\n- config_name: all\n  data_files:\n"
TWO = "configs:\n- config_name: en\n  data_files: en/*.jsonl\n- config_name: zh\n  data_files: zh/*.jsonl\n"


def folder(place: Path, card: str) -> Path:
    for name in ("README.md", "en/lines.jsonl", "en/other.jsonl", "zh/lines.jsonl"):
        path = place / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"---\nlicense: mit\n{card}---\n# Lines\n" if name == "README.md" else ROW)
    return place


ALL = ["en/lines.jsonl", "en/other.jsonl", "zh/lines.jsonl"]


@pytest.mark.parametrize(
    ("card", "read"),
    [
        (f"{ONE}  - split: train\n    path: en/lines.jsonl\n  - split: test\n    path: zh/*\n", ALL[:1]),
        (f"{ONE}  - split: train\n    path: ['en/other.jsonl', zh/**]\n", ALL[1:]),
        ("configs:\n- data_files: ./en\n", ALL[:2]),
        (TWO.replace("- config_name: zh", "- config_name: zh\n  default: true"), ALL[2:]),
        (f"{ONE}    train: zh/*.jsonl\n    test: en/*.jsonl\n", ALL[2:]),
        (f"{ONE}  - {{split: train, path: gone.bin}}\n", ALL),
        ("tags: [x]\n", ALL),
        ("tags: [x\n", ALL),
    ],
)
def test_what_is_named_for_training_is_read(tmp_path: Path, card: str, read: list[str]) -> None:
    files = data_files(folder(tmp_path, card))
    assert [file.relative_to(tmp_path).as_posix() for file in files] == read


def test_of_several_sets_one_has_to_be_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"describes several sets of rows \(en, zh\), and none as the default"):
        data_files(folder(tmp_path, TWO))
