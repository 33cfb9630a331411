"""The file server answers every request, whoever sends it and whatever is in it."""

from __future__ import annotations

import errno
import os
import pty

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from vmpp.process import calls
from vmpp.service.files import FileServer, Stdio
from vmpp.service.server import Caller


class Nowhere:
    """A sink."""

    def write(self, rank: int, time_ps: int, data: bytes) -> None:
        """Forget it."""


ME = Caller(1, 0, 0)


@pytest.fixture
def server(tmp_path):
    made = FileServer(least_service_time=5)
    made.open_job(1, Stdio(Nowhere(), Nowhere()), str(tmp_path))
    yield made
    made.close()
    assert made.open_files == 0


async def answer(server, message, caller=ME):
    reply = server.serve(caller, message)
    return calls.decode_reply(reply if isinstance(reply, bytes) else await reply)


async def ask(server, request, caller=ME):
    return await answer(server, calls.encode(request), caller)


async def opened(server, path, flags):
    reply = await ask(server, calls.Open(calls.HERE, os.fsencode(path), flags, 0o600))
    assert isinstance(reply, calls.Opened)
    return reply.handle


async def test_a_job_that_is_not_served_gets_an_input_output_error(server):
    assert await ask(server, calls.Getcwd(), Caller(2, 0, 0)) == calls.Failed(errno.EIO)
    server.close_job(1)
    assert await ask(server, calls.Getcwd()) == calls.Failed(errno.EIO)


async def test_what_is_no_request_is_refused(server):
    assert await answer(server, b"\x91\x99") == calls.Failed(errno.EBADMSG)


@given(handle=st.integers(-(2**63), 2**63 - 1), number=st.integers(-(2**63), 2**63 - 1))
def test_no_number_in_a_request_brings_the_server_down(handle, number):
    server = FileServer()
    server.open_job(1, Stdio(Nowhere(), Nowhere()))
    requests = (
        calls.Close(handle), calls.Read(handle, number), calls.Pread(handle, number, number),
        calls.Pwrite(handle, b"x", number), calls.Lseek(handle, number, number),
        calls.Fstat(handle), calls.Ftruncate(handle, number), calls.Fsync(handle),
        calls.Fchmod(handle, number), calls.Fchown(handle, number, number),
        calls.Futime(handle, (number, number)), calls.Fchdir(handle), calls.Isatty(handle),
        calls.Flistdir(handle, b""), calls.Stat(handle, b"no such file", True),
        calls.Open(calls.HERE, b"no such/file", number, number), calls.Exit(number),
        calls.Access(handle, b"no such file", number, False, True),
        calls.Truncate(b"no such file", number), calls.Stat(handle, b"\0", True),
    )  # fmt: skip
    for request in requests:
        reply = server.serve(ME, calls.encode(request))
        assert isinstance(reply, bytes)
        assert isinstance(calls.decode_reply(reply), calls.Reply)
    server.close()


async def test_a_handle_is_good_for_its_own_process_only(server, tmp_path):
    handle = await opened(server, "f", os.O_CREAT | os.O_RDWR)
    assert await ask(server, calls.Fstat(handle), Caller(1, 1, 0)) == calls.Failed(errno.EBADF)
    assert isinstance(await ask(server, calls.Fstat(handle)), calls.Attributes)


async def test_a_rank_that_is_finished_has_nothing_open(server):
    await opened(server, "f", os.O_CREAT | os.O_RDWR)
    await ask(server, calls.Open(calls.HERE, b"g", os.O_CREAT, 0o600), Caller(1, 1, 0))
    assert server.open_files == 2
    server.finish(1, 0)
    assert server.open_files == 1
    assert await ask(server, calls.Exit(0), Caller(1, 1, 0)) == calls.Done()
    assert server.open_files == 0


async def test_only_the_system_says_that_a_process_is_no_more(server):
    await opened(server, "f", os.O_CREAT | os.O_RDWR)
    assert await ask(server, calls.Forget(1, 0), Caller(1, 1, 0)) == calls.Failed(errno.EPERM)
    assert server.open_files == 1
    assert await ask(server, calls.Forget(1, 0), Caller(0, -1, 0)) == calls.Done()
    assert server.open_files == 0
    assert await ask(server, calls.Getcwd(), Caller(0, -1, 0)) == calls.Failed(errno.EIO)
    assert await answer(server, b"no request", Caller(0, -1, 0)) == calls.Failed(errno.EBADMSG)


async def test_more_is_never_read_than_one_reply_holds(server, tmp_path):
    (tmp_path / "f").write_bytes(bytes(calls.MOST + 1))
    handle = await opened(server, "f", os.O_RDONLY)
    reply = await ask(server, calls.Read(handle, 1 << 40))
    assert len(reply.data) == calls.MOST


