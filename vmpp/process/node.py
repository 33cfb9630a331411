"""The rest of the operating system's interface, as far as a compute node has it.

A compute node runs one process. What it does not have raises OSError(ENOSYS), which says so:
``os.fork``, ``forkpty``, ``exec*``, ``posix_spawn*``, ``system``, ``subprocess``,
``signal.alarm``, ``setitimer`` and ``pause``, ``select`` other than as a pause. Signal handlers can
be set, and run when the process sends the signal to itself, or a user to its job.
"""

from __future__ import annotations

import errno
import gettext
import grp
import importlib
import linecache
import os
import platform
import pwd
import signal
import sys
import weakref
from collections.abc import Callable
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, NoReturn

from vmpp.engine import SECOND, to_ps
from vmpp.exit_status import ABORTED, SIGNALLED
from vmpp.process.clocks import cpu_time
from vmpp.process.host_side import as_host
from vmpp.process.program_files import Owner
from vmpp.process.signals import HARMLESS
from vmpp.process.space import process_id
from vmpp.process.threads import ENDINGS
from vmpp.process.virtual import Functions, Virtual, absent, ignored

if TYPE_CHECKING:
    from vmpp.kernel.process import Process


def _on_host(function: Callable[..., Any]) -> Virtual:
    """Return a virtual function that is the real *function*, called on the host's side."""

    def call(process: Process, *args: Any) -> Any:
        del process
        return as_host(function, *args)

    return call


# -- source lines ----------------------------------------------------------------------------------

_real_getlines = linecache.getlines


def _getlines(process: Process, filename: str, module_globals: Any = None) -> list[str]:
    own: list[str] | None = process.space.program.lines(filename)
    if own is None:
        return as_host(_real_getlines, filename, module_globals)
    return own


def _getline(process: Process, filename: str, lineno: int, module_globals: Any = None) -> str:
    found = _getlines(process, filename, module_globals)
    return found[lineno - 1] if 1 <= lineno <= len(found) else ""


# -- the user --------------------------------------------------------------------------------------


def _of_owner(real: Callable[[], Any], tell: Callable[[Owner], Any]) -> Virtual:
    """Return a virtual function that tells something of the user whose process calls it."""

    def call(process: Process) -> Any:
        owner: Owner | None = process.space.program.files.owner
        return real() if owner is None else tell(owner)

    return call


_real_getpwuid, _real_getpwnam, _real_getpwall = pwd.getpwuid, pwd.getpwnam, pwd.getpwall
_real_getgrgid, _real_getgrnam, _real_getgrall = grp.getgrgid, grp.getgrnam, grp.getgrall


def _entry(owner: Owner) -> pwd.struct_passwd:
    return pwd.struct_passwd((owner.name, "x", owner.uid, owner.gid, "", owner.home, "vmpp"))


def _group(owner: Owner) -> grp.struct_group:
    return grp.struct_group((owner.name, "x", owner.gid, [owner.name]))


def _looked_up(real: Callable[..., Any], make: Callable[[Owner], Any], key: str) -> Virtual:
    """Return a virtual function that finds the user whose process calls it, and nobody else.

    Who else there is on the machine, its login server knows; the host's users are none of it.
    """

    def call(process: Process, wanted: Any) -> Any:
        owner: Owner | None = process.space.program.files.owner
        if owner is None:
            return real(wanted)
        if getattr(owner, key) != wanted:
            raise KeyError(f"{real.__name__}(): not found: {wanted!r}")
        return make(owner)

    return call


_USER: Final = {
    name: _of_owner(getattr(os, name), tell)
    for name, tell in {
        "getegid": lambda owner: owner.gid,
        "geteuid": lambda owner: owner.uid,
        "getgid": lambda owner: owner.gid,
        "getgroups": lambda owner: list(owner.groups),
        "getlogin": lambda owner: owner.name,
        "getresgid": lambda owner: (owner.gid, owner.gid, owner.gid),
        "getresuid": lambda owner: (owner.uid, owner.uid, owner.uid),
        "getuid": lambda owner: owner.uid,
    }.items()
    if hasattr(os, name)
}


# -- processes, threads and signals ----------------------------------------------------------------


def _exit(process: Process, status: int) -> NoReturn:
    process.exit(status & 0xFF)


def _abort(process: Process) -> NoReturn:
    process.exit(ABORTED)


def _getpid(process: Process) -> int:
    return process_id(process)


def _getppid(process: Process) -> int:
    del process
    return 1


def _getpgid(process: Process, *_: int) -> int:
    return process_id(process)


def _cpu_count(process: Process) -> int:
    del process
    return 1


def _affinity(process: Process, pid: int, /) -> set[int]:
    del process, pid
    return {0}


