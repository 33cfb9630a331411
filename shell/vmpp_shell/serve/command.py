"""The command ``vmpp serve``."""

from __future__ import annotations

from pathlib import Path

import click

from vmpp.machine.options import policy_options

PORT = 2222
"""The port that is listened at unless another is asked for."""


@click.command()
@click.option("--machine", default="default", show_default=True, metavar="NAME|FILE.toml",
              help="Machine to boot; see 'vmpp machines'.")  # fmt: skip
@click.option("--nodes", type=click.IntRange(1), metavar="N",
              help="Compute nodes, at least, of a machine that grows.  [default: 64]")  # fmt: skip
@click.option("--seed", type=int, default=0, show_default=True,
              help="Seed of everything that is random.")  # fmt: skip
@click.option("--state", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
              help="Keep accounts and files here, instead of among your own data.")  # fmt: skip
@click.option("--ephemeral", is_flag=True,
              help="Keep nothing: begin with no accounts and no files.")  # fmt: skip
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS",
              help="Address to listen at; 0.0.0.0 is all, and whoever can reach you.")  # fmt: skip
@click.option("--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, metavar="N",
              help="Port to listen at; 0 is any that is free, which is printed.")  # fmt: skip
@policy_options
def serve(
    machine: str,
    nodes: int | None,
    seed: int,
    state: Path | None,
    ephemeral: bool,
    host: str,
    port: int,
    policies: dict[str, str],
    level: int | None,
) -> int:
    """Boot a machine for many people, who log in over SSH, until ^C.

    They log in with the machine's own accounts, by password or public key, and find themselves at
    'vmpp>'. Whoever is at the machine's console, that is you, makes accounts beforehand; if nobody
    can log in yet, you are asked for a password of your own.

    \b
    Examples:
      vmpp -c 'login root; adduser alice'
      vmpp serve --machine paragon
      ssh -p 2222 alice@localhost
      ssh -p 2222 alice@localhost yod -n 16 ring.py
      sftp -P 2222 alice@localhost
    """
    from vmpp.machine.cli import warn_of  # noqa: PLC0415
    from vmpp.machine.description import load  # noqa: PLC0415 - takes a while
    from vmpp.machine.plugins import Plugins  # noqa: PLC0415
    from vmpp_shell.registry import Registry  # noqa: PLC0415
    from vmpp_shell.serve.serving import run  # noqa: PLC0415
    from vmpp_shell.start import states  # noqa: PLC0415

    found = Plugins.installed()
    Registry(found).check()
    warn_of(found)
    described = load(machine, found)
    # As the shell has it, so that accounts that are made there are found here.
    kept = states(None if state is None else str(state), ephemeral=ephemeral)(described.name)
    asked = {
        "machine": described, "nodes": nodes, "seed": seed, "plugins": found,
        "policies": policies, "level": level,
    }  # fmt: skip
    return run(asked, kept, host, port)