async def test_the_time_of_day_is_virtual(server):
    assert await ask(server, calls.Gettimeofday(), Caller(1, 0, 77)) == calls.Clock(77)


async def test_requests_are_counted_and_take_their_least_time(server):
    await ask(server, calls.Getcwd())
    assert server.calls_served == 1
    assert server.least_service_time == 5


class TestNamedPipes:
    """Whoever waits for the other end of a pipe waits alone."""

    @pytest.fixture
    def pipe(self, tmp_path):
        os.mkfifo(tmp_path / "pipe")
        return tmp_path / "pipe"

    async def test_a_reader_waits_for_a_writer(self, server, pipe, autojump_clock):
        handle = await opened(server, "pipe", os.O_RDONLY)
        replies = []

        async def read():
            for _ in range(2):
                replies.append(await ask(server, calls.Read(handle, 100)))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(read)
            await trio.testing.wait_all_tasks_blocked()
            assert replies == []
            with open(pipe, "wb", 0) as writer:
                writer.write(b"data")
                while not replies:
                    await trio.lowlevel.checkpoint()
        assert replies == [calls.Data(b"data"), calls.Data(b"")]

    async def test_a_writer_waits_for_a_reader(self, server, pipe, autojump_clock):
        async with trio.open_nursery() as nursery:
            reader = []

            async def read_later():
                await trio.sleep(1)
                reader.append(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK))

            nursery.start_soon(read_later)
            handle = await opened(server, "pipe", os.O_WRONLY)
        assert await ask(server, calls.Write(handle, b"data")) == calls.Count(4)
        assert os.read(reader[0], 10) == b"data"
        os.close(reader[0])
        assert await ask(server, calls.Write(handle, b"data")) == calls.Failed(errno.EPIPE)

    async def test_a_full_pipe_makes_the_writer_wait(self, server, pipe):
        reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
        handle = await opened(server, "pipe", os.O_WRONLY)
        data, received, replies = os.urandom(1 << 18), bytearray(), []

        async def write():
            replies.append(await ask(server, calls.Write(handle, data)))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(write)
            while len(received) < len(data):
                await trio.lowlevel.wait_readable(reader)
                received += os.read(reader, 1 << 16)
        os.close(reader)
        assert replies == [calls.Count(len(data))]
        assert received == data

    async def test_waiting_can_be_cancelled(self, server, pipe, autojump_clock):
        handle = await opened(server, "pipe", os.O_RDONLY)
        with trio.move_on_after(1) as reading:
            await ask(server, calls.Read(handle, 1))
        assert reading.cancelled_caught
        await ask(server, calls.Close(handle))
        with trio.move_on_after(1) as opening:
            await opened(server, "pipe", os.O_WRONLY)
        assert opening.cancelled_caught

    async def test_the_end_of_the_job_ends_the_waiting(self, server, pipe):
        handle = await opened(server, "pipe", os.O_RDONLY)
        replies = []

        async def read():
            replies.append(await ask(server, calls.Read(handle, 1)))

        async with trio.open_nursery() as nursery:
            nursery.start_soon(read)
            await trio.testing.wait_all_tasks_blocked()
            server.close_job(1)
        assert replies == [calls.Failed(errno.EBADF)]

    async def test_who_does_not_want_to_wait_need_not(self, server, pipe):
        reply = await ask(server, calls.Open(calls.HERE, b"pipe", os.O_WRONLY | os.O_NONBLOCK, 0))
        assert reply == calls.Failed(errno.ENXIO)


async def test_a_terminal_is_read_without_holding_up_the_host(server):
    host, terminal = pty.openpty()
    handle = await opened(server, os.ttyname(terminal), os.O_RDWR)
    assert await ask(server, calls.Isatty(handle)) == calls.Truth(True)
    replies = []

    async def read():
        replies.append(await ask(server, calls.Read(handle, 100)))

    async with trio.open_nursery() as nursery:
        nursery.start_soon(read)
        await trio.testing.wait_all_tasks_blocked()
        assert replies == []
        os.write(host, b"typed\n")
    assert replies == [calls.Data(b"typed\n")]
    await ask(server, calls.Close(handle))
    os.close(host)
    os.close(terminal)


async def test_devices_that_are_always_ready_are_read_at_once(server):
    handle = await opened(server, "/dev/zero", os.O_RDONLY)
    assert await ask(server, calls.Read(handle, 3)) == calls.Data(b"\0\0\0")
    null = await opened(server, "/dev/null", os.O_RDWR)
    assert await ask(server, calls.Read(null, 3)) == calls.Data(b"")
    assert await ask(server, calls.Write(null, b"abc")) == calls.Count(3)
