"""Tests on the ranks of a machine."""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any, Final, NoReturn, SupportsIndex

import pytest
from _pytest.assertion.rewrite import rewrite_asserts

from vmpp.errors import VmppError, suggestion
from vmpp.machine.plugins import Plugins
from vmpp.scenario.booted import BootedMachine, RanksFailedError
from vmpp.scenario.pytest_plugin import MARKER

_MACHINE: Final = (
    "machine", "nodes", "seed", "universe", "watchdog", "tools", "coll", "policies", "level",
)  # fmt: skip
"""What the marker, and the parameter of the fixture, may say of the machine."""
_RANKS: Final = ("nprocs", *_MACHINE)
_NUMBERS: Final = frozenset(("nprocs", "nodes", "seed", "universe", "level"))


def call(item: pytest.Function) -> bool:
    """Run the body of a test on ranks, with the fixtures' values as they are on the host."""
    if inspect.iscoroutinefunction(item.obj):
        pytest.fail("a test on ranks cannot be asynchronous: make it 'def'", pytrace=False)
    options = _marked(item, _RANKS)
    nprocs = options.pop("nprocs", 1)
    options.setdefault("nodes", nprocs)
    arguments = {name: item.funcargs[name] for name in item._fixtureinfo.argnames}
    failure = None
    with _machine(item.config, options) as machine:
        try:
            _call(machine, item.obj, nprocs, arguments)
        except RanksFailedError as error:
            failure = str(error)
    if failure is not None:
        pytest.fail(failure, pytrace=False)
    return True


def _call(machine: BootedMachine, function: Any, nprocs: int, arguments: Mapping[str, Any]) -> None:
    """Call a test's function on ranks; one that hypothesis tests, once for each example."""
    examples = getattr(function, "hypothesis", None)
    if examples is None:
        machine.call(function, nprocs, **arguments)
        return

    def on_ranks(**drawn: Any) -> None:
        drawn.pop("self", None)
        machine.call(function, nprocs, **drawn)

    own, examples.inner_test = examples.inner_test, on_ranks
    try:
        function(**arguments)
    finally:
        examples.inner_test = own


@contextmanager
def booted(request: pytest.FixtureRequest) -> Iterator[BootedMachine]:
    """Boot the machine that the fixture ``machine`` is."""
    options = _marked(request.node, _MACHINE)
    parameter = getattr(request, "param", None)
    if isinstance(parameter, Mapping):
        options.update(_checked(parameter, _MACHINE))
    elif parameter is not None:
        options["machine"] = parameter
    with _machine(request.config, options) as machine:
        yield machine


@contextmanager
def _machine(config: pytest.Config, options: dict[str, Any]) -> Iterator[BootedMachine]:
    machine = BootedMachine(
        code=lambda path: _compiled(path, config),
        folders=tuple(map(str, config.getini("pythonpath"))),
        **options,
    )
    with ExitStack() as stack:
        try:
            stack.enter_context(machine)
        except (VmppError, ValueError) as error:
            failure = f"the machine cannot be booted: {error}"
        else:
            yield machine
            return
    pytest.fail(failure, pytrace=False)


def _marked(item: pytest.Item, known: Sequence[str]) -> dict[str, Any]:
    """Return the options of the markers of *item*, the nearest first."""
    options: dict[str, Any] = {}
    for marker in item.iter_markers(MARKER):
        if marker.args:
            _refuse(f"takes no positional arguments: write nprocs={marker.args[0]!r}")
        options = _checked(marker.kwargs, known) | options
    return options


def _checked(options: Mapping[str, Any], known: Sequence[str]) -> dict[str, Any]:
    for name, value in options.items():
        if name == "nprocs" and name not in known:
            _refuse("takes no nprocs in a test with the fixture 'machine': say it to run or call")
        if name not in known:
            choices = suggestion(name, known) or f" (there is: {', '.join(known)})"
            _refuse(f"has no {name!r}{choices}")
        if name in _NUMBERS and not isinstance(value, SupportsIndex | None):
            _refuse(f"takes a whole number as {name}, not {value!r}")
    return dict(options)


def _refuse(reason: str) -> NoReturn:
    pytest.fail(f"the marker {MARKER} {reason}", pytrace=False)


def _compiled(path: Path, config: pytest.Config) -> CodeType:
    """Return the code of a test's module, whose asserts tell the values, as pytest has it."""
    source = path.read_bytes()
    tree = ast.parse(source, str(path))
    if config.getoption("assertmode") == "rewrite":
        rewrite_asserts(tree, source, str(path), config)
    return compile(tree, str(path), "exec", dont_inherit=True)


# -- while modules are collected -----------------------------------------------------------------


@contextmanager
def importable() -> Iterator[None]:
    """Let the host import what ranks can, such as ``mpi4py.MPI``, also if it has none itself.

    What it gets then serves ranks only. Where the host has a library of its own, it gets that.
    """
    finder = _Finder(
        {
            name: target
            for library in Plugins.installed().libraries.values()
            for name, target in library.modules.items()
        }
    )
    sys.meta_path.insert(0, finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in finder.lent:
            sys.modules.pop(name, None)
            parent, _, child = name.rpartition(".")
            if parent:
                vars(sys.modules[parent]).pop(child, None)


class _Finder(MetaPathFinder):
    """Finds those modules of libraries that the host has no working ones of.

    Attributes:
        lent: names of those that it has found.
    """

    def __init__(self, targets: Mapping[str, str]) -> None:
        self._targets = targets
        self.lent: list[str] = []

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find a module; part of the import system's protocol."""
        if fullname not in self._targets:
            return None
        spec = PathFinder.find_spec(fullname, path)
        loader = None if spec is None else spec.loader
        return ModuleSpec(fullname, _OrVirtual(loader, self._targets[fullname], self.lent))


class _OrVirtual(Loader):
    """Loads a module, or another in its place if that does not work."""

    def __init__(self, real: Any, virtual: str, lent: list[str]) -> None:
        self._real = real
        self._virtual = virtual
        self._lent = lent

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Create the module; part of the import system's protocol, as is `exec_module`."""
        if self._real is None:
            return None
        real = ModuleSpec(spec.name, self._real, origin=getattr(self._real, "path", None))
        try:
            created: ModuleType | None = self._real.create_module(real)
        except Exception:
            return None
        return created

    def exec_module(self, module: ModuleType) -> None:
        try:
            self._real.exec_module(module)
        except Exception:
            sys.modules[module.__name__] = import_module(self._virtual)
            self._lent.append(module.__name__)
