"""Threads: what ``_thread`` and ``threading`` do for a process, whose threads are its fibers.

Everything in ``threading`` that is written in Python stays as it is and is shared: only what it
takes from ``_thread``, and the tables in which it keeps the threads of the interpreter, are those
of whichever process calls. Threads take turns (see `vmpp.kernel.fibers`), and their timeouts are in
virtual time. What traces or profiles threads is ignored.
"""

from __future__ import annotations

import _threading_local
import signal
import sys
import threading
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import suppress
from itertools import count
from typing import TYPE_CHECKING, Any, Final

from greenlet import GreenletExit

from vmpp.engine import Fiber, current_process
from vmpp.engine.watchdog import Overrun
from vmpp.kernel.waiting import ProcessExit, ProcessKilled
from vmpp.process import traces
from vmpp.process.locks import Lock, Waiting, duration_of, poll
from vmpp.process.space import process_id
from vmpp.process.virtual import Functions, Substitute, ignored

if TYPE_CHECKING:
    from vmpp.kernel.process import Process
    from vmpp.process.space import AddressSpace

ENDINGS: Final = (ProcessExit, ProcessKilled, GreenletExit, Overrun)
"""What ends a process, and is no business of its threads."""

_IDENT_BITS: Final = 20
_LEAST_STACK: Final = 32768

_module: Any = threading


class ThreadHandle:
    """A thread as the system has it.

    Attributes:
        ident: its number; None before it starts.
        fiber: the fiber that it is.
        joined: whether the process's end waits for its end.
        sentinel: a lock that is let go at its end, where ``threading`` asks for that.
    """

    __slots__ = ("_done", "_waiting", "fiber", "ident", "joined", "sentinel")

    def __init__(self) -> None:
        self.ident: int | None = None
        self.fiber: Fiber | None = None
        self.joined = False
        self.sentinel: Lock | None = None
        self._done = False
        self._waiting: Waiting | None = None

    def is_done(self) -> bool:
        """Return whether it has ended."""
        if not self._done:
            process = current_process()
            if process is not None:
                poll(process)
        return self._done

    def join(self, timeout: float | None = None) -> None:
        """Wait for its end, no longer than *timeout* seconds."""
        process = current_process()
        if self._done or process is None:
            return
        if self._waiting is None:
            self._waiting = Waiting()
        duration = None if timeout is None or timeout < 0 else duration_of(timeout)
        self._waiting.wait(process, duration, int)

    def _set_done(self) -> None:
        self._done = True
        if self.sentinel is not None and self.sentinel.holder is not None:
            self.sentinel.release()
        while self._waiting is not None and self._waiting.next():
            pass


class Threads:
    """The threads of one process.

    Attributes:
        active: those that run, as ``threading`` knows them, by number.
        limbo: those that are being started.
        main: the one that the process began with.
        stack_size: what the program has asked for, in bytes.
        at_end: what to call when the main thread has ended, and with what.
        closing: whether it has.
        new_future: the number of the next future that has none.
        pools: what `vmpp.process.executors` keeps.
        new_name: the number for the name of the next one that has none.
    """

    __slots__ = (
        "_by_fiber", "_process", "_started", "active", "at_end", "closing", "limbo", "main",
        "new_future", "new_name", "pools", "stack_size",
    )  # fmt: skip

    def __init__(self, process: Process) -> None:
        self._process = process
        self._started = count(1)
        self._by_fiber: dict[Fiber, ThreadHandle] = {}
        self.active: dict[int, threading.Thread] = {}
        self.limbo: dict[threading.Thread, threading.Thread] = {}
        self.stack_size = 0
        self.at_end: list[tuple[Callable[..., object], Any, Any]] = []
        self.closing = False
        self.new_name = count(1).__next__
        self.new_future = count(1).__next__
        self.pools: Any = None
        self.main = ThreadHandle()
        self.main.ident = process_id(process) << _IDENT_BITS

    @property
    def current(self) -> ThreadHandle:
        """The one that runs."""
        process = self._process
        fiber = process.fiber
        if fiber is None or process.in_main_fiber:
            return self.main
        # What a library does in the background, in a fiber of its own, it does for the main one.
        return self._by_fiber.get(fiber, self.main)

    def others(self) -> list[ThreadHandle]:
        """Return those that run besides the main one, in the order in which they began."""
        return list(self._by_fiber.values())

    def fibers(self) -> list[Fiber]:
        """Return the fibers of those that run besides the main one."""
        return list(self._by_fiber)

    def name_of(self, fiber: Fiber) -> str:
        """Return what ``threading`` calls the thread that *fiber* is."""
        ident = self._by_fiber[fiber].ident
        thread = self.active.get(ident or 0)
        return str(ident if thread is None else thread.name)

    def start(self, body: Callable[[], object], handle: ThreadHandle, what: object) -> int:
        """Start a thread that calls *body*, and return its number.

        *what* is what the program calls it by, if it is not one of ``threading``.
        """

        def run() -> None:
            fiber = self._process.fiber
            assert fiber is not None
            fiber.gr_context = None  # it may have been another thread
            self._by_fiber[fiber] = handle
            handle.fiber = fiber
            try:
                body()
            except (*ENDINGS, SystemExit) as end:
                if not isinstance(end, SystemExit):
                    raise
            except BaseException as error:
                text = traces.describe(self._process.space.program, error)
                with suppress(Exception):
                    print(
                        f"Exception ignored in thread started by: {what!r}\n{text}",
                        end="", file=sys.stderr,
                    )  # fmt: skip
            finally:
                self._leave(handle)

        handle.ident = (self.main.ident or 0) + next(self._started)
        self._process.start_fiber(run, apart=True)
        return handle.ident

    def join_all(self) -> None:
        """Wait, at the end of the main thread, for all others that are not daemons."""
        self.main._set_done()
        while left := [handle for handle in self.others() if handle.joined]:
            left[0].join()

    def _leave(self, handle: ThreadHandle) -> None:
        if handle.fiber is not None:
            self._by_fiber.pop(handle.fiber, None)
            handle.fiber = None
        if not self._process.dying:
            handle._set_done()


