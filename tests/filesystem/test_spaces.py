"""A file server serves jobs of the host and of users of a tree at the same time, each their own."""

from __future__ import annotations

import errno
import os

import pytest

from vmpp.process import calls
from vmpp.service.files import FileServer, Stdio
from vmpp.service.filesystem.tree_space import TreeSpace
from vmpp.service.server import Caller

from .conftest import ALICE, BOB

HERE = calls.HERE
ON_HOST, ALICES, BOBS = range(1, 4)


class Nowhere:
    """A sink."""

    def write(self, rank, time_ps, data):
        """Forget it."""


@pytest.fixture
def server(tree, tmp_path):
    made = FileServer()
    stdio = Stdio(Nowhere(), Nowhere())
    made.open_job(ON_HOST, stdio, str(tmp_path))
    made.open_job(ALICES, stdio, space=TreeSpace(tree, ALICE))
    made.open_job(BOBS, stdio, "/home/alice", TreeSpace(tree, BOB))
    yield made
    made.close()
    assert made.open_files == 0


@pytest.fixture
def ask(server):
    def go(job, request, *, rank=0, time=0):
        return calls.decode_reply(server.serve(Caller(job, rank, time), calls.encode(request)))

    return go


def opened(ask, job, path, flags=os.O_RDWR | os.O_CREAT):
    return ask(job, calls.Open(HERE, path, flags, 0o666)).handle


def test_each_job_starts_in_its_own_directory(ask, tmp_path):
    assert ask(ON_HOST, calls.Getcwd()) == calls.Path(os.fsencode(tmp_path.resolve()))
    assert ask(ALICES, calls.Getcwd()) == calls.Path(b"/home/alice")
    # Bob may not be where he was to start.
    assert ask(BOBS, calls.Getcwd()) == calls.Path(b"/")


def test_ranks_have_directories_and_masks_of_their_own(ask, server):
    ask(ALICES, calls.Chdir(b"/tmp"), rank=1)
    ask(ALICES, calls.Umask(0o077), rank=1)
    assert ask(ALICES, calls.Getcwd()) == calls.Path(b"/home/alice")
    assert ask(ALICES, calls.Umask(0)) == calls.Mask(0o022)
    assert server.directory(ALICES, 1) == "/tmp"
    assert server.directory(ALICES, 2) == "/home/alice"


def test_replies_have_one_length_whatever_is_in_them(ask):
    opened(ask, ALICES, b"f")
    for job, path in ((ALICES, b"f"), (ALICES, b"/"), (ON_HOST, b".")):
        assert len(calls.encode(ask(job, calls.Stat(HERE, path, True)))) == calls.FILLED
        assert len(calls.encode(ask(job, calls.Statvfs(path)))) == calls.FILLED


def test_times_are_those_of_requests(ask):
    opened(ask, ALICES, b"f")
    handle = opened(ask, ALICES, b"g")
    ask(ALICES, calls.Write(handle, b"x"), time=5_000_000)
    first, second = (ask(ALICES, calls.Stat(HERE, path, True)) for path in (b"f", b"g"))
    assert second.mtime_ns - first.mtime_ns == 5000


def test_an_open_directory_is_a_place_to_start_from(ask):
    ask(ALICES, calls.Mkdir(HERE, b"d", 0o755))
    at = opened(ask, ALICES, b"d", os.O_RDONLY | os.O_DIRECTORY)
    assert ask(ALICES, calls.Symlink(at, b"s", b"target")) == calls.Done()
    assert ask(ALICES, calls.Readlink(at, b"s")) == calls.Path(b"target")
    assert ask(ALICES, calls.Rename(at, b"s", HERE, b"moved")) == calls.Done()
    assert ask(ALICES, calls.Flistdir(at, b"")) == calls.Entries([], False)
    file = opened(ask, ALICES, b"f")
    assert ask(ALICES, calls.Mkdir(file, b"d", 0o755)) == calls.Failed(errno.ENOTDIR)
    assert ask(ALICES, calls.Fchdir(file)) == calls.Failed(errno.ENOTDIR)
    assert ask(ALICES, calls.Fchdir(at)) == calls.Done()
    assert ask(ALICES, calls.Getcwd()) == calls.Path(b"/home/alice/d")


def test_ranks_of_a_user_share_an_open_file(ask):
    handle = opened(ask, ALICES, b"f")
    key = ask(ALICES, calls.Share(handle)).key
    joined = ask(ALICES, calls.Join(key), rank=1).handle
    ask(ALICES, calls.Write(handle, b"from 0"))
    assert ask(ALICES, calls.Pread(joined, 10, 0), rank=1) == calls.Data(b"from 0")
    ask(ALICES, calls.Close(handle))
    assert ask(ALICES, calls.Pread(joined, 10, 0), rank=1) == calls.Data(b"from 0")


def test_everybody_is_told_of_their_own_quota_and_root_of_all(ask, tree):
    tree.set_quota(ALICE.uid, 1000, None)
    ask(ALICES, calls.Write(opened(ask, ALICES, b"f"), b"12345"))
    assert ask(ALICES, calls.Quota(calls.BOUNDLESS)) == calls.Limits(5, 2, 1000, calls.BOUNDLESS)
    assert ask(ALICES, calls.Quota(ALICE.uid)) == calls.Limits(5, 2, 1000, calls.BOUNDLESS)
    assert ask(BOBS, calls.Quota(ALICE.uid)) == calls.Failed(errno.EPERM)
    assert ask(ON_HOST, calls.Quota(calls.BOUNDLESS)) == calls.Failed(errno.ENOSYS)


def test_a_page_of_a_long_directory_says_that_there_is_more(ask):
    for number in range(calls.PAGE + 2):
        ask(ALICES, calls.Symlink(HERE, b"%05d" % number, b"x"))
    first = ask(ALICES, calls.Listdir(HERE, b".", b""))
    assert (len(first.entries), first.more) == (calls.PAGE, True)
    rest = ask(ALICES, calls.Listdir(HERE, b".", first.entries[-1].name))
    assert (len(rest.entries), rest.more) == (2, False)


def test_a_write_in_pieces_beyond_the_quota_fails(ask, tree):
    tree.set_quota(ALICE.uid, 10, None)
    handle = opened(ask, ALICES, b"f")
    runs = b"".join(n.to_bytes(8, "little") for n in (0, 4, 20, 4))
    assert ask(ALICES, calls.Writex(handle, runs, bytes(8))) == calls.Failed(errno.EDQUOT)
    assert ask(ALICES, calls.Readx(handle, runs)) == calls.Data(bytes(4))
