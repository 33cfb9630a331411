"""Calls for files, one by one; what the I/O modes are about is tested beside."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Run = Callable[..., Any]


@pytest.fixture
def on_file(run: Run, tmp_path: Path) -> Run:
    """Run a program's text that has a file of ten digits open on each node, and another name."""
    from textwrap import dedent

    def run_it(text: str, nprocs: int = 2) -> Any:
        path = tmp_path / "digits"
        path.write_bytes(b"0123456789")
        head = f"import os\nPATH = {str(path)!r}\nfd = gopen(PATH, os.O_RDWR, M_UNIX)\n"
        return run(head + dedent(text), nprocs)

    return run_it


@pytest.fixture
def mesh(tmp_path: Path) -> str:
    """Describe a small mesh of eight columns, with I/O nodes, and return where its file is."""
    path = tmp_path / "mesh.toml"
    path.write_text("[topology]\ndims = [8, 4]\n[service]\nio_nodes = 6\n")
    return str(path)


def test_reading_ends_at_the_end_of_the_file(on_file: Run) -> None:
    on_file(
        """
        room = bytearray(8)
        assert [cread(fd, room, 8), cread(fd, room, 8), cread(fd, room, 8)] == [8, 2, 0]
        assert bytes(room) == b"89234567"
        assert iseof(fd) == 1
        assert lseek(fd, -1, os.SEEK_END) == 9
        assert iseof(fd) == 0
        """
    )


def test_vectors_of_buffers_are_one_access(on_file: Run) -> None:
    on_file(
        """
        parts = [bytearray(3), bytearray(4)]
        assert creadv(fd, parts, 2) == 7
        assert parts == [b"012", b"3456"]
        assert creadv(fd, [(parts[0], 2), (parts[1], 2)]) == 3
        assert parts == [b"782", b"9456"]
        gsync()
        if me == 0:
            assert cwritev(fd, [b"ab", b"", b"cde"], 3) == 5
            lseek(fd, 10, 0)
            parts = [bytearray(1), bytearray(9)]
            id = ireadv(fd, parts, 2)
            assert iowait(id) == 5
            assert parts == [b"a", b"bcde\\0\\0\\0\\0\\0"]
            assert iowait(iwritev(fd, [b"f", b"g"])) == 2
            assert esize(fd, 0, SIZE_END) == 17
        assert _creadv(fd, parts, 3) == -1 and errno == EQPARAM
        assert _cwritev(fd, [b"a", "b"], 2) == -1 and errno == EQPBUF
        """
    )


def test_accesses_at_an_offset_leave_the_pointer(on_file: Run) -> None:
    on_file(
        """
        room = bytearray(3)
        assert creadoff(fd, 4, room, 3) == 3 and room == b"456"
        assert iowait(ireadoff(fd, esize_t(8), room, 3)) == 2 and room == b"896"
        gsync()
        if me == 0:
            assert cwriteoff(fd, 12, b"xy", 2) == 2
            assert iowait(iwriteoff(fd, 0, b"z", 1)) == 1
            assert creadoff(fd, 0, room, 1) == 1 and room[:1] == b"z"
        gsync()
        assert lseek(fd, 0, os.SEEK_CUR) == 0
        assert _creadoff(fd, -1, room, 1) == -1 and errno == EQESIZE
        """
    )


def test_vectors_of_buffers_have_offsets_as_well(on_file: Run) -> None:
    on_file(
        """
        parts = [bytearray(2), bytearray(3)]
        assert readvoff(fd, 4, parts) == 5 and parts == [b"45", b"678"]
        assert iowait(ireadvoff(fd, 1, parts, 1)) == 2 and parts == [b"12", b"678"]
        gsync()
        if me == 0:
            assert writevoff(fd, 8, [b"x", b"yz"]) == 3
            assert iowait(iwritevoff(fd, 0, [b"ab"])) == 2
            room = bytearray(11)
            assert readoff(fd, 0, room, 11) == 11 and room == b"ab234567xyz"
            assert writeoff(fd, 0, b"q", 1) == 1
        """
    )


def test_a_new_file_is_on_some_of_the_io_nodes_only(run: Run, mesh: str) -> None:
    run(
        """
        import os
        fd = gopen("/pfs/restricted", os.O_RDWR | os.O_CREAT, M_LOG, 0o640)
        restrictvol(fd, 2, [3, 4])
        assert fstatpfs(fd).p_sfactor == statpfs("/pfs/restricted").p_sfactor == 2
        assert iomode(fd) == M_LOG
        cwrite(fd, b"abc", 3)
        gsync()
        assert estat("/pfs/restricted").st_size == 6
        assert estat("/pfs/restricted").st_mode & 0o777 == 0o640
        assert _restrictvol(fd, 2, [3, 4]) == -1 and errno == EMIXIO
        assert _restrictvol(fd, 2, [3, 5]) == -1 and errno == EQPARAM
        other = os.open("/pfs/restricted", os.O_RDWR)
        assert _restrictvol(other, 1, [0]) == -1 and errno == ENOCFS
        """,
        nprocs=2,
        machine=mesh,
    )


