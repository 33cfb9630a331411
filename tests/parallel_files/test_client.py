"""A process's side of striped files, with I/O nodes that do as a test says."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp.kernel import Process
from vmpp.kernel.process import SystemProcess
from vmpp.kernel.waiting import ProcessKilled
from vmpp.portals import (
    Address,
    DynamicBlock,
    Header,
    Heap,
    MemoryOperation,
    PortalEntry,
    SendInfo,
)
from vmpp.process import calls
from vmpp.process.files import Files
from vmpp.process.link import REQUEST_PORTAL
from vmpp.process.striping import (
    DATA_PORTAL,
    RUN,
    Layout,
    Moved,
    WriteStripes,
    decode_request,
    encode,
)

FETCHED_PORTAL = 9
PID = 7


class IoNode(SystemProcess):
    """A parallel file server that has its part of one file in memory.

    Attributes:
        part: what it has.
        asked: the requests that have come.
        error: what it answers with instead of doing anything; 0: nothing.
        slow: whether it keeps requests until `go`.
    """

    def __init__(self, kernel: Any, number: int) -> None:
        super().__init__(Address(kernel.nid, PID, -1, 0))
        self.kernel = kernel
        self.number = number
        self.part = bytearray()
        self.asked: list[Any] = []
        self.error = 0
        self.slow = False
        self._kept: list[Header] = []
        self._fetches: dict[int, tuple[int, Callable[[], object]]] = {}
        for portal, handler in ((REQUEST_PORTAL, self._asked), (FETCHED_PORTAL, self._fetched)):
            block = DynamicBlock(MemoryOperation.DYN_SV_HDR_BDY, Heap(1 << 30))
            self.table.install(portal, PortalEntry(block, handler))
        kernel.processes[PID] = self

    def _asked(self, header: Header, outcome: int) -> None:
        self.asked.append(decode_request(header.body or b""))
        if self.slow:
            self._kept.append(header)
        else:
            self._serve(header)

    def go(self, _: object = None) -> None:
        """Serve what has been kept, and be slow no longer."""
        self.slow = False
        self.clock = max(self.clock, self.kernel.engine.now)
        for header in self._kept:
            self._serve(header)

    def _serve(self, header: Header) -> None:
        request = decode_request(header.body or b"")
        if self.error:
            self._report(header, Moved(self.error))
        elif isinstance(request, WriteStripes):
            self._fetch(header, request, list(self._pieces(request)))
        else:
            self._put(header, request)

    def _pieces(self, request: Any) -> Any:
        layout = request.layout
        place = layout.servers.index(self.number)
        for offset, length, at in RUN.iter_unpack(request.runs):
            for local, begin, count in layout.parts(place, offset, length):
                yield local, at + begin - offset, count

    def _put(self, header: Header, request: Any) -> None:
        moved = 0
        for local, at, count in self._pieces(request):
            data = bytes(self.part[local : local + count])
            if data:
                info = SendInfo(offset=at)
                self._send(header.source, DATA_PORTAL, request.transfer, data, info)
            moved += len(data)
        self._report(header, Moved(0, moved, self._end(request.layout)))

    def _end(self, layout: Layout) -> int:
        return layout.end(layout.servers.index(self.number), len(self.part))

    def _fetch(self, header: Header, request: WriteStripes, pieces: list[Any]) -> None:
        owed, before = len(pieces), len(self.part)

        def fetched() -> None:
            nonlocal owed
            owed -= 1
            if not owed:
                moved = sum(count for _, _, count in pieces)
                grown = len(self.part) > before
                self._report(header, Moved(0, moved, self._end(request.layout), 0, grown))

        for local, at, count in pieces:
            bits = len(self._fetches)
            self._fetches[bits] = local, fetched
            info = SendInfo(
                read=True, offset=at, reply_length=count,
                return_portal=FETCHED_PORTAL, return_bits=bits,
            )  # fmt: skip
            self._send(header.source, DATA_PORTAL, request.transfer, b"", info)

    def _fetched(self, header: Header, outcome: int) -> None:
        local, fetched = self._fetches[header.bits]
        data = header.body or b""
        self.part.extend(bytes(max(0, local + len(data) - len(self.part))))
        self.part[local : local + len(data)] = data
        fetched()

    def _report(self, header: Header, moved: Moved) -> None:
        assert header.info is not None
        info = header.info
        self._send(header.source, info.return_portal, info.return_bits, encode(moved), None)

    def _send(self, to: Address, portal: int, bits: int, body: bytes, info: Any) -> None:
        self.kernel.send(self, to, portal, bits, body or None, len(body), info)


class Site:
    """A process with I/O nodes and one striped file, whose metadata server answers at once.

    Attributes:
        nodes: the I/O nodes.
        size: of the file, as the metadata server knows it.
        calls: what the metadata server has been asked.
    """

    def __init__(self, wired: Any, factor: int, unit: int) -> None:
        self.machine = wired(1 + factor)
        self.nodes = [IoNode(kernel, n) for n, kernel in enumerate(self.machine.kernels[1:])]
        self.layout = Layout(1, unit, tuple(range(factor)))
        self.size = 0
        self.pointer = 0
        self.calls: list[Any] = []
        self.servers = {f"pfs{node.number}": node.address for node in self.nodes}
        self.process: Process = self.machine.processes[0]
        self.process.rpc = self._answer
        self.files = self.process.files = Files(self.process, self.servers)

    def _answer(self, server: str, request: bytes) -> bytes:
        call = calls.decode_call(request)
        self.calls.append(call)
        return calls.encode(_ANSWERS.get(type(call), lambda *_: calls.Done())(self, call))

    def fill(self, data: bytes, size: int | None = None) -> None:
        """Put the contents of the file on the I/O nodes."""
        self.size = len(data) if size is None else size
        for place, node in enumerate(self.nodes):
            parts = self.layout.parts(place, 0, len(data))
            node.part[:] = b"".join(data[begin : begin + count] for _, begin, count in parts)

    @property
    def contents(self) -> bytes:
        """What the I/O nodes have, up to the size of the file."""
        found = bytearray(self.size)
        for place, node in enumerate(self.nodes):
            for local, begin, count in self.layout.parts(place, 0, self.size):
                piece = node.part[local : local + count]
                found[begin : begin + len(piece)] = piece
        return bytes(found)

    def run(self, program: Callable[[Files, int], Any], flags: int = os.O_RDWR) -> Any:
        """Run a program with the file open, and return what it returns."""

        def main(process: Process) -> Any:
            return program(self.files, self.files.open(b"/pfs/file", flags))

        return self.machine.run(main)[0]

    def asked(self, kind: type[Any]) -> list[Any]:
        """Return the requests of a kind that the metadata server has got."""
        return [call for call in self.calls if isinstance(call, kind)]


def _open(site: Site, call: Any) -> calls.Reply:
    return calls.StripedOpened(
        1, stat.S_IFREG | 0o600, 4096, True, False, site.layout, site.size, bytes(16)
    )


def _extend(site: Site, call: Any) -> calls.Reply:
    site.size = max(site.size, call.end)
    return calls.Position(site.size)


def _append(site: Site, call: Any) -> calls.Reply:
    site.size += call.count
    return calls.Position(site.size - call.count)


def _fstat(site: Site, call: Any) -> calls.Reply:
    return calls.Attributes(stat.S_IFREG | 0o600, 1, 1, 1, 0, 0, site.size, 0, 0, 0, 4096, 0, 0)


_ANSWERS: dict[type[Any], Callable[[Site, Any], calls.Reply]] = {
    calls.Open: _open,
    calls.Extend: _extend,
    calls.Append: _append,
    calls.Fstat: _fstat,
}


@pytest.fixture
def site(wired: Any) -> Callable[..., Site]:
    """Return what makes a process with I/O nodes: ``site(factor=3, unit=4)``."""
    return lambda factor=3, unit=4: Site(wired, factor, unit)


def failure(function: Callable[..., Any], *args: Any) -> int | None:
    """Return the number of the error with which a call fails."""
    try:
        function(*args)
    except OSError as error:
        return error.errno
    return None


TEXT = bytes(range(65, 65 + 50))


def test_bytes_go_straight_to_the_memory_and_from_there(site):
    here = site()

    def program(files, fd):
        assert files.write(fd, TEXT) == len(TEXT)
        assert files.lseek(fd, 3, os.SEEK_SET) == 3
        room = bytearray(20)
        assert files.readinto(fd, memoryview(room)) == 20
        assert files.tell(fd) == 23
        return bytes(room)

    assert here.run(program) == TEXT[3:23]
    assert here.contents == TEXT
    assert [len(node.part) for node in here.nodes] == [18, 16, 16]


def test_only_the_io_nodes_that_are_concerned_are_asked_and_each_once(site):
    here = site()
    here.fill(TEXT)
    assert here.run(lambda files, fd: files.pread(fd, 6, 5)) == TEXT[5:11]
    assert [len(node.asked) for node in here.nodes] == [0, 1, 1]
    assert here.nodes[1].asked == here.nodes[2].asked
    assert not here.asked(calls.Pread)


@given(
    st.integers(1, 4), st.integers(1, 8), st.integers(0, 60),
    st.lists(st.tuples(st.booleans(), st.integers(0, 70), st.integers(0, 30)), max_size=8),
)  # fmt: skip
def test_a_striped_file_is_as_any_file(wired, factor, unit, size, accesses):
    here = Site(wired, factor, unit)
    here.fill(bytes(range(1, size + 1)))
    mirror = bytearray(range(1, size + 1))

    def program(files, fd):
        for writing, offset, length in accesses:
            if writing:
                data = bytes(200 + n for n in range(length))
                assert files.pwrite(fd, data, offset) == length
                if length:
                    mirror.extend(bytes(max(0, offset - len(mirror))))
                    mirror[offset : offset + length] = data
            else:
                assert files.pread(fd, length, offset) == mirror[offset : offset + length]

    here.run(program)
    assert here.contents == mirror


def test_a_read_of_what_is_there_asks_the_metadata_server_for_nothing(site):
    here = site()
    here.fill(TEXT)
    here.run(lambda files, fd: [files.read(fd, 10) for _ in range(5)])
    assert not here.asked(calls.Fstat)


def test_what_no_io_node_has_reads_as_zeros_up_to_the_end(site):
    here = site()
    here.fill(TEXT[:9], size=40)

    def program(files, fd):
        room = bytearray(b"-" * 50)
        assert files.readinto(fd, memoryview(room)) == 40
        return bytes(room)

    assert here.run(program) == TEXT[:9] + bytes(31) + b"-" * 10


def test_a_size_that_has_changed_is_found_out(site):
    here = site()
    here.fill(TEXT[:10])

    def program(files, fd):
        here.fill(TEXT)
        longer = files.pread(fd, 100, 0)
        here.fill(TEXT[:5])
        return longer, files.pread(fd, 100, 0), files.pread(fd, 3, 7)

    assert here.run(program) == (TEXT, TEXT[:5], b"")


def test_a_file_that_another_process_has_cut_grows_again(site):
    here = site()
    here.fill(TEXT)

    def program(files, fd):
        here.fill(b"")
        files.pwrite(fd, b"new", 10)

    here.run(program)
    assert here.contents == bytes(10) + b"new"


def test_the_metadata_server_hears_of_bytes_only_when_they_are_there(site):
    here = site()
    here.nodes[1].slow = True

    def program(files, fd):
        writing = files.begin_write(fd, TEXT)
        files.process.sleep(10**6)
        before = here.size
        here.nodes[1].go()
        writing.wait()
        return before, here.size

    assert here.run(program) == (0, len(TEXT))


def test_what_is_written_over_is_nothing_to_tell(site):
    here = site()
    here.fill(TEXT)
    here.run(lambda files, fd: files.pwrite(fd, b"over", 6))
    assert not here.asked(calls.Extend)


def test_what_is_written_over_what_nobody_has_told_of_is_told(site):
    here = site()
    here.fill(TEXT, size=0)
    here.run(lambda files, fd: files.pwrite(fd, b"over", 6))
    assert here.size == 10


def test_appending_processes_get_room_of_their_own(site):
    here = site()
    here.fill(TEXT[:10])

    def program(files, fd):
        files.write(fd, b"abc")
        here.size += 2  # another process has been given room
        files.write(fd, b"def")
        return files.tell(fd)

    assert here.run(program, os.O_RDWR | os.O_APPEND) == 18
    assert here.contents == TEXT[:10] + b"abc" + bytes(2) + b"def"
    assert not here.asked(calls.Extend)


def test_positions_are_the_processs_own(site):
    here = site()
    here.fill(TEXT)

    def program(files, fd):
        twin = files.dup(fd)
        assert files.lseek(fd, 4, os.SEEK_SET) == 4
        assert files.lseek(twin, 2, os.SEEK_CUR) == 6
        assert failure(files.lseek, fd, -7, os.SEEK_CUR) == errno.EINVAL
        assert files.read(twin, 2) == TEXT[6:8]
        assert files.tell(fd) == 8
        assert not here.calls[1:]
        return files.lseek(fd, -1, os.SEEK_END)

    assert here.run(program) == len(TEXT) - 1


@pytest.mark.parametrize(
    ("flags", "refused"), [(os.O_RDONLY, "write"), (os.O_WRONLY, "read")], ids=["write", "read"]
)
def test_a_file_is_used_as_it_was_opened_only(site, flags, refused):
    here = site()
    argument = {"write": b"x", "read": 1}[refused]
    assert here.run(
        lambda files, fd: failure(getattr(files, refused), fd, argument), flags
    ) == errno.EBADF  # fmt: skip
    assert not any(node.asked for node in here.nodes)


# -- in the background -----------------------------------------------------------------------------


def test_a_transfer_goes_on_while_the_process_computes(site):
    here = site()
    here.fill(TEXT)

    def program(files, fd):
        room = bytearray(len(TEXT))
        reading = files.begin_read(fd, room)
        assert files.tell(fd) == len(TEXT)
        files.process.compute(10**7)
        computed = files.process.clock
        assert bytes(room) == TEXT
        assert reading.wait() == len(TEXT)
        return files.process.clock - computed

    assert here.run(program) == 0


def test_polling_a_transfer_lets_time_pass(site):
    here = site()
    here.fill(TEXT)

    def program(files, fd):
        room = bytearray(len(TEXT))
        reading = files.begin_read(fd, room)
        looks = 0
        while not reading.done:
            looks += 1
        assert bytes(room) == TEXT
        return looks

    assert here.run(program) > 1


def test_transfers_end_in_any_order(site):
    here = site(factor=2)
    here.fill(TEXT)
    here.nodes[0].slow = True

    def program(files, fd):
        rooms = [bytearray(4) for _ in range(4)]
        reads = [files.begin_read(fd, room, 4 * n) for n, room in enumerate(rooms)]
        assert reads[3].wait() == 4
        assert reads[1].wait() == 4
        assert not reads[0].done
        here.nodes[0].go()
        assert [read.wait() for read in reads] == [4, 4, 4, 4]
        return b"".join(rooms)

    assert here.run(program) == TEXT[:16]


def test_memory_of_a_read_that_was_cancelled_is_left_alone(site):
    here = site()
    here.fill(TEXT)
    here.nodes[2].slow = True

    def program(files, fd):
        room = bytearray(len(TEXT))
        reading = files.begin_read(fd, room)
        files.process.sleep(10**6)
        reading.cancel()
        room[:] = bytes(len(TEXT))
        again = bytearray(len(TEXT))
        second = files.begin_read(fd, again, 0)
        here.nodes[2].go()
        assert second.wait() == len(TEXT)
        assert reading.done
        assert failure(reading.wait) == errno.ECANCELED
        return bytes(room), bytes(again)

    assert here.run(program) == (bytes(len(TEXT)), TEXT)


def test_a_write_that_was_cancelled_writes_what_there_was(site):
    here = site()
    here.fill(b"-" * len(TEXT))
    here.nodes[0].slow = True

    def program(files, fd):
        data = bytearray(TEXT)
        files.begin_write(fd, data).cancel()
        data[:] = b"?" * len(data)
        here.nodes[0].go()
        files.process.sleep(10**6)

    here.run(program)
    assert here.contents == TEXT


def test_stretches_go_to_their_places_in_memory(site):
    here = site()
    here.fill(TEXT)
    runs = [(20, 5, 10), (3, 2, 0), (45, 9, 15)]

    def program(files, fd):
        room = bytearray(b"." * 24)
        assert files.read_runs(fd, runs, room) == 12
        assert files.write_runs(fd, [(1, 2, 10), (60, 2, 0)], room) == 4
        return bytes(room)

    expected = TEXT[3:5] + b"." * 8 + TEXT[20:25] + TEXT[45:] + b"." * 4
    assert here.run(program) == expected
    assert here.contents == TEXT[:1] + TEXT[20:22] + TEXT[3:] + bytes(10) + TEXT[3:5]


def test_no_stretches_at_all_are_moved_at_once(site):
    here = site()
    here.fill(TEXT)

    def program(files, fd):
        assert files.write_runs(fd, [], b"") == files.read_runs(fd, [], bytearray()) == 0
        assert files.pwrite(fd, b"", 99) == 0
        assert files.pread(fd, 0, 5) == b""
        return files.begin_write_runs(fd, [], b"").wait()

    assert here.run(program) == 0
    assert not any(node.asked for node in here.nodes)
    assert not here.calls[1:]


def test_sync_waits_for_what_was_begun(site):
    here = site()
    here.nodes[0].slow = True

    def program(files, fd):
        files.begin_write(fd, TEXT)
        files.process.kernel.engine.after(10**6, here.nodes[0].go)
        files.sync(fd)
        assert here.contents == TEXT

    here.run(program)
    assert [type(call) for call in here.calls[1:]] == [calls.Extend, calls.Fsync]


def test_a_file_is_closed_when_what_was_begun_is_done(site):
    here = site()
    here.nodes[0].slow = True

    def program(files, fd):
        files.begin_write(fd, TEXT)
        files.process.kernel.engine.after(10**6, here.nodes[0].go)
        files.close(fd)

    here.run(program)
    assert here.contents == TEXT
    assert isinstance(here.calls[-1], calls.Close)


def test_the_end_of_a_process_waits_for_what_it_has_begun_to_write(site):
    here = site()
    here.nodes[0].slow = True

    def program(files, fd):
        files.begin_write(fd, TEXT)
        files.process.kernel.engine.after(10**6, here.nodes[0].go)
        return files.exit(0)

    assert here.run(program)
    assert here.contents == TEXT


def test_what_is_closed_when_nobody_can_wait_is_told_of_later(site):
    here = site()
    here.nodes[0].slow = True

    def program(files, fd):
        files.begin_write(fd, TEXT)
        with files.asking():  # as when the garbage collector closes a file in the middle of a call
            files.write(fd, b"end")
            files.close(fd)
        assert not here.calls[1:]
        here.nodes[0].go()
        files.process.sleep(10**6)
        files.open(b"/pfs/file", os.O_RDONLY)

    here.run(program)
    assert [type(call) for call in here.calls[1:]] == [
        calls.Pwrite, calls.Extend, calls.Close, calls.Open,
    ]  # fmt: skip
    assert (here.calls[1].offset, here.calls[1].data) == (len(TEXT), b"end")
    assert here.contents == TEXT


def test_several_fibers_wait_for_transfers_of_their_own(site):
    here = site()
    here.fill(TEXT)
    here.nodes[0].slow = True

    def program(files, fd):
        told = []
        process = files.process

        def body():
            room = bytearray(4)
            files.begin_read(fd, room, 12).wait()
            told.append(bytes(room))

        process.start_fiber(body)
        room = bytearray(4)
        files.begin_read(fd, room, 4).wait()
        told.append(bytes(room))
        here.nodes[0].go()
        process.sleep(10**6)
        return told

    assert here.run(program) == [TEXT[4:8], TEXT[12:16]]


# -- what goes wrong -------------------------------------------------------------------------------


def test_an_io_node_that_is_not_there_fails_what_it_is_asked_for_and_nothing_else(site):
    here = site()
    here.fill(TEXT)
    here.nodes[1].dead = True

    def program(files, fd):
        return failure(files.pread, fd, 9, 0), files.pread(fd, 4, 8)

    assert here.run(program) == (errno.EIO, TEXT[8:12])


def test_an_io_node_that_the_machine_does_not_have_any_more_is_an_error_at_once(site):
    here = site()
    here.fill(TEXT)
    del here.servers["pfs2"]
    assert here.run(lambda files, fd: failure(files.pread, fd, 12, 0)) == errno.EIO
    assert not any(node.asked for node in here.nodes)


def test_an_error_waits_for_the_others_so_that_the_memory_is_free(site):
    here = site()
    here.fill(TEXT)
    here.nodes[0].error = errno.ENOSPC
    here.nodes[1].slow = True

    def program(files, fd):
        files.process.kernel.engine.after(10**6, here.nodes[1].go)
        assert failure(files.pwrite, fd, b"?" * 12, 0) == errno.ENOSPC
        assert files.process.clock > 10**6

    here.run(program)


def test_a_process_that_is_killed_leaves_no_descriptor_behind(site):
    here = site()
    here.fill(TEXT)
    here.nodes[1].slow = True
    room = bytearray(len(TEXT))

    def program(files, fd):
        try:
            files.readinto(fd, memoryview(room))
        finally:
            entries = files.process.table.entries[DATA_PORTAL].target.entries
            here.calls.append([entry.active for entry in entries])

    here.machine.engine.at(10**6, lambda _: here.process.kill())
    with pytest.raises(ProcessKilled):
        here.run(program)
    assert here.calls[-1] == [False]


def test_a_signal_handler_may_use_files_while_it_interrupts_a_read(site):
    here = site()
    here.fill(TEXT)
    here.nodes[1].slow = True

    def program(files, fd):
        inside = []

        def handler():
            inside.append(files.pread(fd, 4, 8))
            here.nodes[1].go()

        engine = files.process.kernel.engine
        engine.after(10**6, lambda _: files.process.interrupt(handler))
        return files.pread(fd, 12, 0), inside

    assert here.run(program) == (TEXT[:12], [TEXT[8:12]])


def test_what_a_signal_handler_raises_ends_a_read_and_frees_its_memory(site):
    here = site()
    here.fill(TEXT)
    here.nodes[1].slow = True

    def program(files, fd):
        def handler():
            raise TimeoutError

        room = bytearray(12)
        engine = files.process.kernel.engine
        engine.after(10**6, lambda _: files.process.interrupt(handler))
        with pytest.raises(TimeoutError):
            files.pread_into(fd, memoryview(room), 0)
        room[:] = bytes(12)
        here.nodes[1].go()
        files.process.sleep(10**6)
        return bytes(room), files.pread(fd, 12, 0)

    assert here.run(program) == (bytes(12), TEXT[:12])


def test_a_report_that_no_system_has_sent_counts_for_nothing(site):
    here = site()
    here.fill(TEXT)
    here.nodes[0].slow = True

    def program(files, fd):
        process = files.process
        room = bytearray(4)
        reading = files.begin_read(fd, room, 0)
        body = encode(Moved(0, 4))
        process.kernel.send(process, process.address, 5, 1, body, len(body))
        process.sleep(10**6)
        assert not reading.done
        here.nodes[0].go()
        return reading.wait(), bytes(room)

    assert here.run(program) == (4, TEXT[:4])


def test_nobody_but_servers_gets_at_the_memory_of_a_transfer(site):
    here = site()
    here.fill(TEXT)
    here.nodes[0].slow = True

    def program(files, fd):
        process, room = files.process, bytearray(4)
        reading, writing = files.begin_read(fd, room, 0), files.begin_write(fd, b"mine", 0)
        heap = Heap(1 << 10)
        caught = DynamicBlock(MemoryOperation.DYN_SV_HDR_BDY, heap)
        process.table.install(FETCHED_PORTAL, PortalEntry(caught))
        wish = SendInfo(read=True, reply_length=4, return_portal=FETCHED_PORTAL)
        for number in 1, 2:
            process.kernel.send(process, process.address, DATA_PORTAL, number, b"evil", 4, None)
            process.kernel.send(process, process.address, DATA_PORTAL, number, None, 0, wish)
        process.sleep(10**6)
        assert room == bytes(4)
        here.nodes[0].go()
        reading.wait(), writing.wait()
        return bytes(room), [bytes(each.body or b"") for each in heap.messages]

    room, caught = here.run(program)
    assert room in (TEXT[:4], b"mine")
    assert b"mine" not in caught
