# ruff: noqa: SIM115 # programs under test open files as users do
"""The functions of ``os`` on a compute node do what the host's do."""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vmpp.process import calls

NAMES = st.sampled_from(["a", "b", "d", "d/x", "d/e", "l", "", ".", "..", "a/no", "none", "d/../b"])
OFFSETS = st.integers(-3, 30)
MOST = 12
"""Operations in a sequence."""
OPERATIONS = st.one_of(
    st.tuples(st.sampled_from(["mkdir", "rmdir", "unlink", "remove", "readlink"]), NAMES),
    st.tuples(st.sampled_from(["listdir", "chdir"]), NAMES),
    st.tuples(st.sampled_from(["rename", "replace", "link", "symlink"]), NAMES, NAMES),
    st.tuples(st.just("truncate"), NAMES, OFFSETS),
    st.tuples(st.just("access"), NAMES, st.sampled_from([os.F_OK, os.R_OK, os.X_OK])),
    st.tuples(st.just("chmod"), NAMES, st.sampled_from([0o700, 0o755])),
    st.tuples(st.just("touch"), NAMES),
    st.tuples(st.sampled_from(["mode", "lmode", "size"]), NAMES),
    st.tuples(st.sampled_from(["exists", "isdir", "isfile", "islink", "lexists"]), NAMES),
    st.tuples(st.just("getcwd")),
    st.tuples(st.just("scandir"), NAMES),
    st.tuples(st.just("walk"), NAMES),
)


def touch(path):
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o644))


def scan(path):
    with os.scandir(path) as entries:
        return sorted(
            (
                e.name,
                e.path,
                e.is_dir(),
                e.is_file(),
                e.is_symlink(),
                e.inode() == os.lstat(e.path).st_ino,
            )
            for e in entries
        )


EXTRA = {
    "touch": touch,
    "mode": lambda path: os.stat(path).st_mode,
    "lmode": lambda path: os.lstat(path).st_mode,
    "size": lambda path: os.path.getsize(path) if os.path.isfile(path) else None,
    "getcwd": lambda: os.path.basename(os.getcwd()),
    "scandir": scan,
    "listdir": lambda path: sorted(os.listdir(path)),
    "walk": lambda path: sorted((t, sorted(d), sorted(f)) for t, d, f in os.walk(path)),
    **{name: getattr(os.path, name) for name in ("exists", "isdir", "isfile", "islink", "lexists")},
}


def story(operations):
    log = []
    for name, *arguments in operations:
        try:
            log.append(EXTRA.get(name, getattr(os, name, None))(*arguments))
        except OSError as error:
            log.append((type(error), error.errno, error.strerror, error.filename, error.filename2))
    return log


@given(st.lists(OPERATIONS, min_size=1, max_size=MOST))
@settings(deadline=None, max_examples=300)
def test_any_sequence_of_operations_does_as_the_host_does(machine_in, operations):
    home = os.getcwd()
    with tempfile.TemporaryDirectory() as real, tempfile.TemporaryDirectory() as virtual:
        # So deep that no way up leads to folders that others change meanwhile.
        below = Path(*["up"] * MOST, "cwd")
        for folder in (real, virtual):
            inner = Path(folder, below)
            (inner / "d").mkdir(parents=True)
            (inner / "a").write_text("a file")
            (inner / "d" / "x").write_text("x")
            (inner / "l").symlink_to("d")
        try:
            os.chdir(Path(real, below))
            expected = story(operations)
        finally:
            os.chdir(home)
        actual = machine_in(Path(virtual, below)).run(lambda: story(operations))
        assert os.getcwd() == home
        assert actual == expected


def test_stat_tells_the_same_as_the_host(machine):
    path = machine.folder / "f"
    path.write_text("text")
    actual, expected = machine.run(lambda: os.stat("f")), os.stat(path)
    assert actual[:] == expected[:]
    for name in dir(expected):
        if name.startswith("st_") and name != "st_blksize":
            assert getattr(actual, name) == getattr(expected, name)
    assert actual.st_blksize >= expected.st_blksize


