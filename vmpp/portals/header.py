"""What travels: addresses, headers and the sender's wishes."""

from __future__ import annotations

from enum import IntEnum
from typing import Any, Final

MATCH_BITS_MASK: Final = (1 << 64) - 1
USER_BYTES: Final = 12
"""Bytes of a header that are the sender's to use."""


class AckOutcome(IntEnum):
    """What became of a message, in the user data of its acknowledgement."""

    SAVED_BODY = 1
    SAVED_HEADER_AND_BODY = 2
    SAVED_HEADER = 3
    READ = 4
    DROPPED = 5
    NO_PROCESS = 6
    HANDLED = 7


class Address:
    """Who and where a process is: node and process numbers, rank and group.

    One object per process, shared by everybody who talks to it; the kernel stamps every message
    with its sender's. Group 0 is the system's: servers and process control threads.
    """

    __slots__ = ("__weakref__", "group", "nid", "pid", "rank")

    def __init__(self, nid: int, pid: int, rank: int, group: int) -> None:
        self.nid = nid
        self.pid = pid
        self.rank = rank
        self.group = group

    def __repr__(self) -> str:
        return f"Address(nid={self.nid}, pid={self.pid}, rank={self.rank}, group={self.group})"


class SendInfo:
    """The less common wishes of a sender; a message without them is a plain write at offset 0.

    Attributes:
        read: the message asks for memory instead of bringing some.
        offset: where in the receiver's block to write or read, if the sender manages it.
        reply_length: how many bytes a read asks for.
        reply_offset: where the reply goes in the block behind the return portal.
        return_portal: portal of the sender that replies and acknowledgements go to; -1: none.
        return_bits: match bits of that reply or acknowledgement.
        user_data: up to `USER_BYTES` bytes or a small integer, carried along.
    """

    __slots__ = (
        "offset", "read", "reply_length", "reply_offset", "return_bits", "return_portal",
        "user_data",
    )  # fmt: skip

    def __init__(
        self,
        *,
        read: bool = False,
        offset: int = 0,
        reply_length: int = 0,
        reply_offset: int = 0,
        return_portal: int = -1,
        return_bits: int = 0,
        user_data: int | bytes = 0,
    ) -> None:
        self.read = read
        self.offset = offset
        self.reply_length = reply_length
        self.reply_offset = reply_offset
        self.return_portal = return_portal
        self.return_bits = return_bits
        self.user_data = user_data


class Header:
    """The header of a message, with its body beside it.

    Attributes:
        source: the sender, as its kernel stamped it.
        nid: node number of the destination.
        pid: process number of the destination.
        portal: index into the destination's portal table.
        bits: match bits.
        length: bytes of the body.
        body: the bytes, or None. Long bodies are views of the sender's memory: they are copied
            once, into the receiver's.
        info: the sender's wishes, or None for a plain write.
    """

    __slots__ = ("bits", "body", "info", "length", "nid", "pid", "portal", "source")

    def __init__(
        self,
        source: Address,
        nid: int,
        pid: int,
        portal: int,
        bits: int,
        length: int,
        body: Any,
        info: SendInfo | None,
    ) -> None:
        self.source = source
        self.nid = nid
        self.pid = pid
        self.portal = portal
        self.bits = bits
        self.length = length
        self.body = body
        self.info = info

    def __repr__(self) -> str:
        return (
            f"Header({self.source} -> nid={self.nid}, pid={self.pid}, portal={self.portal}, "
            f"bits={self.bits:#x}, length={self.length})"
        )
