"""Attributes of shared modules that every process has for itself: ``sys.argv``, ``sys.stdout``, ...

A module's class can be replaced. While a machine is up, ``sys`` and a few others are of classes
which have a descriptor for each of these attributes: code that runs in a process gets and sets the
process's own, all other code the host's, which stays in the module's dictionary.
"""

from __future__ import annotations

import io
import os
import sys
from collections import namedtuple
from collections.abc import Callable, Iterator, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from vmpp.engine import current_process
from vmpp.process import cautions, threads
from vmpp.process.imports import VIEW, ImportHook
from vmpp.process.program_files import HOST

if TYPE_CHECKING:
    from vmpp.process.space import AddressSpace

Default = Callable[["AddressSpace"], Any]

_MISSING: Final = object()


class ProcessAttribute:
    """The descriptor of one attribute of one module.

    Its *default* makes the value that a process begins with. In the module's dictionary the host's
    value stands.
    """

    __slots__ = ("default", "key", "name")

    def __init__(self, module: str, name: str, default: Default) -> None:
        self.name = name
        self.key = f"{module}.{name}"
        self.default = default

    def host(self, module: ModuleType) -> Any:
        """Return the host's value."""
        try:
            return module.__dict__[self.name]
        except KeyError:
            raise AttributeError(
                f"module {module.__name__!r} has no attribute {self.name!r}"
            ) from None

    def set_host(self, module: ModuleType, value: Any) -> None:
        """Change the host's value."""
        module.__dict__[self.name] = value

    def __get__(self, module: ModuleType | None, owner: type | None = None) -> Any:
        if module is None:
            return self
        process = current_process()
        if process is None:
            return self.host(module)
        space: AddressSpace = process.space
        attributes = space.attributes
        if attributes is not None:
            value = attributes.get(self.key, _MISSING)
            if value is not _MISSING:
                return value
        return self.make(space)

    def make(self, space: AddressSpace) -> Any:
        """Return the value of a process that has none yet."""
        return space.attribute(self.key, self.default)

    def __set__(self, module: ModuleType, value: Any) -> None:
        process = current_process()
        if process is None:
            self.set_host(module, value)
        else:
            process.space.set_attribute(self.key, value)

    def __delete__(self, module: ModuleType) -> None:
        process = current_process()
        if process is None:
            del module.__dict__[self.name]
        else:
            (process.space.attributes or {}).pop(self.key, None)


def submodule(package: str, name: str) -> ProcessAttribute:
    """Return the attribute of a shared *package* that is a module of which processes have copies.

    A process that has not imported it has no such attribute.
    """

    def default(space: AddressSpace) -> Any:
        try:
            return space.own[f"{package}.{name}"]
        except KeyError:
            raise AttributeError(f"module {package!r} has no attribute {name!r}") from None

    return ProcessAttribute(package, name, default)


class _StreamAttribute(ProcessAttribute):
    """``sys.stdout`` and the like; for C code, a `_Stream` stands in the dictionary."""

    __slots__ = ("value",)

    def __init__(self, name: str) -> None:
        own = _OwnStream(name, self)
        super().__init__("sys", name, lambda space: own)
        self.value: Any = None

    def host(self, module: ModuleType) -> Any:
        return self.value

    def set_host(self, module: ModuleType, value: Any) -> None:
        self.value = value

    def make(self, space: AddressSpace) -> Any:
        return self.default(space)


class _OriginalStream(ProcessAttribute):
    """``sys.__stdout__`` and the like."""

    __slots__ = ()

    def make(self, space: AddressSpace) -> Any:
        return self.default(space)


class _OwnStream:
    """Stands for the standard stream that the running process began with.

    Programs get this as ``sys.stdout``. A library that keeps it, as ``logging`` does, keeps no one
    process's stream: it writes to that of whichever process calls it.
    """

    __slots__ = ("_attribute", "_name")

    def __init__(self, name: str, attribute: _StreamAttribute) -> None:
        object.__setattr__(self, "_name", name)
        object.__setattr__(self, "_attribute", attribute)

    @property  # type: ignore[misc] # programs ask isinstance()
    def __class__(self) -> type:
        return io.TextIOWrapper

    def _target(self) -> Any:
        process = current_process()
        if process is None:
            return self._attribute.value
        return getattr(process.files, self._name)

    def write(self, text: str, /) -> Any:
        """Write *text*."""
        return self._target().write(text)

    def flush(self) -> None:
        """Send what is buffered."""
        self._target().flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._target(), name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._target(), name, value)

    def __iter__(self) -> Iterator[str]:
        return iter(self._target())

    def __next__(self) -> str:
        line: str = next(self._target())
        return line

    def __enter__(self) -> Any:
        return self._target().__enter__()

    def __exit__(self, *exception: Any) -> None:
        self._target().__exit__(*exception)

    def __repr__(self) -> str:
        return repr(self._target())

    def __dir__(self) -> list[str]:
        return dir(self._target())


class _Stream(_OwnStream):
    """Stands for whatever the running process has as standard stream at the moment."""

    __slots__ = ()

    def _target(self) -> Any:
        process = current_process()
        if process is None:
            return self._attribute.value
        attribute = self._attribute
        attributes = process.space.attributes
        if attributes is not None and attribute.key in attributes:
            return attributes[attribute.key]
        return getattr(process.files, self._name)


def _argv(space: AddressSpace) -> list[str]:
    return list(space.program.argv)


