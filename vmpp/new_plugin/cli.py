"""The command ``vmpp new-plugin``.

What it needs is imported inside it, so that ``vmpp --version`` answers at once.
"""
# ruff: noqa: PLC0415 - see above

from __future__ import annotations

from pathlib import Path

import click


@click.command(name="new-plugin")
@click.option("--directory", type=click.Path(path_type=Path), metavar="DIR",
              help="The new folder; one called NAME by default.")  # fmt: skip
@click.argument("kind")
@click.argument("name")
def new_plugin(kind: str, name: str, directory: Path | None) -> None:
    """Write a package to start from: a plugin that works, with tests.

    KIND is what it offers: pct, mode, noise, topology, timing, allocator, queue, library, image,
    machine or command. NAME is what it is called. The guide is docs/plugins.md.

    \b
    Example:
      vmpp new-plugin pct my_policy
    """
    from vmpp.new_plugin import KINDS, write

    folder = write(kind, name, directory)
    click.echo(f"{name} is {KINDS[kind].what}. Install it, and it is listed:")
    click.echo(f"  pip install --editable '{folder}[test]'")
    click.echo("  vmpp plugins")
    click.echo(f"  pytest {folder}")
