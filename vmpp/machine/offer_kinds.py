"""The kinds of things that plugins offer: by which hook, and what each must be like."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any, Final

_PROTOCOLS: Final = {
    "pct": ("vmpp.pct", "SchedulingPolicy"),
    "mode": ("vmpp.kernel", "CpuMode"),
    "topology": ("vmpp.hardware", "Topology"),
    "timing": ("vmpp.hardware", "Network"),
    "allocator": ("vmpp.service", "AllocationPolicy"),
    "queue": ("vmpp.service", "QueueingPolicy"),
}
"""The protocol that what a factory makes follows: its module and name, by kind."""

_NAME: Final = re.compile(r"[^\s:=,]+")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of things that plugins offer by name.

    Attributes:
        name: what one of them is called in messages and lists.
        hook: that hands them over.
        read: makes a mapping of what the hook returned; raises what it likes if that is nonsense.
        fault: says what is wrong with one of them, in words; nothing if it is as it must be.
    """

    name: str
    hook: str
    read: Callable[[Any], Mapping[str, Any]]
    fault: Callable[[Any], str]


def _mapping(returned: Any) -> Mapping[str, Any]:
    if not isinstance(returned, Mapping):
        raise TypeError(f"it returned {returned!r:.60}, not a mapping of names")
    for name in returned:
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ValueError(
                f"{name!r:.60} is no name: names are texts without spaces, colons, commas and '='"
            )
    return returned


def _machine_files(folders: Iterable[Any]) -> Mapping[str, Path]:
    machines: dict[str, Path] = {}
    for path in (path for folder in folders for path in sorted(Path(folder).glob("*.toml"))):
        if path.stem in machines:
            raise ValueError(f"{machines[path.stem]} and {path} describe one machine")
        machines[path.stem] = path
    return machines


def _commands(commands: Iterable[Any]) -> Mapping[str, Any]:
    return _mapping({each.name: each for each in commands})


def _paths(returned: Any) -> Mapping[str, Path]:
    return {name: Path(path) for name, path in _mapping(returned).items()}


def _factory(offered: Any) -> str:
    return "" if callable(offered) else f"it is {offered!r:.60}, which makes nothing: no factory"


def _library(offered: Any) -> str:
    from vmpp.process.library import Library  # noqa: PLC0415 - plugins are found without it

    missing = [name for name in operations(Library) if not hasattr(offered, name)]
    if missing:
        return f"it lacks {', '.join(missing)}"
    modules = offered.modules
    if not isinstance(modules, Mapping) or not all(isinstance(each, str) for each in modules):
        return f"its modules are {modules!r:.60}, not a mapping of their names"
    return ""


def _anything(offered: Any) -> str:
    return ""


def operations(protocol: type) -> list[str]:
    """Return the names of all that *protocol* says there must be, sorted."""
    names: set[str] = set()
    for each in protocol.__mro__:
        if getattr(each, "_is_protocol", False):
            names.update(vars(each), vars(each).get("__annotations__", ()))
    return sorted(name for name in names if not name.startswith("_"))


@cache
def made_of(kind: str) -> tuple[str, ...]:
    """Return the names of all that must have what a factory of this *kind* makes, sorted."""
    if kind not in _PROTOCOLS:
        return ()
    module, name = _PROTOCOLS[kind]
    return tuple(operations(getattr(import_module(module), name)))


KINDS: Final = (
    Kind("pct", "vmpp_policies", _mapping, _factory),
    Kind("mode", "vmpp_cpu_modes", _mapping, _factory),
    Kind("noise", "vmpp_noise", _mapping, _factory),
    Kind("topology", "vmpp_topologies", _mapping, _factory),
    Kind("timing", "vmpp_networks", _mapping, _factory),
    Kind("allocator", "vmpp_allocators", _mapping, _factory),
    Kind("queue", "vmpp_queueing", _mapping, _factory),
    Kind("library", "vmpp_libraries", _mapping, _library),
    Kind("image", "vmpp_images", _paths, _anything),
    Kind("machine", "vmpp_machine_files", _machine_files, _anything),
    Kind("command", "vmpp_commands", _commands, _anything),
    Kind("interpreter", "vmpp_interpreters", _mapping, _factory),
)
"""All of them, in the order in which they are listed."""
