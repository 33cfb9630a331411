"""Failures of other processes, and revoked communicators: what a process knows, and how it learns.

The process control thread tells of a rank that is lost through `LOST_PORTAL`. Processes tell each
other of revoked communicators, and agree with each other, through `FAULT_PORTAL`. Both have event
handlers, so that a process learns of it whatever its program does. A communicator with a process
that has failed, or that is revoked, has a *fault* from then on: calls on it take the way where they
are looked at twice, and whatever waits looks again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, NamedTuple

from vmpp.kernel import ANYTHING
from vmpp.pct import LOST_PORTAL
from vmpp.portals import AckOutcome, DynamicBlock, Header, Heap, MemoryOperation, PortalEntry
from vmpp_mpi._communicators._contexts import GROUPS
from vmpp_mpi._errors import ERR_PROC_FAILED, ERR_PROC_FAILED_PENDING, ERR_REVOKED
from vmpp_mpi._errors import Exception as MPIError
from vmpp_mpi._faults import _agreement
from vmpp_mpi._faults._agreement import Agreement, Messages, Value, Word

if TYPE_CHECKING:
    from vmpp.portals import Address
    from vmpp_mpi._state import CommState, MPIState

FAULT_PORTAL: Final = 54
"""The portal for what processes tell each other of faults."""

_REVOKE: Final = 9
_KIND_SHIFT, _CONTEXT_SHIFT, _NUMBER_SHIFT = 60, 44, 16
_HEAP_BYTES: Final = 1 << 30
_WORDS: Final = {
    ERR_PROC_FAILED: "a process of the communicator has failed",
    ERR_PROC_FAILED_PENDING: "a process that the message may come from has failed",
    ERR_REVOKED: "the communicator has been revoked",
}


class Party(NamedTuple):
    """A process's part in an agreement, and all that agree, by their places."""

    agreement: Agreement
    members: Sequence[Address]


