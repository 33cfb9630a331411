"""Locks for threads that are fibers: who finds one taken parks until it is handed over.

They stand for the locks of ``_thread``, of which ``threading`` and ``queue`` make everything else.
A lock goes from hand to hand in the order in which they reached for it, so that runs repeat and
nobody starves. One that the host has made, which a library may keep for all ranks, is known to
processes by a *shadow*: a rank that finds it taken by another rank parks as well.
"""

from __future__ import annotations

import _thread
from collections import deque
from collections.abc import Callable, Mapping
from math import isnan
from typing import TYPE_CHECKING, Any, Final, NoReturn
from weakref import WeakKeyDictionary

from vmpp.engine import NANOSECOND, SECOND, Fiber, current_process
from vmpp.process.virtual import Functions, Virtual

if TYPE_CHECKING:
    from vmpp.kernel.process import Process

POLL: Final = 100 * NANOSECOND
"""What it takes to find that there is nothing yet to be had, in picoseconds."""
STEPS: Final = 64
"""How many locks a thread takes at the most before it lets others run."""

_TIMEOUT_MAX: Final = int(_thread.TIMEOUT_MAX)


def let_others_run(process: Process) -> None:
    """Let the other threads of a process that has several run, each until it blocks."""
    process.space.steps = 0
    if not process.dying and not process.in_handler:
        process.yield_cpu()


def poll(process: Process) -> None:
    """Let others run and a little time pass: the caller has looked for something in vain."""
    if process.fibers is not None and not process.dying and not process.in_handler:
        process.charge(POLL)
        let_others_run(process)


def step(process: Process) -> None:
    """Count an operation of a thread that others may wait for; after some of them they run."""
    space = process.space
    space.steps += 1
    if space.steps >= STEPS:
        poll(process)


def duration_of(timeout: float) -> int:
    """Return *timeout*, in seconds, as picoseconds."""
    if isnan(timeout):
        raise ValueError("Invalid value NaN (not a number)")
    if timeout > _TIMEOUT_MAX:
        raise OverflowError("timeout value is too large")
    return round(timeout * SECOND)


class _Turn:
    """A fiber that waits, and whether its turn has come."""

    __slots__ = ("come", "fiber", "process")

    def __init__(self, process: Process) -> None:
        assert process.fiber is not None
        self.process = process
        self.fiber = process.fiber
        self.come = False


class Waiting:
    """The fibers that wait for one thing, in the order in which they came."""

    __slots__ = ("_turns",)

    def __init__(self) -> None:
        self._turns: deque[_Turn] = deque()

    def wait(self, process: Process, duration: int | None, forgo: Callable[[], object]) -> bool:
        """Park the calling fiber of *process* until its turn comes; return whether it has.

        Args:
            duration: after so many picoseconds it goes on all the same; None: never.
            forgo: called if it is ended where it stands and its turn has come already.
        """
        turn = _Turn(process)
        end = None if duration is None else process.clock + duration
        self._turns.append(turn)
        try:
            while not turn.come:
                left = None if end is None else end - process.clock
                if left is not None and left <= 0:
                    break
                process.park(left)
        except BaseException:
            if turn.come:
                forgo()
            raise
        finally:
            if not turn.come:
                self._turns.remove(turn)
        return turn.come

    def next(self) -> Fiber | None:
        """Say that it is the turn of whoever waits longest, and return that fiber."""
        while self._turns:
            turn = self._turns.popleft()
            turn.come = True
            if not turn.process.dead:
                _unpark(turn)
                return turn.fiber
        return None


def _unpark(turn: _Turn) -> None:
    running = current_process()
    if running is turn.process:
        running.unpark(turn.fiber)
        return
    engine = turn.process.kernel.engine
    when = engine.now if running is None else max(engine.now, running.clock)
    engine.at(when, turn.process.unpark, turn.fiber)


_HOST: Final = object()
"""Holds the locks that code outside of all processes has taken."""


def _patience(blocking: Any, timeout: Any) -> int | None:
    """Return for how many picoseconds a call of ``acquire`` waits, None for ever."""
    if not blocking:
        if timeout != -1:
            raise ValueError("can't specify a timeout for a non-blocking call")
        return 0
    if timeout == -1:
        return None
    if timeout < 0:
        raise ValueError("timeout value must be a non-negative number")
    return duration_of(timeout)


class _Taken:
    """What locks of both kinds have in common: a holder, and those who wait for it to let go.

    Attributes:
        holder: the fiber that holds it; None if nobody does.
    """

    __slots__ = ("__weakref__", "_waiting", "holder")

    stands_for: type

    def __init__(self) -> None:
        self.holder: Any = None
        self._waiting: Waiting | None = None

    @property  # type: ignore[misc] # programs ask isinstance()
    def __class__(self) -> type:
        return self.stands_for

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"cannot pickle '_thread.{self.stands_for.__name__}' object")

    def locked(self) -> bool:
        """Return whether somebody holds it."""
        if self.holder is not None:
            process = current_process()
            if process is not None:
                poll(process)
        return self.holder is not None

    def _await(self, process: Process | None, duration: int | None) -> bool:
        """Wait until the lock is handed over; return whether it has been."""
        if process is None:
            if duration is None:
                raise RuntimeError("a thread of a machine's process holds the lock")
            return False
        if duration == 0:
            poll(process)
            return False
        if self._waiting is None:
            self._waiting = Waiting()
        return self._waiting.wait(process, duration, self._hand_over)

    def _hand_over(self) -> None:
        self.holder = None if self._waiting is None else self._waiting.next()

    def _at_fork_reinit(self) -> None:
        self.holder = self._waiting = None


