"""Setting an application up, and loading programs on its nodes."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from vmpp.process import jobs
from vmpp.process.command import marshalled
from vmpp.service.partition_calls import SetPriority
from vmpp_nx._application import LIBRARY, Application, Crew
from vmpp_nx._bits import PTYPES
from vmpp_nx._calls import IPSC, call
from vmpp_nx._control._attributes import nodes_of, read_attributes
from vmpp_nx._control._switches import Wanted, take_switches
from vmpp_nx._control._system import ask, ask_allocation
from vmpp_nx._errors import Refused
from vmpp_nx._out import fill

if TYPE_CHECKING:
    from vmpp_nx._state import State

ALL: Final = -1
"""In place of a list of nodes: all that the application has."""

USUAL_PRIORITY: Final = 5
"""Of an application, on the Paragon's scale from 0 to 10: the machine's 0."""


class Answers:
    """What the calls of this module have returned, for processes that get to where they fork.

    Such a process runs its program from the beginning. The calls that its parent had made by then
    return what they had returned there, and do nothing.
    """

    __slots__ = ("_given", "_left")

    def __init__(self, state: State) -> None:
        application = state.application
        self._left = [] if application is None else list(reversed(application.answers))
        self._given: list[int] = []

    @property
    def given(self) -> tuple[int, ...]:
        """All that have been returned so far."""
        return tuple(self._given)

    def repeated(self) -> int | None:
        """Return what the next call is to return; None: it is new."""
        if not self._left:
            return None
        self._given.append(self._left.pop())
        return self._given[-1]

    def give(self, answer: int) -> int:
        """Return *answer*, and remember it."""
        self._given.append(answer)
        return answer


# -- applications --------------------------------------------------------------------------------


@call()
def nx_initve(
    state: State, partition: Any, size: int, account: Any, argc: Any = None, argv: Any = None
) -> int:
    """Set an application up on nodes of its own; this process controls it, and is on none of them.

    The nodes are kept until the last process ends of all that has been launched with this one. What
    runs on them is loaded by `nx_load` or `nx_nfork`.

    Args:
        partition: name of the partition that they are to be in; None or empty: the one that
            ``NX_DFLT_PART`` in the environment names, or any.
        size: how many nodes; 0: as many as ``NX_DFLT_SIZE`` says, or as the partition has.
        account: of no matter.
        argc: a cell that gets the new length of *argv*, or None.
        argv: the program's arguments, a list, of which the switches ``-sz``, ``-pn`` and ``-pri``
            count, and all of NX's are taken out; or None.

    Returns:
        The number of nodes.
    """
    return _initve(state, Wanted(_text(partition), size), argc, argv)


@call()
def nx_initve_rect(
    state: State,
    partition: Any,
    anchor: int,
    rows: int,
    cols: int,
    account: Any,
    argc: Any = None,
    argv: Any = None,
) -> int:
    """Set an application up on a rectangle of nodes, as `nx_initve`.

    Args:
        partition: as for `nx_initve`.
        anchor: place in the partition of the rectangle's first node; -1: anywhere.
        rows: its height.
        cols: its width.
        account: as for `nx_initve`.
        argc: as for `nx_initve`.
        argv: as for `nx_initve`.
    """
    return _initve(state, Wanted(_text(partition), 0, (rows, cols), anchor), argc, argv)


@call()
def nx_initve_attr(state: State, partition: Any, argc: Any, argv: Any, *attributes: Any) -> int:
    """Set an application up as *attributes* say; otherwise as `nx_initve`.

    Args:
        partition: as for `nx_initve`.
        argc: as for `nx_initve`.
        argv: as for `nx_initve`.
        attributes: each with its value behind it, ``NX_ATTR_END`` last: ``NX_ATTR_SZ`` a number of
            nodes, ``NX_ATTR_RECT`` rows and columns, ``NX_ATTR_MAP`` how many nodes and their
            places in the partition, ``NX_ATTR_ANCHOR`` the place of a rectangle's first node,
            ``NX_ATTR_PRI`` a priority, ``NX_ATTR_MBF`` and its kin what the switches of these names
            say. Or a mapping. ``NX_ATTR_ACCT``, ``NX_ATTR_PLK``, ``NX_ATTR_RELAXED``,
            ``NX_ATTR_SEL`` and ``NX_ATTR_GUEST`` are of no matter.
    """
    wanted = Wanted(_text(partition))
    for name, value in read_attributes(attributes).items():
        if name == "MAP":
            wanted.places = nodes_of(value)
        elif name in SETTINGS:
            wanted.settings[f"nx.{name.lower()}"] = str(int(value))
        elif name in _WANTED:
            setattr(wanted, _WANTED[name], value)
    return _initve(state, wanted, argc, argv)


_WANTED: Final = {"SZ": "size", "RECT": "shape", "ANCHOR": "anchor", "PRI": "priority"}
SETTINGS: Final = frozenset(("PKT", "MBF", "MEX", "MEA", "NOC", "STH", "SCT", "GTH"))
"""Attributes that say how messages of the application's processes are kept."""


