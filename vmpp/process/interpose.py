"""Interposition: while a machine is up, shared modules act for whichever process calls them.

A replaced function asks `current_process` who calls. For a process it calls the *virtual function*
with the process first, for all others, vmpp and the program that uses it included, the original.
So nothing changes for the host, and virtual functions never meet each other's processes.

It is one interpreter's, and machines share it: the first that comes up puts the replacements in
place, the last that goes restores every attribute to the very object that it was. Modules loaded in
between are patched as they are loaded. Shared libraries that programs have imported stay loaded, as
after any import; what stood in for other modules does not. All machines of an interpreter must run
in one thread.
"""

from __future__ import annotations

import ctypes
import gc
import os
import sys
import threading
import weakref
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from types import FrameType, ModuleType, TracebackType
from typing import Any, ClassVar, Final

from vmpp.engine import current_process
from vmpp.process import (
    cautions,
    clocks,
    databases,
    executors,
    host_names,
    locks,
    module_locks,
    node,
    posix,
    queues,
    randomness,
    sockets,
    threads,
)
from vmpp.process.attributes import (
    ATTRIBUTES,
    ProcessAttribute,
    ProcessEnviron,
    SharedModule,
    submodule,
)
from vmpp.process.imports import MODULES, PRIVATE, TABLE, ImportHook, modules_in
from vmpp.process.virtual import Functions, Substitute, Virtual

TABLES: Final[tuple[Functions, ...]] = (
    clocks.TABLE,
    randomness.TABLE,
    node.TABLE,
    cautions.TABLE,
    posix.TABLE,
    sockets.TABLE,
    host_names.TABLE,
    locks.TABLE,
    threads.TABLE,
    executors.TABLE,
    module_locks.TABLE,
    databases.TABLE,
)
"""All tables of virtual functions."""

_MISSING: Final = object()


class Dispatcher:
    """A replaced function that was written in C.

    Like the original, and unlike a Python function, it is no method when a class has it as an
    attribute; it is pickled by name, as the original.
    """

    __slots__ = ("__dict__", "real", "virtual")

    def __init__(self, virtual: Virtual, real: Any) -> None:
        self.virtual = virtual
        self.real = real
        for name in ("__module__", "__name__", "__qualname__", "__doc__", "__text_signature__"):
            self.__dict__[name] = getattr(real, name, None)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        process = current_process()
        if process is None:
            return self.real(*args, **kwargs)
        return self.virtual(process, *args, **kwargs)

    def __instancecheck__(self, instance: object) -> bool:
        return isinstance(instance, self.real)

    def __or__(self, other: Any) -> Any:
        return self.real | other

    def __ror__(self, other: Any) -> Any:
        return other | self.real

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[Any, ...]:
        return (self.real,)

    def __repr__(self) -> str:
        return repr(self.real)

    def __reduce__(self) -> str:
        return str(self.__dict__["__qualname__"])


def dispatching(virtual: Virtual | Substitute, real: Any) -> Any:
    """Return what replaces the function *real*: its *virtual* form for processes only."""
    if isinstance(virtual, Substitute):
        return virtual.make(real)
    if not hasattr(real, "__get__"):
        return Dispatcher(virtual, real)

    def dispatcher(*args: Any, **kwargs: Any) -> Any:
        process = current_process()
        if process is None:
            return real(*args, **kwargs)
        return virtual(process, *args, **kwargs)

    for name in ("__module__", "__name__", "__qualname__", "__doc__"):
        value = getattr(real, name, None)
        if value is not None:
            setattr(dispatcher, name, value)
    dispatcher.__dict__["__wrapped__"] = real
    return dispatcher


def replaced(frame: FrameType) -> str | None:
    """Return what function *frame* is a call of the replacement of; None if it is none."""
    if frame.f_code.co_filename != __file__:
        return None
    names = frame.f_locals
    real = names.get("real") or getattr(names.get("self"), "real", None)
    name: str | None = getattr(real, "__qualname__", None)
    return name


