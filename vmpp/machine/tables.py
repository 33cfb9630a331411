"""The tables of a machine file, and the documentation of every key beside it.

Quantities are written with their units (``"40 ns"``, ``"160 MB/s"``, ``"64 MiB"``) and kept as
whole numbers: durations in picoseconds, rates in femtoseconds a byte, sizes in bytes. The defaults
are the machine `default`.
"""

from __future__ import annotations

from typing import Annotated, Final

from msgspec import Struct

from vmpp.hardware import CPUS, LinkParameters, Periodic
from vmpp.machine.nodesets import compute_nodes
from vmpp.parameters import Is, word
from vmpp.parameters import count as _count
from vmpp.parameters import rate as _rate
from vmpp.parameters import size as _size
from vmpp.parameters import time as _time
from vmpp.quantities import FLOPS, duration, flops, rate, size

MOST_NODES: Final = 1 << 20
"""More nodes than anybody can boot; only a bound that catches slips."""
MOST_LEVELS: Final = 64
"""The highest multiprogramming level."""


class Table(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One table of a machine file; a key is an attribute annotated with what it `Is`."""


class TopologyTable(Table, frozen=True, kw_only=True):
    """Which nodes are neighbours."""

    kind: Annotated[str, Is("topology, as a plugin calls it, with its parameters")] = "mesh2d"
    dims: Annotated[
        tuple[int, ...],
        _count("places in each dimension; none: the machine grows to the job", 1, MOST_NODES),
    ] = ()
    nodes: Annotated[
        int, _count("nodes that stand in these places; 0: one in each", 0, MOST_NODES)
    ] = 0


class NetworkTable(Table, frozen=True, kw_only=True):
    """Links, routers and the model of their timing."""

    timing: Annotated[str, Is("model of timing, as a plugin calls it, with its parameters")] = (
        "contention-free"
    )
    link_rate: Annotated[int, _rate("of one direction of a link between two routers")] = rate(
        "10 GB/s"
    )
    injection_rate: Annotated[int, _rate("from a node's memory into the network")] = rate("10 GB/s")
    ejection_rate: Annotated[int, _rate("from the network into a node's memory")] = rate("10 GB/s")
    hop_latency: Annotated[int, _time("of a message's head in one router and link")] = duration(
        "50 ns"
    )
    wire_latency: Annotated[int, _time("of every message, besides its hops")] = duration("100 ns")
    header_bytes: Annotated[
        int, _count("length of the header that travels before a body, in bytes", 0, 65536)
    ] = 128

    @property
    def links(self) -> LinkParameters:
        """The constants as the hardware floor takes them."""
        return LinkParameters(
            link_rate=self.link_rate,
            injection_rate=self.injection_rate,
            ejection_rate=self.ejection_rate,
            hop_latency=self.hop_latency,
            wire_latency=self.wire_latency,
            header_bytes=self.header_bytes,
        )


class NodeTable(Table, frozen=True, kw_only=True):
    """One node."""

    cpus: Annotated[int, _count("CPUs of a node", 1, 2)] = 2
    mode: Annotated[str, Is("CPU mode, as a plugin calls it, with its parameters")] = "heater"
    noise: Annotated[str, Is("what a node does besides the application, as a plugin calls it")] = (
        "silent"
    )
    memory: Annotated[int, _size("memory of a node", "64 KiB", "64 TiB")] = size("4 GiB")
    copy_rate: Annotated[int, _rate("of a copy in memory by kernel or library")] = rate("10 GB/s")
    memory_rate: Annotated[int, _rate("of an application that streams through memory")] = rate(
        "20 GB/s"
    )
    flop_rate: Annotated[
        int, Is("of an application that computes", "1 kflop/s", "1 Pflop/s", FLOPS)
    ] = flops("10 Gflop/s")


class NoiseTable(Table, frozen=True, kw_only=True):
    """Something that nodes do besides the application, time and again."""

    name: Annotated[str, Is("what it is")] = ""
    period: Annotated[int, _time("between the places of two events", "1 ns")]
    duration: Annotated[int, _time("of an event", "1 ns")]
    phase: Annotated[
        int | None, _time("when an event begins; by chance for each node, if left out")
    ] = None
    jitter: Annotated[int, _time("by which an event begins late at most, by chance")] = 0
    synchronised: Annotated[bool, Is("whether it happens on all nodes at once")] = False
    nodes: Annotated[str, Is("nodes that have it: all, or such as 0..3,8 or 0..1023/32")] = "all"
    cpu: Annotated[str, word(f"CPU of the node that it hits: {', '.join(CPUS)}", *CPUS)] = CPUS[0]

    @property
    def source(self) -> Periodic:
        """The source as the hardware floor takes it.

        Raises:
            ValueError: it cannot be; the message begins with the key.
        """
        try:
            nodes = compute_nodes(self.nodes)
        except ValueError as error:
            raise ValueError(f"nodes: {error}") from None
        phase = 0 if self.phase is None and self.synchronised else self.phase
        return Periodic(self.period, self.duration, phase, self.jitter, nodes, self.cpu)


class KernelTable(Table, frozen=True, kw_only=True):
    """What the quintessential kernel takes for its work, on the CPU that runs it."""

    send: Annotated[int, _time("to take a message from a process and start the network")] = (
        duration("200 ns")
    )
    receive: Annotated[int, _time("to take in one header and set up its deposit")] = duration(
        "200 ns"
    )
    match_entry: Annotated[int, _time("to look at one entry of a match list")] = duration("10 ns")
    acknowledge: Annotated[int, _time("to make one acknowledgement")] = duration("100 ns")
    interrupt: Annotated[int, _time("to enter the kernel on an arrival")] = duration("200 ns")
    hand_over: Annotated[
        int,
        _time("to pass a request or event to the node's other CPU through shared memory, each way"),
    ] = duration("150 ns")
    context_switch: Annotated[int, _time("between two processes, or process and PCT")] = duration(
        "1 us"
    )
    handler_entry: Annotated[int, _time("to begin with a handler that the kernel interprets")] = (
        duration("50 ns")
    )
    handler_step: Annotated[int, _time("of one step of such a handler")] = duration("5 ns")
    handler_limit: Annotated[
        int, _count("steps that such a handler may take at the most", 1, 1 << 16)
    ] = 1024


class PctTable(Table, frozen=True, kw_only=True):
    """The process control thread of a compute node."""

    policy: Annotated[
        str, Is("scheduling policy, as a plugin calls it, with its parameters: rr:2ms")
    ] = "single"
    level: Annotated[
        int,
        _count(
            "multiprogramming level: jobs that share a node, if the policy lets them",
            1,
            MOST_LEVELS,
        ),
    ] = 2
    process_start: Annotated[int, _time("to make a process from a loaded program")] = duration(
        "50 us"
    )
    strobe: Annotated[int, _time("to handle a strobe, besides switching processes")] = duration(
        "1 us"
    )
    strobe_wakeup: Annotated[
        int, _time("from a strobe's arrival until the PCT has a CPU to handle it with")
    ] = 0
    strobe_jitter: Annotated[int, _time("the most by which that may take longer, at random")] = 0


class ServiceTable(Table, frozen=True, kw_only=True):
    """The service and I/O partitions."""

    nodes: Annotated[int, _count("nodes of the service partition", 1, 4096)] = 1
    io_nodes: Annotated[int, _count("nodes of the I/O partition", 0, 4096)] = 1
    files_service: Annotated[
        int, _time("the least that the file server takes for a request", "1 ns")
    ] = duration("10 us")
    launcher_service: Annotated[
        int, _time("the least that the launcher, or node allocation, takes for a request", "1 ns")
    ] = duration("20 us")
    names_service: Annotated[
        int,
        _time("the least that the name server, or that of sockets, takes for a request", "1 ns"),
    ] = duration("10 us")
    accounts_service: Annotated[
        int,
        _time("the least that accounts, accounting or the log take for a request", "1 ns"),
    ] = duration("20 us")
    crash_detection: Annotated[
        int, _time("from a node's crash until the launcher knows of it", "1 ns")
    ] = duration("10 ms")
    allocator: Annotated[
        str, Is("allocation policy, as a plugin calls it, with its parameters")
    ] = "first-free"
    queue: Annotated[str, Is("queueing policy, as a plugin calls it, with its parameters")] = "fcfs"


class IoTable(Table, frozen=True, kw_only=True):
    """The parallel file server on each I/O node, and how files are striped over them."""

    request: Annotated[int, _time("the least that a server takes for a request", "1 ns")] = (
        duration("20 us")
    )
    stripe_unit: Annotated[
        int, _size("what a file has in a row on one I/O node", "512 B", "1 GiB")
    ] = size("64 KiB")
    stripe_factor: Annotated[
        int, _count("I/O nodes that a file is striped over; 0: all there are", 0, 4096)
    ] = 0
    buffers: Annotated[
        int, _size("memory of a server for data that it has asked for", "64 KiB")
    ] = size("16 MiB")
    cache: Annotated[int, _size("memory of a server for blocks of its disk")] = size("64 MiB")
    write_behind: Annotated[int, _size("of that, what may be on its way to the disk yet")] = size(
        "32 MiB"
    )
    read_ahead: Annotated[int, _size("read beyond what a sequential reader asks for")] = size(
        "4 MiB"
    )


class DiskTable(Table, frozen=True, kw_only=True):
    """The disk, or array of disks that act as one, of each I/O node."""

    capacity: Annotated[int, _size("bytes of it", "1 MiB", "1024 TiB")] = size("1 TiB")
    block: Annotated[int, _size("the least that is read or written", "512 B", "1 MiB")] = size(
        "4 KiB"
    )
    transfer_rate: Annotated[int, _rate("of blocks in a row")] = rate("200 MB/s")
    seek_min: Annotated[int, _time("to move the heads to the next track")] = duration("500 us")
    seek_max: Annotated[int, _time("to move them across the whole disk")] = duration("10 ms")
    rotation: Annotated[int, _time("of one turn; 0: nothing turns")] = duration("8333 us")


class LoaderTable(Table, frozen=True, kw_only=True):
    """How a program reaches its nodes."""

    fanout: Annotated[int, _count("nodes that each node of the tree passes it on to", 1, 64)] = 2
    chunk: Annotated[int, _size("bytes in one message", "256 B", "64 MiB")] = size("64 KiB")


class MpiTable(Table, frozen=True, kw_only=True):
    """The message-passing library in a process."""

    send: Annotated[int, _time("of one send, before the kernel is called")] = duration("150 ns")
    receive: Annotated[int, _time("of one receive, after the message is there")] = duration(
        "150 ns"
    )
    short_message: Annotated[int, _size("longest that is kept whole when nobody expects it")] = (
        size("8 KiB")
    )
    heap: Annotated[int, _size("room for unexpected messages", "1 KiB")] = size("16 MiB")
    match_list: Annotated[int, _count("entries of the match list", 8, 1 << 20)] = 4096
    reduce_rate: Annotated[int, _rate("at which a reduction combines operands")] = rate("5 GB/s")
    collectives: Annotated[
        dict[str, str | tuple[dict[str, str | int], ...]],
        Is("algorithm of a collective, or rules to choose one by, for each operation"),
    ] = {}


class NxTable(Table, frozen=True, kw_only=True):
    """NX, the Paragon's library, in a process; most keys are called as a program's switches."""

    send: Annotated[int, _time("of one send, before the kernel is called")] = duration("150 ns")
    receive: Annotated[int, _time("of one receive, after the message is there")] = duration(
        "150 ns"
    )
    ids: Annotated[int, _count("message ids in use at a time", 1, 1 << 20)] = 1024
    match_list: Annotated[int, _count("entries of the match list", 8, 1 << 20)] = 1024
    mbf: Annotated[int, _size("memory for messages that nobody expects", "1 KiB")] = size("16 MiB")
    mea: Annotated[int, _size("of that, what one sender may fill", "0 B")] = size("1 MiB")
    pkt: Annotated[int, _size("longest message that is sent without asking", "64 B")] = size(
        "8 KiB"
    )
    mex: Annotated[int, _size("of mbf, what others may fill; 0: all of it", "0 B")] = 0
    noc: Annotated[
        int, _count("others that a process expects to hear from; 0: all", 0, 1 << 20)
    ] = 0
    sth: Annotated[
        int, _size("left of a receiver's memory below which long messages ask for it", "0 B")
    ] = 0
    sct: Annotated[int, _size("longest message that takes a receiver's memory", "64 B")] = size(
        "1 MiB"
    )
    gth: Annotated[
        int, _size("received from a sender until it is given it back; 0: half its part", "0 B")
    ] = 0
    rlx: Annotated[
        bool, Is("whether every sender gets its mea, more than mbf in all though it be")
    ] = False
    ptype: Annotated[
        int, _count("process type of programs that have not set it; -1: they must", -1, 32767)
    ] = 0
    reduce_rate: Annotated[int, _rate("at which a global operation combines operands")] = rate(
        "5 GB/s"
    )


class VertexTable(Table, frozen=True, kw_only=True):
    """Vertex, the nCUBE's library, in a process."""

    send: Annotated[int, _time("of one send, before the kernel is called")] = duration("150 ns")
    receive: Annotated[int, _time("of one receive, after the message is there")] = duration(
        "150 ns"
    )
    buffer: Annotated[int, _size("of a node for messages that have arrived", "1 KiB")] = size(
        "16 MiB"
    )
    reduce_rate: Annotated[int, _rate("at which a reduction combines operands")] = rate("5 GB/s")


class AmTable(Table, frozen=True, kw_only=True):
    """Active messages and one-sided communication, in a process."""

    send: Annotated[int, _time("of one request or reply, before the kernel is called")] = duration(
        "100 ns"
    )
    handler: Annotated[int, _time("to find the handler of a message, and call it")] = duration(
        "100 ns"
    )
    heap: Annotated[int, _size("room for messages whose handlers have not run", "1 KiB")] = size(
        "1 MiB"
    )
