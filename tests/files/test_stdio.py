"""Standard streams: whole lines in the order of virtual time, input for rank 0, no short cut."""

from __future__ import annotations

import errno
import itertools
import os
import stat
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp.process import calls
from vmpp.service.files import FileServer, Stdio
from vmpp.service.server import Caller


class Lines:
    """A source of standard input that gives what it is told, in small pieces."""

    def __init__(self, data: bytes, most: int = 5) -> None:
        self.data = data
        self.most = most

    async def read(self, n: int) -> bytes:
        """Return the next piece."""
        cut = min(n, self.most)
        piece, self.data = self.data[:cut], self.data[cut:]
        return piece


class Broken:
    """A sink that nobody reads."""

    def __init__(self) -> None:
        self.attempts = 0

    def write(self, rank: int, time_ps: int, data: bytes) -> None:
        """Refuse."""
        del rank, time_ps, data
        self.attempts += 1
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))


class Kept:
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.writes = []

    def write(self, rank: int, time_ps: int, data: bytes) -> None:
        """Keep it."""
        self.writes.append((rank, time_ps, data))


def out(machine, rank=None):
    return machine.processes[rank or 0].files.stdout


def serve(server, caller, request):
    """Have a request answered that must not wait."""
    answer = server.serve(caller, calls.encode(request))
    assert isinstance(answer, bytes)
    return calls.decode_reply(answer)


def test_a_line_is_one_request(machine):
    machine.run(lambda: print("hello", 1, "world", file=out(machine)))
    assert machine.stdout.text == "hello 1 world\n"
    assert machine.process.requests == 1


def test_a_long_line_is_one_request_too(machine):
    line = "x" * 100_000
    machine.run(lambda: print(line, file=out(machine)))
    assert machine.stdout.text == line + "\n"
    assert machine.process.requests <= 2


def test_lines_of_several_ranks_are_never_mixed(machine_of):
    machine = machine_of(4)

    def program(rank):
        def run():
            stream = out(machine, rank)
            for n in range(3):
                for word in ("rank", str(rank), "line"):
                    stream.write(word + " ")
                    stream.flush()
                stream.write(f"{n}\n")

        return run

    machine.run(*map(program, range(4)))
    lines = machine.stdout.text.splitlines()
    assert sorted(lines) == [f"rank {r} line {n}" for r in range(4) for n in range(3)]
    for rank in range(4):
        assert [ln for ln in lines if ln.startswith(f"rank {rank}")] == [
            f"rank {rank} line {n}" for n in range(3)
        ]


def test_lines_come_in_the_order_of_virtual_time(machine_of):
    machine = machine_of(3)
    machine.run(*(lambda r=r: print(r, file=out(machine, r)) for r in range(3)))
    times = [time for _, time, _ in machine.stdout.writes]
    assert times == sorted(times)
    assert [rank for rank, _, _ in machine.stdout.writes] == [0, 1, 2]


@given(st.lists(st.tuples(st.integers(0, 2), st.sampled_from([1, 2]), st.binary(max_size=6))))
def test_whatever_is_written_a_sink_gets_whole_lines_and_everything(writes):
    server, sinks = FileServer(), {1: Kept(), 2: Kept()}
    server.open_job(7, Stdio(sinks[1], sinks[2]))
    for time, (rank, handle, data) in enumerate(writes):
        reply = serve(server, Caller(7, rank, time), calls.Write(handle, data))
        assert reply == calls.Count(len(data))
    for sink in sinks.values():
        assert all(data.endswith(b"\n") for _, _, data in sink.writes)
    server.close_job(7)
    for handle, sink in sinks.items():
        for rank in range(3):
            written = b"".join(d for r, h, d in writes if (r, h) == (rank, handle))
            assert b"".join(d for r, _, d in sink.writes if r == rank) == written


def test_an_unfinished_line_comes_out_at_the_end_of_the_job(machine):
    def program():
        out(machine).write("no newline")
        assert machine.process.files.exit(0)

    machine.run(program)
    assert machine.stdout.text == ""
    machine.server.close_job(1)
    assert machine.stdout.text == "no newline"


def test_exit_is_a_request_only_if_the_server_has_a_file_open(machine):
    def program():
        print("a line", file=out(machine))
        assert machine.process.files.exit(0)

    machine.run(program)
    assert machine.process.requests == 1


def test_an_unfinished_line_comes_out_when_the_process_is_killed(machine):
    machine.run(lambda: os.write(2, b"half"))
    assert machine.stderr.text == ""
    machine.server.finish(1, 0, time=42)
    assert machine.stderr.writes == [(0, 42, b"half")]


async def test_a_prompt_is_shown_before_input_is_read(machine, monkeypatch):
    machine.stdio.stdin = Lines(b"Ann\nlast")
    files = machine.process.files

    def program():
        monkeypatch.setattr(sys, "stdin", files.stdin)
        monkeypatch.setattr(sys, "stdout", files.stdout)
        first = input("name? ")
        shown = machine.stdout.text
        second = input()
        with pytest.raises(EOFError):
            input()
        return first, shown, second

    assert await machine.run_async(program) == ("Ann", "name? ", "last")


