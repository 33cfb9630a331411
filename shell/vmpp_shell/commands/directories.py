"""Where one is in the file tree: cd, pwd."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vmpp_shell.arguments.types import FOLDER
from vmpp_shell.registry import command

if TYPE_CHECKING:
    from vmpp_shell.context import Context


@command("cd", section="files")
@click.argument("folder", required=False, type=FOLDER, metavar="[FOLDER]")
async def cd(context: Context, folder: str | None) -> None:
    """Go to FOLDER, or home: relative names count from there.

    \b
    Example:
      cd /host
      yod -n 4 ring.py
    """
    session = context.session
    await session.chdir(session.user.home if folder is None else folder)


@command("pwd", section="files")
async def pwd(context: Context) -> None:
    """Print the folder that relative names count from.

    \b
    Example:
      pwd
    """
    context.out.print(context.session.directory)