def _no_children(process: Process, *_: Any) -> NoReturn:
    del process
    raise ChildProcessError(errno.ECHILD, os.strerror(errno.ECHILD))


def _select(
    process: Process, rlist: Any, wlist: Any, xlist: Any, timeout: float | None = None, /
) -> tuple[list[Any], list[Any], list[Any]]:
    if timeout is None or any(map(list, (rlist, wlist, xlist))):
        raise OSError(errno.ENOSYS, "a compute node has nothing to select from")
    process.sleep(to_ps(timeout))
    return [], [], []


def _signal(process: Process, signalnum: int, handler: Any) -> Any:
    number = signal.Signals(signalnum)
    if not process.in_main_fiber:
        raise ValueError("signal only works in main thread of the main interpreter")
    if number in (signal.SIGKILL, signal.SIGSTOP):
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
    if not callable(handler) and handler not in (signal.SIG_DFL, signal.SIG_IGN):
        raise TypeError(
            "signal handler must be signal.SIG_IGN, signal.SIG_DFL, or a callable object"
        )
    before = _getsignal(process, number)
    space = process.space
    if space.signals is None:
        space.signals = {}
    space.signals[int(number)] = handler
    return before


def _getsignal(process: Process, signalnum: int) -> Any:
    number = int(signal.Signals(signalnum))
    default = signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL
    return (process.space.signals or {}).get(number, default)


def _raise_signal(process: Process, signalnum: int, /) -> None:
    handler = _getsignal(process, signalnum)
    if callable(handler):
        try:
            handler(int(signalnum), sys._getframe(2))
        except BaseException as error:
            if process.fibers is None or process.in_main_fiber or isinstance(error, ENDINGS):
                raise
            # Handlers are the main thread's, and so is what they raise.
            process.fibers.raise_in_main(error)
    elif handler == signal.SIG_DFL and signalnum not in HARMLESS:
        process.exit(SIGNALLED + signalnum)


def _kill(process: Process, pid: int, signalnum: int, /) -> None:
    if pid not in (process_id(process), 0):
        raise ProcessLookupError(errno.ESRCH, os.strerror(errno.ESRCH))
    if signalnum:
        _raise_signal(process, signalnum)


# -- what the node is called -----------------------------------------------------------------------

_real_uname = os.uname
_real_platform_uname = platform.uname


def _node_name(process: Process) -> str:
    name: str = process.job.node_name(process.rank)
    return name


def _uname(process: Process) -> os.uname_result:
    real = _real_uname()
    return os.uname_result((real.sysname, _node_name(process), *real[2:]))


def _platform_uname(process: Process) -> Any:
    return as_host(_real_platform_uname)._replace(node=_node_name(process))


# -- environment and accounting --------------------------------------------------------------------


def _getenv(process: Process, key: str, default: Any = None) -> Any:
    del process
    return os.environ.get(key, default)


def _times(process: Process) -> os.times_result:
    seconds = cpu_time(process) / SECOND
    return os.times_result((seconds, 0.0, 0.0, 0.0, process.clock / SECOND))


def _getrusage(process: Process, who: int, /) -> Any:
    del who
    import resource  # noqa: PLC0415 # only programs that ask need it

    return resource.struct_rusage((cpu_time(process) / SECOND, 0.0, *(0,) * 14))


def _setrecursionlimit(process: Process, limit: int, /) -> None:
    """Raise the limit, which processes share; it comes down when the machine does."""
    del process
    if limit < 1:
        raise ValueError("recursion limit must be greater or equal than 1")
    _real_setrecursionlimit(max(limit, sys.getrecursionlimit()))


_real_setrecursionlimit = sys.setrecursionlimit


# -- the end of the process ------------------------------------------------------------------------


def _register(process: Process, func: Any, /, *args: Any, **kwargs: Any) -> Any:
    if not callable(func):
        raise TypeError("the first argument must be callable")
    space = process.space
    if space.exit_handlers is None:
        space.exit_handlers = []
    space.exit_handlers.append((func, args, kwargs))
    return func


def _unregister(process: Process, func: Any, /) -> None:
    handlers = process.space.exit_handlers
    if handlers:
        handlers[:] = [handler for handler in handlers if handler[0] != func]


def _callbacks(process: Process) -> int:
    return len(process.space.exit_handlers or ())


def _clear_callbacks(process: Process) -> None:
    process.space.exit_handlers = None


def _run_callbacks(process: Process) -> None:
    process.space.run_exit_handlers()


_real_finalize_init = weakref.finalize.__init__