async def test_standard_input_goes_to_rank_0_only(machine_of):
    machine = machine_of(3)
    machine.stdio.stdin = Lines(b"one\ntwo\n")
    read = {}

    def program(rank):
        def run():
            read[rank] = list(machine.processes[rank].files.stdin)

        return run

    await machine.run_async(*map(program, range(3)))
    assert read == {0: ["one\n", "two\n"], 1: [], 2: []}


@given(
    pieces=st.lists(st.binary(min_size=1, max_size=9).map(lambda d: d.replace(b"\0", b"\n"))),
    most=st.integers(1, 30),
    sizes=st.lists(st.integers(1, 12), min_size=1),
)
def test_how_the_host_cuts_the_input_is_never_seen(pieces, most, sizes):
    def requests(source):
        """Read everything in pieces of *sizes*, and tell what each request brought."""
        server = FileServer()
        server.open_job(1, Stdio(Kept(), Kept(), source))
        replies = []
        for size in itertools.cycle(sizes):
            answer = server.serve(Caller(1, 0, 0), calls.encode(calls.Read(0, size)))
            if not isinstance(answer, bytes):
                with pytest.raises(StopIteration) as stop:
                    answer.send(None)
                answer = stop.value.value
            replies.append(calls.decode_reply(answer).data)
            if not replies[-1]:
                return replies
        raise AssertionError("cycle() ends")

    data = b"".join(pieces)
    replies = requests(Lines(data, most))
    assert b"".join(replies) == data
    assert replies == requests(Lines(data, 1000))
    assert all(b"\n" not in reply[:-1] for reply in replies)


async def test_who_wants_all_input_gets_it_in_one_request(machine):
    machine.stdio.stdin = Lines(b"a line\n" * 1000, 100)
    files = machine.process.files
    data = await machine.run_async(lambda: files.stdin.buffer.raw.read(-1))
    assert len(data) == 7000
    assert machine.process.requests == 2


def test_without_a_source_standard_input_is_empty(machine):
    assert machine.run(lambda: list(machine.process.files.stdin)) == []


def test_the_streams_look_as_under_mpiexec(machine):
    def program():
        files = machine.process.files
        streams = (files.stdin, files.stdout, files.stderr)
        for stream in streams:
            assert not stream.isatty()
            assert stat.S_ISFIFO(os.fstat(stream.fileno()).st_mode)
            assert not stream.seekable()
        return [(s.name, s.fileno(), s.encoding, s.errors, s.line_buffering) for s in streams]

    assert machine.run(program) == [
        ("<stdin>", 0, "utf-8", "strict", False),
        ("<stdout>", 1, "utf-8", "strict", True),
        ("<stderr>", 2, "utf-8", "backslashreplace", True),
    ]


def test_standard_error_shows_any_string(machine):
    machine.run(lambda: print("\udc80", file=machine.process.files.stderr))
    assert machine.stderr.text == "\\udc80\n"


def test_bytes_go_by_the_buffer(machine):
    def program():
        machine.process.files.stdout.buffer.write(b"\xff\n")
        machine.process.files.stdout.flush()

    machine.run(program)
    assert machine.stdout.writes[0][2] == b"\xff\n"


def test_output_can_be_redirected_to_a_file(machine):
    def program():
        stdout = machine.process.files.stdout
        with open("log", "w") as log:
            saved = os.dup(1)
            os.dup2(log.fileno(), 1)
            print("to the file", file=stdout)
            os.dup2(saved, 1)
        print("to the job", file=stdout)

    machine.run(program)
    assert (machine.folder / "log").read_text() == "to the file\n"
    assert machine.stdout.text == "to the job\n"


def test_print_fails_when_the_server_is_gone(machine):
    def program():
        machine.stop_server()
        with pytest.raises(OSError, match="Input/output error") as caught:
            print("hello", file=out(machine))
        assert caught.value.errno == errno.EIO
        return machine.process.files.exit(0)

    assert machine.run(program) is False


def test_a_broken_sink_is_told_to_the_launcher_once_and_not_to_the_program(machine):
    told = []
    machine.stdio.stdout = Broken()
    machine.stdio.on_broken = lambda: told.append("broken")

    def program():
        print("one", file=out(machine))
        print("two", file=out(machine))
        print("error", file=machine.process.files.stderr)

    machine.run(program)
    assert machine.stdio.broken
    assert told == ["broken"]
    assert machine.stderr.text == "error\n"


def test_output_after_exit_goes_nowhere(machine):
    def program():
        machine.process.files.exit(0)
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.write(1, b"late\n")

    machine.run(program)
    assert machine.stdout.text == ""


def test_the_streams_of_a_rank_are_small(machine_of):
    import tracemalloc

    machine = machine_of(200)
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        for process in machine.processes:
            assert process.files.stdout is process.files.stdout
            assert process.files.stderr is process.files.stderr
        each = (tracemalloc.get_traced_memory()[0] - before) / machine.size
    finally:
        tracemalloc.stop()
    assert each < 3072
