"""Whatever a process asks for, a tree answers as the host's own file system does."""

from __future__ import annotations

import errno
import os
import pathlib
import shutil
import stat
import struct
import tempfile

from hypothesis import given, settings
from hypothesis import strategies as st

from vmpp.process import calls
from vmpp.service.files import FileServer, Stdio
from vmpp.service.filesystem import SUPERUSER, Tree
from vmpp.service.filesystem.stripe_pool import StripePool
from vmpp.service.filesystem.tree_space import TreeSpace
from vmpp.service.identity import Credentials
from vmpp.service.server import Caller

from .striped import InstantNodes

HERE = calls.HERE
ME = Credentials(
    "me", os.getuid(), os.getgid(), tuple(sorted({*os.getgroups(), os.getgid()})), "/h"
)


class Nowhere:
    """A sink."""

    def write(self, rank, time_ps, data):
        """Forget it."""


PATHS = st.sampled_from(
    [b"a", b"b", b"d", b"d/a", b"d/b", b"d/e", b"s", b"t", b"s/a", b"d/../a", b"./b", b"a/", b"d/",
     b"s/", b".", b"d/.", b"d/..", b"nothing/x", b"", b"d//a", b"d/s"]
)  # fmt: skip
TARGETS = st.sampled_from([b"a", b"d", b"s", b"t", b"d/a", b"../a", b"nothing", b".", b"d/", b"e"])
MODES = st.sampled_from([0o777, 0o755, 0o644, 0o600, 0o700, 0o1777, 0o2755, 0o666])
HANDLES = st.integers(3, 6)
SMALL = st.integers(0, 20)
DATA = st.binary(max_size=20)
FLAGS = st.builds(
    lambda access, more: access | sum(set(more)),
    st.sampled_from([os.O_RDONLY, os.O_WRONLY, os.O_RDWR]),
    st.lists(st.sampled_from([os.O_CREAT, os.O_EXCL, os.O_TRUNC, os.O_APPEND, os.O_DIRECTORY,
                              os.O_NOFOLLOW]), max_size=3),
).filter(lambda flags: not (flags & os.O_DIRECTORY and flags & os.O_CREAT))  # fmt: skip
FOLLOW = st.booleans()
RUNS = st.lists(st.tuples(SMALL, st.integers(0, 5)), max_size=3).map(
    lambda runs: b"".join(struct.pack("<qq", *run) for run in runs)
)
REQUESTS = st.one_of(
    st.builds(calls.Open, st.just(HERE), PATHS, FLAGS, MODES),
    st.builds(calls.Open, st.just(HERE), PATHS, FLAGS, MODES),
    st.builds(calls.Close, HANDLES),
    st.builds(calls.Read, HANDLES, SMALL),
    st.builds(calls.Write, HANDLES, DATA),
    st.builds(calls.Pread, HANDLES, SMALL, st.integers(-1, 20)),
    st.builds(calls.Pwrite, HANDLES, DATA, st.integers(-1, 20)),
    st.builds(calls.Lseek, HANDLES, st.integers(-5, 20), st.integers(0, 2)),
    st.builds(calls.Readx, HANDLES, RUNS),
    st.builds(calls.Ftruncate, HANDLES, st.integers(-1, 20)),
    st.builds(calls.Fstat, HANDLES),
    st.builds(calls.Stat, st.just(HERE), PATHS, FOLLOW),
    st.builds(calls.Access, st.just(HERE), PATHS, st.integers(0, 8), FOLLOW, FOLLOW),
    st.builds(calls.Mkdir, st.just(HERE), PATHS, MODES),
    st.builds(calls.Mkdir, st.just(HERE), PATHS, MODES),
    st.builds(calls.Rmdir, st.just(HERE), PATHS),
    st.builds(calls.Unlink, st.just(HERE), PATHS),
    st.builds(calls.Rename, st.just(HERE), PATHS, st.just(HERE), PATHS),
    st.builds(calls.Link, st.just(HERE), PATHS, st.just(HERE), PATHS, FOLLOW),
    st.builds(calls.Symlink, st.just(HERE), PATHS, TARGETS),
    st.builds(calls.Readlink, st.just(HERE), PATHS),
    st.builds(calls.Listdir, st.just(HERE), PATHS, st.sampled_from([b"", b"b"])),
    st.builds(calls.Flistdir, HANDLES, st.just(b"")),
    st.builds(calls.Truncate, PATHS, st.integers(-1, 20)),
    st.builds(calls.Chmod, st.just(HERE), PATHS, MODES, st.just(True)),
    st.builds(calls.Fchmod, HANDLES, MODES),
    st.builds(calls.Chown, st.just(HERE), PATHS, st.just(-1), st.just(ME.gid), FOLLOW),
    st.builds(calls.Fchown, HANDLES, st.just(ME.uid), st.just(-1)),
    st.builds(calls.Utime, st.just(HERE), PATHS, st.just((10**9, 2 * 10**9)), FOLLOW),
    st.builds(calls.Futime, HANDLES, st.just((10**9, 3 * 10**9))),
    st.builds(calls.Umask, st.sampled_from([0o022, 0o077, 0])),
    st.builds(calls.Chdir, st.sampled_from([b"d", b".", b"s", b"a", b"nothing"])),
    st.builds(calls.Fchdir, HANDLES),
    st.builds(calls.Fsync, HANDLES),
    st.builds(calls.Isatty, HANDLES),
    st.just(calls.Getcwd()),
    st.builds(calls.Stat, HANDLES, PATHS, FOLLOW),
    st.builds(calls.Open, HANDLES, PATHS, FLAGS, MODES),
    st.builds(calls.Unlink, HANDLES, PATHS),
)