class _Patches:
    """What was replaced, to be put back."""

    def __init__(self) -> None:
        self._attributes: list[tuple[Any, str, Any]] = []
        self._methods: list[tuple[type, str, Any]] = []
        self._modules: list[SharedModule] = []

    def functions(self, module: ModuleType, table: Mapping[str, Virtual | Substitute]) -> None:
        """Replace those functions of *module* that it has."""
        for path, virtual in table.items():
            owner: Any = module
            *outer, name = path.split(".")
            for part in outer:
                owner = getattr(owner, part)
            real = vars(owner).get(name, _MISSING)
            if real is _MISSING and owner is not module:
                real = getattr(owner, name, None)
                if real is None:
                    continue
                self._replace(owner, name, _MISSING, dispatching(virtual, real))
            elif real is not _MISSING:
                self._replace(owner, name, real, dispatching(virtual, real))

    def _replace(self, owner: Any, name: str, real: Any, replacement: Any) -> None:
        setattr(owner, name, replacement)
        self._attributes.append((owner, name, real))

    def methods(self, cls: type, table: Mapping[str, Virtual | Substitute]) -> None:
        """Replace methods of the C type *cls*, whose attributes cannot be set."""
        names = _dictionary(cls)
        for name, virtual in table.items():
            real = names[name]
            self._methods.append((cls, name, real))
            if type(real).__name__ == "classmethod_descriptor":
                assert not isinstance(virtual, Substitute)
                names[name] = classmethod(_class_dispatching(virtual, real))
            else:
                names[name] = dispatching(virtual, real)
        _modified(cls)

    def module(self, module: ModuleType, attributes: tuple[ProcessAttribute, ...]) -> None:
        """Give *module* the *attributes* that processes have for themselves."""
        self._modules.append(SharedModule(module, attributes))

    def undo(self) -> None:
        """Put everything back, last first."""
        while self._modules:
            self._modules.pop().restore()
        while self._methods:
            cls, name, real = self._methods.pop()
            _dictionary(cls)[name] = real
            _modified(cls)
        while self._attributes:
            owner, name, real = self._attributes.pop()
            if real is _MISSING:
                delattr(owner, name)
            else:
                setattr(owner, name, real)


def _class_dispatching(virtual: Virtual, real: Any) -> Any:
    def call(cls: type, *args: Any, **kwargs: Any) -> Any:
        process = current_process()
        if process is None:
            return real.__get__(None, cls)(*args, **kwargs)
        return virtual(process, cls, *args, **kwargs)

    call.__name__, call.__qualname__, call.__doc__ = real.__name__, real.__qualname__, real.__doc__
    return call


def _dictionary(cls: type) -> dict[str, Any]:
    """Return the dictionary of *cls* itself, which CPython shows read-only."""
    found: Any = gc.get_referents(cls.__dict__)[0]
    assert type(found) is dict
    return found


def _modified(cls: type) -> None:
    ctypes.pythonapi.PyType_Modified(ctypes.py_object(cls))


class Interposition(AbstractContextManager["Interposition"]):
    """Makes the interpreter serve processes as long as it is entered; it nests.

    *provided* are modules that stand in for others while this machine is up: what makes each of
    them, by full name. Of the modules called *private* and those in them each process has copies.
    """

    _depth: ClassVar[int] = 0
    _lock: ClassVar[threading.Lock] = threading.Lock()
    _thread: ClassVar[int] = 0
    _state: ClassVar[_State | None] = None

    def __init__(
        self,
        provided: Mapping[str, Callable[[], ModuleType]] | None = None,
        private: Iterable[str] = (),
    ) -> None:
        self._provided = dict(provided or {})
        self._private = tuple(private)

    def __enter__(self) -> Interposition:
        cls = Interposition
        thread = threading.get_ident()
        with cls._lock:
            if cls._depth and cls._thread != thread:
                raise RuntimeError(
                    "a machine is up in another thread of this interpreter; run all of them in one "
                    "thread, or each in a process of its own"
                )
            cls._thread = thread
            cls._depth += 1
        try:
            if cls._state is None:
                cls._state = _State()
            cls._state.provide(self._provided)
            cls._state.copy(self._private)
        except BaseException:
            cls._depth -= 1
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        cls = Interposition
        cls._depth -= 1
        if cls._depth == 0 and cls._state is not None:
            state, cls._state = cls._state, None
            state.restore()


