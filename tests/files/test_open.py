# ruff: noqa: SIM115 # how files are opened and forgotten is what is tested
"""``open`` of a compute node behaves as Python's own, whatever the mode and the operations."""

from __future__ import annotations

import io
import os
import tempfile
import warnings
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

MODES = [base + plus + kind for base in "rwax" for plus in ("", "+") for kind in ("", "b", "t")]

OPERATIONS = st.one_of(
    st.tuples(st.just("read"), st.integers(-1, 20)),
    st.tuples(st.just("readline")),
    st.tuples(st.just("readlines")),
    st.tuples(st.just("write"), st.text("ab\né€", max_size=12)),
    st.tuples(st.just("seek"), st.integers(0, 15), st.just(0)),
    st.tuples(st.just("seek"), st.just(0), st.sampled_from([1, 2])),
    st.tuples(st.just("tell")),
    st.tuples(st.just("truncate")),
    st.tuples(st.just("truncate"), st.integers(0, 12)),
    st.tuples(st.just("flush")),
    st.tuples(st.just("readable")),
    st.tuples(st.just("writable")),
    st.tuples(st.just("seekable")),
    st.tuples(st.just("isatty")),
    st.tuples(st.just("close")),
)


def outcome(action):
    """Return what *action* returns or raises, without what may differ: the numbers of files."""
    try:
        result = action()
    except Exception as error:
        return type(error), str(error).replace("_io.", "")
    return result if isinstance(result, str | bytes | int | list | bool | None) else None


def story(path, mode, options, operations):
    """Open a file, do the operations, and tell everything that is to be seen of it."""
    log = []

    def opening():
        nonlocal stream
        stream = open(path, mode, **options)

    stream = None
    log.append(outcome(opening))
    if stream is not None:
        layer = type(stream).__name__.replace("SystemFile", "FileIO")
        log.append((layer, stream.mode, os.path.basename(stream.name)))
        for name, *arguments in operations:
            given = [arguments[0].encode()] if name == "write" and "b" in mode else arguments
            log.append(outcome(lambda n=name, a=given: getattr(stream, n)(*a)))
        log.append(outcome(stream.close))
        log.append(stream.closed)
    if os.path.exists(path):
        with open(path, "rb") as check:
            log.append(check.read())
    return log


def compare(machine_in, content, mode, options, operations):
    with tempfile.TemporaryDirectory() as folder:
        real, virtual = Path(folder, "real"), Path(folder, "virtual")
        real.mkdir()
        virtual.mkdir()
        if content is not None:
            (real / "file").write_bytes(content)
            (virtual / "file").write_bytes(content)
        machine = machine_in(virtual)
        expected = story(str(real / "file"), mode, options, operations)
        actual = machine.run(lambda: story("file", mode, options, operations))
        assert machine.server.open_files == 0
    expected = [
        (e[0], e[1].replace(str(real) + "/", "")) if isinstance(e, tuple) and len(e) == 2 else e
        for e in expected
    ]
    assert actual == expected


@given(
    st.none() | st.binary(max_size=30).map(lambda data: data.replace(b"\xff", b"\n")),
    st.sampled_from(MODES),
    st.lists(OPERATIONS, max_size=8),
    st.sampled_from([-1, 1, 2, 7, 4096]),
)
@settings(deadline=None, max_examples=300)
def test_any_sequence_of_operations_does_as_python_does(
    machine_in, content, mode, operations, buffering
):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        compare(machine_in, content, mode, {"buffering": buffering}, operations)


@given(st.sampled_from(MODES), st.lists(OPERATIONS, max_size=8))
@settings(deadline=None)
def test_without_a_buffer_too(machine_in, mode, operations):
    compare(machine_in, b"first\nsecond\n", mode, {"buffering": 0}, operations)


@given(
    st.sampled_from(["r", "w", "a", "r+", "w+"]),
    st.lists(OPERATIONS, max_size=6),
    st.sampled_from([None, "", "\n", "\r", "\r\n"]),
    st.sampled_from(["utf-8", "utf-16", "latin-1"]),
    st.sampled_from([None, "strict", "replace", "ignore"]),
)
@settings(deadline=None)
def test_with_any_newline_and_encoding(machine_in, mode, operations, newline, encoding, errors):
    options = {"newline": newline, "encoding": encoding, "errors": errors}
    compare(machine_in, b"one\r\ntwo\nthree\rfour", mode, options, operations)


@given(st.text("rwaxbt+U", max_size=4))
def test_any_nonsense_for_a_mode_is_refused_in_the_same_words(machine_in, mode):
    compare(machine_in, b"", mode, {}, [])


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("rb", {"encoding": "utf-8"}),
        ("rb", {"errors": "strict"}),
        ("rb", {"newline": ""}),
        ("r", {"newline": "x"}),
        ("r", {"encoding": "no such"}),
        ("r", {"buffering": 0}),
        ("w", {"closefd": False}),
        ("r", {"opener": lambda path, flags: -1}),
        ("r", {"opener": lambda path, flags: "3"}),
        ("r", {"opener": lambda path, flags: os.open(path, flags | os.O_SYNC)}),
    ],
)
def test_wrong_options_are_refused_in_the_same_words(machine_in, mode, options):
    compare(machine_in, b"text", mode, options, [("read", -1)])