def threads_of(process: Process) -> Threads:
    """Return the threads of *process*."""
    threads: Threads | None = process.space.threads
    if threads is None:
        threads = process.space.threads = Threads(process)
        # Its making enters it among those that run, and makes what lets go at its end.
        _module._MainThread()
    return threads


# -- _thread ---------------------------------------------------------------------------------------


def _get_ident(process: Process) -> int:
    return threads_of(process).current.ident or 0


def _get_native_id(process: Process) -> int:
    threads = threads_of(process)
    current = threads.current
    return process_id(process) if current is threads.main else current.ident or 0


def _start_new_thread(process: Process, function: Any, args: Any, kwargs: Any = None, /) -> int:
    if not callable(function):
        raise TypeError("first arg must be callable")
    if not isinstance(args, tuple):
        raise TypeError("2nd arg must be a tuple")
    if kwargs is not None and not isinstance(kwargs, dict):
        raise TypeError("optional 3rd arg must be a dictionary")
    named = kwargs or {}
    return threads_of(process).start(lambda: function(*args, **named), ThreadHandle(), function)


def _start_joinable_thread(
    process: Process, function: Any, handle: ThreadHandle | None = None, daemon: bool = True
) -> ThreadHandle:
    if not callable(function):
        raise TypeError("thread function must be callable")
    threads = threads_of(process)
    if threads.closing:
        raise RuntimeError("can't create new thread at interpreter shutdown")
    handle = ThreadHandle() if handle is None else handle
    handle.joined = not daemon
    threads.start(function, handle, function)
    return handle


def _new_handle(process: Process) -> ThreadHandle:
    del process
    return ThreadHandle()


def _handle_of(process: Process, ident: int) -> ThreadHandle:
    threads = threads_of(process)
    for handle in (threads.main, *threads.others()):
        if handle.ident == ident:
            return handle
    return ThreadHandle()


def _main_ident(process: Process) -> int:
    return threads_of(process).main.ident or 0


def _set_sentinel(process: Process) -> Lock:
    handle = threads_of(process).current
    handle.sentinel = Lock()
    return handle.sentinel


def _count_threads(process: Process) -> int:
    return len(threads_of(process).others())


def _stack_size(process: Process, size: int = 0, /) -> int:
    threads = threads_of(process)
    if size < 0 or 0 < size < _LEAST_STACK:
        raise ValueError(f"size not valid: {size} bytes")
    before, threads.stack_size = threads.stack_size, size
    return before


def _interrupt_main(process: Process, signum: int = signal.SIGINT, /) -> None:
    del process
    signal.raise_signal(signum)


# -- threading -------------------------------------------------------------------------------------


def _new_thread_name(process: Process, template: str = "Thread-%d") -> str:
    return template % threads_of(process).new_name()