def _text(name: Any) -> str:
    return "" if name is None else os.fsdecode(name)


def _initve(state: State, wanted: Wanted, argc: Any, argv: Any) -> int:
    answers = state.part(Answers)
    take_switches(wanted, argc, argv)
    repeated = answers.repeated()
    if repeated is not None:
        return repeated
    if state.application is not None and state.application.home != state.process.job.id:
        raise Refused(errno.EEXIST, "this process has an application already")
    environ = os.environ
    partition = wanted.partition or environ.get("NX_DFLT_PART", "")
    usual = environ.get("NX_DFLT_SIZE", "")
    size = wanted.size or (int(usual) if usual.isdecimal() else 0)
    if wanted.shape is not None:
        size = wanted.shape[0] * wanted.shape[1]
    size = len(wanted.places) or size
    if size < 0 or (wanted.shape is not None and min(wanted.shape) < 1):
        raise Refused("EQPARAM", f"an application of {size} nodes")
    request = jobs.Reserve(size, partition, wanted.shape, wanted.anchor, list(wanted.places))
    kept = ask(state, request)
    ptype = state.messages.own_ptype()
    founded = Application.founded(state.process, kept.home, tuple(kept.nodes), ptype)
    founded.settings = wanted.settings
    state.belong(founded)
    if wanted.priority is not None:
        set_priority(state, state.process.job.id, wanted.priority)
    return answers.give(len(kept.nodes))


def set_priority(state: State, job: int, priority: int) -> None:
    """Make a job as urgent as NX's *priority* says. Raises Refused."""
    if not (hasattr(priority, "__index__") and 0 <= priority <= 2 * USUAL_PRIORITY):
        raise Refused("EQPARAM", f"{priority!r:.60} is no priority: they are 0 to 10")
    ask_allocation(state, SetPriority(job, int(priority) - USUAL_PRIORITY))


# -- loading -------------------------------------------------------------------------------------


@call()
def nx_load(
    state: State, nodes: Sequence[int], numnodes: int, ptype: int, pids: Any, path: Any
) -> int:
    """Load a program on nodes of the application, and start it there.

    Args:
        nodes: numbers of the nodes; of no matter if *numnodes* is -1.
        numnodes: how many of them; -1: all nodes of the application.
        ptype: process type of the new processes.
        pids: gets their process numbers, in the order of the nodes; None if nobody wants to know.
        path: of the program, a Python file.

    Returns:
        How many processes have been started.
    """
    return nx_loadve(state, nodes, numnodes, ptype, pids, path, None, None)


@call()
def nx_loadve(
    state: State,
    nodes: Sequence[int],
    numnodes: int,
    ptype: int,
    pids: Any,
    path: Any,
    argv: Sequence[str] | None,
    envp: Any,
) -> int:
    """Load a program as `nx_load`, with arguments and variables.

    Args:
        nodes: as for `nx_load`.
        numnodes: as for `nx_load`.
        ptype: as for `nx_load`.
        pids: as for `nx_load`.
        path: as for `nx_load`.
        argv: the program's arguments, its name first; None: its name alone.
        envp: its environment, a mapping, or a list of ``NAME=VALUE``; None: that of this process.
    """
    answers = state.part(Answers)
    repeated = answers.repeated()
    if repeated is not None:
        return repeated
    arguments = [] if argv is None else [os.fsencode(each) for each in argv[1:]]
    hints = {} if envp is None else {"environ": _environ(envp)}
    command = jobs.Command(os.fsencode(path), arguments, 0, [], hints)
    crew = _load(state, _places(state, nodes, numnodes), ptype, command)
    _tell(pids, crew)
    return answers.give(len(crew.places))


