"""Calls that bring further processes in: spawning, accepting and connecting."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from operator import index
from typing import Any

from vmpp.process import jobs
from vmpp.process.command import marshalled
from vmpp_mpi._calls._collectives import CollectiveCalls
from vmpp_mpi._communicators._kinds import INTER, KINDS
from vmpp_mpi._dynamic import _joining as dynamic
from vmpp_mpi._errors import ERR_ARG, ERR_SPAWN, SUCCESS
from vmpp_mpi._info import INFO_NULL, Info
from vmpp_mpi._state import CommState

Path = str | bytes | os.PathLike[Any]

_HINTS = ("file", "host", "path", "wdir")
"""The keys of an info object that say where and how a program is started."""


class ProcessCalls(CollectiveCalls):
    """A handle to a communicator of one group, with the calls that join it to another job."""

    __slots__ = ()

    def Spawn(
        self,
        command: Path,
        args: Sequence[str] | None = None,
        maxprocs: int = 1,
        info: Info = INFO_NULL,
        root: int = 0,
        errcodes: list[int] | None = None,
    ) -> Any:
        """Start *maxprocs* processes of a program, as a job; a collective operation.

        The job gets nodes that are free, prints where this one does, and has the environment that
        the whole command was given. It counts with it: the command ends with the last of them.

        Args:
            command: a Python script, or ``sys.executable``; of no matter but on *root*, as all
                that follows, up to *root*.
            args: arguments.
            info: ``wdir``, the working directory, by default that of *root*; ``path``, where the
                script is looked for before; ``host``, the name of a node; ``soft``, numbers of
                processes that will do as well; ``file``, a file with lines such as ``wdir = run``.
            errcodes: a list that gets an error code for each process.

        Returns:
            A communicator of two groups, this one and the new job's.

        Raises:
            MPIError: `ERR_SPAWN`, on all ranks: it cannot be started; `ERR_ROOT`: there is no such
                rank.
        """
        state = self._get()
        root = dynamic.root_of(state, root)
        given = []
        if state.rank == root:
            given.append(_command(state, command, _argv(args), maxprocs, info))
        made, counts = dynamic.spawn(state, given, root)
        if errcodes is not None:
            errcodes[:] = _codes(maxprocs, counts[0])
        return _handle(made)

    def Spawn_multiple(
        self,
        command: Sequence[Path],
        args: Sequence[Sequence[str]] | None = None,
        maxprocs: Sequence[int] | None = None,
        info: Sequence[Info] | Info = INFO_NULL,
        root: int = 0,
        errcodes: list[list[int]] | None = None,
    ) -> Any:
        """Start several programs as one job; a collective operation.

        Args:
            command: as for `Spawn`, and all that follows likewise, one for each program.
            maxprocs: numbers of processes; None for one of each.
            errcodes: a list that gets a list of error codes for each program.

        Raises:
            MPIError: as for `Spawn`.
            ValueError: the arguments are not as many as the programs.
        """
        state = self._get()
        root = dynamic.root_of(state, root)
        given = []
        if state.rank == root:
            names = _several(command)
            size = len(names)
            given = [
                _command(state, *each)
                for each in zip(
                    names,
                    _argvs(args, size),
                    _numbers(maxprocs, size),
                    _infos(info, size),
                    strict=True,
                )
            ]
        made, counts = dynamic.spawn(state, given, root)
        if errcodes is not None:
            wanted = _numbers(maxprocs, len(counts))
            errcodes[:] = [_codes(*each) for each in zip(wanted, counts, strict=True)]
        return _handle(made)

    def Accept(self, port_name: str, info: Info = INFO_NULL, root: int = 0) -> Any:
        """Wait until a group connects at a port; a collective operation.

        Args:
            port_name: a port that *root* has open; of no matter on other ranks.
            info: hints; there are none.

        Returns:
            A communicator of two groups, this one and the one that connected.

        Raises:
            MPIError: `ERR_PORT`, on all ranks: it is not open; `ERR_ROOT`: there is no such rank.
        """
        state = self._get()
        return _handle(dynamic.accept(state, port_name, dynamic.root_of(state, root)))

    def Connect(self, port_name: str, info: Info = INFO_NULL, root: int = 0) -> Any:
        """Connect to the group that accepts at a port, or will; a collective operation.

        Args:
            port_name: of the port; of no matter but on *root*.
            info: hints; there are none.

        Returns:
            A communicator of two groups, this one and the one that accepted.

        Raises:
            MPIError: `ERR_PORT`, on all ranks: nobody has it open; `ERR_ROOT`: there is no such
                rank.
        """
        state = self._get()
        return _handle(dynamic.connect(state, port_name, dynamic.root_of(state, root)))


def _handle(state: CommState) -> Any:
    return KINDS[INTER]._make(state)


def _command(
    state: CommState, name: Path, args: list[bytes], most: int, info: Info
) -> jobs.Command:
    """Return what yod is told of a program.

    Raises:
        MPIError: `ERR_ARG`: the number of processes is not positive; `ERR_SPAWN`: ``soft`` is
            wrong.
    """
    most = index(most)
    if most < 1:
        raise state.error(ERR_ARG, f"{most} processes")
    hints = {key: os.fsencode(info[key]) for key in _HINTS if key in info}
    try:
        fewer = sorted({n for n in _soft(info.get("soft") or "") if 0 <= n <= most})
    except ValueError as error:
        raise state.error(ERR_SPAWN, f"soft: {error}") from None
    return jobs.Command(os.fsencode(marshalled(os.fsdecode(name))), args, most, fewer, hints)


def _soft(text: str) -> Iterator[int]:
    """Yield the numbers in a list of ranges: ``first``, ``first:last`` or ``first:last:stride``."""
    for each in filter(None, text.split(",")):
        numbers = [int(part) for part in each.split(":")]
        if len(numbers) > 3:
            raise ValueError(f"{each!r} is no range")
        first = numbers[0]
        last = numbers[1] if len(numbers) > 1 else first
        stride = numbers[2] if len(numbers) > 2 else 1
        yield from range(first, last + (1 if stride > 0 else -1), stride)


def _codes(wanted: int, started: int) -> list[int]:
    return [SUCCESS] * started + [ERR_SPAWN] * (wanted - started)


def _several(command: Any) -> list[Path]:
    if isinstance(command, (str, bytes, os.PathLike)):
        raise ValueError("expecting a sequence of path-like")
    return list(command)


def _argv(args: Any) -> list[bytes]:
    if args is None:
        return []
    if isinstance(args, (str, bytes)):
        args = [args]
    return [os.fsencode(argument) for argument in args]


def _argvs(args: Any, size: int) -> list[list[bytes]]:
    if args is None:
        args = [None] * size
    elif isinstance(args, (str, bytes)):
        args = [args] * size
    return [_argv(each) for each in _as_many(args, size)]


def _numbers(maxprocs: Any, size: int) -> list[int]:
    if maxprocs is None:
        return [1] * size
    if isinstance(maxprocs, int):
        return [maxprocs] * size
    return _as_many(maxprocs, size)


def _infos(info: Any, size: int) -> list[Info]:
    return [info] * size if isinstance(info, Info) else _as_many(info, size)


def _as_many(given: Any, size: int) -> list[Any]:
    items = list(given)
    if len(items) != size:
        raise ValueError(f"expecting {size} items, got {len(items)}")
    return items