_NAMES: Final = [
    name
    for name in dir(sys.flags)
    if not name.startswith(("_", "n_")) and not callable(getattr(sys.flags, name))
]
_Flags: Final[Any] = namedtuple("_Flags", _NAMES)  # type: ignore[misc] # the interpreter's own
"""Stands for ``sys.flags``, whose own class makes no second object."""


def _flags(space: AddressSpace) -> Any:
    """Return the host's flags, changed by the options of the program's interpreter."""
    host, changed = sys.__dict__["flags"], space.program.flags
    if not changed:
        return host
    return _Flags(*(changed.get(name, getattr(host, name)) for name in _NAMES))


def _meta_path(space: AddressSpace) -> list[Any]:
    finders = list(sys.__dict__["meta_path"])
    if space.program.files is HOST:
        return finders
    # The others look into folders of the host, whatever a program has put on its path.
    return [finder for finder in finders if isinstance(finder, ImportHook)]


_STREAMS: Final = tuple(_StreamAttribute(name) for name in ("stdin", "stdout", "stderr"))

_SYS: Final = (
    ProcessAttribute("sys", "argv", _argv),
    ProcessAttribute("sys", "displayhook", lambda space: sys.__displayhook__),
    ProcessAttribute("sys", "flags", _flags),
    ProcessAttribute("sys", "excepthook", lambda space: sys.__excepthook__),
    ProcessAttribute("sys", "meta_path", _meta_path),
    ProcessAttribute("sys", "modules", lambda space: VIEW),
    ProcessAttribute("sys", "path", lambda space: space.path),
    *(_OriginalStream("sys", f"__{s.name}__", s.default) for s in _STREAMS),
    *_STREAMS,
)

ATTRIBUTES: Final[Mapping[str, tuple[ProcessAttribute, ...]]] = {
    "builtins": (),
    "numpy.random.mtrand": (
        ProcessAttribute("numpy.random.mtrand", "_rand", lambda space: space.numpy_random),
    ),
    "os": (ProcessAttribute("os", "environ", lambda space: os.__dict__["environ"]),),
    "sys": _SYS,
    "threading": (ProcessAttribute("threading", "excepthook", threads.default_hook),),
    "time": (
        ProcessAttribute("time", "altzone", lambda space: 0),
        ProcessAttribute("time", "daylight", lambda space: 0),
        ProcessAttribute("time", "timezone", lambda space: 0),
        ProcessAttribute("time", "tzname", lambda space: ("UTC", "UTC")),
    ),
    "warnings": (
        ProcessAttribute("warnings", "_showwarnmsg_impl", cautions.default_show_message),
        ProcessAttribute("warnings", "filters", cautions.default_filters),
        ProcessAttribute("warnings", "formatwarning", cautions.default_format),
        ProcessAttribute("warnings", "onceregistry", cautions.no_warnings),
        ProcessAttribute("warnings", "showwarning", cautions.default_show),
    ),
}
"""The attributes that processes have for themselves, by module."""


class SharedModule:
    """A module with process attributes; made by `share`, undone by `restore`.

    What processes write to other attributes is seen by all. It is undone with the rest.
    """

    __slots__ = ("_class", "_journal", "module")

    def __init__(self, module: ModuleType, attributes: tuple[ProcessAttribute, ...]) -> None:
        self.module = module
        self._class = module.__class__
        self._journal: dict[str, Any] = {}
        module.__class__ = self._subclass(attributes)
        if module is sys:
            for stream in _STREAMS:
                stream.value = sys.__dict__[stream.name]
                sys.__dict__[stream.name] = _Stream(stream.name, stream)

    def _subclass(self, attributes: tuple[ProcessAttribute, ...]) -> type[ModuleType]:
        original, journal = self._class, self._journal
        own = frozenset(attribute.name for attribute in attributes)

        def note(module: ModuleType, name: str) -> None:
            if name not in own and current_process() is not None:
                journal.setdefault(name, module.__dict__.get(name, _MISSING))

        def set_attribute(module: ModuleType, name: str, value: Any) -> None:
            note(module, name)
            original.__setattr__(module, name, value)

        def delete_attribute(module: ModuleType, name: str) -> None:
            note(module, name)
            original.__delattr__(module, name)

        def new(cls: type, *args: Any, **kwargs: Any) -> ModuleType:
            # The import system makes every module by calling the class of ``sys``.
            del cls
            return original(*args, **kwargs)

        names: dict[str, Any] = {attribute.name: attribute for attribute in attributes}
        names |= {
            "__delattr__": delete_attribute,
            "__new__": new,
            "__setattr__": set_attribute,
            "__slots__": (),
        }
        return type("module", (original,), names)

    def restore(self) -> None:
        """Make the module what it was."""
        module = self.module
        module.__class__ = self._class
        if module is sys:
            for stream in _STREAMS:
                sys.__dict__[stream.name], stream.value = stream.value, None
        for name, value in self._journal.items():
            if value is _MISSING:
                module.__dict__.pop(name, None)
            else:
                module.__dict__[name] = value


class ProcessEnviron(os._Environ[str]):
    """``os.environ``: the environment of the running process, or else the host's."""

    @property
    def _data(self) -> dict[bytes, bytes]:
        process = current_process()
        if process is None:
            data: dict[bytes, bytes] = self.__dict__["_data"]
            return data
        environ: dict[bytes, bytes] = process.space.environ
        return environ

    def __setitem__(self, key: str, value: str) -> None:
        self._own()
        super().__setitem__(key, value)

    def __delitem__(self, key: str) -> None:
        self._own()
        super().__delitem__(key)

    @staticmethod
    def _own() -> None:
        process = current_process()
        if process is not None:
            process.space.own_environ()
