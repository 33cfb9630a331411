"""Launching jobs: yod, and its twin srun."""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING, Any, Final

import click

from vmpp.errors import VmppError
from vmpp.machine.job_settings import job_setting_options
from vmpp.service.record import MOST_URGENT
from vmpp_shell.arguments.times import TIME
from vmpp_shell.arguments.types import CHOICES, NODES, PARTITION, PATH, PROGRAM, SIZE
from vmpp_shell.launching import Wanted, launch
from vmpp_shell.loadfile import read_load_file
from vmpp_shell.registry import command
from vmpp_shell.saving import saved

if TYPE_CHECKING:
    from vmpp_shell.context import Context

NICE: Final = click.IntRange(-MOST_URGENT, MOST_URGENT)

PARTITION_VARIABLE: Final = "NX_DFLT_PART"
"""Names the partition that jobs run in if nobody says, as on the Paragon."""

MODES: Final = ("heater", "message-coprocessor", "compute-coprocessor", "virtual-node")
"""CPU modes by the number that ``yod -proc`` has for them on ASCI Red."""


@command(
    "yod", section="launch", background=True, context_settings={"allow_interspersed_args": False}
)
@click.option("-sz", "-n", "-np", "size", type=SIZE, metavar="N|HxW",
              help="Number of processes, one to a node, or two in mode virtual-node; 1, or as "
                   "many as fit on -list; or rows and columns of a rectangle.")  # fmt: skip
@click.option("-list", "nodes", type=NODES, metavar="NODES",
              help="The nodes, in the order of ranks: numbers and ranges, as 0..7,12.")  # fmt: skip
@click.option("-pn", "partition", type=PARTITION, metavar="PARTITION",
              help="The partition that it runs in; by default that of the variable NX_DFLT_PART, "
                   "if there is one.")  # fmt: skip
@click.option("-nd", "places", type=NODES, metavar="NODES",
              help="The nodes, by rank, counted from 0 in the partition.")  # fmt: skip
@click.option("-on", "on", type=NODES, metavar="NODES",
              help="Of its nodes, counted from 0, those that it has processes on.")  # fmt: skip
@click.option("-proc", "number", type=click.IntRange(0, len(MODES) - 1), metavar="N",
              help="CPU mode, by its number: "
                   f"{', '.join(f'{n} {mode}' for n, mode in enumerate(MODES))}.")  # fmt: skip
@click.option("--mode", "mode", type=CHOICES["mode"], metavar="NAME[:ARG]...",
              help="CPU mode of its nodes, by name.")  # fmt: skip
@click.option("-i", "stdin", type=PATH, metavar="FILE", help="What rank 0 reads.")
@click.option("-timing", "timing", is_flag=True, help="Print the phases of the launch and the run.")
@click.option("-kill", "kill", is_flag=True,
              help="End the job when one of its processes ends abnormally.")  # fmt: skip
@click.option("-bt", "backtrace", is_flag=True,
              help="If the job ends abnormally, tell where its processes stood "
                   "and how they ended.")  # fmt: skip
@click.option("-load", "load_file", type=PATH, metavar="FILE",
              help="Launch the programs that FILE names, one a line, as one job.")  # fmt: skip
@click.option("--check", "check", is_flag=True,
              help="Look for faults in the use of MPI; findings make the status 1.")  # fmt: skip
@click.option("--profile", "profile", is_flag=True,
              help="Print where the program spends its time in MPI, by call and line.")  # fmt: skip
@click.option("--coll", "choices", multiple=True, metavar="OPERATION=ALGORITHM",
              help="Algorithm of a collective operation; repeatable.")  # fmt: skip
@click.option("--keep-going", is_flag=True,
              help="Let the job go on without ranks whose nodes crash.")  # fmt: skip
@click.option("--pct", "policy", type=CHOICES["pct"], metavar="NAME[:ARG]...",
              help="Scheduling policy of its nodes, as rr:2ms.")  # fmt: skip
@click.option("-nice", "nice", type=NICE, metavar="N",
              help="How far its processes stand back on nodes that it shares, under a policy that "
                   "minds; root may say a negative N.")  # fmt: skip
@click.option("--priority", "-pri", "priority", type=NICE, metavar="N",
              help="The same the other way round: the more, the more urgent.")  # fmt: skip
@click.option("-plk", is_flag=True, expose_value=False,
              help="Lock its memory in its nodes, which it always is.")  # fmt: skip