def _finalize_init(
    process: Process,
    self: weakref.finalize[Any, Any],
    obj: Any,
    func: Any,
    /,
    *args: Any,
    **kw: Any,
) -> None:
    as_host(lambda: _real_finalize_init(self, obj, func, *args, **kw))
    space = process.space
    finalizers = space.finalizers or []
    space.finalizers = [f for f in finalizers if f.alive] if len(finalizers) > 64 else finalizers
    space.finalizers.append(self)


# -- modules ---------------------------------------------------------------------------------------

_real_reload = importlib.reload


def _reload(process: Process, module: ModuleType) -> ModuleType:
    """Load the process's own *module* again; a shared one is left as it is for the others."""
    if not isinstance(module, ModuleType):
        raise TypeError("reload() argument must be a module")
    name = module.__spec__.name if module.__spec__ else module.__name__
    return _real_reload(module) if name in process.space.own else module


# -- translations ----------------------------------------------------------------------------------

_real_find = gettext.find


def _find_translations(
    process: Process,
    domain: str,
    localedir: Any = None,
    languages: Any = None,
    all: bool = False,  # noqa: A002 # the original calls it so
) -> Any:
    """Find catalogues of messages; the machine itself has none, whatever the host has.

    ``argparse`` asks for some at every start. Twenty system calls a rank would find nothing.
    """
    del process
    if localedir is None:
        return [] if all else None
    return _real_find(domain, localedir, languages, all)


TABLE: Final[Functions] = {
    "atexit": {
        "_clear": _clear_callbacks,
        "_ncallbacks": _callbacks,
        "_run_exitfuncs": _run_callbacks,
        "register": _register,
        "unregister": _unregister,
    },
    "gc": {
        "disable": ignored,
        "enable": ignored,
        "freeze": ignored,
        "set_debug": ignored,
        "set_threshold": ignored,
        "unfreeze": ignored,
    },
    "gettext": {"find": _find_translations},
    "importlib": {"reload": _reload},
    "linecache": {
        "checkcache": _on_host(linecache.checkcache),
        "getline": _getline,
        "getlines": _getlines,
        "updatecache": _on_host(linecache.updatecache),
    },
    "grp": {
        "getgrall": _of_owner(_real_getgrall, lambda owner: [_group(owner)]),
        "getgrgid": _looked_up(_real_getgrgid, _group, "gid"),
        "getgrnam": _looked_up(_real_getgrnam, _group, "name"),
    },
    "pwd": {
        "getpwall": _of_owner(_real_getpwall, lambda owner: [_entry(owner)]),
        "getpwnam": _looked_up(_real_getpwnam, _entry, "name"),
        "getpwuid": _looked_up(_real_getpwuid, _entry, "uid"),
    },
    "os": {
        **_USER,
        "_exit": _exit,
        "abort": _abort,
        "cpu_count": _cpu_count,
        "getenv": _getenv,
        "getpgid": _getpgid,
        "getpgrp": _getpgid,
        "getpid": _getpid,
        "getppid": _getppid,
        "getsid": _getpgid,
        "kill": _kill,
        "killpg": _kill,
        "nice": absent("priorities"),
        "process_cpu_count": _cpu_count,
        "putenv": ignored,
        "register_at_fork": ignored,
        "sched_getaffinity": _affinity,
        "sched_setaffinity": ignored,
        "setpgid": absent("process groups"),
        "setsid": absent("sessions"),
        "times": _times,
        "uname": _uname,
        "unsetenv": ignored,
        **dict.fromkeys(
            ("fork", "forkpty", "posix_spawn", "posix_spawnp", "popen", "system"),
            absent("second process"),
        ),
        **dict.fromkeys(("execv", "execve"), absent("exec")),
        **dict.fromkeys(("wait", "wait3", "wait4", "waitid", "waitpid"), _no_children),
    },
    "_posixsubprocess": {"fork_exec": absent("second process")},
    "platform": {"node": _node_name, "uname": _platform_uname},
    "resource": {"getrusage": _getrusage, "setrlimit": ignored},
    "select": {
        "epoll": absent("epoll"),
        "poll": absent("poll"),
        "select": _select,
    },
    "selectors": {
        "EpollSelector.__init__": absent("epoll"),
        "PollSelector.__init__": absent("poll"),
    },
    "signal": {
        "alarm": absent("alarms"),
        "getsignal": _getsignal,
        "pause": absent("signals to wait for"),
        "raise_signal": _raise_signal,
        "set_wakeup_fd": absent("descriptors to wake up"),
        "setitimer": absent("timers"),
        "siginterrupt": ignored,
        "signal": _signal,
    },
    "subprocess": {"Popen.__init__": absent("second process")},
    "sys": {"setrecursionlimit": _setrecursionlimit},
    "weakref": {"finalize.__init__": _finalize_init},
}
"""Virtual functions by module and name."""
