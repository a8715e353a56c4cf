"""What many tests need: a tiny model folder, some rows, a run that is trained once."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

if TYPE_CHECKING:
    from tests.forks import Forks

# How long an example takes depends on what else the machine does.
hypothesis.settings.register_profile(
    "offbook", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow], print_blob=True
)
hypothesis.settings.load_profile("offbook")

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
os.environ["OFFBOOK_LANG"] = "en"
# As in an activated environment: commands are printed with the program's name.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
# Tiny models gain nothing from threads, and on a busy machine they lose a lot by waiting for each other.
os.environ.setdefault("OMP_NUM_THREADS", "1")


@pytest.fixture(scope="session")
def forks() -> Iterator[Forks]:
    """Starts commands in processes of their own, without their imports."""
    from tests.forks import Forks

    with Forks() as forks:
        yield forks


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny Llama as a hub serves it."""
    from tests.tiny import tiny_folder

    return tiny_folder(tmp_path_factory.mktemp("tiny"))


LINES = """
Who are you?|I am the question, and you are no answer.
Will you come tonight, Horatio?|Not while the wind is cold, not for a crown.
What do you read, my lord?|Words, words, words.
The queen would speak with you.|Let her speak; I have ears for everyone.
How does your honour?|Well, well, well enough for a winter.
Where is Polonius?|At supper, where he is eaten.
Do you love me?|I did love you once, before the summer.
What is the matter?|Between whom, and since when?
The players are here.|Then bid them make haste; the play's the thing.
My lord, take my garment.|Give me leave to think, and close the door.
Is the king asleep?|Kings do not sleep, they wait.
What news from England?|None that a gentleman would carry.
Shall we go in together?|After you, and your fingers on your lips.
Speak of your father.|He was a man, take him for all in all.
You must not go further.|Unhand me! My fate cries out.
Why do you laugh?|Because the time is out of joint.
Is it not strange?|Then as a stranger give it welcome.
Who calls there?|A whirling word, nothing more.
What hour is it?|I think it lacks of twelve.
Good night, sweet prince.|The rest is silence, as it should be.
Have you had quiet guard?|Not a mouse has stirred since Sunday.
Are you honest?|To be honest is to be one man picked out of ten thousand.
Will you play this pipe?|You would play upon me sooner than upon a pipe.
Did you see it, Marcellus?|Upon the platform, between the bell and the dark.
"""
ROWS = [dict(zip(("instruction", "output"), line.split("|"), strict=True)) for line in LINES.strip().splitlines()]


@pytest.fixture(scope="session")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty-four rows of the tutorial's kind, no two alike."""
    path = tmp_path_factory.mktemp("rows") / "lines.json"
    path.write_text(json.dumps(ROWS), encoding="utf-8")
    return path


@pytest.fixture(scope="session")
def settings(tiny: Path, rows: Path) -> dict[str, object]:
    """A run on the tiny model that takes a second or two."""
    return {
        "name": "tiny",
        "model.source": str(tiny),
        "persona.name": "Hamlet",
        "persona.system": "You are Hamlet.",
        "persona.sample_prompts": ["Who are you?", "Will you come?"],
        "data.source": str(rows),
        "data.heldout": 0.15,
        "generation.max_new_tokens": 16,
        "train.epochs": 5,
        "train.batch_size": 4,
        "train.learning_rate": 0.01,
        "train.save_steps": 5,
        "train.log_steps": 3,
        "train.heldout_steps": 6,
        "train.keep": "last",
        "track.trackers": [],
        "evaluate.prompts": 0,
        "evaluate.learning_curve": False,
    }


@pytest.fixture(scope="session")
def trained(settings: dict[str, object], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a finished run."""
    import offbook
    from offbook.core.config.loading import load

    root = tmp_path_factory.mktemp("runs")
    before = os.environ.get("OFFBOOK_RUNS")
    os.environ["OFFBOOK_RUNS"] = str(root)
    try:
        return offbook.train(load(None, settings)).path
    finally:
        if before is None:
            del os.environ["OFFBOOK_RUNS"]
        else:
            os.environ["OFFBOOK_RUNS"] = before
