"""``/pfs`` among the host's files, on a machine that has none of its own."""

from __future__ import annotations

import errno
import os
import stat

import pytest

from vmpp.process import calls
from vmpp.service.files import FileServer, Stdio
from vmpp.service.filesystem.joined_space import JoinedSpace
from vmpp.service.filesystem.pfs_tree import PfsTree
from vmpp.service.filesystem.stripe_pool import StripeFolders, StripePool
from vmpp.service.identity import host_user
from vmpp.service.server import Caller

from .striped import InstantNodes

HERE = calls.HERE
CREATE = os.O_RDWR | os.O_CREAT


class Nowhere:
    """A sink."""

    def write(self, rank, time_ps, data):
        """Forget it."""


class Site:
    """A file server for one process that starts in a folder of the host."""

    def __init__(self, folder, stripes):
        self.made = []
        self.folder = folder
        self.stripes = stripes
        self.space = JoinedSpace(self._make)
        self.server = FileServer(host=self.space)
        self.server.open_job(1, Stdio(Nowhere(), Nowhere()), str(folder))

    def _make(self):
        tree = PfsTree(StripePool(3, unit=512), StripeFolders(self.stripes), host_user())
        tree.striped.mover = InstantNodes(self.stripes, 3)
        self.made.append(tree)
        return tree

    def __call__(self, request, rank=0):
        """Return the answer to a request."""
        reply = calls.decode_reply(self.server.serve(Caller(1, rank, 0), calls.encode(request)))
        return errno.errorcode[reply.errno] if isinstance(reply, calls.Failed) else reply

    def opened(self, path, flags=CREATE, at=HERE):
        """Open a file; return its handle."""
        return self(calls.Open(at, path, flags, 0o666)).handle

    def write(self, path, data):
        """Write a file."""
        handle = self.opened(path)
        assert self(calls.Write(handle, data)) == calls.Count(len(data))
        self(calls.Close(handle))

    def read(self, path):
        """Read a file."""
        handle = self.opened(path, os.O_RDONLY)
        data = self(calls.Read(handle, 1 << 20)).data
        self(calls.Close(handle))
        return data

    def names(self, path):
        """List a directory."""
        return [entry.name for entry in self(calls.Listdir(HERE, path, b"")).entries]


@pytest.fixture
def site(tmp_path):
    folder = tmp_path / "host"
    folder.mkdir()
    made = Site(folder, tmp_path / "stripes")
    yield made
    made.server.close()
    assert made.server.open_files == 0


def test_nothing_is_made_before_somebody_wants_something_there(site):
    site.write(b"f", b"text")
    site(calls.Stat(HERE, b"/", True))
    site(calls.Chdir(b"/"))
    assert site.made == []
    assert not site.stripes.exists()
    site(calls.Stat(HERE, b"/pfs", True))
    assert len(site.made) == 1


def test_the_root_lists_it_among_what_the_host_has(site):
    expected = sorted({*os.listdir(b"/"), b"pfs"})
    root = site.opened(b"/", os.O_RDONLY | os.O_DIRECTORY)
    assert site.names(b"/") == site.names(b"/usr/..") == expected
    assert [e.name for e in site(calls.Flistdir(root, b"")).entries] == expected
    later = [name for name in expected if name > b"m"]
    assert [e.name for e in site(calls.Listdir(HERE, b"/", b"m")).entries] == later
    assert b"pfs" not in site.names(b"/usr")
    assert b"pfs" not in [e.name for e in site(calls.Listdir(HERE, b"/", b"pfs")).entries]
    assert site.made == []


