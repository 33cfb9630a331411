"""Booting: from a description to a machine that runs under Trio."""

from __future__ import annotations

import gc
import importlib
import os
import resource
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from functools import partial
from os import PathLike
from types import ModuleType
from typing import Final

import trio

from vmpp.errors import VmppError, one_line
from vmpp.kernel import Roles
from vmpp.machine import description as descriptions
from vmpp.machine.description import MachineDescription, MachineTooSmallError
from vmpp.machine.installation import Installation
from vmpp.machine.kept_policies import KeptPolicyError
from vmpp.machine.kinds import KINDS
from vmpp.machine.machine import Machine
from vmpp.machine.modes import roles_of
from vmpp.machine.parallel_files import pool_of
from vmpp.machine.plugins import PluginError, Plugins, Source
from vmpp.machine.policies import chosen as policies_of
from vmpp.machine.policies import policy as policy_of
from vmpp.machine.policies import with_policies
from vmpp.machine.state import State
from vmpp.machine.universe import Universe
from vmpp.process.interpose import Interposition
from vmpp.service.log import Kind

WATCHDOG_SECONDS: Final = 60.0
"""CPU time that a process may take on the host between two calls, unless said otherwise."""
USUAL_NODES: Final = 64
"""Compute nodes of a machine that grows, unless said otherwise."""
COLLECTOR_THRESHOLDS: Final = (50_000, 20, 1000)
"""Thresholds of Python's garbage collector while a machine is up: a full collection of 16,384
processes takes longer than a thousand of their messages each."""


@asynccontextmanager
async def boot(
    machine: str | PathLike[str] | MachineDescription = "default",
    *,
    nodes: int | None = None,
    processes: int | None = None,
    universe: int | None = None,
    seed: int = 0,
    watchdog: float | None = None,
    tools: Sequence[str] = (),
    coll: Mapping[str, object] | None = None,
    settings: Mapping[str, str] | None = None,
    policies: Mapping[str, str] | None = None,
    level: int | None = None,
    plugins: Plugins | None = None,
    state: State | None = None,
    host: str | PathLike[str] | None = None,
) -> AsyncIterator[Machine]:
    """Boot a machine under Trio; it is shut down when the block ends.

        async with vmpp.boot("paragon") as machine:
            job = await machine.launch("program.py", 64)
            result = await job.wait()

    Args:
        machine: a name, a machine file, or a description.
        nodes: compute nodes that there must be: so many a machine that grows has; it has
            `USUAL_NODES` if left out.
        processes: instead, processes of one job that there must be nodes for, each of which takes
            as many as the CPU mode has it take. A machine that grows boots some more if the
            allocator would find no place for them otherwise.
        universe: how many processes there can be at once, those included that programs start, for
            which a machine that grows boots more nodes; see `vmpp.machine.universe`.
        seed: of everything that is random.
        watchdog: CPU seconds on the host that a process may take between two calls.
        tools: what libraries are to watch of programs, besides what the description asks for.
        coll: by what algorithm, or rules, libraries carry collective operations out, instead of
            what the description has: ``{"allreduce": "ring"}``.
        settings: keys of the description that are to be other: ``{"nx.mbf": "1 MiB"}``.
        policies: what chooses policies instead of what the description has, by what they decide:
            ``{"pct": "rr:2ms", "topology": "hypercube"}``; see `vmpp.machine.kinds.KINDS`.
        level: how many jobs share a node at the most, under a PCT that does several tasks; the
            description's if left out.
        plugins: those to use; all that are installed if left out.
        state: where the machine keeps accounts, files, what its users have done and what policies
            have been chosen for it; without one it has none of these, and serves the host's files
            to the host's user.
        host: of a machine with a state, the host's folder that is its ``/host``; the current one
            by default.

    Raises:
        VmppError: the machine cannot be made as described.
        ValueError: *processes* is not positive.
    """
    found = Plugins.given(plugins)
    described = (
        machine if isinstance(machine, MachineDescription) else descriptions.load(machine, found)
    )
    usual, chosen = policies_of(described), policies or {}
    for kind, text in chosen.items():
        # A slip must not leave the state of a machine behind.
        policy_of(kind, text, found)
    error: BaseException | None = None
    with ExitStack() as stack:
        stack.enter_context(_blaming(found))
        stack.enter_context(_patient_collector())
        installation = None
        if state is not None:
            folder = os.getcwd() if host is None else os.path.abspath(host)
            opening = Installation.open(
                state, programs=found.images, host=folder, pool=pool_of(described)
            )
            installation = stack.enter_context(opening)
            described = _with_kept(described, installation.policies.chosen, chosen, found)
        described = with_policies(described, chosen, found, level)
        built = Machine(
            Universe.of(
                described.with_tools(tools)
                .with_collectives(coll or {})
                .with_settings(settings or {}),
                *_nodes(described, roles_of(described, found), nodes, processes, universe),
                found,
                makes_room=processes is not None,
            ),
            found,
            seed=seed,
            watchdog=WATCHDOG_SECONDS if watchdog is None else watchdog,
            installation=installation,
            makes_room=processes is not None,
        )
        built.usual = usual
        stack.enter_context(Interposition(*_modules(found)))
        stack.enter_context(built.watchdog.watching())
        stack.enter_context(_as_many_files_as_can_be())
        stack.callback(built.shut_down)
        async with trio.open_nursery() as partitions:
            partitions.start_soon(built.services.run)
            partitions.start_soon(built.io.run)
            partitions.start_soon(built.run_compute_partition)
            built.note(Kind.BOOT, text=built.description.name)
            found.tell("vmpp_machine_booted", machine=built)
            # What the block raises is the caller's: it must not come out in a group.
            try:
                yield built
            except BaseException as raised:
                error = raised
            partitions.cancel_scope.cancel()
        if error is not None:
            raise error


