"""Settings that have to be made before torch is there, and that leave alone what the user has set."""

import os
import subprocess
import sys

import pytest

CODE = """
import os, sys
import offbook.cli.main as cli
try:
    cli.main(["completion", "bash"])
except SystemExit:
    pass
print(os.environ["OMP_WAIT_POLICY"], os.environ["THP_MEM_ALLOC_ENABLE"], "torch" in sys.modules)
"""


@pytest.mark.parametrize(
    ("told", "found"), [({}, "PASSIVE 1 False"), ({"OMP_WAIT_POLICY": "ACTIVE"}, "ACTIVE 1 False")]
)
def test_the_command_line_prepares_its_process(told, found):
    clean = {name: text for name, text in os.environ.items() if not name.startswith(("OMP_WAIT", "THP_"))}
    answer = subprocess.run(
        [sys.executable, "-c", CODE], env={**clean, **told}, capture_output=True, text=True, check=True
    )
    assert answer.stdout.splitlines()[-1] == found
