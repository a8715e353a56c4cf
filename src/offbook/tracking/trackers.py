"""The trackers by name, each run in its own process: `python -m offbook.tracking.trackers NAME`.

A line on standard input is one JSON object: {"start": settings}, then {"log": metrics line} and
{"text": {name: text}, "step": n}; the end of the input closes the tracker.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from typing import Any, Protocol

from offbook.core.registry import lookup


class Tracker(Protocol):
    """What a tracker has to do. It may fail in any way it likes: it is a guest."""

    def log(self, step: int, values: dict[str, float]) -> None: ...

    def text(self, step: int, samples: dict[str, str]) -> None: ...

    def finish(self) -> None: ...


class SwanLab:
    """SwanLab 0.10: offline by default, never a prompt.

    Its console and hardware probes are off: they would send the host name, the command line and all that is printed.
    """

    def __init__(self, settings: dict[str, Any]) -> None:
        import swanlab

        self.swanlab = swanlab
        host = {"api_host": settings["host"], "web_host": settings["host"]} if settings["host"] else {}
        probes = dict.fromkeys(("hardware", "runtime", "requirements", "conda", "git", "monitor"), False)
        swanlab.init(
            project=settings["project"],
            name=settings["name"],
            id=settings["id"],
            resume="allow",
            config=settings["config"],
            mode=settings["mode"],
            log_dir=settings["folder"],
            settings=swanlab.Settings(interactive=False, terminal={"proxy_type": "none"}, probe=probes, **host),
        )

    def log(self, step: int, values: dict[str, float]) -> None:
        self.swanlab.log(values, step=step)

    def text(self, step: int, samples: dict[str, str]) -> None:
        self.swanlab.log({f"samples/{name}": self.swanlab.Text(text) for name, text in samples.items()}, step=step)

    def finish(self) -> None:
        self.swanlab.finish()


class TrainerIntegration:
    """Any tracker that transformers' Trainer knows by name, driven through its own callback."""

    def __init__(self, settings: dict[str, Any]) -> None:
        from transformers import TrainerControl, TrainerState, TrainingArguments
        from transformers.integrations.integration_utils import get_reporting_integration_callbacks

        self.state = TrainerState(is_world_process_zero=True, is_local_process_zero=True)
        self.control = TrainerControl()
        self.arguments = TrainingArguments(
            output_dir=settings["folder"],
            run_name=settings["name"],
            project=settings["project"],
            report_to="none",
        )
        self.callback = get_reporting_integration_callbacks([settings["tracker"]])[0]()
        self._tell("on_train_begin")

    def log(self, step: int, values: dict[str, float]) -> None:
        self.state.global_step = step
        self.state.epoch = values.get("epoch", self.state.epoch)
        self._tell("on_log", logs=dict(values))

    def text(self, step: int, samples: dict[str, str]) -> None:
        """The Trainer's callbacks take numbers alone."""

    def finish(self) -> None:
        self._tell("on_train_end")

    def _tell(self, event: str, **more: Any) -> None:
        getattr(self.callback, event)(self.arguments, self.state, self.control, model=None, **more)


TRACKERS = {"swanlab": SwanLab}
"""Trackers that offbook drives itself; every other name goes to the Trainer's integrations."""


INTEGRATIONS = frozenset(
    (
        *("azure_ml", "clearml", "codecarbon", "comet_ml", "dagshub", "dvclive", "flyte", "kubeflow", "mlflow"),
        *("neptune", "swanlab", "tensorboard", "trackio", "wandb"),
    )
)
"""The names in transformers' INTEGRATION_TO_CALLBACK, which takes seconds to import."""


def tracker_names() -> set[str]:
    """Every tracker that a run can name."""
    return {*INTEGRATIONS, *TRACKERS}


def check_names(names: Sequence[str]) -> None:
    """Refuse a tracker that nobody knows, before a run starts.

    Raises:
        UsageError: naming the nearest known one.
    """
    registry = dict.fromkeys(tracker_names()) if names else {}
    for name in names:
        lookup(registry, name, "tracker")


def serve(name: str, lines: Any) -> None:
    """Start tracker `name` with the first line's settings and feed it the rest."""
    tracker: Tracker | None = None
    for text in lines:
        message = json.loads(text)
        if "start" in message:
            tracker = TRACKERS.get(name, TrainerIntegration)({**message["start"], "tracker": name})
        elif "log" in message and tracker is not None:
            values = {key: value for key, value in message["log"].items() if key != "step" and value is not None}
            tracker.log(message["log"]["step"], values)
        elif "text" in message and tracker is not None:
            tracker.text(message["step"], message["text"])
    if tracker is not None:
        tracker.finish()


if __name__ == "__main__":
    serve(sys.argv[1], sys.stdin)
