"""Options that commands share: what policies a machine has, and how a program is run on it."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final, TypeVar

import click

from vmpp.machine.job_settings import job_setting_options
from vmpp.machine.kinds import KINDS

Command = TypeVar("Command", bound=Callable[..., Any])

NAMES: Final = {**{kind: f"--{kind}" for kind in KINDS}, "timing": "--network-timing"}
"""The option of each kind of policy; ``--timing`` has been something else for longer."""


def policy_options(
    command: Callable[..., Any],
    type_of: Callable[[str], click.ParamType[Any] | None] = lambda kind: None,
) -> Callable[..., Any]:
    """Give *command* an option for each kind of policy, and ``--level``.

    It gets what is chosen as `policies`, texts by kind, and as `level`, None if it is not.

    Args:
        type_of: gives the type of the option for a kind, where completion goes by that.
    """

    @wraps(command)
    def chosen(*args: Any, **options: Any) -> Any:
        texts = {kind: options.pop(_keyword(kind)) for kind in KINDS}
        policies = {kind: text for kind, text in texts.items() if text is not None}
        return command(*args, policies=policies, **options)

    decorated: Callable[..., Any] = chosen
    decorated = click.option(
        "--level", type=click.IntRange(1), metavar="N",
        help="Jobs that share a node at the most, where the PCT does several tasks.",
    )(decorated)  # fmt: skip
    for kind in reversed(tuple(KINDS)):
        decorated = click.option(
            NAMES[kind], _keyword(kind), type=type_of(kind), metavar="NAME[:ARG]...",
            help=f"Policy: {KINDS[kind].text}.",
        )(decorated)  # fmt: skip
    return decorated


def _keyword(kind: str) -> str:
    return f"policy_{kind}"


def _pairs(context: click.Context, option: click.Parameter, given: tuple[str, ...]) -> Any:
    """Return what options of the form NAME=VALUE say, by name."""
    pairs = dict(each.partition("=")[::2] for each in given)
    for name, value in pairs.items():
        if not name or not value:
            raise click.BadParameter(
                f"{name!r} chooses nothing; write OPERATION=ALGORITHM, as allreduce=ring"
            )
    return pairs


def run_options(command: Command) -> Command:
    """Give *command* the options that say how a program is run, named as `vmpp.run` names them."""
    decorated: Any = policy_options(job_setting_options(command))
    for option in reversed(_RUN):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]


_RUN: Final = (
    click.option("-n", "-np", "nprocs", type=click.IntRange(1), default=1, metavar="N",
                 help="Number of processes, one to a node in most CPU modes.  [default: 1]"),
    click.option("--machine", default="default", show_default=True, metavar="NAME|FILE.toml",
                 help="Machine to boot; see 'vmpp machines'."),
    click.option("--copies", type=click.IntRange(1), default=1, metavar="N",
                 help="Launch PROGRAM so many times at once, on the same nodes."),
    click.option("--universe", type=click.IntRange(1), metavar="N",
                 help="The most processes at once, those that PROGRAM starts included."),
    click.option("--seed", type=int, default=0, show_default=True,
                 help="Seed of everything that is random."),
    click.option("--watchdog", type=click.FloatRange(0, min_open=True), metavar="SECONDS",
                 help="End a process that takes so long, by the host, between calls."),
    click.option("--fault", "faults", multiple=True, metavar="TEXT",
                 help="Let something break, such as 'node 3 crash at 2 ms'; repeatable."),
    click.option("--keep-going", is_flag=True,
                 help="Let the job go on without ranks whose nodes crash."),
    click.option("--coll", multiple=True, metavar="OPERATION=ALGORITHM", callback=_pairs,
                 help="Algorithm of a collective operation; see 'vmpp algorithms'."),
    click.option("-m", "module", is_flag=True,
                 help="PROGRAM is a module, to be found as 'python -m' does."),
)  # fmt: skip
