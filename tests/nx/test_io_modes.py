"""The six modes in which nodes share a file: in what order accesses are, and what is in the file.

What M_UNIX to M_ASYNC mean is that of the Paragon's manual page setiomode(3).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]

OPEN = """
    import os
    from vmpp import compute

    def opened(mode, name="file", flags=os.O_RDWR | os.O_CREAT | os.O_TRUNC):
        return gopen(FOLDER + name, flags, mode, 0o644)

    def content(fd):
        gsync()
        room = bytearray(4096)
        return bytes(room[: creadoff(fd, 0, room, 4096)])

    def read(fd, count):
        room = bytearray(count)
        return bytes(room[: cread(fd, room, count)])
"""


@pytest.fixture(params=["", pytest.param("/pfs/", id="striped")])
def on_nodes(run: Run, request: pytest.FixtureRequest, tmp_path: Any) -> Run:
    """Run a program's text on nodes, which has files on the host, or on the I/O nodes."""

    def run_it(text: str, nprocs: int = 3) -> Any:
        folder = request.param or f"{tmp_path}/"
        name = f"{request.node.name.partition('[')[0]}-"
        head = f"FOLDER = {folder + name * bool(request.param)!r}"
        return run(f"{head}\n{_dedented(OPEN)}\n{_dedented(text)}", nprocs)

    return run_it


def _dedented(text: str) -> str:
    from textwrap import dedent

    return dedent(text)


@pytest.fixture
def mesh(tmp_path: Path) -> str:
    """Describe a small mesh of eight columns, with I/O nodes, and return where its file is."""
    path = tmp_path / "mesh.toml"
    path.write_text("[topology]\ndims = [8, 4]\n[service]\nio_nodes = 6\n")
    return str(path)


def test_m_unix_has_a_pointer_for_each_node(on_nodes: Run) -> None:
    on_nodes(
        """
        fd = opened(M_UNIX)
        lseek(fd, me * 2, 0)
        assert cwrite(fd, b"%d." % me, 2) == 2
        assert lseek(fd, 0, 1) == me * 2 + 2
        assert content(fd) == b"0.1.2."
        lseek(fd, 0, 0)
        assert read(fd, 4) == b"0.1."
        assert read(fd, 4) == b"2."
        assert read(fd, 4) == b""
        assert iseof(fd) == 1
        """
    )


def test_m_unix_shows_nobody_part_of_a_write(on_nodes: Run) -> None:
    on_nodes(
        """
        fd = opened(M_UNIX)
        size = 3 << 20
        if me == 0:
            creat = cwrite(fd, b"a" * size, size)
        gsync()
        lseek(fd, 0, 0)
        if me == 0:
            compute(1e-3)
            cwrite(fd, b"b" * size, size)
        else:
            for _ in range(4):
                found = bytearray(size)
                lseek(fd, 0, 0)
                assert cread(fd, found, size) == size
                assert len(set(found)) == 1
        """
    )


def test_m_log_has_one_pointer_and_who_comes_first_is_served_first(on_nodes: Run) -> None:
    on_nodes(
        """
        fd = opened(M_LOG)
        # Nodes come from the last to the first, with more the later they come.
        compute((n - me) * 10e-3)
        assert cwrite(fd, b"%d" % me * (n - me), n - me) == n - me
        assert content(fd) == b"211000"
        gsync()
        assert lseek(fd, 0, 1) == 6
        gsync()
        if me == 1:
            lseek(fd, 0, 0)
        gsync()
        compute(me * 10e-3)
        assert read(fd, 3) == [b"211", b"000", b""][me]
        gsync()
        assert iseof(fd)
        assert lseek(fd, 0, 1) == 6
        """
    )


def test_m_sync_has_one_pointer_and_nodes_access_in_their_order(on_nodes: Run) -> None:
    on_nodes(
        """
        fd = opened(M_SYNC)
        for turn in range(2):
            compute((n - me) * 10e-3)
            cwrite(fd, b"%d" % me * (me + 1), me + 1)
            # Who has written knows that all have come.
            assert dclock() >= 30e-3
        assert content(fd) == b"011222011222"
        lseek(fd, 0, 0)
        assert read(fd, 3 - me) == [b"011", b"22", b"2"][me]
        assert lseek(fd, 0, 1) == 6
        assert read(fd, 4) == [b"0112", b"22", b""][me]
        assert lseek(fd, 0, 1) == 12
        """
    )


