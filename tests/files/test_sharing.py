"""Processes share an open file: its pointer, its lock, and requests for many stretches of it."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path
from struct import pack

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp.engine import current_process
from vmpp.process import calls


def files():
    return current_process().files


def make(path, flags=os.O_RDWR | os.O_CREAT):
    return files().open(os.fsencode(path), flags, 0o600)


def packed(runs):
    return b"".join(pack("<qq", *run) for run in runs)


def sharing(machine, *programs):
    """Run *programs*, each with a descriptor of one open file that rank 0 shares."""
    keys = []

    def rank_0():
        fd = make("shared")
        keys.append(files().share(fd))
        return programs[0](fd)

    def follower(program):
        def run():
            while not keys:
                os.getcwd()
            return program(files().join(keys[0]))

        return run

    return machine.run(rank_0, *map(follower, programs[1:]))


def refused(number, function, *args):
    with pytest.raises(OSError, match=rf"\[Errno {number}\]"):
        function(*args)


class TestSharedOpenFiles:
    """A file joined is the very file that was opened."""

    def test_who_joins_reads_what_the_other_has_written(self, machine_of):
        machine, seen = machine_of(2), []

        def writer(fd):
            os.pwrite(fd, b"hello", 0)
            files().set_pointer(fd, 1)

        def reader(fd):
            while not files().move_pointer(fd, 0):
                pass
            seen.append(os.pread(fd, 10, 0))

        sharing(machine, writer, reader)
        assert seen == [b"hello"]
        assert machine.server.open_files == 1

    def test_it_is_one_file_of_the_host_which_ends_with_its_last_user(self, machine_of):
        machine, counts = machine_of(3), []

        def close(fd):
            files().move_pointer(fd, 1)
            while files().move_pointer(fd, 0) < 3:
                pass
            counts.append(machine.server.open_files)
            os.close(fd)

        sharing(machine, close, close, close)
        assert machine.server.open_files == 0
        assert counts == [1, 1, 1]

    def test_position_is_that_of_all(self, machine_of):
        machine, seen = machine_of(2), []

        def first(fd):
            os.write(fd, b"abc")
            files().set_pointer(fd, 1)
            while files().move_pointer(fd, 0) < 2:
                pass
            seen.append(os.lseek(fd, 0, os.SEEK_CUR))

        def second(fd):
            while not files().move_pointer(fd, 0):
                pass
            os.write(fd, b"def")
            files().set_pointer(fd, 2)

        sharing(machine, first, second)
        assert seen == [6]
        assert (machine.folder / "shared").read_bytes() == b"abcdef"

    def test_a_key_that_nobody_offers_is_refused(self, machine):
        machine.run(lambda: refused(errno.EBADF, files().join, 7))

    def test_a_key_ends_with_the_file(self, machine):
        def program():
            fd = make("f")
            key = files().share(fd)
            assert files().share(fd) == key
            os.close(fd)
            refused(errno.EBADF, files().join, key)

        machine.run(program)

    @pytest.mark.parametrize("call", ["lock", "unlock"])
    def test_what_is_not_shared_has_neither_pointer_nor_lock(self, machine, call):
        def program():
            fd = make("f")
            refused(errno.EINVAL, getattr(files(), call), fd)
            refused(errno.EINVAL, files().move_pointer, fd, 1)
            refused(errno.EINVAL, files().set_pointer, fd, 1)
            refused(errno.EBADF, getattr(files(), call), 99)

        machine.run(program)


class TestPointers:
    """Moving the pointer and being told where it was is one step."""

    @given(st.lists(st.integers(0, 100), max_size=5))
    def test_every_move_gets_room_of_its_own(self, machine_in, counts):
        got = []

        def program(fd):
            got.extend((files().move_pointer(fd, count), count) for count in counts)

        with tempfile.TemporaryDirectory() as folder:
            machine = machine_in(Path(folder), 3)
            sharing(machine, program, program, program)
            machine.stop_server()
        end = 0
        for begin, count in sorted(got):
            assert begin == end
            end = begin + count
        assert end == 3 * sum(counts)

    def test_it_is_never_negative_nor_too_large(self, machine):
        def program():
            fd = make("f")
            files().share(fd)
            refused(errno.EINVAL, files().move_pointer, fd, -1)
            refused(errno.EINVAL, files().set_pointer, fd, -1)
            files().set_pointer(fd, 2**63 - 1)
            refused(errno.EINVAL, files().move_pointer, fd, 1)
            return files().move_pointer(fd, 0)

        assert machine.run(program) == 2**63 - 1


class TestLocks:
    """One holder at a time, in the order in which they asked."""

    def test_nobody_comes_between_what_is_done_under_the_lock(self, machine_of):
        def add(fd):
            for _ in range(5):
                files().lock(fd)
                number = int(os.pread(fd, 10, 0) or b"0")
                os.pwrite(fd, b"%d" % (number + 1), 0)
                files().unlock(fd)

        machine = machine_of(4)
        sharing(machine, add, add, add, add)
        assert (machine.folder / "shared").read_bytes() == b"20"

    @pytest.mark.parametrize(
        "end", [lambda fd: files().close(fd), lambda fd: files().exit(0)], ids=["close", "exit"]
    )
    def test_a_holder_that_closes_or_ends_gives_it_back(self, machine_of, end):
        machine, taken = machine_of(2), []

        def holder(fd):
            files().lock(fd)
            files().set_pointer(fd, 1)
            end(fd)

        def waiter(fd):
            while not files().move_pointer(fd, 0):
                pass
            files().lock(fd)
            taken.append(True)

        sharing(machine, holder, waiter)
        assert taken == [True]

    def test_who_does_not_hold_it_cannot_give_it_back(self, machine):
        def program():
            fd = make("f")
            files().share(fd)
            refused(errno.EPERM, files().unlock, fd)

        machine.run(program)


class TestManyStretches:
    """One request reads or writes many stretches of a file."""

    RUNS = st.lists(st.tuples(st.integers(0, 60), st.integers(0, 12)), max_size=8)

    @given(RUNS, st.binary(max_size=50))
    def test_reading_joins_what_they_have_up_to_the_end_of_the_file(
        self, machine_in, runs, content
    ):
        expected = b""
        for offset, length in runs:
            expected += content[offset : offset + length]
            if offset + length > len(content) and length:
                break

        def program():
            fd = make("f")
            os.pwrite(fd, content, 0)
            return files().call(calls.Readx(files().handle(fd), packed(runs))).data

        assert self.run(machine_in, program) == expected

    @given(RUNS, st.data())
    def test_writing_puts_each_byte_where_it_belongs(self, machine_in, runs, data):
        total = sum(length for _, length in runs)
        given_data = data.draw(st.binary(min_size=total, max_size=total))
        model, done = bytearray(), 0
        for offset, length in runs:
            model.extend(bytes(max(0, offset + length - len(model)) if length else 0))
            model[offset : offset + length] = given_data[done : done + length]
            done += length

        def program():
            fd = make("f")
            request = calls.Writex(files().handle(fd), packed(runs), given_data)
            assert files().call(request).count == total
            return os.pread(fd, 100, 0)

        assert self.run(machine_in, program) == model

    def run(self, machine_in, program):
        with tempfile.TemporaryDirectory() as folder:
            machine = machine_in(Path(folder))
            try:
                return machine.run(program)
            finally:
                machine.stop_server()

    @pytest.mark.parametrize(
        "runs", [b"short", packed([(0, -1)]), packed([(0, calls.MOST), (0, 1)])]
    )
    def test_what_are_no_stretches_is_refused(self, machine, runs):
        def program():
            handle = files().handle(make("f"))
            refused(errno.EINVAL, files().call, calls.Readx(handle, runs))
            refused(errno.EINVAL, files().call, calls.Writex(handle, runs, b""))

        machine.run(program)

    def test_data_of_another_length_than_the_stretches_is_refused(self, machine):
        def program():
            handle = files().handle(make("f"))
            refused(errno.EINVAL, files().call, calls.Writex(handle, packed([(0, 3)]), b"ab"))

        machine.run(program)

    def test_standard_streams_have_no_stretches(self, machine):
        machine.run(lambda: refused(errno.ESPIPE, files().call, calls.Readx(1, packed([(0, 1)]))))