class Faults:
    """What one process knows of the failures of others.

    Attributes:
        failed: processes that have failed, in the order in which it became known.
        listeners: called, from an event handler, with the address of each further one.
    """

    __slots__ = ("_early", "_heap", "_library", "_strangers", "failed", "listeners")

    def __init__(self, library: MPIState) -> None:
        self._library = library
        self._heap = Heap(_HEAP_BYTES)
        self._early: dict[tuple[int, int], list[tuple[int, Word]]] = {}
        self._strangers: set[tuple[int, int]] = set()
        self.failed: dict[Address, None] = {}
        self.listeners: list[Callable[[Address], object]] = []

    def listen(self) -> None:
        """Have the process's portals listen for what concerns faults."""
        block = DynamicBlock(MemoryOperation.DYN_SV_HDR_BDY, self._heap)
        table = self._library.process.table
        for portal in (LOST_PORTAL, FAULT_PORTAL):
            table.install(portal, PortalEntry(block, self._arrived))

    # -- what is asked by those who wait -------------------------------------------------------

    def verdict(self, context: int, source: int, tag: int) -> int:
        """Return why a message cannot come on *context*, from *source* or anybody: 0 if it can."""
        if context == 2 * GROUPS:
            meeting = self._library.meetings.get(tag, ())
            return ERR_PROC_FAILED if any(each in self.failed for each in meeting) else 0
        state = self._library.communicator(context & ~1)
        if state is None or not state.fault:
            return 0
        if state.fault == ERR_REVOKED or context & 1:
            return state.fault
        if source >= 0:
            return ERR_PROC_FAILED if state.peers[source] in self.failed else 0
        unknown = len(self.failed_of(state)) - state.acknowledged
        return ERR_PROC_FAILED_PENDING if unknown > 0 else 0

    def revoked(self, context: int) -> bool:
        """Return whether the communicator of *context* is revoked."""
        state = self._library.communicator(context & ~1)
        return state is not None and state.fault == ERR_REVOKED

    def check(self, context: int, source: int, tag: int) -> None:
        """Refuse to go on waiting for a message that cannot come.

        Raises:
            MPIError: `ERR_PROC_FAILED` or `ERR_REVOKED`.
        """
        code = self.verdict(context, source, tag)
        if code:
            raise self.error(context, ERR_REVOKED if code == ERR_REVOKED else ERR_PROC_FAILED)

    def error(self, context: int, code: int) -> MPIError:
        """Return the exception for what has gone wrong on *context*, through its error handler."""
        state = self._library.communicator(context & ~1)
        error = MPIError(code, _WORDS.get(code, ""))
        library = self._library
        if state is None or library.process.fiber in library.workers:
            # Those who wait for the work of a further fiber tell the handler.
            return error
        return state.handled(error)

    def failed_of(self, state: CommState) -> list[Address]:
        """Return the processes of a communicator that have failed, as they became known."""
        if not self.failed:
            return []
        members = set(participants(state))
        return [address for address in self.failed if address in members]

    # -- what happens ----------------------------------------------------------------------------

    def _arrived(self, header: Header, outcome: int) -> None:
        """Take a message: the handler of both portals."""
        if outcome == AckOutcome.DROPPED:
            return
        self._heap.messages.pop()
        self._heap.free(header)
        if header.portal == FAULT_PORTAL:
            self._heard(header)
        elif not header.source.group:
            self._lost(header.bits)

    def _lost(self, bits: int) -> None:
        """Take note of a rank that is lost, of this job or of one that it is connected to."""
        group, rank = bits >> 32, bits & 0xFFFFFFFF
        job = self._library.process.job
        if group == job.id:
            self._fail(job.addresses[rank])
            return
        self._strangers.add((group, rank))
        for state in self._library.communicators():
            self._recognise(state)

    def _recognise(self, state: CommState) -> None:
        """Look for processes of other jobs that are lost."""
        for address in participants(state):
            if (address.group, address.rank) in self._strangers:
                self._fail(address)

    def _fail(self, address: Address) -> None:
        if address in self.failed:
            return
        library = self._library
        self.failed[address] = None
        library.protocol.faults = self
        for state in library.communicators():
            members = participants(state)
            if address in members:
                self._spoil(state, ERR_PROC_FAILED)
                place = members.index(address)
                for number, (agreement, _) in (state.agreements or {}).items():
                    self._send(state, number, agreement.lose(place))
        for listener in self.listeners:
            listener(address)
        library.process.rouse()

    def _spoil(self, state: CommState, fault: int) -> None:
        """Give a communicator a *fault*."""
        if state.fault != ERR_REVOKED:
            state.spoil(fault)

    def arrive(self, state: CommState) -> None:
        """Look at a communicator that has been made."""
        if self._strangers:
            self._recognise(state)
        if self.failed and self.failed_of(state):
            self._spoil(state, ERR_PROC_FAILED)

    def _heard(self, header: Header) -> None:
        """Take what another process tells."""
        bits = header.bits
        kind, context = bits >> _KIND_SHIFT, bits >> _CONTEXT_SHIFT & 0xFFFF
        number, source = bits >> _NUMBER_SHIFT & 0xFFFFFFF, bits & 0xFFFF
        state = self._library.communicator(context)
        if kind == _REVOKE:
            if state is not None and state.fault != ERR_REVOKED:
                self.revoke(state)
            return
        word = Word.unpack(_agreement.Kind(kind), bytes(header.body))
        party = None if state is None else (state.agreements or {}).get(number)
        if state is None or party is None:
            # The process has not begun it yet.
            self._early.setdefault((context, number), []).append((source, word))
            return
        self._send(state, number, party.agreement.take(source, word))
        self._library.process.rouse()

    def revoke(self, state: CommState) -> None:
        """Revoke a communicator and tell others, who pass it on: all learn of it if one does.

        Each process tells those whose places are powers of two away.
        """
        library = self._library
        library.protocol.faults = self
        self._spoil(state, ERR_REVOKED)
        members = participants(state)
        own = members.index(library.process.address)
        step = 1
        while step < len(members):
            for place in {(own + step) % len(members), (own - step) % len(members)} - {own}:
                self._tell(state, members[place], _REVOKE, 0, own, b"")
            step *= 2
        if library.process.in_handler:
            library.process.rouse()

    # -- agreeing ----------------------------------------------------------------------------------

    def agree(self, state: CommState, number: int, value: Value) -> Value:
        """Return what all processes of a communicator agree on that have not failed.

        Args:
            state: of the communicator.
            number: of the agreement among those of the communicator, the same on all of them.
            value: the process's own.
        """
        members = participants(state)
        process = self._library.process
        lost = [place for place, address in enumerate(members) if address in self.failed]
        agreement = Agreement(members.index(process.address), len(members), lost)
        if state.agreements is None:
            state.agreements = {}
        state.agreements[number] = Party(agreement, members)
        # Nobody can be two agreements behind: it takes part in none before the last is decided.
        state.agreements.pop(number - 2, None)
        self._send(state, number, agreement.begin(value))
        for source, word in self._early.pop((state.context, number), ()):
            self._send(state, number, agreement.take(source, word))
        while agreement.decided is None:
            process.wait(ANYTHING)
        return agreement.decided

    def _send(self, state: CommState, number: int, messages: Messages) -> None:
        if not messages:
            return
        assert state.agreements is not None
        agreement, members = state.agreements[number]
        for place, word in messages:
            self._tell(state, members[place], word.kind, number, agreement.own, word.pack())

    def _tell(
        self, state: CommState, target: Address, kind: int, number: int, own: int, body: bytes
    ) -> None:
        process = self._library.process
        bits = (
            kind << _KIND_SHIFT
            | state.context << _CONTEXT_SHIFT
            | (number & 0xFFFFFFF) << _NUMBER_SHIFT
            | own
        )
        process.kernel.send(process, target, FAULT_PORTAL, bits, body or None, len(body))


def participants(state: CommState) -> Sequence[Address]:
    """Return all processes of a communicator, in an order on which they agree."""
    remote = state.remote
    if remote is None:
        return state.addresses
    own = state.addresses
    low = (own[0].group, own[0].rank) < (remote[0].group, remote[0].rank)
    return (*own, *remote) if low else (*remote, *own)


def places(members: Sequence[Address], chosen: Sequence[Address]) -> int:
    """Return the places of *chosen* among *members*, as a set in a number."""
    wanted = set(chosen)
    return sum(1 << place for place, address in enumerate(members) if address in wanted)