def test_m_record_puts_records_in_the_order_of_nodes_whoever_comes_first(on_nodes: Run) -> None:
    on_nodes(
        """
        fd = opened(M_RECORD)
        compute((n - me) * 10e-3)
        for turn in range(3):
            cwrite(fd, b"%d%d" % (turn, me), 2)
        if me == 2:
            # Nobody has to wait for others.
            assert dclock() < 20e-3
        assert content(fd) == b"000102101112202122"
        lseek(fd, 0, 0)
        assert read(fd, 4) == [b"0001", b"0210", b"1112"][me]
        assert lseek(fd, 0, 1) == 12
        assert read(fd, 4) == [b"2021", b"22", b""][me]
        """
    )


def test_m_global_makes_one_access_for_all(on_nodes: Run) -> None:
    on_nodes(
        """
        fd = opened(M_GLOBAL)
        assert cwrite(fd, b"one.", 4) == 4
        assert cwrite(fd, b"two.", 4) == 4
        assert content(fd) == b"one.two."
        lseek(fd, 0, 0)
        assert read(fd, 5) == b"one.t"
        assert read(fd, 5) == b"wo."
        assert iseof(fd)
        for call in (_cwrite, _cread):
            assert call(fd, bytearray(3), 2 + (me == 1)) == -1 and errno == EMIXIO
        assert lseek(fd, 0, 1) == 8
        """
    )


@pytest.mark.parametrize("nprocs", [1, 2])
@pytest.mark.parametrize("mode", ["M_UNIX", "M_LOG", "M_SYNC", "M_RECORD", "M_GLOBAL", "M_ASYNC"])
def test_one_access_may_begin_before_the_last_has_ended(
    on_nodes: Run, mode: str, nprocs: int
) -> None:
    on_nodes(
        f"""
        fd = opened({mode})
        own = os.open(FOLDER + "file", os.O_RDWR)
        setiomode(own, {mode})
        for each in (fd, own):
            gsync()
            lseek(each, 0, 0)
            numbers = [iwrite(each, b"ab", 2), iwrite(each, b"cd", 2)]
            assert [iowait(number) for number in reversed(numbers)] == [2, 2]
            parts = 1 if {mode} in (M_UNIX, M_GLOBAL, M_ASYNC) else n
            assert content(fd) == b"ab" * parts + b"cd" * parts
        """,
        nprocs,
    )


def test_a_node_may_be_through_with_a_file_that_others_still_use(on_nodes: Run) -> None:
    on_nodes(
        """
        fd = opened(M_SYNC)
        if me == 0:
            os.close(fd)
        own = os.open(FOLDER + "file", os.O_RDWR)
        setiomode(own, M_LOG)
        if me:
            assert cread(own, bytearray(4), 4) == 0
        """
    )


def test_files_are_open_on_all_nodes_for_what_was_wanted(on_nodes: Run) -> None:
    on_nodes(
        """
        import errno as system
        fd = opened(M_UNIX)
        cwrite(fd, b"abcd", 4)
        gsync()
        only = opened(M_UNIX, flags=os.O_WRONLY)
        assert _cread(only, bytearray(4), 4) == -1 and errno == system.EBADF
        only = opened(M_UNIX, flags=os.O_RDONLY)
        assert _cwrite(only, b"abcd", 4) == -1 and errno == system.EBADF
        """
    )


def test_m_async_has_a_pointer_for_each_node(on_nodes: Run) -> None:
    on_nodes(
        """
        fd = opened(M_ASYNC)
        assert iomode(fd) == M_ASYNC == 5
        mids = []
        for turn in range(2):
            lseek(fd, (turn * n + me) * 3, 0)
            mids.append(iwrite(fd, b"%d%d." % (turn, me), 3))
        assert [iowait(mid) for mid in mids] == [3, 3]
        assert content(fd) == b"00.01.02.10.11.12."
        """
    )


@pytest.mark.parametrize("mode", ["M_UNIX", "M_LOG", "M_SYNC", "M_RECORD", "M_ASYNC"])
def test_asynchronous_calls_are_where_synchronous_ones_would_be(on_nodes: Run, mode: str) -> None:
    on_nodes(
        f"""
        fd, other = opened({mode}), opened({mode}, "other")
        for turn in range(3):
            compute(me * 10e-3)
            cwrite(fd, b"%d%d" % (turn, me), 2)
        gsync()
        mids = []
        for turn in range(3):
            compute(me * 10e-3)
            mids.append(iwrite(other, b"%d%d" % (turn, me), 2))
            iowait(mids.pop())
        assert content(other) == content(fd)
        gsync()
        lseek(fd, 0, 0)
        gsync()
        rooms = [bytearray(4), bytearray(8)]
        ids = [iread(fd, room, len(room)) for room in rooms]
        counts = [iowait(id) for id in ids]
        found = b"".join(bytes(room[:count]) for room, count in zip(rooms, counts))
        lengths, place = [0] * n, [0]
        whole = bytearray(4096)
        count = gcol(found, len(found), whole, 4096, place)
        if {mode} in (M_UNIX, M_ASYNC):
            assert found == content(fd)[:12]
        elif {mode} != M_RECORD:
            assert count == len(content(fd))
        """
    )


