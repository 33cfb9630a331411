"""Programs that are found by name."""

from __future__ import annotations

from contextlib import suppress
from os import PathLike, fspath, sep
from pathlib import Path
from typing import TYPE_CHECKING

from vmpp.errors import VmppError, suggestion

if TYPE_CHECKING:
    from vmpp.machine.plugins import Plugins


class NoProgramError(VmppError):
    """There is neither a file nor an image of this name."""


def locate(program: str | PathLike[str], plugins: Plugins, cwd: Path) -> str:
    """Return the path of *program*: itself if there is such a file, or else that of the image.

    A file hides an image of the same name, as it hides a command in a shell's directory.

    Raises:
        NoProgramError: there is neither; the nearest name is given, of an image or of a program
            where *program* would be.
    """
    asked = fspath(program)
    if (cwd / asked).exists():
        return asked
    if asked in plugins.images:
        return str(plugins.images[asked])
    folder = (cwd / asked).parent
    prefix = asked[: asked.rfind(sep) + 1]
    near = set(plugins.images)
    with suppress(OSError):
        near.update(prefix + path.name for path in folder.glob("*.py"))
    raise NoProgramError(
        f"no such program: {asked!r}{suggestion(asked, near)} "
        f"(a file, or one of the images: {', '.join(plugins.images)})"
        f"{plugins.images.absence(asked)}"
    )
