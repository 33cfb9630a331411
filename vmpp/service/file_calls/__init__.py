"""How the file server answers system calls: one function for each request of `calls`.

Each takes what the server keeps of the process that asks, and the request, and returns the reply,
or an awaitable of it if the host must be waited for, or `Later` if another process must be. What it
raises is answered with `Failed`.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from vmpp.process import calls
from vmpp.service.file_calls import attributes, contents, names, sharing, striping
from vmpp.service.file_session import FileSession
from vmpp.service.server import Later

Answer = Callable[[FileSession, Any], calls.Reply | Later | Awaitable[calls.Reply]]

ANSWERS: Final[Mapping[type[Any], Answer]] = {
    **contents.ANSWERS,
    **sharing.ANSWERS,
    **attributes.ANSWERS,
    **names.ANSWERS,
    **striping.ANSWERS,
}
"""Which function answers which request."""
