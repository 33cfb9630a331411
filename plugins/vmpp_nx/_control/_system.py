"""What the calls ask of the machine's servers."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING, Final, TypeVar

from vmpp.process import jobs
from vmpp.process.calls import Call, Failed, Reply, encode
from vmpp.service import requests
from vmpp_nx._errors import Refused

if TYPE_CHECKING:
    from vmpp_nx._state import State

R = TypeVar("R", bound=Reply)

_AS_NX: Final[dict[int, str]] = {
    errno.EAGAIN: "EQNOPROC",
    errno.ENOEXEC: "EQBADFIL",
    errno.ENOMEM: "EQMEM",
}
"""What NX calls the system's errors that have names of its own."""


def ask(state: State, request: Call[R]) -> R:
    """Ask the launcher. Raises Refused: it refuses, and says why."""
    try:
        return jobs.ask(state.process, jobs.LAUNCHER, request)
    except OSError as error:
        number = error.errno or errno.EIO
        raise Refused(_AS_NX.get(number, number), error.strerror or "") from None


def ask_allocation(state: State, request: Call[R]) -> R:
    """Ask the server that hands nodes out, and knows partitions. Raises Refused."""
    try:
        reply = requests.decode_reply(state.process.rpc(requests.ALLOCATION, encode(request)))
    except OSError as error:
        raise Refused(error.errno or errno.EIO) from None
    if isinstance(reply, Failed):
        text = reply.text if reply.text != os.strerror(reply.errno) else ""
        raise Refused(reply.errno, text)
    return reply  # type: ignore[no-any-return]
