"""The command ``vmpp``: the shell, and the commands beside it.

What a command needs is imported when it runs, so that ``vmpp --version`` answers at once.
"""
# ruff: noqa: PLC0415 - see above

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final, NoReturn

import click

from vmpp.machine import cli
from vmpp.machine.options import policy_options

SUBCOMMANDS: Final = {
    "run": "vmpp.machine.run_cli:run",
    "compare": "vmpp.machine.comparison.cli:compare",
    "serve": "vmpp_shell.serve.command:serve",
    "machines": "vmpp.machine.cli:machines",
    "topologies": "vmpp.machine.cli:topologies",
    "algorithms": "vmpp.machine.cli:algorithms",
    "plugins": "vmpp.machine.cli:plugins",
    "noise": "vmpp_shell.noise.command:noise",
    "new-plugin": "vmpp.new_plugin.cli:new_plugin",
    "test": "vmpp.scenario.cli:test",
}
"""The commands beside the shell, by name, and where each is: ``module:attribute``."""


class _Beside(click.Group):
    """A group whose commands are imported when they are needed."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        home = SUBCOMMANDS.get(cmd_name)
        if home is None:
            return None
        module, _, attribute = home.partition(":")
        found: click.Command = getattr(import_module(module), attribute)
        return found


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and exit with the status that it deserves."""
    cli.main(sys.argv[1:] if arguments is None else arguments, vmpp)


@click.group(
    cls=_Beside,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(package_name="vmpp", message="%(prog)s %(version)s")
@click.option("--machine", default="default", show_default=True, metavar="NAME|FILE.toml",
              help="Machine to boot; see 'vmpp machines'.")  # fmt: skip
@click.option("--nodes", type=click.IntRange(1), metavar="N",
              help="Compute nodes, at least, of a machine that grows.  [default: 64]")  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True,
              help="Seed of everything that is random.")  # fmt: skip
@click.option("--state", metavar="DIR",
              help="Folder for accounts and files, not the machine's usual one.")  # fmt: skip
@click.option("--ephemeral", is_flag=True,
              help="Keep nothing: no accounts, no files, no history.")  # fmt: skip
@click.option("-c", "line", metavar="COMMAND",
              help="Carry out this command line and exit with its status.")  # fmt: skip
@policy_options
@click.pass_context
def vmpp(
    context: click.Context,
    machine: str,
    nodes: int | None,
    seed: int,
    state: str | None,
    ephemeral: bool,
    line: str | None,
    policies: dict[str, str],
    level: int | None,
) -> int | None:
    """A virtual massively parallel processor.

    It boots thousands of nodes and runs message-passing programs on them, unmodified and
    repeatably. Without a COMMAND it opens the shell of a machine: type 'help' there. Not on a
    terminal, the shell reads its commands from standard input, and the status is that of the last.

    \b
    Examples:
      vmpp
      vmpp --machine paragon -c 'yod -n 64 heat'
      vmpp run -n 64 program.py
    """
    if context.invoked_subcommand is not None:
        return None
    if state and ephemeral:
        raise click.UsageError("--state and --ephemeral exclude each other")
    from vmpp_shell.console import Boot
    from vmpp_shell.start import start, states

    asked = Boot(machine, nodes, seed, policies, level=level)
    return start(asked, states(state, ephemeral=ephemeral), line)
