"""Put off the import of modules that a library imports at once and seldom uses.

    with deferred_imports("scipy.optimize", "torch._dynamo"):
        import transformers.modeling_utils      # imports neither of them

What is imported *from* such a module meanwhile is a `Deferred` class. It imports the module when it is called,
subclassed, or asked for an attribute. To `isinstance` nothing belongs to it as long as nobody has imported the module,
because there can be no such thing yet. After the block the modules are imported as ever.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


class Deferred(type):
    """The metaclass of classes that stand for something in a module that is not imported yet."""

    _module: str
    _name: str

    def __new__(mcls, name: str, bases: tuple[type, ...], namespace: dict[str, Any]) -> Any:
        """A placeholder; or a subclass of what a placeholder stands for."""
        resolved = tuple(base.resolve() if isinstance(base, Deferred) else base for base in bases)
        if resolved != bases:
            return type(resolved[0])(name, resolved, namespace)
        return super().__new__(mcls, name, bases, namespace)

    def resolve(cls) -> Any:
        """What the placeholder stands for; its module is imported the first time."""
        if not _is_imported(cls._module):
            with _nothing_deferred():
                importlib.import_module(cls._module)
        return getattr(sys.modules[cls._module], cls._name)

    def __call__(cls, *args: Any, **kwargs: Any) -> Any:
        """Call what the placeholder stands for."""
        return cls.resolve()(*args, **kwargs)

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(cls.resolve(), name)

    def __instancecheck__(cls, instance: object) -> bool:
        return _is_imported(cls._module) and isinstance(instance, cls.resolve())


class _Placeholder(ModuleType):
    """A module whose every public name is a `Deferred` class, or what stands in for it."""

    stand_ins: Mapping[str, Any]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name != "__version__":
            raise AttributeError(name)
        path = f"{self.__name__}.{name}"
        deferred = Deferred(name, (), {"_module": self.__name__, "_name": name})
        # Only the module itself knows its version, and who asks wants to compare it.
        value = deferred.resolve() if name == "__version__" else self.stand_ins.get(path, deferred)
        setattr(self, name, value)
        return value


class _LateModule(ModuleType):
    """Stands in a package for a module of its own: whoever reaches for something in it has it imported.

    Code may use `package.module` without importing it, because another module always had.
    """

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        with _nothing_deferred():
            return getattr(importlib.import_module(self.__name__), name)


class _Finder(MetaPathFinder, Loader):
    """Finds placeholders for some modules and all that lies below them."""

    def __init__(self, names: tuple[str, ...], stand_ins: Mapping[str, Any]) -> None:
        self._names = names
        self._stand_ins = stand_ins

    def find_spec(self, fullname: str, *_: Any) -> ModuleSpec | None:
        is_deferred = any(fullname == name or fullname.startswith(f"{name}.") for name in self._names)
        return ModuleSpec(fullname, self, is_package=True) if is_deferred else None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = _Placeholder(spec.name)
        module.stand_ins = self._stand_ins
        return module

    def exec_module(self, module: ModuleType) -> None:
        """There is nothing to execute."""


@contextmanager
def deferred_imports(*names: str, stand_ins: Mapping[str, Any] | None = None) -> Iterator[None]:
    """Context manager: these modules, where they are not imported yet, are put off.

    Args:
        *names: dotted names of modules; all that lies below them is put off, too.
        stand_ins: dotted name of something in such a module → what is imported in its place for good.
    """
    finder = _Finder(tuple(name for name in names if name not in sys.modules), stand_ins or {})
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        _drop_placeholders()


@contextmanager
def _nothing_deferred() -> Iterator[None]:
    """Context manager: modules are imported as ever, in the middle of a `deferred_imports` too."""
    before = list(sys.meta_path)
    sys.meta_path[:] = [finder for finder in before if not isinstance(finder, _Finder)]
    _drop_placeholders()
    try:
        yield
    finally:
        sys.meta_path[:] = before


def _is_imported(name: str) -> bool:
    return name in sys.modules and not isinstance(sys.modules[name], _Placeholder)


def _drop_placeholders() -> None:
    """Take the placeholders out of `sys.modules`; the packages that hold them get late modules in their place."""
    for name, module in list(sys.modules.items()):
        if isinstance(module, _Placeholder):
            del sys.modules[name]
            parent, _, child = name.rpartition(".")
            if parent in sys.modules and vars(sys.modules[parent]).get(child) is module:
                setattr(sys.modules[parent], child, _LateModule(name))