def test_files_get_longer_and_never_shorter(on_file: Run) -> None:
    on_file(
        """
        gsync()
        if me == 0:
            assert lsize(fd, 4, SIZE_SET) == 10
            assert lsize(fd, 20, SIZE_SET) == 20
            assert lsize(fd, 5, SIZE_END) == 25
            place = eseek(fd, stoe("24"), 0)
            assert place == 24 and (place.slow, place.shigh) == (24, 0)
            assert lsize(fd, 6, SIZE_CUR) == 30
            assert esize(fd, 0, SIZE_SET) == 30
            assert _lsize(fd, 0, 3) == -1
        gsync()
        assert os.stat(PATH).st_size == 30
        """
    )


def test_numbers_of_accesses_are_free_once_they_are_done(on_file: Run) -> None:
    on_file(
        """
        room = bytearray(4)
        id = iread(fd, room, 4)
        while not iodone(id):
            pass
        assert room == b"0123"
        assert _iodone(id) == -1 and errno == EQMID
        assert _iowait(77) == -1 and errno == EQMID
        """
    )


def test_there_are_so_many_numbers_of_accesses(run: Run, tmp_path: Path) -> None:
    run(
        f"""
        import os
        fd = gopen({str(tmp_path / "file")!r}, os.O_RDWR | os.O_CREAT, M_UNIX)
        ids = [iwrite(fd, b"a", 1), iwrite(fd, b"b", 1)]
        assert _iwrite(fd, b"c", 1) == -1 and errno == EQNOMID
        assert lseek(fd, 0, 1) == 2
        iowait(ids[0])
        iowait(iwrite(fd, b"c", 1))
        """,
        nprocs=1,
        ids="2",
    )


def test_striped_files_are_read_while_the_program_computes(run: Run) -> None:
    result = run(
        """
        import os
        from vmpp import compute
        size = 4 << 20
        fd = gopen("/pfs/overlap", os.O_RDWR | os.O_CREAT, M_ASYNC)
        room = bytearray(size)
        cwrite(fd, bytes(size), size)
        lseek(fd, 0, 0)
        began = dclock(); cread(fd, room, size); alone = dclock() - began
        lseek(fd, 0, 0)
        began = dclock()
        id = iread(fd, room, size)
        compute(alone)
        assert iowait(id) == size
        both = dclock() - began
        assert both < 1.2 * alone, (alone, both)
        """,
        nprocs=1,
    )
    assert result.status == 0


def test_a_descriptor_of_the_systems_will_do(on_file: Run) -> None:
    on_file(
        """
        own = os.open(PATH, os.O_RDONLY)
        room = bytearray(4)
        assert cread(own, room, 4) == 4
        assert os.read(own, 2) == b"45"
        assert iowait(iread(own, room, 2)) == 2
        assert lseek(own, 0, 1) == 8 == os.lseek(own, 0, 1)
        with open(PATH, "rb") as file:
            assert cread(file, room, 1) == 1 and room[:1] == b"0"
        """
    )


def test_what_there_is_to_tell_of_files_is_told_in_extended_sizes(on_file: Run) -> None:
    on_file(
        """
        link = PATH + "-link"
        if me == 0:
            os.symlink(PATH, link)
        gsync()
        told = estat_t()
        assert estat(PATH, told).st_size == told.st_size == 10
        assert told.st_size.slow == 10 and told.st_size.shigh == 0
        assert told.st_ino == os.stat(PATH).st_ino
        assert lestat(link).st_ino != told.st_ino == estat(link).st_ino == festat(fd).st_ino
        assert _estat(PATH + "-none", told) == -1
        assert statpfs(PATH).p_sunitsize == 0
        space, striped, mounted = estatfs_t(), statpfs_t(), []
        assert statpfs("/pfs", space, striped, 0) == striped
        assert striped.p_sunitsize > 0 and striped.p_sfactor > 0 and space.f_bsize > 0
        assert getpfsinfo(mounted) == 1 and mounted[0].m_mntonname == "/pfs"
        other = gopen("/pfs/told", os.O_RDWR | os.O_CREAT, M_UNIX)
        assert fstatpfs(other, space) == striped
        assert fstatpfs(fd).p_sfactor == 0
        """
    )


def test_a_call_that_fails_ends_the_process_with_the_reason(run: Run, tmp_path: Path) -> None:
    result = run(f"gopen({str(tmp_path / 'none')!r}, 0, M_UNIX)\nprint('goes on')", 1, fails=True)
    assert result.status == 1
    assert b"nx: gopen: No such file or directory" in result.stderr
    assert b"none" in result.stderr
    assert result.stdout == b""


@pytest.mark.vmpp(nprocs=1)
def test_extended_sizes_are_counted_with() -> None:
    import nx  # type: ignore[import-not-found]

    large = nx.stoe("9000000000")
    assert (large.shigh, large.slow) == divmod(9_000_000_000, 1 << 31)
    assert nx.etos(nx.eadd(large, 5)) == "9000000005"
    text = bytearray(16)
    assert nx.etos(nx.esub1(nx.eadd1(large, 9), 2), text) == "9000000007"
    assert text.partition(b"\0")[0] == b"9000000007"
    assert nx.esub(5, large) == 5 - 9_000_000_000
    assert nx.emul(large, 3) == 27_000_000_000
    assert (nx.ediv(-7, 2), nx.emod(-7, 2)) == (-3, -1)
    assert [nx.ecmp(1, 2), nx.ecmp(large, large), nx.ecmp(2, 1)] == [-1, 0, 1]
    for wrong in (lambda: nx._ediv(1, 0), lambda: nx._emul(1 << 61, 2), lambda: nx._stoe("x")):
        assert wrong() == -1
        assert nx.errno == nx.EQESIZE
