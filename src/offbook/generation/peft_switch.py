"""Characters that take turns on one PEFT model with several adapters."""

from __future__ import annotations

import threading
from typing import Any


class AdapterView:
    """A PEFT model as one of its adapters: switched on for each forward pass, since others use the model between them.

    Args:
        model: a PEFT model.
        adapter: the adapter's name; None for the base model under all of them.
        lock: held during a forward pass, and by whoever adds or removes adapters.
    """

    def __init__(self, model: Any, adapter: str | None, lock: threading.Lock) -> None:
        self._model = model
        self._adapter = adapter
        self._lock = lock

    def __call__(self, **inputs: Any) -> Any:
        """A forward pass."""
        with self._lock:
            if self._adapter is None:
                with self._model.disable_adapter():
                    return self._model(**inputs)
            if self._model.active_adapters != [self._adapter]:
                self._model.set_adapter(self._adapter, inference_mode=True)
            return self._model(**inputs)

    def __getattr__(self, name: str) -> Any:
        """Anything else of the model: its config, its device, its modules."""
        return getattr(self._model, name)