def test_files_there_are_striped_and_others_are_the_hosts(site):
    site.write(b"f", b"host")
    site.write(b"/pfs/f", b"text" * 1000)
    assert (site.folder / "f").read_bytes() == b"host"
    assert (site.read(b"f"), site.read(b"/pfs/f")) == (b"host", b"text" * 1000)
    opened = site(calls.Open(HERE, b"/pfs/f", os.O_RDONLY, 0))
    assert isinstance(opened, calls.StripedOpened)
    assert opened.size == 4000
    assert site(calls.GetStripes(HERE, b"/pfs/f")).servers == opened.layout.servers
    assert site(calls.GetStripes(HERE, b"f")) == "EINVAL"
    assert sorted(path.name for path in site.stripes.iterdir()) == ["io0000", "io0001", "io0002"]


@pytest.mark.parametrize(
    "path", [b"/pfs/d/f", b"//pfs/d/f", b"/./pfs/d/../d/f", b"/pfs//d/./f", b"/pfs/l/f", b"/pfs/m",
             b"/home/../pfs/d/f", b"/pfs/../pfs/d/f", b"/pfs/d/../../pfs/l/../d/f"]
)  # fmt: skip
def test_all_ways_lead_there(site, path):
    site(calls.Mkdir(HERE, b"/pfs/d", 0o755))
    site.write(b"/pfs/d/f", b"text")
    site(calls.Symlink(HERE, b"/pfs/l", b"d"))
    site(calls.Symlink(HERE, b"/pfs/m", b"/pfs/d/f"))
    assert site.read(path) == b"text"


def test_relative_paths_start_where_the_process_is(site):
    site(calls.Mkdir(HERE, b"/pfs/d", 0o755))
    assert site(calls.Chdir(b"/pfs/d")) == calls.Done()
    assert site(calls.Getcwd()) == calls.Path(b"/pfs/d")
    assert site.server.directory(1, 0) == "/pfs/d"
    site.write(b"f", b"in d")
    site.write(b"../g", b"above")
    assert site.names(b"..") == [b"d", b"g"]
    assert site(calls.Stat(HERE, b"../../pfs/d/f", True)).size == 4
    (site.folder / "mine").write_bytes(b"of the host")
    mine = os.fsencode(site.folder / "mine")
    assert site.read(b"../.." + mine) == b"of the host"
    assert site.read(mine) == b"of the host"
    assert site(calls.Chdir(b"../..")) == calls.Done()
    assert site(calls.Getcwd()) == calls.Path(b"/")
    assert site.read(b"pfs/d/f") == b"in d"
    assert site(calls.Chdir(os.fsencode(site.folder))) == calls.Done()
    assert site.read(b"mine") == b"of the host"
    up = b"../" * len(site.folder.resolve().parts)
    assert site.read(up + b"pfs/d/f") == b"in d"
    assert site(calls.Getcwd(), rank=1) == calls.Path(os.fsencode(site.folder.resolve()))


def test_open_directories_are_places_to_start_from(site):
    site(calls.Mkdir(HERE, b"/pfs/d", 0o755))
    there = site.opened(b"/pfs/d", os.O_RDONLY | os.O_DIRECTORY)
    here = site.opened(b".", os.O_RDONLY | os.O_DIRECTORY)
    site.opened(b"f", at=there)
    site.opened(b"g", at=here)
    assert (site.names(b"/pfs/d"), os.listdir(site.folder)) == ([b"f"], ["g"])
    assert site(calls.Flistdir(there, b"")).entries == [calls.Entry(b"f", stat.S_IFREG)]
    assert site(calls.Rename(there, b"f", here, b"f")) == "EXDEV"
    assert site(calls.Rename(there, b"f", there, b"h")) == calls.Done()
    assert site(calls.Fchdir(there)) == calls.Done()
    assert site.names(b".") == [b"h"]
    assert site(calls.Fchdir(here)) == calls.Done()
    assert site.names(b".") == [b"g"]


