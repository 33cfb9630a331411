"""The little language of handlers that the kernel interprets: text in, instructions out.

It is a subset of Python's syntax: whole numbers, names, conditions, loops over constant ranges, and
calls that look at the message, read and write the descriptor's memory, and send. The body of a loop
is repeated for each turn, so that the instructions only go forward. This is user space's: the
kernel checks what comes of it, and trusts nothing here.
"""

from __future__ import annotations

import ast
from textwrap import dedent
from typing import Final

from vmpp.portals.handlers import HandlerProgram
from vmpp.portals.language._statements import Compiler
from vmpp.portals.language._words import VERDICTS
from vmpp.portals.language._writer import HandlerError

__all__ = ["VERDICTS", "HandlerError", "compile_handler"]

_LONGEST_TEXT: Final = 1 << 20
"""Characters; more would be parsed for long, to have too many instructions."""


def compile_handler(text: str, name: str = "handler", /, **constants: int) -> HandlerProgram:
    """Return the program of a handler written in the little language.

    Args:
        text: the handler, as statements.
        name: what it is called in messages.
        constants: values for names that the text uses and does not set.

    Raises:
        HandlerError: the text is not in the language; one line.
    """
    if type(text) is not str:
        raise HandlerError(f"handler {name!r}: a handler is a text, not {text!r:.40}")
    if len(text) > _LONGEST_TEXT:
        raise HandlerError(f"handler {name!r}: has more than {_LONGEST_TEXT:,} characters")
    compiler = Compiler(name, constants)
    try:
        return compiler.compile(ast.parse(dedent(text)).body)
    except (RecursionError, MemoryError):
        # This is also how Python's parser says so.
        raise HandlerError(f"handler {name!r}: is nested too deeply") from None
    except (SyntaxError, ValueError) as error:
        reason = getattr(error, "msg", None) or str(error)
        line = getattr(error, "lineno", None) or 1
        raise HandlerError(f"handler {name!r}, line {line}: {reason}") from None
