"""The served OpenAPI description, tried by schemathesis: whatever it makes up, the server does not fail."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.server.conftest import serving


@pytest.mark.torture
def test_nothing_that_the_description_allows_or_forbids_makes_it_fail(tmp_path: Path) -> None:
    tool = Path(sys.executable).with_name("schemathesis")
    if not tool.exists():
        pytest.skip("schemathesis is not installed")
    with serving(slots=4) as served:
        done = subprocess.run(
            [tool, "run", f"{served.address}/openapi.json", "--checks", "not_a_server_error", "--mode", "all",
             "--max-examples", "200", "--workers", "4", "--seed", "1", "--no-color"],
            cwd=tmp_path, capture_output=True, text=True, timeout=1200,
        )  # fmt: skip
        print(done.stdout[-1500:])
        assert done.returncode == 0, done.stdout
        assert (served.scheduler.running, served.scheduler.waiting) == (0, 0)
        assert served.tuned.prompts, "some of it was answered"