def test_files_are_not_moved_or_linked_across(site):
    site.write(b"f", b"host")
    site.write(b"/pfs/f", b"text")
    for one, other in ((b"f", b"/pfs/g"), (b"/pfs/f", b"g"), (b"/pfs/f", b"/pfs/../home/g")):
        assert site(calls.Rename(HERE, one, HERE, other)) == "EXDEV"
        assert site(calls.Link(HERE, one, HERE, other, False)) == "EXDEV"
    assert site(calls.Rename(HERE, b"/pfs/f", HERE, b"/pfs/g")) == calls.Done()
    assert site(calls.Mkdir(HERE, b"/pfs/d", 0o755)) == calls.Done()
    assert site(calls.Rename(HERE, b"/pfs/g", HERE, b"/pfs/d/g")) == calls.Done()
    assert site(calls.Rename(HERE, b"/pfs/d", HERE, b"/pfs/d/e")) == "EINVAL"


def test_links_lead_out_and_round_in_circles(site):
    site.write(b"f", b"host")
    site(calls.Symlink(HERE, b"/pfs/out", os.fsencode(site.folder / "f")))
    site(calls.Symlink(HERE, b"/pfs/up", b"../.."))
    site(calls.Symlink(HERE, b"/pfs/round", b"/home/../pfs/round"))
    assert site.read(b"/pfs/out") == b"host"
    assert site(calls.Readlink(HERE, b"/pfs/out")).path == os.fsencode(site.folder / "f")
    assert site.read(b"/pfs/up" + os.fsencode(site.folder / "f")) == b"host"
    assert site(calls.Stat(HERE, b"/pfs/round", True)) == "ELOOP"
    assert site(calls.Stat(HERE, b"/pfs/round", False)).mode & stat.S_IFLNK


def test_attributes_are_those_of_whose_the_file_is(site):
    site(calls.Umask(0o077))
    site.write(b"/pfs/f", b"text")
    attributes = site(calls.Stat(HERE, b"/pfs/f", True))
    assert (attributes.mode, attributes.uid) == (stat.S_IFREG | 0o600, os.getuid())
    assert site(calls.Stat(HERE, b"/pfs", True)).uid == os.getuid()
    site(calls.Umask(0o022))
    site.write(b"/pfs/g", b"")
    assert site(calls.Stat(HERE, b"/pfs/g", True)).mode & 0o777 == 0o644
    handle = site.opened(b"/pfs/f")
    assert site(calls.Fstat(handle)) == attributes
    for request in (
        calls.Fchmod(handle, 0o640), calls.Futime(handle, (1, 2)), calls.Fchown(handle, -1, -1),
        calls.Chmod(HERE, b"/pfs/g", 0o400, True), calls.Utime(HERE, b"/pfs/g", (1, 2), True),
        calls.Chown(HERE, b"/pfs/g", -1, -1, True), calls.Truncate(b"/pfs/f", 2),
        calls.Fsync(handle), calls.Ftruncate(handle, 1),
    ):  # fmt: skip
        assert site(request) == calls.Done()
    assert site(calls.Fstat(handle)).size == 1
    assert site(calls.Access(HERE, b"/pfs/g", os.R_OK, False, True)).value
    assert site(calls.Statvfs(b"/pfs")).blocks * 1024 == 3 << 40
    assert site(calls.Fstatvfs(handle)) == site(calls.Statvfs(b"/pfs/f"))
    assert site(calls.Quota(calls.BOUNDLESS)) == "ENOSYS"
    assert site(calls.Unlink(HERE, b"/pfs/g")) == calls.Done()
    assert site(calls.Rmdir(HERE, b"/pfs")) == "EROFS"


def test_jobs_can_start_there(site):
    site(calls.Mkdir(HERE, b"/pfs/d", 0o755))
    stdio = Stdio(Nowhere(), Nowhere())
    site.server.open_job(2, stdio, "/pfs/d")
    site.server.open_job(3, stdio, lambda rank: f"/pfs/{'d' if rank else 'nothing'}")
    for job, rank, where in ((2, 0, "/pfs/d"), (3, 1, "/pfs/d"), (3, 0, "/")):
        assert site.server.directory(job, rank) == where
