"""Running a function, such as the body of a test, on the ranks of a machine.

Each rank is a process with modules of its own, as of any program: it imports the function's module
anew, and calls the function that it finds there. So what ranks keep in the globals of a test's
module, or of others in its folder, is their own, as it would be under ``mpiexec``. A function that
cannot be imported, since it is made inside another, is called as it is, on all ranks.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

from vmpp.engine import current_process
from vmpp.engine.watchdog import Overrun
from vmpp.kernel import ProcessExit, ProcessKilled
from vmpp.process import traces
from vmpp.process.program import EPOCH, Program

_ENDS = (ProcessExit, ProcessKilled, Overrun)
"""What is raised in a process to end it, which is not the function's doing."""


@dataclass(slots=True)
class Calls:
    """What has come of a function on its ranks.

    Attributes:
        returned: what it returned, by rank.
        raised: what it raised and where, in order of virtual time: rank, node and exception. Its
            traceback begins with the first frame that is not vmpp's.
    """

    returned: dict[int, Any] = field(default_factory=dict)
    raised: list[tuple[int, str, BaseException]] = field(default_factory=list)


def program(
    function: Callable[..., Any],
    arguments: tuple[Any, ...] = (),
    options: Mapping[str, Any] | None = None,
    *,
    code: Callable[[Path], CodeType] | None = None,
    folders: tuple[str, ...] = (),
) -> tuple[Program, Calls]:
    """Return a program whose ranks call *function(*arguments, **options)*, and its `Calls`.

    What is given is given to all ranks as it is.

    Args:
        code: compiles the function's module, from its path; python as usual if None.
        folders: where, besides the module's own folder, the function's modules are found of which
            each rank has its own.
    """
    calls = Calls()
    found = _Found.of(function)
    environ = dict(os.environ)
    if folders:
        environ["PYTHONPATH"] = os.pathsep.join(
            [*folders, *filter(None, [environ.get("PYTHONPATH", "")])]
        )
    made = Program(
        name=getattr(function, "__name__", "function"),
        filename="<ranks>",
        source=b"run()",
        folder=found.folder,
        argv=("",),
        cwd=os.getcwd(),
        environ=environ,
        attributes={"run": partial(_run, found, calls, arguments, dict(options or {}))},
        epoch=EPOCH,
    )
    if found.module is not None:
        made.finder.remember(found.path)
        if code is not None:
            made.finder.compiled(found.path, code(Path(found.path)))
    return made, calls


def _run(found: _Found, calls: Calls, arguments: tuple[Any, ...], options: dict[str, Any]) -> None:
    """Call the function on one rank: the program."""
    process = current_process()
    assert process is not None
    try:
        calls.returned[process.rank] = found.function()(*arguments, **options)
    except _ENDS:
        raise
    except BaseException as error:
        error.__traceback__ = traces.trim(process.space.program, error)
        calls.raised.append((process.rank, process.job.node_name(process.rank), error))
        raise


@dataclass(frozen=True, slots=True)
class _Found:
    """How ranks get at a function.

    Attributes:
        given: the function as it is on the host.
        module: name of the module that ranks import; None if it cannot be.
        path: of that module.
        folder: that it is found from.
        inside: where in the module the function is.
    """

    given: Callable[..., Any]
    module: str | None = None
    path: str = ""
    folder: str = "<ranks>"
    inside: tuple[str, ...] = ()

    @classmethod
    def of(cls, function: Callable[..., Any]) -> _Found:
        """Find *function*, which may be a method of an object of a class without arguments."""
        plain = getattr(function, "__func__", function)
        owner = getattr(function, "__self__", None)
        home = plain if owner is None else type(owner)
        module = sys.modules.get(getattr(home, "__module__", None) or "")
        path = getattr(module, "__file__", None)
        inside = _names(plain, owner)
        if module is None or not path or _get(module, inside) is not plain:
            return cls(function)
        parts = module.__name__.split(".")
        folder = Path(path).parents[len(parts) - 1]
        if folder.joinpath(*parts).with_suffix(".py") != Path(path):
            # pytest may have made the name up; the file's own is as good.
            parts, folder = [Path(path).stem], Path(path).parent
        return cls(function, ".".join(parts), path, str(folder), inside)

    def function(self) -> Callable[..., Any]:
        """Return the function as the calling rank has it."""
        if self.module is None:
            return self.given
        owner: Any = _imported(self.module)
        *outer, name = self.inside
        for part in outer:
            owner = getattr(owner, part)
        bound = hasattr(self.given, "__self__")
        if bound:
            owner = owner()
        found: Callable[..., Any] = getattr(owner, name)
        # hypothesis draws its examples on the host.
        examples = getattr(found, "hypothesis", None)
        if examples is None:
            return found
        inner: Callable[..., Any] = examples.inner_test
        return partial(inner, owner) if bound else inner


def _imported(name: str) -> ModuleType:
    """Import a module. hypothesis takes no offence at tests in it, though it may be testing now."""
    control = sys.modules.get("hypothesis.control")
    context = getattr(control, "_current_build_context", None)
    with nullcontext() if context is None else context.with_value(None):
        return import_module(name)


def _names(plain: Any, owner: object) -> tuple[str, ...]:
    """Return by which names, in each other, the function *plain* may be found in its module."""
    name = getattr(plain, "__name__", "")
    if owner is not None:
        return (*type(owner).__qualname__.split("."), name)
    path = tuple(getattr(plain, "__qualname__", name).split("."))
    # A decorator may have made it in a function of its own, and put it where it was.
    return (name,) if "<locals>" in path else path


def _get(module: ModuleType, inside: tuple[str, ...]) -> Any:
    found: Any = module
    for part in inside:
        found = getattr(found, part, None)
    return found
