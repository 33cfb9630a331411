"""Lines that somebody has typed before, kept with the machine's state."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prompt_toolkit.history import FileHistory, History

if TYPE_CHECKING:
    from vmpp_shell.interpreter import Interpreter


def history(interpreter: Interpreter) -> History | None:
    """Return what remembers lines from one start to the next, where anything is kept."""
    installation = interpreter.console.machine.installation
    if installation is None or not installation.state.keeps:
        return None
    folder = installation.state.folder / "history"
    folder.mkdir(mode=0o700, exist_ok=True)
    return FileHistory(str(folder / interpreter.console.session.user.name))