@job_setting_options
@click.argument("program", type=PROGRAM, required=False, metavar="PROGRAM")
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[ARGS]...")
async def yod(
    context: Context,
    program: str | None,
    arguments: tuple[str, ...],
    size: tuple[int, ...] | None,
    nodes: tuple[int, ...] | None,
    places: tuple[int, ...] | None,
    on: tuple[int, ...] | None,
    number: int | None,
    mode: str | None,
    stdin: str | None,
    timing: bool,
    kill: bool,
    load_file: str | None,
    check: bool,
    profile: bool,
    choices: tuple[str, ...],
    nice: int | None,
    priority: int | None,
    **options: Any,
) -> int:
    """Launch PROGRAM on N compute nodes, and wait for its end.

    PROGRAM is a Python file, or the name of an image. All that comes after it is for the program,
    options included. With '&' at the end the job runs in the background. ^C sends it SIGTERM, a
    second ^C SIGKILL.

    The status is the program's: the highest of its processes', or 128 and the number of the signal
    that ended it. It is 2 if the job could not be loaded. (The real yod's is 1 for any program that
    ended abnormally.)

    A line of a load file has -sz N or -list NODES, a program and its arguments. The ranks follow
    each other in the order of the lines.

    \b
    Example:
      yod -sz 64 heat --steps 100
      yod -list 0..7 -kill ring.py > ring.out &
    """
    mode = _mode(number, mode)
    options["partition"] = options["partition"] or context.interpreter.variables.get(
        PARTITION_VARIABLE
    )
    tools = tuple(name for name, asked in (("check", check), ("profile", profile)) if asked)
    given = _options(
        nodes=nodes or (),
        places=places or (),
        on=on or (),
        shape=size if size is not None and len(size) > 1 else None,
        mode=mode,
        tools=tools,
        coll=_algorithms(choices),
        priority=_priority(nice, priority),
        **options,
    )
    if load_file is not None:
        if program is not None or not size is nodes is places is on is None:
            raise click.UsageError("a load file says what runs, on how many nodes and on which")
        ranks = _ranks(context, mode)
        wanted = await _from_load_file(context, load_file, ranks, {"kill": kill, **given})
    elif program is None:
        raise click.UsageError("missing argument 'PROGRAM'")
    else:
        count = _size(_product(size), nodes or places, _ranks(context, mode))
        if on is not None:
            if max(on) >= count and not size is nodes is places is None:
                raise click.UsageError(f"there is no node {max(on)} to be -on: -sz is {count}")
            given["span"], count = max(count, max(on) + 1), len(on) * _ranks(context, mode)
        wanted = Wanted(program, arguments, count, {"kill": kill, **given})
    return await launch(await _reading(context, stdin), replace(wanted, timing=timing))


async def _from_load_file(
    context: Context, file: str, ranks: int, options: dict[str, Any]
) -> Wanted:
    text = (await context.session.files.read(file)).decode(errors="surrogateescape")
    first, *others = members = read_load_file(text, file, ranks)
    nodes = tuple(node for member in members for node in member.nodes)
    return Wanted(
        first.program,
        first.arguments,
        first.size,
        {
            **options,
            **_options(nodes=nodes),
            "others": [(member.program, member.arguments, member.size) for member in others],
        },
    )


def _product(size: tuple[int, ...] | None) -> int | None:
    """Return how many nodes a number, or a rectangle, has; None if neither is said."""
    return None if size is None else prod(size)


def _algorithms(choices: tuple[str, ...]) -> dict[str, str]:
    """Return what options of the form OPERATION=ALGORITHM say, by operation."""
    pairs = dict(choice.partition("=")[::2] for choice in choices)
    for name, value in pairs.items():
        if not name or not value:
            raise click.UsageError(
                f"{name!r} chooses nothing; write OPERATION=ALGORITHM, as allreduce=ring"
            )
    return pairs


def _mode(number: int | None, name: str | None) -> str:
    """Return the CPU mode that is asked for, by number or name; nothing if none is."""
    if number is not None and name is not None:
        raise click.UsageError(f"-proc {number} and --mode {name} say the same: give one of them")
    return name or ("" if number is None else MODES[number])


def _priority(nice: int | None, priority: int | None) -> int:
    """Return the priority of a job from what may be said of it in two ways."""
    if nice is not None and priority is not None:
        raise click.UsageError("-nice and --priority say the same; give one of them")
    return priority or -(nice or 0)


def _ranks(context: Context, mode: str) -> int:
    """Return how many ranks a node takes; 1 for a mode that there is not, as will be told."""
    try:
        return context.machine.roles(mode).ranks
    except VmppError:
        return 1