def plain(reply, base):
    """Return what of a reply does not depend on the host's file system."""
    if isinstance(reply, calls.Failed):
        return errno.errorcode.get(reply.errno, reply.errno)
    if isinstance(reply, calls.Attributes):
        is_folder = stat.S_ISDIR(reply.mode)
        sizes = () if is_folder else (reply.nlink, reply.size)
        times = (reply.atime_ns, reply.mtime_ns) if reply.mtime_ns < 10**10 else ()
        return (reply.mode, *sizes, reply.uid, reply.gid, *times)
    if isinstance(reply, calls.Opened):
        return (reply.handle, reply.mode)
    if isinstance(reply, calls.Path):
        return reply.path.removeprefix(base)
    return reply


def remove(folder):
    """Remove a folder of the host, whatever modes there are in it."""
    for here, folders, _ in os.walk(folder):
        for inner in folders:
            if not os.path.islink(f"{here}/{inner}"):
                os.chmod(f"{here}/{inner}", 0o700)
    shutil.rmtree(folder)


class Both:
    """A folder of the host and one of a tree, perhaps a striped one, given the same requests."""

    def __init__(self, folder, striped):
        self.base = b"/pfs/h" if striped else b"/h"
        stripes = pathlib.Path(folder).parent / "stripes"
        self.tree = Tree(pool=StripePool(3, unit=512), stripes=stripes)
        self.tree.striped.mover = InstantNodes(stripes, 3)
        who = ME if ME.uid else SUPERUSER
        for path in (self.base, self.base + b"/w"):
            self.tree.mkdir(SUPERUSER, self.tree.root, path, 0o755)
            made = self.tree.find(SUPERUSER, self.tree.root, path)
            self.tree.chown(SUPERUSER, made, ME.uid, ME.gid)
        self.server = FileServer()
        stdio = Stdio(Nowhere(), Nowhere())
        self.folder = os.path.realpath(folder)
        self.server.open_job(1, stdio, self.folder)
        self.server.open_job(2, stdio, f"{self.base.decode()}/w", TreeSpace(self.tree, who))

    def ask(self, request):
        """Return both answers."""
        message, answers = calls.encode(request), []
        for job, base in ((1, os.fsencode(self.folder)), (2, self.base + b"/w")):
            reply = self.server.serve(Caller(job, 0, 0), message)
            answers.append(plain(calls.decode_reply(reply), base))
        return answers

    def is_folder(self, handle):
        """Return whether a directory is open by *handle*."""
        of_host, _ = self.ask(calls.Fstat(handle))
        return isinstance(of_host, tuple) and stat.S_ISDIR(of_host[0])

    def close(self):
        """Close everything."""
        self.server.close()
        self.tree.close()


@settings(max_examples=100, deadline=None)
@given(requests=st.lists(REQUESTS, min_size=5, max_size=40), striped=st.booleans())
def test_a_tree_answers_as_the_host_does(requests, striped):
    folder = tempfile.mkdtemp()
    os.mkdir(f"{folder}/w")
    os.chmod(f"{folder}/w", 0o755)
    both = Both(f"{folder}/w", striped)
    try:
        both.ask(calls.Umask(0o022))
        both.ask(calls.Mkdir(HERE, b"d", 0o755))
        both.ask(calls.Open(HERE, b"d/a", os.O_CREAT | os.O_WRONLY, 0o644))
        both.ask(calls.Symlink(HERE, b"s", b"d"))
        for request in requests:
            if isinstance(request, calls.Lseek) and both.is_folder(request.handle):
                continue  # positions in directories are every file system's own
            of_host, of_tree = both.ask(request)
            assert of_tree == of_host, request
    finally:
        both.close()
        remove(folder)
