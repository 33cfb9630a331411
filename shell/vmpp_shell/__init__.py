"""The ``vmpp>`` prompt: login sessions, their commands, tables and live views.

As a plugin it offers the interpreter of the shell to scenarios.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from vmpp.hooks import hookimpl

if TYPE_CHECKING:
    from vmpp.scenario.directives import Directives
    from vmpp.scenario.interpreter import Interpreter, InterpreterFactory


@hookimpl
def vmpp_interpreters() -> Mapping[str, InterpreterFactory]:
    """Offer the shell."""
    return {"shell": _shell}


def _shell(
    directives: Directives, write: Callable[[bytes], object], answer: Callable[[str], str], /
) -> AbstractAsyncContextManager[Interpreter]:
    from vmpp_shell.replay import replaying  # noqa: PLC0415 - every run of vmpp comes by here

    return replaying(directives, write, answer)