def test_changing_the_mode_synchronises_and_keeps_the_pointer(on_nodes: Run) -> None:
    on_nodes(
        """
        fd = opened(M_LOG)
        compute(me * 10e-3)
        cwrite(fd, b"ab", 2)
        setiomode(fd, M_UNIX)
        assert dclock() >= 20e-3
        assert iomode(fd) == M_UNIX
        assert lseek(fd, 0, 1) == 6
        setiomode(fd, M_SYNC)
        cwrite(fd, b"%d" % me, 1)
        assert content(fd) == b"ababab012"
        setiomode(fd, M_LOG)
        assert lseek(fd, 0, 1) == 9
        """
    )


def test_a_file_that_each_node_has_opened_itself_is_shared_from_then_on(on_nodes: Run) -> None:
    on_nodes(
        """
        opened(M_UNIX)
        gsync()
        fd = os.open(FOLDER + "file", os.O_RDWR)
        assert iomode(fd) == M_UNIX
        assert cwrite(fd, b"x" * 4, 4) == 4
        setiomode(fd, M_LOG)
        compute((n - me) * 10e-3)
        cwrite(fd, b"%d" % me, 1)
        assert content(fd) == b"xxxx210"
        os.close(fd)
        fd = os.open(FOLDER + "file", os.O_RDWR)
        assert (iomode(fd), lseek(fd, 0, 1)) == (M_UNIX, 0)
        """
    )


def test_what_cannot_be_is_refused(on_nodes: Run) -> None:
    on_nodes(
        """
        import errno as system
        fd = opened(M_UNIX)
        assert _setiomode(fd, 6) == -1 and errno == EIMODE
        assert _setiomode(fd, M_LOG + (me == 2)) == -1 and errno == EIMODE
        lseek(fd, me, 0)
        assert _setiomode(fd, M_LOG) == -1 and errno == ENFPS
        assert _setiomode(fd, M_ASYNC) == 0
        lseek(fd, 0, 0)
        setiomode(fd, M_GLOBAL)
        assert _lseek(fd, me, 0) == -1 and errno == ECFPS
        assert _gopen(FOLDER + "none/file", os.O_RDONLY, M_UNIX) == -1 and errno == system.ENOENT
        assert _gopen(FOLDER + "file", os.O_RDONLY, 9) == -1 and errno == EIMODE
        own = os.open(FOLDER + f"own{me}", os.O_RDWR | os.O_CREAT)
        assert _setiomode(own, M_SYNC) == -1 and errno == EMIXIO
        assert _cread(99, bytearray(1), 1) == -1 and errno == system.EBADF
        assert _lseek(own, -1, 0) == -1 and errno == system.EINVAL
        """
    )


@pytest.mark.parametrize(("mode", "told"), [("M_LOG", 1), ("M_SYNC", 1), ("M_GLOBAL", 3)])
def test_an_io_node_that_is_gone_is_an_error_to_whom_it_concerns_and_holds_up_nobody(
    run: Run, mesh: str, mode: str, told: int
) -> None:
    run(
        f"""
        import errno as system, os, time
        import numpy as np
        fd = gopen("/pfs/{mode}", os.O_RDWR | os.O_CREAT, {mode}, 0o644)
        unit = statpfs("/pfs/{mode}").p_sunitsize
        restrictvol(fd, 3, [1, 2, 3])
        time.sleep(0.3)
        failed = np.array([0], np.int32)
        if {mode} == M_GLOBAL:
            lseek(fd, unit, os.SEEK_SET)
        if _cwrite(fd, bytes(unit), unit) == -1:
            assert errno == system.EIO
            failed[0] = 1
        gisum(failed, 1, None)
        assert failed[0] == {told}
        """,
        nprocs=3,
        machine=mesh,
        faults=["server pfs2 stop at 250 ms"],
    )
