"""Control messages: what the launcher and the process control threads tell each other."""

from __future__ import annotations

from enum import IntEnum
from struct import Struct
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from vmpp.portals import Address, Header, SendInfo

if TYPE_CHECKING:
    from vmpp.kernel import QuintessentialKernel, SystemProcess

CONTROL_PORTAL: Final = 0
"""The portal that control messages go to."""

LOST_PORTAL: Final = 63
"""The portal of a process that is told of a rank that is lost, by an empty message whose match bits
are the number of the job and, in the lower half, that of the rank: for libraries that let programs
go on without it."""

_USER_DATA: Final = Struct("<IIi")


class Control(IntEnum):
    """What a control message says. Down the tree: data, load, go, kill, admit, lost, signal and
    strobe. To one node alone: end. Up: the rest.

    The pieces of a program's image come as data, and the last of them with the word to load. The
    word to admit brings the numbers of the jobs whose messages the job is to get from now on. That
    a rank is lost, its node having crashed, is told to jobs that go on without it: its own, and
    those connected to that, for which the text is the number of its job. A strobe says that the
    row of the Ousterhout matrix which is its value has the machine from now on.
    """

    LOAD = 1
    LOADED = 2
    LOAD_FAILED = 3
    GO = 4
    KILL = 5
    EXITED = 6
    ABORT = 7
    DATA = 8
    ADMIT = 9
    ADMITTED = 10
    LOST = 11
    SIGNAL = 12
    STROBE = 13
    END = 14


class ControlMessage(NamedTuple):
    """A control message as it arrives.

    Attributes:
        kind: what it says.
        job: the job it is about.
        rank: whom it is for, on the way down; whom it is from, on the way up.
        value: an exit status, a rank that is lost, or the number of an admission, signal or row.
        text: a report, the program's image, or the numbers of jobs.
    """

    kind: Control
    job: int
    rank: int
    value: int
    text: bytes

    @classmethod
    def of(cls, header: Header) -> ControlMessage:
        """Read the message that *header* brings."""
        data = header.info.user_data if header.info is not None else 0
        if isinstance(data, int):
            raise ValueError(f"not a control message: {header!r}")
        job, rank, value = _USER_DATA.unpack(data)
        return cls(Control(header.bits), job, rank, value, header.body or b"")


def control_info(job: int, rank: int, value: int = 0) -> SendInfo:
    """Return what a control message has besides its kind and text."""
    return SendInfo(user_data=_USER_DATA.pack(job, rank, value))


def send_control(
    kernel: QuintessentialKernel,
    sender: SystemProcess,
    target: Address,
    kind: Control,
    job: int,
    rank: int,
    value: int = 0,
    text: Any = b"",
) -> None:
    """Send a control message from *sender* to *target*."""
    info = control_info(job, rank, value)
    kernel.send(sender, target, CONTROL_PORTAL, kind, text or None, len(text), info)
