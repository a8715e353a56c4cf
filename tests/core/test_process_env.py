"""Settings that have to be made before torch is there, and that leave alone what the user has set."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PREPARED = ("OMP_WAIT", "GOMP_", "THP_", "LRU_", "ONEDNN_")
CODE = """
import os, sys
import offbook.cli.main as cli
try:
    cli.main(["completion", "bash"])
except SystemExit:
    pass
names = ["OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "THP_MEM_ALLOC_ENABLE"]
names += ["LRU_CACHE_CAPACITY", "ONEDNN_PRIMITIVE_CACHE_CAPACITY"]
print(*map(os.environ.get, names), "torch" in sys.modules)
"""


@pytest.mark.parametrize(
    ("output", "result"),
    [
        ({}, "PASSIVE 1000 1 64 64 False"),
        ({"GOMP_SPINCOUNT": "7"}, "PASSIVE 7 1 64 64 False"),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE None 1 64 64 False"),
    ],
)
def test_the_command_line_prepares_its_process(output: Any, result: Any) -> None:
    clean = {name: text for name, text in os.environ.items() if not name.startswith(PREPARED)}
    answer = subprocess.run(
        [sys.executable, "-c", CODE], env={**clean, **output}, capture_output=True, text=True, check=True
    )
    assert answer.stdout.splitlines()[-1] == result


def test_20_output_is_utf8_whatever_the_locale_says(tmp_path: Path) -> None:
    script = tmp_path / "script.txt"
    script.write_bytes("甄嬛：一早出来便这么热。\n皇上：朕知道了。\n甄嬛：是。\n".encode("gb18030"))
    code = "import sys; from offbook.cli.main import main; main(sys.argv[1:])"
    old = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    for words in (["extract", "script.txt", "--list"], ["extract", "script.txt", "--list", "--json"]):
        answer = subprocess.run(
            [sys.executable, "-c", code, *words], env={**os.environ, **old}, cwd=tmp_path, capture_output=True
        )
        assert answer.returncode == 0, answer.stderr
        assert "甄嬛" in answer.stdout.decode("utf-8")
