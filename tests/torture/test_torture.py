"""The long proofs: every kind of death, many times over; `make torture` prints the table."""

from __future__ import annotations

import random
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from offbook.core.rundir import RunDir
from offbook.training import checkpoint as checkpoints
from tests.torture import shim
from tests.torture.conftest import PATHS, Whole, ending_of, ends_alike
from tests.torture.shim import Action
from tests.torture.stage import Stage

pytestmark = pytest.mark.torture

KILLS = 200
KILLS_A_RUN = 4
POINTS = 40
"""Calls of a run at which it is disturbed, evenly spread over all of them."""

Make = Callable[[str], Whole]
Table = list[tuple[str, int, int]]
"""Rows of (fault, tried, survived)."""


@pytest.fixture(scope="module")
def table() -> Iterator[Table]:
    rows: Table = []
    yield rows
    print("\n\n| fault | tried | survived | lost |\n| --- | ---: | ---: | ---: |")
    for fault, tried, survived in rows:
        print(f"| {fault} | {tried} | {survived} | {tried - survived} |")


def tally(table: Table, fault: str, outcomes: list[bool]) -> None:
    table.append((fault, len(outcomes), sum(outcomes)))
    assert all(outcomes)


@pytest.mark.parametrize("path", PATHS)
def test_1_kills_at_random_instants(stage: Stage, undisturbed: Make, table: Table, tmp_path: Path, path: str) -> None:
    """Each run is killed several times before it may end; every kill of a run that ends alike was survived."""
    model, uniforms = undisturbed(path), random.Random(path)
    outcomes: list[bool] = []
    seconds = model.seconds
    while len(outcomes) < KILLS // len(PATHS):
        runs = tmp_path / str(len(outcomes))
        killed = 0
        while killed < KILLS_A_RUN and not RunDir(runs / "tiny").finished:
            began = time.monotonic()
            stage.begin(model.settings, runs, "--resume")
            time.sleep(uniforms.uniform(0, seconds))
            stage.signal(signal.SIGKILL)
            code, texts = stage.end()
            assert code in (0, -signal.SIGKILL), texts
            killed += code != 0
            if code == 0:  # it was quicker than thought: aim at less, or most kills come too late
                seconds = min(seconds, time.monotonic() - began)
        outcomes += [ends_alike(stage, model, runs)] * killed
        shutil.rmtree(runs)
    tally(table, f"kill -9 at a random instant ({path} path)", outcomes)


@pytest.mark.parametrize(
    ("action", "fault"),
    [
        (Action.KILL, "kill -9 at a call that changes the run's folder"),
        (Action.FAIL_ONCE, "one such call fails (EIO)"),
        (Action.FULL_FROM, "disk full from one such call on (ENOSPC)"),
    ],
)
def test_2_3_9_a_run_disturbed_at_its_calls(
    stage: Stage, undisturbed: Make, table: Table, tmp_path: Path, action: Action, fault: str
) -> None:
    if shim.library() is None:
        pytest.skip("no C compiler: the shim that fails the Nth call cannot be built")
    model = undisturbed("fast")
    outcomes = []
    for point in range(POINTS):
        number = 1 + point * model.calls // POINTS
        runs = tmp_path / str(point)
        code, texts = stage.run(model.settings, runs, arm=[str(runs / "tiny"), number, action])
        output = code == -signal.SIGKILL if action is Action.KILL else code in (0, 1, 2) and "Traceback" not in texts
        if code == 0:  # a deletion that fails is put off to the next start
            outcomes.append(ending_of(RunDir(runs / "tiny")) == model.stop_token)
        else:
            outcomes.append(output and ends_alike(stage, model, runs))
        if not outcomes[-1]:
            print(f"\n{fault} {number}: exit {code}\n{texts[-1500:]}")
        shutil.rmtree(runs)
    tally(table, fault, outcomes)


DAMAGE: dict[str, Callable[[bytes], bytes | None]] = {
    "emptied": lambda content: b"",
    "cut in half": lambda content: content[: len(content) // 2],
    "cut by a byte": lambda content: content[:-1],
    "one bit flipped": lambda content: (
        content[: len(content) // 2] + bytes([content[len(content) // 2] ^ 1]) + content[len(content) // 2 + 1 :]
    ),
    "deleted": lambda content: None,
}


def verifies(folder: Path) -> bool:
    try:
        return bool(checkpoints.verify(folder))
    except ValueError:
        return False


def test_5_6_7_each_file_of_the_newest_checkpoint_damaged(
    stage: Stage, undisturbed: Make, table: Table, tmp_path: Path
) -> None:
    model = undisturbed("fast")
    stage.begin(model.settings, tmp_path)
    checkpoint = RunDir(tmp_path / "tiny").checkpoints / "step-000015"
    while not checkpoint.is_dir():
        time.sleep(0.001)
    stage.signal(signal.SIGKILL)
    stage.end()
    for kind, damage in DAMAGE.items():
        outcomes = []
        for name in sorted(path.name for path in checkpoint.iterdir()):
            runs = tmp_path / f"{kind} {name}"
            shutil.copytree(tmp_path / "tiny", runs / "tiny")
            newest = max((runs / "tiny" / "checkpoints").glob("step-*"))
            content = damage((newest / name).read_bytes())
            (newest / name).unlink() if content is None else (newest / name).write_bytes(content)
            harmed = not verifies(newest)  # the manifest is whole without its last newline
            ended = ends_alike(stage, model, runs)
            outcomes.append(ended and harmed == (newest.name in (runs / "said.txt").read_text()))
            if not outcomes[-1]:
                print(
                    f"\n{name} {kind}: ended alike {ended}, harmed {harmed}\n{(runs / 'said.txt').read_text()[-1500:]}"
                )
            shutil.rmtree(runs)
        tally(table, f"a file of the newest checkpoint {kind}", outcomes)