def _size(size: int | None, nodes: tuple[int, ...] | None, ranks: int) -> int:
    """Return how many ranks there are, if so many are asked for and these nodes are given."""
    if nodes is None:
        return 1 if size is None else size
    if size is not None and size > len(nodes) * ranks:
        raise click.UsageError(f"{size} processes do not fit on the {len(nodes)} nodes of the list")
    return len(nodes) * ranks if size is None else size


def _options(**options: Any) -> dict[str, Any]:
    """Return those of *options* that say something."""
    return {name: value for name, value in options.items() if value}


async def _reading(context: Context, file: str | None) -> Context:
    """Return a context whose job reads *file*."""
    if file is not None:
        context.terminal = context.terminal.reading(await context.session.files.read(file))
    return context


@command(
    "srun", section="launch", background=True, context_settings={"allow_interspersed_args": False}
)
@click.option("-n", "--ntasks", "tasks", type=click.IntRange(1), metavar="N",
              help="Number of tasks, one to a node, or two in mode virtual-node; 1, or as many "
                   "as fit on -N or -w.")  # fmt: skip
@click.option("-N", "--nodes", "count", type=click.IntRange(1), metavar="N",
              help="Number of nodes.")  # fmt: skip
@click.option("-w", "--nodelist", "nodes", type=NODES, metavar="NODES",
              help="The nodes, in the order of tasks, as [0-7,12].")  # fmt: skip
@click.option("-J", "--job-name", "name", metavar="NAME", help="What the job is called.")
@click.option("-i", "--input", "stdin", type=PATH, metavar="FILE", help="What task 0 reads.")
@click.option("-o", "--output", "out", type=PATH, metavar="FILE",
              help="Where standard output goes, and the errors without -e.")  # fmt: skip
@click.option("-e", "--error", "err", type=PATH, metavar="FILE", help="Where the errors go.")
@click.option("-t", "--time", "limit", type=TIME, metavar="TIME",
              help="Virtual time until it is ended: minutes, h:m:s, '5 ms'.")  # fmt: skip
@click.option("-K", "--kill-on-bad-exit", "kill", is_flag=True,
              help="End the job when one of its tasks ends abnormally.")  # fmt: skip
@click.option("--pct", "policy", type=CHOICES["pct"], metavar="NAME[:ARG]...",
              help="Scheduling policy of its nodes, as rr:2ms.")  # fmt: skip
@click.option("--mode", "mode", type=CHOICES["mode"], metavar="NAME[:ARG]...",
              help="CPU mode of its nodes.")  # fmt: skip
@click.option("--nice", "nice", type=NICE, metavar="N",
              help="How far its tasks stand back on nodes that it shares, under a policy that "
                   "minds; root may say a negative N.")  # fmt: skip
@click.argument("program", type=PROGRAM)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED, metavar="[ARGS]...")
async def srun(
    context: Context,
    program: str,
    arguments: tuple[str, ...],
    tasks: int | None,
    count: int | None,
    nodes: tuple[int, ...] | None,
    name: str | None,
    stdin: str | None,
    out: str | None,
    err: str | None,
    limit: int | None,
    kill: bool,
    policy: str | None,
    mode: str | None,
    nice: int | None,
) -> int:
    """Launch PROGRAM as yod does, with the options of Slurm's srun.

    How many tasks a node runs is said by the CPU mode, so -n and -N say the same. Options that mean
    nothing here are refused.

    \b
    Example:
      srun -N 64 -t 10:00 -o heat.out heat --steps 100
    """
    ranks = _ranks(context, mode or "")
    count = _tasks(tasks, count, ranks)
    given = _options(
        nodes=nodes or (),
        name=name,
        limit=limit,
        policy=policy,
        mode=mode,
        priority=-(nice or 0),
    )
    wanted = Wanted(
        program,
        arguments,
        _size(count, nodes, ranks),
        {"kill": kill, **given},
    )
    async with saved(await _reading(context, stdin), out, err) as written:
        return await launch(written, wanted)


def _tasks(tasks: int | None, nodes: int | None, ranks: int) -> int | None:
    """Return how many tasks there are, if so many are asked for, or nodes that take *ranks* each.

    None if it is not said.
    """
    if nodes is None or tasks is None:
        return tasks if nodes is None else nodes * ranks
    needed = -(-tasks // ranks)
    if needed != nodes:
        each = "one each" if ranks == 1 else f"{ranks} on each"
        raise click.UsageError(f"{tasks} tasks take {needed} nodes, {each}, not {nodes}")
    return tasks