@call()
def nx_nfork(state: State, nodes: Sequence[int], numnodes: int, ptype: int, pids: Any) -> int:
    """Start copies of this process's program on nodes of the application.

    A copy cannot begin in the middle: it runs the program from its beginning. This call, and those
    before it that set applications up, load and fork, do nothing there: the earlier ones return
    what they had returned here, and this one 0. So what the program does before it forks is done
    by each copy as well; it should be little.

    Args:
        nodes: as for `nx_load`.
        numnodes: as for `nx_load`.
        ptype: as for `nx_load`.
        pids: as for `nx_load`.

    Returns:
        How many copies have been started; 0 in each of them.
    """
    answers = state.part(Answers)
    repeated = answers.repeated()
    if repeated is not None:
        return repeated
    command = jobs.Command(os.fsencode(marshalled(sys.executable)), _own_command(), 0, [], {})
    places = _places(state, nodes, numnodes)
    crew = _load(state, places, ptype, command, (*answers.given, 0))
    _tell(pids, crew)
    return answers.give(len(crew.places))


@call(dialect=IPSC)
def load(state: State, file: Any, node: int, pid: int) -> None:
    """Load a program on one node of the application, or on all of them if *node* is -1.

    Args:
        file: the program, a Python file.
        node: number of the node.
        pid: process type of the new process.
    """
    nodes, count = ([], ALL) if node == ALL else ([node], 1)
    nx_load(state, nodes, count, pid, None, file)


def _own_command() -> list[bytes]:
    """Return the arguments of python by which the running program is started."""
    main = sys.modules["__main__"]
    spec = getattr(main, "__spec__", None)
    if spec is not None:
        first = ["-m", spec.name.removesuffix(".__main__")]
    else:
        # The whole path: the program may have gone to another directory.
        first = [getattr(main, "__file__", sys.argv[0])]
    return [os.fsencode(each) for each in (*first, *sys.argv[1:])]


def _environ(envp: Any) -> bytes:
    lines = [f"{k}={v}" for k, v in envp.items()] if isinstance(envp, Mapping) else envp
    return b"\0".join(os.fsencode(line) for line in lines)


def _places(state: State, nodes: Sequence[int], numnodes: int) -> tuple[int, ...]:
    """Return the nodes that a call names. Raises Refused: EQNODE or EQPARAM."""
    size = state.relations.size
    if numnodes == ALL:
        return tuple(range(size))
    if nodes is None or not 0 < numnodes <= len(nodes):
        raise Refused("EQPARAM", f"{numnodes!r:.60} nodes")
    places = tuple(int(node) for node in nodes[:numnodes])
    for place in places:
        if not 0 <= place < size:
            raise Refused("EQNODE", f"{place} is not from 0 to {size - 1}")
    if len(set(places)) < len(places):
        raise Refused("EQNODE", f"{places} names a node twice")
    return places


def _load(
    state: State,
    places: tuple[int, ...],
    ptype: int,
    command: jobs.Command,
    answers: tuple[int, ...] = (),
) -> Crew:
    """Start a program on nodes of the application. Raises Refused."""
    application = state.relations
    if not (hasattr(ptype, "__index__") and 0 <= ptype < PTYPES):
        raise Refused("EQPID", f"{ptype!r:.60} is not from 0 to {PTYPES - 1}")
    application.refresh()
    for crew in application.crews:
        if crew.ptype == ptype and not set(places).isdisjoint(crew.places):
            taken = min(set(places).intersection(crew.places))
            raise Refused("EQUSEPID", f"{ptype} on node {taken}")
    wanted = jobs.Command(command.name, command.args, len(places), [], command.hints)
    parcel = application.parcel(int(ptype), places, answers)
    request = jobs.SpawnAt(
        [wanted],
        application.jobs,
        parcel,
        application.home,
        list(places),
        LIBRARY,
        application.settings,
    )
    found = ask(state, request)
    crew = Crew(found.job, int(ptype), places, tuple(found.nodes), tuple(found.pids))
    application.enter(crew)
    return crew


def process_number(job: int, rank: int) -> int:
    """Return the number of a process, by which the system tells it from all others."""
    return job << 20 | rank


def _tell(pids: Any, crew: Crew) -> None:
    for rank in range(len(crew.places)):
        fill(pids, rank, process_number(crew.job, rank))