def test_binary_mode_warns_of_line_buffering(machine):
    def program():
        with pytest.warns(RuntimeWarning, match="line buffering"), open("f", "wb", 1) as f:
            return type(f) is io.BufferedWriter

    assert machine.run(program)


@pytest.mark.parametrize(
    ("path", "mode", "error"),
    [
        ("absent", "r", FileNotFoundError),
        ("folder", "r", IsADirectoryError),
        ("folder", "w", IsADirectoryError),
        ("file/below", "r", NotADirectoryError),
        ("file", "x", FileExistsError),
        ("absent/file", "w", FileNotFoundError),
        ("", "r", FileNotFoundError),
    ],
)
def test_an_error_names_the_file(machine, path, mode, error):
    (machine.folder / "folder").mkdir()
    (machine.folder / "file").touch()

    def program():
        with pytest.raises(error) as caught:
            open(path, mode)
        return caught.value

    caught = machine.run(program)
    assert caught.filename == path
    assert str(caught) == str(error(caught.errno, os.strerror(caught.errno), path))


def test_a_null_byte_in_a_path_is_a_value_error(machine):
    def program():
        with pytest.raises(ValueError, match="embedded null byte"):
            open("a\0b")

    machine.run(program)


@pytest.mark.parametrize("path", [3.5, None, []])
def test_what_is_no_path_is_a_type_error(machine, path):
    def program():
        with pytest.raises(TypeError):
            open(path)

    machine.run(program)


def test_a_path_may_be_bytes_or_path_like(machine):
    (machine.folder / "f").write_text("here")
    assert machine.run(lambda: open(b"f").read() + open(Path("f")).read()) == "herehere"


def test_a_descriptor_can_be_opened_and_kept(machine):
    def program():
        fd = os.open("f", os.O_RDWR | os.O_CREAT)
        with open(fd, "w", closefd=False) as f:
            f.write("one")
        os.lseek(fd, 0, os.SEEK_SET)
        with os.fdopen(fd) as f:
            text = f.read()
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.close(fd)
        return text

    assert machine.run(program) == "one"


def test_reading_a_small_file_takes_three_requests(machine):
    (machine.folder / "f").write_text("text")

    def program():
        with open("f") as f:
            return f.read()

    assert machine.run(program) == "text"
    assert machine.process.requests == 3  # open, read, close


def test_long_transfers_are_split(machine):
    data = os.urandom(3 * (1 << 20) + 17)

    def program():
        with open("f", "wb") as f:
            f.write(data)
        with open("f", "rb", 0) as f:
            return f.read(len(data) - 5) + f.read()

    assert machine.run(program) == data
    assert (machine.folder / "f").read_bytes() == data


def test_a_stream_that_is_forgotten_is_written_and_closed(machine):
    def program():
        open("f", "w").write("kept")

    machine.run(program)
    machine.run(lambda: machine.process.files.exit(0))
    assert (machine.folder / "f").read_text() == "kept"
    assert machine.server.open_files == 0


def test_a_stream_collected_while_another_rank_runs_is_written_later(machine_of):
    machine = machine_of(2)
    forgotten = []

    def first():
        forgotten.append(open("f", "w"))
        forgotten[0].write("kept")
        while forgotten:
            os.getcwd()
        return os.path.getsize("f")

    def second():
        os.getcwd()
        forgotten.clear()

    assert machine.run(first, second) == 4
    assert machine.server.open_files == 0


def test_a_file_of_another_rank_cannot_be_read(machine_of):
    machine = machine_of(2)
    (machine.folder / "f").write_text("text")
    shared = []

    def first():
        shared.append(open("f"))
        os.getcwd()
        os.getcwd()

    def second():
        os.getcwd()
        with pytest.raises(OSError, match="a file of rank 0"):
            shared[0].read()

    machine.run(first, second)
    shared.clear()


def test_what_is_still_open_at_exit_is_flushed(machine):
    kept = []

    def program():
        kept.append(open("f", "w"))
        kept[0].write("kept")
        assert machine.process.files.exit(0)

    machine.run(program)
    assert (machine.folder / "f").read_text() == "kept"
    assert machine.server.open_files == 0


def test_what_a_killed_process_had_in_its_buffers_is_lost(machine):
    kept = []

    def program():
        kept.append(open("f", "w"))
        kept[0].write("lost")
        machine.process.dying = True
        kept[0].close()

    machine.run(program)
    machine.server.close_job(1)
    assert (machine.folder / "f").read_text() == ""


def test_nothing_is_left_open_after_the_job(machine_of):
    machine = machine_of(3)
    kept = []

    def program():
        kept.append(open(f"f{len(kept)}", "w"))
        os.open(".", os.O_RDONLY)

    before = len(os.listdir("/proc/self/fd"))
    machine.run(program)
    assert machine.server.open_files == 6
    machine.server.close_job(1)
    assert machine.server.open_files == 0
    assert len(os.listdir("/proc/self/fd")) == before