def _main_thread(process: Process) -> threading.Thread:
    threads = threads_of(process)
    return threads.active[threads.main.ident or 0]


def _set_tstate_lock(process: Process, self: Any) -> None:
    """Give the thread *self*, which runs, the lock that it lets go of at its end."""
    handle = threads_of(process).current
    handle.sentinel = self._tstate_lock = Lock()
    handle.sentinel.acquire()
    handle.joined = not self.daemon


def _is_set(process: Process, self: Any) -> bool:
    if not self._flag:
        poll(process)
    return bool(self._flag)


def _call_at_end(process: Process, function: Any, *args: Any, **kwargs: Any) -> None:
    threads = threads_of(process)
    if threads.closing:
        raise RuntimeError("can't register atexit after shutdown")
    threads.at_end.append((function, args, kwargs))


def _show_exception(process: Process, args: Any, /) -> None:
    """Print that a thread ended by an exception, as the original of ``threading.excepthook``."""
    if args.exc_type is SystemExit:
        return
    thread = args.thread
    name = _get_ident(process) if thread is None else thread.name
    error = args.exc_type() if args.exc_value is None else args.exc_value
    text = traces.describe(process.space.program, error)
    print(f"Exception in thread {name}:\n{text}", end="", file=sys.stderr)


def default_hook(space: AddressSpace) -> Any:
    """Return the original of ``threading.excepthook``."""
    del space
    return _module.__excepthook__


class _ExceptHook:
    """``threading.excepthook`` for the module's own functions: that of whichever process runs."""

    def __init__(self, real: Any) -> None:
        self.real = real

    def __call__(self, args: Any, /) -> Any:
        if current_process() is None:
            return self.real(args)
        if issubclass(args.exc_type, ENDINGS):
            raise args.exc_value
        return _module.excepthook(args)


class _Table(MutableMapping[Any, Any]):
    """A table of threads: the running process's own."""

    def __init__(self, real: dict[Any, Any], own: Callable[[Threads], dict[Any, Any]]) -> None:
        self.real = real
        self.own = own

    def _table(self) -> dict[Any, Any]:
        process = current_process()
        return self.real if process is None else self.own(threads_of(process))

    def __getitem__(self, key: Any) -> Any:
        return self._table()[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self._table()[key] = value

    def __delitem__(self, key: Any) -> None:
        del self._table()[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._table())

    def __len__(self) -> int:
        return len(self._table())

    def values(self) -> Any:
        """Return the threads."""
        return self._table().values()


def _no_hook(process: Process) -> None:
    del process


TABLE: Final[Functions] = {
    "_thread": {
        "_ThreadHandle": _new_handle,
        "_count": _count_threads,
        "_excepthook": _show_exception,
        "_get_main_thread_ident": _main_ident,
        "_make_thread_handle": _handle_of,
        "_set_sentinel": _set_sentinel,
        "get_ident": _get_ident,
        "get_native_id": _get_native_id,
        "interrupt_main": _interrupt_main,
        "set_name": ignored,
        "stack_size": _stack_size,
        "start_joinable_thread": _start_joinable_thread,
        "start_new": _start_new_thread,
        "start_new_thread": _start_new_thread,
        "_local": Substitute(lambda real: _threading_local.local),
    },
    "threading": {
        "Event.is_set": _is_set,
        "Thread._set_tstate_lock": _set_tstate_lock,
        "_ThreadHandle": _new_handle,
        "__excepthook__": _show_exception,
        "_active": Substitute(lambda real: _Table(real, lambda threads: threads.active)),
        "_get_main_thread_ident": _main_ident,
        "_limbo": Substitute(lambda real: _Table(real, lambda threads: threads.limbo)),
        "_maintain_shutdown_locks": ignored,
        "_make_thread_handle": _handle_of,
        "_newname": _new_thread_name,
        "_register_atexit": _call_at_end,
        "_set_name": ignored,
        "_start_joinable_thread": _start_joinable_thread,
        "_start_new_thread": _start_new_thread,
        "excepthook": Substitute(_ExceptHook),
        "get_ident": _get_ident,
        "get_native_id": _get_native_id,
        "getprofile": _no_hook,
        "gettrace": _no_hook,
        "local": Substitute(lambda real: _threading_local.local),
        "main_thread": _main_thread,
        "setprofile": ignored,
        "setprofile_all_threads": ignored,
        "settrace": ignored,
        "settrace_all_threads": ignored,
        "stack_size": _stack_size,
    },
}
"""Virtual functions by module and name."""