class _State:
    """The interpreter's state as it was, and what replaces it."""

    def __init__(self) -> None:
        weakref.finalize(self, int)  # so that the exit handler of finalizers is the host's
        self._patches = _Patches()
        self._recursion_limit = sys.getrecursionlimit()
        self._importers = frozenset(sys.path_importer_cache)
        self._covered: dict[str, Any] = {}
        self._environs = (os.environ, os.environb)
        self._classes = tuple(type(environ) for environ in self._environs)
        awaited = {name: self._loaded for table in TABLES for name in table}
        awaited |= dict.fromkeys(("numpy.random", *ATTRIBUTES), self._loaded)
        self._hook = ImportHook({}, awaited)
        sys.meta_path.insert(0, self._hook)
        try:
            self._replace()
        except BaseException:
            self.restore()
            raise

    def _replace(self) -> None:
        for name in sorted(self._hook.awaited.keys() & MODULES.keys()):
            del self._hook.awaited[name]
            self._loaded(MODULES[name])
        for cls, methods in (*clocks.METHODS, *locks.METHODS, *queues.METHODS):
            self._patches.methods(cls, methods)
        for environ in self._environs:
            environ.__class__ = ProcessEnviron
        for able, functions in _capabilities():
            able.update(functions)

    def provide(self, modules: Mapping[str, Callable[[], ModuleType]]) -> None:
        """Have *modules* stand in for those of the same names."""
        for name, make in modules.items():
            if name in self._hook.provided:
                continue
            self._hook.provided[name] = make
            self._covered[name] = (MODULES.pop(name, _MISSING), _take_from_parent(name))

    def copy(self, names: Iterable[str]) -> None:
        """Have every process get copies of the modules *names* and of those in them."""
        children: dict[str, list[str]] = {}
        for name in names:
            modules = () if name in PRIVATE else tuple(modules_in(name))
            if modules:
                PRIVATE.update(modules)
                parent, _, child = name.rpartition(".")
                children.setdefault(parent, []).append(child)
        for parent, found in children.items():
            if parent:
                attributes = tuple(submodule(parent, child) for child in found)
                self._patches.module(MODULES[parent], attributes)

    def _loaded(self, module: ModuleType) -> None:
        name = module.__name__
        for table in TABLES:
            if name in table:
                self._patches.functions(module, table[name])
        if name == "numpy.random":
            for one in (module, MODULES["numpy.random.mtrand"]):
                self._patches.functions(one, dict(randomness.numpy_functions(one)))
        if name in ATTRIBUTES:
            self._patches.module(module, ATTRIBUTES[name])

    def restore(self) -> None:
        """Put back whatever was replaced or may have been changed by a program."""
        TABLE.uninstall()
        PRIVATE.clear()
        sys.meta_path.remove(self._hook)
        for able, functions in _capabilities():
            able.difference_update(functions)
        for environ, cls in zip(self._environs, self._classes, strict=True):
            environ.__class__ = cls
        self._patches.undo()
        for name, (module, attribute) in self._covered.items():
            _put_back(name, module, attribute)
        sys.setrecursionlimit(self._recursion_limit)
        for entry in sys.path_importer_cache.keys() - self._importers:
            del sys.path_importer_cache[entry]


def _capabilities() -> Iterator[tuple[set[Any], set[Any]]]:
    """Yield the sets in ``os`` of functions with an ability, and the replacements in each."""
    for name, functions in posix.CAPABILITIES.items():
        yield getattr(os, name), {getattr(os, function) for function in functions}


def _take_from_parent(name: str) -> Any:
    parent, _, child = name.rpartition(".")
    package = MODULES.get(parent)
    return _MISSING if package is None else package.__dict__.pop(child, _MISSING)


def _put_back(name: str, module: Any, attribute: Any) -> None:
    parent, _, child = name.rpartition(".")
    if module is _MISSING:
        MODULES.pop(name, None)
    else:
        MODULES[name] = module
    package = MODULES.get(parent)
    if package is not None:
        if attribute is _MISSING:
            package.__dict__.pop(child, None)
        else:
            package.__dict__[child] = attribute
