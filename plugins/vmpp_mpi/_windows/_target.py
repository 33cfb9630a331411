"""The target's side of one-sided communication: exposed memory, and the handler of requests.

Plain writes and reads of contiguous memory are the kernel's business, which finds the descriptor of
a region behind the memory portal. Everything else is a request, for which the kernel calls the
handler here: it runs in the target's user space, whatever its program does, and is one step that no
other request comes between. So what it does to memory is atomic.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from vmpp.portals import (
    DynamicBlock,
    Header,
    Heap,
    MemoryOperation,
    PortalEntry,
    SendInfo,
    SingleBlock,
)
from vmpp_mpi._datatype import Datatype
from vmpp_mpi._errors import ERR_RMA_RANGE, ERR_WIN
from vmpp_mpi._op import NO_OP, Op
from vmpp_mpi._windows._chain import Chain
from vmpp_mpi._windows._exposed import Exposed, Region, gather, scatter
from vmpp_mpi._windows._groups import Group, decoded
from vmpp_mpi._windows._wire import (
    LOCATION,
    LONGEST_REQUEST,
    MEMORY_PORTAL,
    PARAMETERS,
    REQUEST_PORTAL,
    Kind,
    memory_bits,
    read_request,
)

if TYPE_CHECKING:
    from vmpp.kernel import Process
    from vmpp.portals import Address
    from vmpp_mpi._state import MPIState

Located = list[tuple[memoryview, Group]]

_ROOM: Final = 64 * LONGEST_REQUEST
"""For one request at a time, with the groups that say where its data belong."""


_operation = cache(Op.fromhandle)
_datatype = cache(Datatype.fromhandle)
"""What the numbers in requests stand for. They are of predefined handles, alike on all ranks."""


class Request:
    """A request that arrived, taken apart.

    Attributes:
        header: of the message.
        data: what came along.
        memory: the target's memory that it is about.
        op: number of the operation.
        datatype: number of the datatype that all data consist of.
        nbytes: of the target's memory.
    """

    __slots__ = ("data", "datatype", "header", "memory", "nbytes", "op")

    def __init__(self, exposed: Exposed, header: Header, groups: int) -> None:
        info: Any = header.info
        self.op, self.datatype = PARAMETERS.unpack(info.user_data)
        self.nbytes = info.reply_length
        places, self.data = decoded(header.body or b"", groups)
        if not groups and self.nbytes:
            places = [Group(info.offset, self.nbytes, 0, 1)]
        self.header = header
        self.memory: Located | None = exposed.locate(places)


class Target:
    """What a process exposes in all its windows, and who serves requests for it."""

    __slots__ = ("_copy_rate", "_exposed", "_heap", "_memory", "_process", "_reduce_rate", "_work")

    def __init__(self, library: MPIState) -> None:
        self._process: Process = library.process
        parameters = library.protocol.parameters
        self._work = parameters.receive
        self._copy_rate = parameters.copy_rate
        self._reduce_rate = library.tuning.reduce_rate
        self._exposed: dict[int, Exposed] = {}
        self._memory = Chain()
        self._heap = Heap(_ROOM)
        table = self._process.table
        table.install(MEMORY_PORTAL, PortalEntry(self._memory.list))
        requests = DynamicBlock(MemoryOperation.DYN_SV_HDR_BDY, self._heap)
        table.install(REQUEST_PORTAL, PortalEntry(requests, self._serve))

    # -- what is exposed -----------------------------------------------------------------------

    def open(self, window: int) -> Exposed:
        """Begin to serve a window."""
        exposed = self._exposed[window] = Exposed(window)
        return exposed

    def close(self, exposed: Exposed) -> None:
        """Serve a window no more."""
        for region in list(exposed.regions.values()):
            self.withdraw(exposed, region)
        del self._exposed[exposed.window]

    def expose(self, exposed: Exposed, memory: memoryview, base: int = 0) -> Region:
        """Make *memory* a region of a window, with a descriptor for writes and one for reads."""
        region = exposed.add(memory, base)
        region.places = tuple(
            self._memory.add(
                memory_bits(exposed.window, region.key, read), SingleBlock(operation, memory)
            )
            for read, operation in (
                (False, MemoryOperation.SINGLE_SNDR_OFF_SV_BDY_ACK),
                (True, MemoryOperation.SINGLE_SNDR_OFF_RPLY),
            )
        )
        return region

    def withdraw(self, exposed: Exposed, region: Region) -> None:
        """Take a region out of a window."""
        for place in region.places:
            self._memory.remove(place)
        del exposed.regions[region.key]

    def lose(self, address: Address) -> None:
        """Take away the locks of a process that has failed."""
        for exposed in self._exposed.values():
            for granted in exposed.lock.lose(address):
                self._reply(granted, None)

    # -- requests ------------------------------------------------------------------------------

    def _serve(self, header: Header, outcome: int) -> None:
        """Serve one request; called by the kernel when it has arrived."""
        heap = self._heap
        if not heap.messages or heap.messages[-1] is not header:
            return  # longer than any request is: nobody of this library sent it
        heap.messages.pop()
        heap.free(header)
        window, kind, groups = read_request(header.bits)
        exposed = self._exposed.get(window)
        self._process.charge(self._work)
        if exposed is None:
            self._reply(header, None, -ERR_WIN)
            return
        if kind in _LOCKS:
            _LOCKS[kind](self, exposed, header)
            return
        request = Request(exposed, header, groups)
        if request.memory is None:
            self._reply(header, None, -ERR_RMA_RANGE)
        else:
            _ACTIONS[kind](self, exposed, request, request.memory)

    def _reply(self, header: Header, body: Any, status: int = 0) -> None:
        info = header.info
        if info is None or info.return_portal < 0:
            return
        process = self._process
        process.kernel.send(
            process,
            header.source,
            info.return_portal,
            info.return_bits,
            body,
            0 if body is None else len(body),
            SendInfo(user_data=status),
        )

    def _copied(self, nbytes: int) -> None:
        self._process.charge(nbytes * self._copy_rate // 1000)

    def _put(self, exposed: Exposed, request: Request, memory: Located) -> None:
        scatter(memory, request.data)
        self._copied(request.nbytes)
        self._reply(request.header, None)

    def _get(self, exposed: Exposed, request: Request, memory: Located) -> None:
        self._copied(request.nbytes)
        self._reply(request.header, gather(memory))

    def _accumulate(self, exposed: Exposed, request: Request, memory: Located) -> None:
        self._combine(request, memory, None)
        self._reply(request.header, None)

    def _fetch(self, exposed: Exposed, request: Request, memory: Located) -> None:
        old = gather(memory)
        self._copied(request.nbytes)
        self._combine(request, memory, old)
        self._reply(request.header, old)

    def _swap(self, exposed: Exposed, request: Request, memory: Located) -> None:
        old = gather(memory)
        half = request.nbytes
        if request.data[:half] == old:
            scatter(memory, request.data[half:])
        self._copied(2 * half)
        self._reply(request.header, old)

    def _combine(self, request: Request, memory: Located, old: bytes | None) -> None:
        """Combine what came with the target's memory, of which *old* is a copy if there is one."""
        op = _operation(request.op)
        if op == NO_OP:
            return
        datatype = _datatype(request.datatype)
        count = request.nbytes // datatype.size
        if len(memory) == 1 and memory[0][1].repeat == 1:
            where, group = memory[0]
            part = where[group.offset : group.offset + group.length]
            op.reduce(request.data, part, datatype, count)
        elif memory:
            packed = memoryview(bytearray(gather(memory) if old is None else old))
            op.reduce(request.data, packed, datatype, count)
            scatter(memory, packed)
        self._process.charge(request.nbytes * self._reduce_rate // 1000)

    def _locate(self, exposed: Exposed, request: Request, memory: Located) -> None:
        ((_, group),) = memory
        info: Any = request.header.info
        region = exposed.find(info.offset, info.offset + group.length)
        assert region is not None
        self._reply(request.header, LOCATION.pack(region.key, region.base))

    def _lock(self, exposed: Exposed, header: Header) -> None:
        info: Any = header.info
        for granted in exposed.lock.request(bool(info.offset), header.source, header):
            self._reply(granted, None)

    def _unlock(self, exposed: Exposed, header: Header) -> None:
        for granted in exposed.lock.release(header.source):
            self._reply(granted, None)


_ACTIONS: Final[Mapping[Kind, Callable[[Target, Exposed, Request, Located], None]]] = {
    Kind.PUT: Target._put,
    Kind.GET: Target._get,
    Kind.ACCUMULATE: Target._accumulate,
    Kind.FETCH: Target._fetch,
    Kind.SWAP: Target._swap,
    Kind.LOCATE: Target._locate,
}

_LOCKS: Final[Mapping[Kind, Callable[[Target, Exposed, Header], None]]] = {
    Kind.LOCK: Target._lock,
    Kind.UNLOCK: Target._unlock,
}
