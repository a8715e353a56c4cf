"""Importing transformers without what a model that only speaks never uses, which takes most of the time.

    with light_import():
        from offbook.models.load import load_model

torch's compiler, tensors spread over machines and assignment problems are put off until somebody asks for them.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from offbook.core.deferred_imports import deferred_imports

UNUSED = (
    "accelerate",
    "scipy.optimize",
    "sympy",
    "torch._dynamo",
    "torch.distributed._composable",
    "torch.distributed.checkpoint",
    "torch.distributed.fsdp",
    "torch.distributed.tensor",
    "torch.fx.experimental.symbolic_shapes",
    # These two use tensors spread over machines when they are imported.
    "transformers.distributed.expert_parallel",
    "transformers.distributed.tensor_parallel",
)
"""Modules that transformers imports with any model, and of which generation needs nothing."""


def _unchanged(function: Callable[..., Any] | None = None, *_: Any, **__: Any) -> Any:
    """A decorator, with or without arguments, that changes nothing."""
    return function if function is not None else _unchanged


STAND_INS: dict[str, Callable[..., Any]] = {
    # Decorators that tell torch's compiler something about a function, which without a compiler runs as it is.
    "torch._dynamo.allow_in_graph": _unchanged,
    "torch._dynamo.assume_constant_result": _unchanged,
    "torch._dynamo.disable": _unchanged,
    # Asked of the sizes of tensors on the meta device. Sizes that are symbols are the compiler's alone.
    "torch.fx.experimental.symbolic_shapes.expect_true": lambda value, *_: value,
    "torch.fx.experimental.symbolic_shapes.guard_or_false": lambda value: value,
    "torch.fx.experimental.symbolic_shapes.guard_or_true": lambda value: value,
    "torch.fx.experimental.symbolic_shapes.is_nested_int": lambda _: False,
    "torch.fx.experimental.symbolic_shapes.statically_known_true": lambda value: value,
    "torch.fx.experimental.symbolic_shapes.sym_and": lambda *values: all(values),
    "torch.fx.experimental.symbolic_shapes.sym_eq": lambda one, other: one == other,
    "torch.fx.experimental.symbolic_shapes.sym_or": lambda *values: any(values),
}
"""What is called while a model is imported and made → what it comes to where nothing is compiled."""


@contextmanager
def light_import() -> Iterator[None]:
    """Context manager: modules that generation does not use are put off, and garbage collection waits.

    An import makes a million objects that stay; collecting among them again and again takes a fifth of the time.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        with deferred_imports(*UNUSED, stand_ins=STAND_INS):
            yield
    finally:
        gc.freeze()
        if was_enabled:
            gc.enable()