class Lock(_Taken):
    """What ``threading.Lock()`` makes in a process."""

    __slots__ = ()

    stands_for = _thread.LockType

    def __repr__(self) -> str:
        state = "unlocked" if self.holder is None else "locked"
        return f"<{state} _thread.lock object at {id(self):#x}>"

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take the lock, as soon as nobody holds it; return whether that was in time."""
        duration = None
        if timeout != -1 or not blocking:
            duration = _patience(blocking, timeout)
        process = current_process()
        if process is not None and process.fibers is not None:
            step(process)
        if self.holder is None:
            self.holder = _HOST if process is None else process.fiber
            return True
        return self._await(process, duration)

    def release(self) -> None:
        """Let go of the lock, whoever has taken it."""
        if self.holder is None:
            raise RuntimeError("release unlocked lock")
        self._hand_over()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def _is_owned(self) -> bool:
        """Return what ``Condition`` would find out by trying to take the lock."""
        return self.holder is not None

    acquire_lock = acquire
    release_lock = release
    locked_lock = _Taken.locked


class RLock(_Taken):
    """What ``threading.RLock()`` makes in a process: its holder can take it again."""

    __slots__ = ("_count",)

    stands_for = _thread.RLock

    def __init__(self) -> None:
        super().__init__()
        self._count = 0

    def __repr__(self) -> str:
        state = "unlocked" if self.holder is None else "locked"
        return f"<{state} _thread.RLock object count={self._count} at {id(self):#x}>"

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take the lock once more; return whether that was in time."""
        duration = None
        if timeout != -1 or not blocking:
            duration = _patience(blocking, timeout)
        process = current_process()
        me = _HOST if process is None else process.fiber
        if self.holder is me:
            self._count += 1
            return True
        if process is not None and process.fibers is not None:
            step(process)
        if self.holder is None:
            self.holder = me
        elif not self._await(process, duration):
            return False
        self._count = 1
        return True

    def release(self) -> None:
        """Let go of the lock once."""
        if not self._is_owned():
            raise RuntimeError("cannot release un-acquired lock")
        self._count -= 1
        if not self._count:
            self._hand_over()

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()

    def _is_owned(self) -> bool:
        process = current_process()
        return self.holder is (_HOST if process is None else process.fiber)

    def _recursion_count(self) -> int:
        return self._count if self._is_owned() else 0

    def _release_save(self) -> int:
        """Let go of the lock altogether; return how often it was taken."""
        if not self._is_owned():
            raise RuntimeError("cannot release un-acquired lock")
        count, self._count = self._count, 0
        self._hand_over()
        return count

    def _acquire_restore(self, count: int) -> None:
        """Take the lock as often as it was."""
        self.acquire()
        self._count = count

    def _at_fork_reinit(self) -> None:
        super()._at_fork_reinit()
        self._count = 0


# -- locks that the host has made ------------------------------------------------------------------

_shadows: Final[WeakKeyDictionary[Any, Any]] = WeakKeyDictionary()


def _shadow(real: Any) -> Any:
    """Return what processes have in place of a *real* lock."""
    shadow = _shadows.get(real)
    if shadow is None:
        shadow = _shadows[real] = (Lock if type(real) is _thread.LockType else RLock)()
        if type(real) is _thread.LockType and _real_locked(real):
            shadow.holder = _HOST
    elif shadow.holder is _HOST and type(real) is _thread.LockType and not _real_locked(real):
        shadow._hand_over()
    return shadow


_real_locked = _thread.LockType.locked


def _of_shadow(name: str) -> Virtual:
    def call(process: Process, self: Any, *args: Any, **kwargs: Any) -> Any:
        del process
        return getattr(_shadow(self), name)(*args, **kwargs)

    return call


def _methods(cls: type, own: type) -> dict[str, Virtual]:
    """Return virtual methods for those of the C type *cls* that *own* has, too."""
    names = (*vars(own), "locked", "_at_fork_reinit")
    unlike = ("__init__", "__repr__", "__class__", "__reduce__", "__doc__", "__module__")
    return {
        name: _of_shadow(name)
        for name in dict.fromkeys(names)
        if name in vars(cls) and name not in unlike
    }


METHODS: Final[tuple[tuple[type, Mapping[str, Virtual]], ...]] = (
    (_thread.LockType, _methods(_thread.LockType, Lock)),
    (_thread.RLock, _methods(_thread.RLock, RLock)),
)
"""Virtual methods of the C types of locks."""


def _new_lock(process: Process) -> Lock:
    del process
    return Lock()


def _new_rlock(process: Process) -> RLock:
    del process
    return RLock()


TABLE: Final[Functions] = {
    "_thread": {
        "RLock": _new_rlock,
        "allocate": _new_lock,
        "allocate_lock": _new_lock,
        "lock": _new_lock,
    },
    "threading": {
        "Lock": _new_lock,
        "_CRLock": _new_rlock,
        "_allocate_lock": _new_lock,
    },
}
"""Virtual functions by module and name."""
