"""The quintessential kernel: send, receive, run a process, protect memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from operator import index
from typing import Any, Final

from vmpp.engine import Engine
from vmpp.hardware import Node
from vmpp.kernel.costs import KernelCosts
from vmpp.kernel.crossing import Crossing
from vmpp.kernel.deposit import INVALID, MALFORMED, NO_FIT, READERS, WRITERS
from vmpp.kernel.interpreter import HandlerRun, raises
from vmpp.kernel.modes import SHARED_CPU, Roles
from vmpp.kernel.process import Process, SystemProcess
from vmpp.kernel.trace import Trace
from vmpp.kernel.verifier import HandlerRefusedError, verify
from vmpp.kernel.waiting import ANYTHING
from vmpp.portals import (
    END,
    MATCH_BITS_MASK,
    PORTALS,
    AckOutcome,
    Address,
    Header,
    KernelHandler,
    MatchEntry,
    MatchList,
    PortalEntry,
    SendInfo,
)
from vmpp.portals.instructions import INSTRUCTION_BYTES, MOST_HANDLERS
from vmpp.portals.operations import ACKNOWLEDGES

ENTRY_POINTS: Final = ("send", "install", "receive", "release", "run", "assign", "halt")
"""Everything that anybody calls in a kernel: a process's two traps, the interface's interrupt, the
end of a process's masking of it, the process control thread's requests to run a process and to
give the CPUs their roles, and its end when the node crashes."""


class QuintessentialKernel:
    """The kernel of one node.

    It holds no structure that grows with processes, jobs or peers: the processes of the node are a
    table in the process control thread's memory, of which the kernel has the address.

    Attributes:
        node: the hardware it runs on.
        processes: the process control thread's table, by process number.
        free: the time from which the kernel's CPU takes the next interrupt.
        own_messages: messages sent on the kernel's own account, acknowledgements and replies, and
            those of processes that are no more; the others are counted with their processes.
        own_bytes: bytes of their bodies.
        drops: messages discarded here for processes that do not exist.
        transmit: the network's entry, or what stands before it; see `vmpp.hardware.fabric`.
        roles: what the CPUs of the node are for.
        hand_over: what it takes to pass something on to another CPU, each way, ps.
        crossing: the way to what runs on other CPUs than the kernel's; None: nothing does.
    """

    __slots__ = (
        "_acknowledge", "_costs", "_cpu", "_match", "_place", "_receive", "_send", "abort_job",
        "context_switch", "crossing", "drops", "engine", "free", "hand_over", "lookahead", "nid",
        "node", "own_bytes", "own_messages", "processes", "roles", "trace", "transmit",
    )  # fmt: skip

    def __init__(
        self,
        engine: Engine,
        node: Node,
        transmit: Callable[[int, Any, int], int],
        costs: KernelCosts,
        trace: Trace,
        lookahead: int,
    ) -> None:
        self.engine = engine
        self.node = node
        self.nid = node.nid
        self.trace = trace
        self.lookahead = lookahead
        self.context_switch = costs.context_switch
        self.hand_over = costs.hand_over
        self.transmit = transmit
        self._costs = costs
        self._send = costs.send
        self._match = costs.match_entry
        self._acknowledge = costs.acknowledge
        self.assign(SHARED_CPU)
        self._place = node.nid << 40
        self.processes: Mapping[int, SystemProcess] = {}
        self.abort_job: Callable[[Process, int], object] = _nobody_to_tell
        self.free = 0
        self.own_messages = 0
        self.own_bytes = 0
        self.drops = 0
        node.interface.deliver = self.receive

    @property
    def send_time(self) -> int:
        """What a process's send takes in the kernel, in picoseconds."""
        return self._send

    @property
    def messages(self) -> int:
        """Messages sent from here so far, acknowledgements and replies included."""
        return self.own_messages + sum(each.messages for each in self.processes.values())

    @property
    def bytes(self) -> int:
        """Bytes of their bodies."""
        return self.own_bytes + sum(each.bytes for each in self.processes.values())

    # -- entry points --------------------------------------------------------------------------

    def send(
        self,
        process: SystemProcess,
        target: Address,
        portal: int,
        bits: int,
        body: Any,
        length: int,
        info: SendInfo | None = None,
    ) -> int:
        """Send *length* bytes of *body* from *process*, at its clock, to a portal of *target*.

        Whether anybody is there shows at the other end only.

        Args:
            body: None, bytes, or a view of memory that stays as it is until the message has been
                taken at the other end, which only an acknowledgement can tell.

        Returns:
            The time in picoseconds at which the body has been read out of memory.

        Raises:
            ValueError: *bits* are not 64 bits, or *portal* or *length* is not a number of such.
        """
        # A shift refuses what is no whole number, and leaves -1 of what is negative.
        if bits >> 64 or length >> 40 or portal >> 16:
            raise ValueError(
                f"match bits are 64 bits, not {bits:#x}, portals and lengths from 0 on, "
                f"not {portal} and {length}"
            )
        process.messages += 1
        process.bytes += length
        if self.crossing is not None:
            return self.crossing.send(
                process,
                Header(process.address, target.nid, target.pid, portal, bits, length, body, info),
            )
        process.clock = ready = process.clock + self._send
        return self.transmit(
            self.nid,
            Header(process.address, target.nid, target.pid, portal, bits, length, body, info),
            ready,
        )

    def install(self, process: SystemProcess, program: Any) -> KernelHandler:
        """Check a handler of *process*, and return what it may put in a portal to have it run.

        That takes a step's time for each instruction. The checked program stays until the process
        ends; the same one once more is no other.

        Args:
            program: a `vmpp.portals.HandlerProgram`.

        Raises:
            HandlerRefusedError: it breaks a rule, or the process has too many.
            OutOfMemory: there is no room for it in the process's memory.
        """
        checked = verify(program, self._costs.handler_limit)
        programs = process.programs
        if checked not in programs:
            if len(programs) == MOST_HANDLERS:
                raise HandlerRefusedError(
                    f"handler {checked.name!r}: the process has {MOST_HANDLERS} others already"
                )
            if isinstance(process, Process):
                process.memory.allocate(len(checked.code) * INSTRUCTION_BYTES)
            process.programs = programs = (*programs, checked)
        duration = self._send + len(checked.code) * self._costs.handler_step
        if self.crossing is not None:
            self.crossing.call(process, duration)
        else:
            process.clock += duration
        return KernelHandler(programs.index(checked), checked.name, checked.steps)

    def receive(self, header: Header) -> None:
        """Take a message in: the interface's interrupt.

        A process that is in a library call, or has messages waiting, gets it when its turn comes.
        """
        try:
            process = self.processes.get(header.pid)
        except Exception:
            # The sender's address of a process is its own memory.
            process = None
        if process is None or process.dead:
            self._refuse(header)
            return
        if process.clock > self.engine.now or process.held:
            self._hold(process, header)
        else:
            self._take(process, header)

    def run(self, process: Process) -> None:
        """Run *process* until it blocks, in its own address space."""
        process.install()
        process.fiber.switch()  # type: ignore[union-attr]

    def assign(self, roles: Roles) -> None:
        """Give the CPUs of the node their roles; no process of a job is there."""
        node, costs = self.node, self._costs
        node.assign(roles.kernel, roles.applications, roles.helper)
        self.roles = roles
        self._cpu = node.kernel_cpu
        self._receive = costs.receive if roles.polls else costs.interrupt + costs.receive
        apart = any(cpu is not node.kernel_cpu for cpu in node.application_cpus)
        crosses = apart or node.helper_cpu is not None
        self.crossing = Crossing(self, costs, polls=roles.polls) if crosses else None

    def halt(self) -> None:
        """Stop for good, with the node: nothing is sent or taken from now on."""
        self.transmit = _lost
        self.node.interface.deliver = _unheard

    def _refuse(self, header: Header) -> None:
        """Count a message for a process that does not exist, and tell whoever asked to be told."""
        self.drops += 1
        nobody = Address(self.nid, header.pid, -1, 0)
        self._reply(nobody, header, None, 0, 0, AckOutcome.NO_PROCESS, self.engine.now)

    # -- arrival -------------------------------------------------------------------------------

    def _hold(self, process: SystemProcess, header: Header) -> None:
        if process.held is None:
            process.held = deque()
        process.held.append(header)
        if len(process.held) == 1:
            self.engine.at(process.clock, self.release, process)

    def release(self, process: SystemProcess) -> None:
        """Take the messages that were held, as far as the process's clock allows."""
        held = process.held
        while held:
            if process.dead:
                self._refuse(held.popleft())
                continue
            if process.clock > self.engine.now:
                self.engine.at(process.clock, self.release, process)
                return
            # The message stays in line until it is dealt with, so that none overtakes it.
            self._take(process, held[0])
            held.popleft()

    def _take(self, process: SystemProcess, header: Header) -> None:
        """Translate a message's portal to memory, deposit it, and tell its process."""
        now = self.engine.now
        begin = self.free
        if begin < now:
            begin = now
        bits = header.bits
        self.trace.events += (now, bits, self._place + header.length)
        source = header.source
        wishes: Any = header.info
        info = wishes
        done = begin + self._receive
        if self.crossing is not None:
            done += self.crossing.surcharge(process, header)
        entry: Any = None
        descriptor: Any = None
        handler: Any = None
        outcome = MALFORMED
        # Whatever is wrong in a process's memory discards the message and nothing else.
        try:
            if (
                source.group == process.group
                or source.group == 0
                or process.group == 0
                or source.group in process.admitted
            ):
                found = process.table.entries[header.portal]
                target = None
                if type(found) is not PortalEntry and found is not None:
                    found = process.table.needed(header.portal, process)
                if found is not None:
                    entry = found
                    handler = found.handler
                    if found.active:
                        target = found.target
                    if handler is not None and type(handler) is KernelHandler:
                        handler = wishes = HandlerRun(process, found, header)
                if type(target) is MatchList:
                    entries = target.entries
                    place = target.head
                    hops = 0
                    if target.ahead is not None:
                        place, hops = target.ahead(bits)
                    limit = len(entries)
                    while 0 <= place < limit and hops <= limit:
                        hops += 1
                        match = entries[place]
                        if type(match) is not MatchEntry:
                            break
                        if (
                            match.active
                            and (match.bits == bits or not (match.bits ^ bits) & match.mask)
                            and (match.rank == -1 or match.rank == source.rank)
                            and (match.group == -1 or match.group == source.group)
                        ):
                            descriptor = match.descriptor
                            if descriptor is None or not descriptor.valid:
                                outcome = INVALID
                            elif wishes is None:
                                # Plain writes, which most messages are, spare themselves a call.
                                outcome = WRITERS[descriptor.operation](descriptor, header)
                            else:
                                outcome = self._apply(descriptor, header, done, wishes)
                            if outcome > 0:
                                break
                            if outcome == NO_FIT:
                                place = match.next_no_fit
                                if place == END:
                                    match.failed_no_fit = True
                                    match.active = False
                            elif outcome == INVALID:
                                place = match.next_invalid
                            else:
                                break
                        else:
                            place = match.next_no_match
                    done += hops * self._match
                elif target is not None:
                    descriptor = target
                    if descriptor.valid:
                        outcome = self._apply(descriptor, header, done, wishes)
        except Exception:
            outcome = MALFORMED
        if wishes is not info:
            done = self._settle(process, header, handler, done)
        if outcome < 0:
            self._discard(process, header, entry)
            if info is not None and descriptor is not None:
                done = self._answer(process, header, descriptor, AckOutcome.DROPPED, done)
        elif info is not None:
            done = self._answer(process, header, descriptor, outcome, done)
        self.free = done
        if self._cpu.busy:
            self._cpu.interrupt(done - begin)
        if handler is not None:
            if wishes is not info:
                if handler.wakes:
                    descriptor = process.watch
                elif handler.decided and not handler.saves:
                    return
            elif raises(entry, descriptor):
                process.run_handler(
                    handler,
                    header,
                    outcome if outcome > 0 else AckOutcome.DROPPED,
                    done + self.context_switch,
                )
        watch = process.watch
        if watch is not None and (watch is descriptor or watch is ANYTHING or outcome < 0):
            process.watch = None
            if process.clock < done:
                process.clock = done
            process.ready(process)  # type: ignore[attr-defined]

    def _apply(self, descriptor: Any, header: Header, done: int, wishes: Any) -> int:
        """Deposit a write, or answer a read from memory; return what became of it.

        *wishes* are the sender's, or a run of a handler, which comes before that once.
        """
        info = header.info
        outcome: int
        if wishes is not info:
            if not wishes.decided:
                outcome = wishes.run(descriptor)
                if outcome:
                    return outcome
            if wishes.decided:
                done += wishes.duration(self._costs)
        if info is None or not info.read:
            outcome = WRITERS[descriptor.operation](descriptor, header)
            return outcome
        found = READERS[descriptor.operation](descriptor, header)
        if type(found) is int:
            return found
        address = self.processes[header.pid].address
        self._reply(address, header, found, len(found), info.reply_offset, AckOutcome.READ, done)
        return AckOutcome.READ

    def _settle(self, process: SystemProcess, header: Header, run: HandlerRun, done: int) -> int:
        """Send what a handler wants sent; return when the kernel is done with it."""
        if not run.decided:
            return done
        done += run.duration(self._costs)
        if self.crossing is not None and process.away and not (run.wakes or run.saves):
            # The process is told nothing.
            done -= self.hand_over
        self.trace.events += (done, run.steps, self._place)
        offset = run.wish("reply_offset")
        for body in run.replies:
            later = done + self._acknowledge
            told = self._reply(
                process.address, header, body, len(body), offset, AckOutcome.HANDLED, later
            )
            done = later if told else done
        for target, portal, bits, body in run.sends:
            done += self._acknowledge
            self._forward(process.address, target, portal, bits, body, done)
        return done

    def _forward(
        self, address: Address, target: Address, portal: int, bits: int, body: Any, ready: int
    ) -> None:
        """Send what the handler of a process sends, on the kernel's account."""
        length = len(body)
        self.own_messages += 1
        self.own_bytes += length
        # Addresses are memory of the job's processes: what is spoilt there leads nowhere.
        with suppress(Exception):
            header = Header(address, target.nid, target.pid, portal, bits, length, body, None)
            if self.crossing is None:
                self.transmit(self.nid, header, ready)
            else:
                self.crossing.transmit(header, ready)

    def _answer(
        self, process: SystemProcess, header: Header, descriptor: Any, outcome: int, done: int
    ) -> int:
        """Acknowledge a message that asked for it; return when that is done."""
        info = header.info
        # The descriptor is the receiver's memory, the wishes the sender's: garbage asks for none.
        try:
            if info is None or info.read or not ACKNOWLEDGES[descriptor.operation]:
                return done
        except Exception:
            return done
        later = done + self._acknowledge
        told = self._reply(process.address, header, None, 0, 0, outcome, later)
        return later if told else done

    def _reply(
        self,
        address: Address,
        header: Header,
        body: Any,
        length: int,
        offset: int,
        outcome: int,
        ready: int,
    ) -> bool:
        """Send back to whoever sent *header*, if that was asked for, on the kernel's account."""
        info = header.info
        if info is None:
            return False
        try:
            portal = index(info.return_portal)
            bits = index(info.return_bits) & MATCH_BITS_MASK
        except Exception:
            return False
        if portal < 0:
            return False
        back = header.source
        self.own_messages += 1
        self.own_bytes += length
        info = SendInfo(offset=offset, user_data=outcome)
        reply = Header(address, back.nid, back.pid, portal, bits, length, body, info)
        if self.crossing is None:
            self.transmit(self.nid, reply, ready)
        else:
            self.crossing.transmit(reply, ready)
        return True

    def _discard(self, process: SystemProcess, header: Header, entry: Any) -> None:
        """Count a message that is dropped where its owner sees it."""
        header.body = None
        # The counters are the process's memory too, and what is spoilt there counts no more.
        with suppress(Exception):
            process.table.drops += 1
        with suppress(Exception):
            if header.portal < PORTALS:
                process.table.dropped |= 1 << header.portal
        if entry is not None:
            with suppress(Exception):
                entry.drops += 1


def _lost(nid: int, message: Any, ready: int) -> int:
    """In the place of the network's entry, where a node has crashed."""
    return ready


def _unheard(message: Any) -> None:
    """In the place of a kernel's entry for messages, where a node has crashed."""


def _nobody_to_tell(process: Process, status: int) -> None:
    raise RuntimeError(f"{process.address} aborts its job with {status}, and nobody is told")