def _nodes(
    described: MachineDescription,
    roles: Roles,
    nodes: int | None,
    processes: int | None,
    universe: int | None,
) -> tuple[int, int | None]:
    """Return how many compute nodes there must be, and how many there can be at the most.

    Raises:
        ValueError: *processes* is not positive.
        MachineTooSmallError: the universe has no room for them.
    """
    most = None if universe is None else roles.nodes(universe)
    if processes is None:
        usual = USUAL_NODES if described.grows else described.compute_nodes
        return (usual if nodes is None else nodes), most
    if processes < 1:
        raise ValueError(f"a job has at least one process, not {processes}")
    if universe is not None and universe < processes:
        raise MachineTooSmallError(
            f"a universe of {universe} has no room for {processes} processes"
        )
    return roles.nodes(processes), most


def _with_kept(
    described: MachineDescription,
    kept: Mapping[str, str],
    chosen: Mapping[str, str],
    plugins: Plugins,
) -> MachineDescription:
    """Return a machine with the policies that its state keeps, unless others are *chosen*.

    Raises:
        KeptPolicyError: one cannot be had, because its plugin has gone, say.
    """
    try:
        return with_policies(
            described,
            {kind: kept[kind] for kind in KINDS if kind in kept and kind not in chosen},
            plugins,
        )
    except VmppError as error:
        raise KeptPolicyError(
            f"'policy --boot' has chosen for this machine what it cannot have: {error}; choose "
            "another one by an option for this boot, and by 'policy --boot' for those to come"
        ) from None


@contextmanager
def _patient_collector() -> Iterator[None]:
    """Have Python's garbage collector look less often at a machine's many long-lived objects."""
    before = gc.get_threshold()
    gc.set_threshold(*COLLECTOR_THRESHOLDS)
    try:
        yield
    finally:
        if not gc.get_freeze_count():
            # All that has piled up counts as old, or it would be looked through at once, in vain.
            gc.freeze()
            gc.unfreeze()
        gc.set_threshold(*before)


@contextmanager
def _as_many_files_as_can_be() -> Iterator[None]:
    """Have the file server hold as many files at once as the host allows: every rank opens some."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@contextmanager
def _blaming(plugins: Plugins) -> Iterator[None]:
    """Tell of what is a plugin's mistake as such, and of no other error in a group."""
    try:
        yield
    except BaseException as raised:
        for error in _leaves(raised):
            if isinstance(error, PluginError):
                raise error from error.__cause__
            blamed = plugins.blame(error)
            if blamed is not None:
                raise blamed from error
        raise


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for each in error.exceptions:
            yield from _leaves(each)
    else:
        yield error


def _modules(plugins: Plugins) -> tuple[dict[str, Callable[[], ModuleType]], list[str]]:
    """Return what makes the modules that programs import, by the names that they import.

    And the names of those of which each process gets copies. A module that two libraries offer is
    made of the one that came with vmpp; otherwise whoever imports it is told of both.
    """
    private: list[str] = []
    offered: dict[str, list[tuple[Source, str]]] = {}
    for name, library in plugins.libraries.items():
        source = plugins.source("library", name)
        for module, target in library.modules.items():
            offered.setdefault(module, []).append((source, target))
        private += getattr(library, "private", ())
    return {module: _making(module, found) for module, found in offered.items()}, private


def _making(name: str, offered: Sequence[tuple[Source, str]]) -> Callable[[], ModuleType]:
    """Return what makes the module *name*."""
    own = [(source, target) for source, target in offered if source.ships or len(offered) == 1]
    if not own:
        both = " and ".join(f"plugin {source}" for source, _ in offered)
        return partial(_refuse, name, f"both {both} offer the module {name!r}; uninstall one")
    source, target = own[0]
    if target != name:
        return partial(importlib.import_module, target)
    # What stands for itself has to be found before it is covered.
    try:
        module = importlib.import_module(name)
    except Exception as error:
        return partial(_refuse, name, f"plugin {source}: {one_line(error)}")
    return lambda: module


def _refuse(name: str, why: str) -> ModuleType:
    raise ImportError(why, name=name)