def test_times_are_set_exactly(machine):
    path = machine.folder / "f"
    path.touch()

    def program():
        os.utime("f", ns=(1_234_567_890_123_456_789, 987_654_321))
        first = os.stat("f").st_atime_ns, os.stat("f").st_mtime_ns
        os.utime("f", (5, 7.5))
        fd = os.open("f", os.O_RDONLY)
        second = os.stat("f").st_atime, os.fstat(fd).st_mtime
        os.utime(fd, (1, 2))
        os.close(fd)
        return first, second, os.stat("f").st_mtime

    assert machine.run(program) == ((1_234_567_890_123_456_789, 987_654_321), (5, 7.5), 2)


@pytest.mark.parametrize("times", [3, (1,), [1, 2]])
def test_times_that_are_no_pair_are_a_type_error(machine, times):
    (machine.folder / "f").touch()

    def program():
        with pytest.raises(TypeError, match="must be a tuple of two ints"):
            os.utime("f", times)
        with pytest.raises(ValueError, match="not both"):
            os.utime("f", (1, 2), ns=(1, 2))

    machine.run(program)


def test_descriptors_do_as_a_unix_says(machine):
    def program():
        fd = os.open("f", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
        assert os.write(fd, b"0123456789") == 10
        assert os.pwrite(fd, b"ab", 2) == 2
        assert os.lseek(fd, 0, os.SEEK_CUR) == 10
        assert os.pread(fd, 4, 1) == b"1ab4"
        twin = os.dup(fd)
        os.lseek(twin, 3, os.SEEK_SET)
        assert os.read(fd, 2) == b"b4"
        assert os.dup2(fd, 77) == 77
        os.close(fd)
        os.ftruncate(77, 6)
        os.fsync(77)
        assert os.fstat(twin).st_size == 6
        buffers = [bytearray(2), bytearray(3)]
        assert os.preadv(twin, buffers, 1) == 5
        assert bytes(buffers[0] + buffers[1]) == b"1ab45"
        assert os.writev(twin, [b"x", b"yz"]) == 3
        os.posix_fallocate(twin, 0, 20)
        assert os.fstat(twin).st_size == 20
        assert os.get_blocking(twin)
        assert not os.isatty(twin)
        os.closerange(10, 1 << 21)
        assert not os.isatty(twin)
        for call in (os.close, os.fstat, os.fsync):
            with pytest.raises(OSError, match="Bad file descriptor"):
                call(twin)

    machine.run(program)
    assert machine.server.open_files == 0


def test_a_descriptor_is_above_all_of_the_hosts(machine):
    assert machine.run(lambda: os.open("f", os.O_CREAT)) >= 1 << 20


def test_the_lowest_standard_descriptor_is_taken_first(machine):
    def program():
        saved = os.dup(1)
        os.close(1)
        assert os.open("f", os.O_CREAT | os.O_WRONLY) == 1
        os.write(1, b"to the file")
        os.dup2(saved, 1)
        os.write(1, b"to the job\n")

    machine.run(program)
    assert (machine.folder / "f").read_text() == "to the file"
    assert machine.stdout.text == "to the job\n"


def test_directories_can_be_reached_by_descriptor(machine):
    (machine.folder / "d").mkdir()

    def program():
        d = os.open("d", os.O_RDONLY)
        os.close(os.open("f", os.O_CREAT, dir_fd=d))
        os.mkdir("e", dir_fd=d)
        os.symlink("f", "l", dir_fd=d)
        os.rename("f", "g", src_dir_fd=d, dst_dir_fd=d)
        os.link("g", "h", src_dir_fd=d, dst_dir_fd=d)
        assert os.readlink("l", dir_fd=d) == "f"
        assert os.stat("g", dir_fd=d).st_nlink == 2
        assert os.access("g", os.R_OK, dir_fd=d)
        assert os.listdir(d) == ["e", "g", "h", "l"]
        with os.scandir(d) as scan:
            assert next((e.name, e.path, e.is_dir()) for e in scan) == ("e", "e", True)
        os.fchdir(d)
        assert os.listdir() == ["e", "g", "h", "l"]
        os.chdir("e")
        assert os.path.basename(os.getcwd()) == "e"
        with pytest.raises(NotADirectoryError):
            os.chdir("../g")
        os.close(d)

    machine.run(program)


def test_every_process_has_its_own_current_directory(machine_of):
    machine = machine_of(3)
    for name in "012":
        (machine.folder / name).mkdir()
    home = os.getcwd()
    seen = []

    def enter(rank):
        def program():
            os.chdir(str(rank))
            os.getcwd()
            with open("mine", "w") as f:
                f.write(os.path.basename(os.getcwd()))
            seen.append(os.getcwdb())

        return program

    machine.run(*map(enter, range(3)))
    assert [(machine.folder / n / "mine").read_text() for n in "012"] == ["0", "1", "2"]
    assert seen == [os.fsencode(machine.folder / n) for n in "012"]
    assert os.getcwd() == home


def test_every_process_has_its_own_mask(machine_of):
    machine = machine_of(2)
    usual = os.umask(0)
    os.umask(usual)

    def careful():
        assert os.umask(0o077) == usual
        os.mkdir("private")
        assert os.umask(usual) == 0o077

    machine.run(careful, lambda: os.mkdir("public"))
    assert stat.S_IMODE((machine.folder / "private").stat().st_mode) == 0o700
    assert stat.S_IMODE((machine.folder / "public").stat().st_mode) == 0o777 & ~usual


def test_listing_comes_in_pages_and_in_order(machine):
    names = [f"{n:05d}" for n in range(calls.PAGE * 2 + 5)]
    for name in names:
        (machine.folder / name).touch()
    assert machine.run(lambda: os.listdir(".")) == names
    assert machine.process.requests == 3


def test_names_are_bytes_where_the_path_is(machine):
    (machine.folder / "f").touch()
    (machine.folder / "l").symlink_to("f")
    assert machine.run(lambda: os.listdir(b".")) == [b"f", b"l"]
    assert machine.run(lambda: os.readlink(b"l")) == b"f"
    assert machine.run(lambda: next(os.scandir(b".")).path) == b"./f"


def test_names_need_not_be_utf_8(machine):
    with open(os.fsencode(machine.folder) + b"/\xff", "w") as f:
        f.write("odd")
    assert machine.run(lambda: open(os.listdir()[0]).read()) == "odd"


def test_a_removed_current_directory_is_gone(machine):
    (machine.folder / "d").mkdir()

    def program():
        os.chdir("d")
        os.rmdir("../d")
        with pytest.raises(FileNotFoundError):
            os.getcwd()

    machine.run(program)


def test_file_systems_tell_their_size(machine):
    actual, expected = machine.run(lambda: os.statvfs(".")), os.statvfs(machine.folder)
    assert (actual.f_bsize, actual.f_blocks, actual.f_namemax, actual.f_fsid) == (
        expected.f_bsize,
        expected.f_blocks,
        expected.f_namemax,
        expected.f_fsid,
    )


@pytest.mark.parametrize(
    ("function", "arguments", "number"),
    [
        ("pipe", (), errno.ENOSYS),
        ("openpty", (), errno.ENOSYS),
        ("memfd_create", ("m",), errno.ENOSYS),
        ("mkfifo", ("f",), errno.ENOSYS),
        ("listxattr", (".",), errno.ENOTSUP),
        ("get_terminal_size", (), errno.ENOTTY),
        ("chroot", (".",), errno.EPERM),
        ("read", (0, -1), errno.EINVAL),
        ("lseek", (1, 0, 0), errno.ESPIPE),
        ("lseek", (1 << 20, 0, 0), errno.EBADF),
    ],
)
def test_what_a_compute_node_does_not_have_is_an_os_error(machine, function, arguments, number):
    def program():
        with pytest.raises(OSError) as caught:  # noqa: PT011 # the number is what is asserted
            getattr(os, function)(*arguments)
        return caught.value.errno

    assert machine.run(program) == number


def test_errors_are_made_as_the_hosts_are(machine):
    path = Path("no", "such")

    def program():
        made = []
        for action in (
            lambda: os.stat(path),
            path.mkdir,
            path.unlink,
            lambda: os.listdir(b"no/such"),
            lambda: os.open(path, os.O_RDONLY),
            path.open,
            lambda: path.rename(Path("no", "other")),
            lambda: os.close(9999),
            lambda: os.fstat(9999),
        ):
            try:
                action()
            except OSError as error:
                made.append((error.args, error.filename, error.filename2, str(error)))
        return made

    actual = machine.run(program)
    assert actual == program()
    assert len(actual) == 9


def test_a_server_that_is_gone_is_an_input_output_error(machine):
    def program():
        machine.stop_server()
        for action in (lambda: open("f"), lambda: os.stat("f"), lambda: os.listdir("f")):
            with pytest.raises(OSError, match="Input/output error") as caught:
                action()
            assert caught.value.errno == errno.EIO
            assert caught.value.filename == "f"

    machine.run(program)
