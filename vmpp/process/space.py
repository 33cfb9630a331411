"""Address spaces: all that a process has for itself, and the running of its program in it."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib import import_module
from types import FrameType, FunctionType, ModuleType
from typing import TYPE_CHECKING, Any, Final

from greenlet import GreenletExit

from vmpp.engine.watchdog import Overrun
from vmpp.kernel.waiting import ProcessExit, ProcessKilled
from vmpp.process import traces
from vmpp.process.imports import MODULES, TABLE

if TYPE_CHECKING:
    import weakref
    from random import Random

    from vmpp.kernel.process import Process
    from vmpp.process.program import Program
    from vmpp.process.threads import Threads

_CONTAINERS: Final = (list, dict, set, tuple)

_update = MODULES.update


class ProgramFailed(Exception):  # it says what happened to the program, not to vmpp
    """A program ended by an exception that it did not catch.

    Attributes:
        text: the traceback as python prints it, without the frames of vmpp.
        status: the exit status of the process.
        shown: whether the program has said so itself, by a ``sys.excepthook`` of its own.
    """

    def __init__(self, text: str, status: int = 1, shown: bool = False) -> None:
        super().__init__(text)
        self.text = text
        self.status = status
        self.shown = shown


class AddressSpace:
    """The private memory of one process: its modules, and its share of the interpreter's state.

    What few programs touch is made when it is touched.

    Attributes:
        program: what runs here.
        process: whose it is.
        own: the process's own modules, by name.
        module_locks: those of the modules that it has imported, by name.
        names: of which modules `own` and the shared ones make up the process's module table.
        attributes: what the process has set or changed of ``sys``, ``os`` and the like.
        exit_handlers: functions registered with ``atexit``, with their arguments.
        finalizers: the live ``weakref.finalize`` objects that the process has made.
        signals: the handlers that the process has set, by signal number.
        slept: virtual time spent in ``time.sleep``, in picoseconds.
        sleeping_until: when the last such sleep ends, in picoseconds of the process's clock.
        started: when the process began to run, in picoseconds of its clock.
        steps: how many operations on locks a thread has done while others could not run.
        threads: the threads of the process, once it has dealt with any.
    """

    __slots__ = (
        "_entropy", "_environ", "_numpy_random", "_random", "attributes", "exit_handlers",
        "finalizers", "module_locks", "names", "own", "process", "program", "signals",
        "sleeping_until", "slept", "started", "steps", "threads",
    )  # fmt: skip

    def __init__(self, program: Program, process: Process) -> None:
        self.program = program
        self.process = process
        self.own: dict[str, Any] = {"__main__": ModuleType("__main__")}
        self.names = program.names
        self.attributes: dict[str, Any] | None = None
        self.exit_handlers: list[tuple[Callable[..., object], Any, Any]] | None = None
        self.finalizers: list[weakref.finalize[Any, Any]] | None = None
        self.module_locks: dict[str, Any] | None = None
        self.signals: dict[int, Any] | None = None
        self.slept = 0
        self.sleeping_until = 0
        self.started = process.clock
        self.steps = 0
        self.threads: Threads | None = None
        self._entropy: Random | None = None
        self._environ: dict[bytes, bytes] | None = None
        self._numpy_random: Any = None
        self._random: Random | None = None

    # -- the context switch ----------------------------------------------------------------------

    def install(self) -> None:
        """Put the process's modules in the interpreter's table; called when its fiber resumes."""
        installed = TABLE.installed
        if installed is self:
            return
        if installed is not None and installed.names is self.names:
            _update(self.own)
            TABLE.installed = self
        else:
            TABLE.install(self)

    # -- what is made when it is touched ---------------------------------------------------------

    def attribute(self, name: str, default: Callable[[AddressSpace], Any]) -> Any:
        """Return the process's own *name*, made by *default* when it is asked for first."""
        attributes = self.attributes
        if attributes is None:
            attributes = self.attributes = {}
        elif name in attributes:
            return attributes[name]
        value = attributes[name] = default(self)
        return value

    def set_attribute(self, name: str, value: Any) -> None:
        """Make *value* the process's own *name*."""
        if self.attributes is None:
            self.attributes = {}
        self.attributes[name] = value

    @property
    def path(self) -> list[str]:
        """The process's ``sys.path``."""
        path: list[str] = self.attribute("sys.path", _path)
        return path

    @property
    def environ(self) -> dict[bytes, bytes]:
        """The environment, to read; `own_environ` is to write."""
        return self.program.environ if self._environ is None else self._environ

    def own_environ(self) -> dict[bytes, bytes]:
        """Return the environment, which is no longer that of the other ranks."""
        if self._environ is None:
            self._environ = self.program.environ.copy()
        return self._environ

    @property
    def random(self) -> Random:
        """The state of the functions of the module ``random``."""
        if self._random is None:
            self._random = self.process.stream("random")
        return self._random

    @property
    def entropy(self) -> Random:
        """What the process draws from where a program asks the system for randomness."""
        if self._entropy is None:
            self._entropy = self.process.stream("entropy")
        return self._entropy

    @property
    def numpy_random(self) -> Any:
        """The state of the functions of ``numpy.random``; NumPy must be loaded."""
        if self._numpy_random is None:
            make: Any = import_module("numpy.random").RandomState
            self._numpy_random = make(self.process.stream("numpy.random").getrandbits(32))
        return self._numpy_random

    @numpy_random.setter
    def numpy_random(self, state: Any) -> None:
        self._numpy_random = state

    # -- running the program ---------------------------------------------------------------------

    def run(self) -> int:
        """Run the program in the calling fiber, and return its exit status as python would.

        Threads that are not daemons are waited for, exit handlers run, other threads are killed,
        and the standard streams are flushed, as at the end of an interpreter.

        Raises:
            ProgramFailed: the program raised an exception and did not catch it.
            Overrun: the watchdog ended it.
        """
        self.install()
        self.started = self.process.clock
        status, failure = 0, None
        try:
            self._execute()
        except SystemExit as stop:
            status = self._exit_status(stop)
        except (ProcessExit, ProcessKilled, GreenletExit, Overrun):
            raise
        except BaseException as error:
            status, failure = self._failed(error)
        self._end_threads()
        self.run_exit_handlers()
        self._run_finalizers()
        self._end_daemons()
        self.drop_objects()
        if not self._flush() and failure is None and not status:
            status = 120
        if failure is not None:
            raise failure
        return status

    def _execute(self) -> None:
        program = self.program
        main = self.own["__main__"]
        main.__dict__.update(program.main_attributes())
        main.__dict__["__builtins__"] = builtins
        package = main.__dict__["__package__"]
        if package:
            import_module(package)
        # Called like this, unlike by exec, the program takes no C stack of its own, which greenlet
        # would copy at every switch.
        FunctionType(program.code, main.__dict__)()

    def _exit_status(self, stop: SystemExit) -> int:
        code = stop.code
        if code is None:
            return 0
        if isinstance(code, int):
            return code & 0xFF
        # As for an interpreter, what cannot be shown does not matter.
        with suppress(Exception):
            print(code, end="", file=sys.stderr)
        with suppress(Exception):
            print(file=sys.stderr)
        return 1

    def _failed(self, error: BaseException) -> tuple[int, ProgramFailed | None]:
        """Say that the program raised *error*, by its own ``sys.excepthook`` if it has one."""
        shown = False
        hook = (self.attributes or {}).get("sys.excepthook", sys.__excepthook__)
        if hook is not sys.__excepthook__:
            try:
                hook(type(error), error, traces.trim(self.program, error))
                shown = True
            except SystemExit as stop:
                return self._exit_status(stop), None
            except Exception as another:
                error = another
        status = 130 if isinstance(error, KeyboardInterrupt) else 1
        return status, ProgramFailed(traces.describe(self.program, error), status, shown)

    def _end_threads(self) -> None:
        """Wait for threads, as the main one ends; what is registered for that comes before."""
        threads = self.threads
        if threads is None:
            return
        threads.closing = True
        while threads.at_end:
            self._call_at_exit(*threads.at_end.pop(), "threading callback")
        threads.join_all()

    def _end_daemons(self) -> None:
        if self.threads is not None and self.process.fibers is not None:
            self.process.end_fibers(self.threads.fibers())

    def run_exit_handlers(self) -> None:
        """Call what is registered with ``atexit``, last first."""
        handlers = self.exit_handlers
        while handlers:
            function, args, kwargs = handlers.pop()
            self._call_at_exit(function, args, kwargs, "atexit callback")

    def _run_finalizers(self) -> None:
        for finalizer in reversed(self.finalizers or ()):
            if finalizer.atexit:
                self._call_at_exit(finalizer, (), {}, "finalizer")

    def _flush(self) -> bool:
        """Flush the standard streams and what the program has put in place of them."""
        sent = True
        for name in ("sys.stdout", "sys.stderr"):
            stream = (self.attributes or {}).get(name)
            try:
                if stream is not None and not getattr(stream, "closed", False):
                    stream.flush()
            except Exception:
                sent = False
        return bool(self.process.files.flush()) and sent

    def drop_objects(self) -> None:
        """Let go of the objects in the program's modules, while their ``__del__`` can still act.

        What they may need for it, functions, classes and objects of libraries, stays.
        """
        for module in list(self.own.values()):
            names = getattr(module, "__dict__", {})
            if not self.program.owns(names.get("__file__") or ""):
                continue
            for name in self._objects(names):
                if name[:2] != "__":
                    names.pop(name, None)

    def _objects(self, names: Mapping[str, Any]) -> list[str]:
        """Return under which *names* there are objects of own classes, then containers."""
        try:
            kinds = set(map(type, names.values()))
        except TypeError:
            # A metaclass of the program's gives its classes no hash.
            objects = [name for name in names if type(names[name]).__module__ in self.own]
            return objects + [name for name in names if isinstance(names[name], _CONTAINERS)]
        # There are few kinds of objects, though a program may have imported many names.
        own = {kind for kind in kinds if kind.__module__ in self.own}
        filled = {kind for kind in kinds if issubclass(kind, _CONTAINERS)}
        objects = [name for name in names if type(names[name]) in own] if own else []
        return objects + [name for name in names if type(names[name]) in filled]

    def _call_at_exit(
        self, function: Callable[..., object], args: Any, kwargs: Any, what: str
    ) -> None:
        try:
            function(*args, **kwargs)
        except SystemExit:
            pass
        except Exception as error:
            text = traces.describe(self.program, error)
            with suppress(Exception):
                print(f"Exception ignored in {what}: {function!r}\n{text}", end="", file=sys.stderr)

    # -- where it is -----------------------------------------------------------------------------

    def describe(self, error: BaseException) -> str:
        """Return the traceback of *error* as python prints it, without the frames of vmpp."""
        return traces.describe(self.program, error)

    def user_frame(self, frame: FrameType | None) -> FrameType | None:
        """Return the innermost frame of the program's own code that *frame* was called from.

        If there is none, the innermost one outside vmpp; None if there is none of these either.
        """
        return traces.user_frame(self.program, frame)

    def lines(self, frame: FrameType) -> tuple[str, int, str]:
        """Return the filename, line number and source line at which *frame* is."""
        return traces.lines(self.program, frame)


def uninstall() -> None:
    """Put the host's modules back; called at the end of each slice of events."""
    TABLE.uninstall()


def _path(space: AddressSpace) -> list[str]:
    return list(space.program.path)


def process_id(process: Process) -> int:
    """Return the number that *process* knows itself by, unique in its machine."""
    return (process.job.id << 20) + process.rank + 2
