"""Striped files of a tree: names and sizes here, bytes on I/O nodes."""

from __future__ import annotations

import errno
import os
import sqlite3

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vmpp.process import calls, striping
from vmpp.service.filesystem import SUPERUSER, Tree
from vmpp.service.filesystem.stripe_pool import StripePool
from vmpp.service.filesystem.volume import Striping

from .conftest import ALICE, User, populate, refuses
from .striped import InstantNodes

POOL = StripePool(4, unit=512, capacity=1 << 20)


@pytest.fixture
def stripes(tmp_path):
    return tmp_path / "pfs"


@pytest.fixture
def nodes(stripes):
    return InstantNodes(stripes)


def closed(tree):
    try:
        tree.usage(0)
        tree.find(SUPERUSER, tree.root, b"/pfs")
    except sqlite3.ProgrammingError:
        return True
    return False


@pytest.fixture
def open_tree(tmp_path, stripes, nodes):
    """Return what opens the tree, as at a boot, with a pool of I/O nodes."""
    opened = []

    def make(pool=POOL):
        tree = Tree(tmp_path / "tree", pool=pool, stripes=stripes)
        nodes.nodes = pool.nodes
        tree.striped.mover = nodes
        opened.append(tree)
        populate(tree)
        return tree

    yield make
    if not closed(opened[-1]):
        opened[-1].close()


@pytest.fixture
def tree(open_tree):
    return open_tree()


@pytest.fixture
def alice(tree):
    return User(tree, ALICE)


def do(work):
    """Return what a piece of work comes to, as the reply to a request."""
    got = []

    def make(value):
        got.append(value)
        return calls.Done()

    assert isinstance(work.then(make), calls.Done)
    return got[0]


def write(user, path, data, flags=0):
    file = user.open(path, os.O_WRONLY | os.O_CREAT | flags)
    if file.pending is not None:
        file.pending.then()
    assert do(file.write(data)) == len(data)
    file.close()


def read(user, path):
    file = user.open(path)
    data = do(file.read(1 << 20))
    file.close()
    return data


def data_of(size, seed=1):
    return bytes((seed * 7 + k * 31 + k // 251) % 256 for k in range(size))


def test_the_directory_is_open_to_all_as_tmp_is(tree, alice):
    assert alice.stat("/pfs").mode & 0o7777 == 0o1777
    alice.mkdir("/pfs/alice")
    assert alice.listdir("/pfs") == ["alice"]
    assert alice.getcwd() == "/home/alice"
    alice.chdir("/pfs/alice/../alice")
    assert alice.getcwd() == "/pfs/alice"


def test_bytes_go_round_the_nodes_and_come_back(alice, stripes):
    data = data_of(5000)
    write(alice, "/pfs/f", data)
    assert read(alice, "/pfs/f") == data
    assert alice.stat("/pfs/f").size == 5000
    number = str(alice.stat("/pfs/f").ino)
    parts = [(stripes / f"io{node:04}" / number).read_bytes() for node in range(4)]
    first = int(number) % 4
    assert parts[first] == data[:512] + data[2048:2560] + data[4096:4608]
    assert sum(map(len, parts)) == 5000


def test_what_was_never_written_reads_as_zeros(alice):
    file = alice.open("/pfs/f", os.O_RDWR | os.O_CREAT)
    assert do(file.pwrite(b"end", 3000)) == 3
    assert do(file.pread(5000, 0)) == bytes(3000) + b"end"
    assert do(file.pread(10, 3003)) == b""
    assert do(file.readx([(2999, 2), (0, 1), (3002, 5), (0, 1)])) == b"\0e\0d"
    assert do(file.writex([(1, 2), (600, 3)], b"abcde")) == 5
    assert do(file.pread(3, 0)) == b"\0ab"
    assert do(file.pread(3, 600)) == b"cde"
    file.close()


def test_positions_move_as_those_of_any_file(alice):
    file = alice.open("/pfs/f", os.O_RDWR | os.O_CREAT)
    do(file.write(b"0123456789"))
    assert do(file.lseek(-4, os.SEEK_END)) == 6
    assert do(file.read(2)) == b"67"
    assert do(file.lseek(0, os.SEEK_CUR)) == 8
    assert do(file.read(100)) == b"89"
    assert do(file.read(100)) == b""
    assert do(file.lseek(3, os.SEEK_SET)) == 3
    do(file.write(b"xyz"))
    assert do(file.pread(10, 0)) == b"012xyz6789"
    refuses(errno.EINVAL, do, file.lseek(-1, os.SEEK_SET))
    refuses(errno.EINVAL, do, file.lseek(0, 77))
    file.close()


def test_whoever_appends_writes_at_the_end_of_that_moment(alice):
    write(alice, "/pfs/log", b"first.")
    one, other = (alice.open("/pfs/log", os.O_WRONLY | os.O_APPEND) for _ in range(2))
    do(one.write(b"one."))
    do(other.write(b"other."))
    do(one.pwrite(b"again.", 0))
    assert (one.append(10), other.append(5)) == (22, 32)
    assert alice.stat("/pfs/log").size == 37
    assert read(alice, "/pfs/log")[:22] == b"first.one.other.again."
    one.close()
    other.close()


def test_a_file_can_only_be_used_as_it_was_opened(alice):
    write(alice, "/pfs/f", b"text")
    reader, writer = alice.open("/pfs/f"), alice.open("/pfs/f", os.O_WRONLY)
    refuses(errno.EBADF, reader.write, b"x")
    refuses(errno.EBADF, reader.extend, 100)
    refuses(errno.EBADF, reader.append, 1)
    refuses(errno.EINVAL, reader.truncate, 1)
    refuses(errno.EBADF, writer.read, 1)
    refuses(errno.EINVAL, writer.pwrite, b"x", -1)
    reader.close()
    writer.close()


def test_who_opens_a_file_is_told_all_that_is_needed_to_move_its_bytes(alice, nodes):
    write(alice, "/pfs/f", b"text")
    file = alice.open("/pfs/f", os.O_RDWR)
    told = file.told(3, 0o100644, 7)
    assert isinstance(told, calls.StripedOpened)
    assert (told.handle, told.size, told.layout.unit) == (3, 4, 512)
    assert sorted(told.layout.servers) == [0, 1, 2, 3]
    both = striping.READ | striping.WRITE
    assert nodes.seal.permits(told.capability, told.layout.file, 7, both)
    assert not nodes.seal.permits(told.capability, told.layout.file, 8, striping.READ)
    file.close()
    reader = alice.open("/pfs/f")
    capability = reader.told(3, 0o100644, 7).capability
    assert nodes.seal.permits(capability, told.layout.file, 7, striping.READ)
    assert not nodes.seal.permits(capability, told.layout.file, 7, striping.WRITE)
    reader.close()


def test_emptying_a_file_is_done_by_the_nodes_before_anybody_has_it_open(alice, nodes):
    write(alice, "/pfs/f", data_of(3000))
    nodes.held = True
    file = alice.open("/pfs/f", os.O_WRONLY | os.O_TRUNC)
    later = file.pending.then(lambda _: calls.Position(alice.stat("/pfs/f").size))
    answers = []
    later.promise(lambda text: answers.append(calls.decode_reply(text)))
    assert alice.stat("/pfs/f").size == 3000
    nodes.release()
    assert answers == [calls.Position(0)]
    nodes.held = False
    do(file.pwrite(b"x", 2000))
    file.close()
    assert read(alice, "/pfs/f") == bytes(2000) + b"x"


def test_truncating_cuts_and_extends(tree, alice):
    data = data_of(3000)
    write(alice, "/pfs/f", data)
    work = tree.truncate(ALICE, alice.at, b"/pfs/f", 700)
    work.then()
    assert alice.stat("/pfs/f").size == 700
    tree.truncate(ALICE, alice.at, b"/pfs/f", 2000).then()
    assert read(alice, "/pfs/f") == data[:700] + bytes(1300)
    refuses(errno.EINVAL, alice.truncate, "/pfs/f", -1)


def test_what_is_asked_of_one_open_file_is_done_in_turn(alice, nodes):
    file = alice.open("/pfs/f", os.O_RDWR | os.O_CREAT)
    nodes.held = True
    answers = []
    for work, make in (
        (file.write(b"abc"), calls.Count),
        (file.write(b"def"), calls.Count),
        (file.lseek(1, os.SEEK_SET), calls.Position),
        (file.read(10), calls.Data),
    ):
        later = work.then(make)
        later.promise(lambda text: answers.append(calls.decode_reply(text)))
    file.close()
    assert answers == []
    nodes.release(1)
    assert answers == [calls.Count(3)]
    nodes.release()
    assert answers[1:] == [calls.Count(3), calls.Position(1)]
    nodes.release()
    assert answers[3:] == [calls.Data(b"bcdef")]


def test_a_node_that_is_lost_fails_those_who_need_it_and_nobody_else(tree, alice, nodes):
    write(alice, "/pfs/f", data_of(2048))
    nodes.lost = {alice.stat("/pfs/f").ino % 4}
    elsewhere = Striping(512, 1, (*nodes.lost,)[0] ^ 1)
    tree.set_striping(ALICE, alice.at, b"/pfs/there", 0o644, elsewhere)
    write(alice, "/pfs/there", b"there")
    file = alice.open("/pfs/f", os.O_RDWR)
    refuses(errno.EIO, do, file.pread(10, 0))
    assert do(file.pread(10, 512)) == data_of(2048)[512:522]
    refuses(errno.EIO, do, file.truncate(0))
    assert alice.stat("/pfs/f").size == 2048
    assert read(alice, "/pfs/there") == b"there"
    file.close()
    nodes.lost = set()
    assert read(alice, "/pfs/f") == data_of(2048)


def test_what_is_written_by_programs_counts_when_they_say_so(alice):
    file = alice.open("/pfs/f", os.O_WRONLY | os.O_CREAT)
    before = alice.stat("/pfs/f").mtime
    file.node.volume.clock = lambda: before + 5
    assert file.extend(1000) == 1000
    assert file.extend(10) == 1000
    refuses(errno.EINVAL, file.extend, -1)
    status = alice.stat("/pfs/f")
    assert (status.size, status.mtime) == (1000, before + 5)
    file.close()


# -- removal ---------------------------------------------------------------------------------------


def parts_of(stripes):
    return sorted(path.name for path in stripes.glob("io*/*"))


def test_what_has_no_name_goes_with_the_last_who_has_it_open(alice, stripes):
    write(alice, "/pfs/f", data_of(3000))
    file = alice.open("/pfs/f")
    alice.unlink("/pfs/f")
    assert do(file.read(3000)) == data_of(3000)
    file.close()
    assert parts_of(stripes) == []


def test_renaming_over_a_file_removes_it(alice, stripes):
    write(alice, "/pfs/a", b"a")
    write(alice, "/pfs/b", data_of(3000))
    alice.rename("/pfs/a", "/pfs/b")
    assert read(alice, "/pfs/b") == b"a"
    assert parts_of(stripes) == [str(alice.stat("/pfs/b").ino)]
    refuses(errno.EXDEV, alice.rename, "/pfs/b", "b")
    refuses(errno.EXDEV, alice.link, "/pfs/b", "b")


def test_what_a_lost_node_could_not_remove_is_removed_in_the_end(tree, alice, nodes, stripes):
    write(alice, "/pfs/f", data_of(3000))
    nodes.lost = {1}
    alice.unlink("/pfs/f")
    assert len(parts_of(stripes)) == 1
    tree.close()
    assert parts_of(stripes) == []


def test_numbers_are_never_used_again(open_tree, alice):
    write(alice, "/pfs/f", b"x")
    number = alice.stat("/pfs/f").ino
    alice.unlink("/pfs/f")
    alice.tree.close()
    again = User(open_tree(), ALICE)
    write(again, "/pfs/g", b"x")
    assert again.stat("/pfs/g").ino > number


# -- striping --------------------------------------------------------------------------------------


def striping_of(user, path):
    told = user.tree.striping(user.who, user.at, os.fsencode(path))
    return told.unit, told.factor, told.first, told.servers


def test_files_are_striped_as_their_directory_says(tree, alice):
    alice.mkdir("/pfs/d")
    tree.set_striping(ALICE, alice.at, b"/pfs/d", 0, Striping(1024, 2, 3))
    alice.mkdir("/pfs/d/e")
    write(alice, "/pfs/d/e/f", b"x")
    assert striping_of(alice, "/pfs/d/e/f") == (1024, 2, 3, (3, 0))
    assert striping_of(alice, "/pfs/d/e") == (1024, 2, 3, ())
    assert striping_of(alice, "/pfs") == (0, 0, -1, ())
    write(alice, "/pfs/g", b"x")
    first = alice.stat("/pfs/g").ino % 4
    assert striping_of(alice, "/pfs/g") == (512, 4, first, tuple((first + k) % 4 for k in range(4)))


def test_a_file_can_be_made_with_a_striping_of_its_own(tree, alice):
    tree.set_striping(ALICE, alice.at, b"/pfs/f", 0o640, Striping(2048, 3, 1))
    assert striping_of(alice, "/pfs/f") == (2048, 3, 1, (1, 2, 3))
    assert alice.stat("/pfs/f").mode & 0o777 == 0o640
    refuses(errno.EEXIST, tree.set_striping, ALICE, alice.at, b"/pfs/f", 0, Striping())


@pytest.mark.parametrize(
    "wanted", [Striping(100), Striping(1 << 31), Striping(0, 5), Striping(0, -1), Striping(0, 0, 4)]
)
def test_what_cannot_be_striped_so_is_not_made(tree, alice, wanted):
    refuses(errno.EINVAL, tree.set_striping, ALICE, alice.at, b"/pfs/f", 0, wanted)
    assert alice.listdir("/pfs") == []


def test_files_elsewhere_are_not_striped(tree, alice):
    refuses(errno.EINVAL, striping_of, alice, "/tmp")
    refuses(errno.EINVAL, tree.set_striping, ALICE, alice.at, b"mine", 0o644, Striping())
    refuses(errno.EPERM, tree.set_striping, ALICE, alice.at, b"/pfs", 0, Striping())
    assert alice.listdir() == []


# -- room ------------------------------------------------------------------------------------------


def test_the_room_is_that_of_all_disks(tree, alice):
    write(alice, "/pfs/f", bytes(4096))
    room = tree.room(ALICE, alice._on("/pfs/f"))
    assert (room.block * room.blocks, room.block * room.free) == (4 << 20, (4 << 20) - 4096)


def test_quotas_are_kept_to(tree, alice):
    tree.set_quota(ALICE.uid, 1000, 3)
    file = alice.open("/pfs/f", os.O_WRONLY | os.O_CREAT)
    do(file.write(bytes(900)))
    refuses(errno.EDQUOT, do, file.write(bytes(101)))
    refuses(errno.EDQUOT, file.extend, 1001)
    refuses(errno.EDQUOT, file.append, 101)
    refuses(errno.EDQUOT, do, file.truncate(1001))
    assert file.extend(1000) == 1000
    assert tree.usage(ALICE.uid).bytes == 1000
    file.close()
    alice.unlink("/pfs/f")
    assert tree.usage(ALICE.uid).bytes == 0
    tree.set_quota(ALICE.uid, None, 0)
    refuses(errno.EDQUOT, alice.open, "/pfs/g", os.O_WRONLY | os.O_CREAT)


def test_a_quota_is_for_all_files_of_a_user(open_tree, tree, alice):
    write(alice, "/pfs/f", bytes(700))
    tree.set_quota(ALICE.uid, 1000, 4)
    refuses(errno.EDQUOT, alice.write, "mine", bytes(301))
    assert (tree.usage(ALICE.uid).bytes, tree.usage(ALICE.uid).files) == (700, 3)
    tree.close()
    again = open_tree()
    assert (again.usage(ALICE.uid).bytes, again.usage(ALICE.uid).files) == (700, 3)
    refuses(errno.EDQUOT, do, User(again, ALICE).open("/pfs/f", os.O_RDWR).pwrite(b"x", 1000))


def test_what_was_written_in_vain_is_gone_when_all_have_closed_the_file(
    tree, alice, nodes, stripes
):
    tree.set_quota(ALICE.uid, 1000, 3)
    file = alice.open("/pfs/f", os.O_RDWR | os.O_CREAT)
    # A program has written more than it may before it is told so.
    (stripes / f"io{file.layout.servers[0]:04}").mkdir(parents=True)
    (stripes / f"io{file.layout.servers[0]:04}" / str(file.layout.file)).write_bytes(b"x" * 400)
    refuses(errno.EDQUOT, file.extend, 2000)
    file.close()
    tree.set_quota(ALICE.uid, None, None)
    again = alice.open("/pfs/f", os.O_RDWR)
    do(again.truncate(300))
    assert do(again.read(300)) == bytes(300)
    again.close()


def test_what_a_killed_process_has_written_and_not_told_is_gone(alice, stripes):
    one, other = (alice.open("/pfs/f", os.O_RDWR | os.O_CREAT) for _ in range(2))
    part = stripes / f"io{one.layout.servers[0]:04}" / str(one.layout.file)
    part.parent.mkdir(parents=True)
    part.write_bytes(b"x" * 400)
    one.abandon()
    one.close()
    assert part.stat().st_size == 400
    assert other.extend(100) == 100
    other.close()
    assert part.stat().st_size == 100


# -- from boot to boot -----------------------------------------------------------------------------


def test_files_are_there_again_and_striped_as_before(open_tree, alice):
    data = data_of(5000)
    alice.mkdir("/pfs/d")
    write(alice, "/pfs/d/f", data)
    before = alice.stat("/pfs/d/f"), striping_of(alice, "/pfs/d/f")
    alice.tree.close()
    again = User(open_tree(StripePool(7, unit=4096)), ALICE)
    assert (again.stat("/pfs/d/f"), striping_of(again, "/pfs/d/f")) == before
    assert read(again, "/pfs/d/f") == data
    assert again.tree.read(ALICE, b"/pfs/d/f") == data


def test_what_is_on_nodes_that_are_not_there_is_there_again_with_them(open_tree, alice):
    data = data_of(5000)
    write(alice, "/pfs/f", data)
    alice.tree.set_striping(ALICE, alice.at, b"/pfs/g", 0o644, Striping(512, 1, 1))
    write(alice, "/pfs/g", b"on node 1")
    alice.tree.close()
    fewer = User(open_tree(StripePool(2, unit=512)), ALICE)
    assert fewer.stat("/pfs/f").size == 5000
    refuses(errno.EIO, read, fewer, "/pfs/f")
    refuses(errno.EIO, fewer.tree.read, ALICE, b"/pfs/f")
    assert read(fewer, "/pfs/g") == b"on node 1"
    write(fewer, "/pfs/new", data)
    assert striping_of(fewer, "/pfs/new")[1] == 2
    fewer.tree.close()
    again = User(open_tree(), ALICE)
    assert (read(again, "/pfs/f"), read(again, "/pfs/new")) == (data, data)


def test_a_machine_without_io_nodes_keeps_what_there_is(open_tree, alice):
    write(alice, "/pfs/f", b"text")
    alice.tree.close()
    none = User(open_tree(StripePool(0)), ALICE)
    assert none.stat("/pfs/f").size == 4
    refuses(errno.EIO, read, none, "/pfs/f")
    refuses(errno.ENOSPC, none.open, "/pfs/g", os.O_WRONLY | os.O_CREAT)
    none.tree.close()
    assert read(User(open_tree(), ALICE), "/pfs/f") == b"text"


def test_there_is_no_such_directory_without_io_nodes(tmp_path):
    tree = Tree(tmp_path / "other", pool=StripePool(0), stripes=tmp_path / "nothing")
    populate(tree)
    assert "pfs" not in User(tree, SUPERUSER).listdir("/")
    tree.close()


def test_stripes_without_names_come_to_nobody(open_tree, alice, stripes):
    write(alice, "/pfs/f", data_of(3000))
    alice.tree.close()
    for path in stripes.glob("*sqlite*"):
        path.unlink()
    again = User(open_tree(), ALICE)
    assert again.listdir("/pfs") == []
    file = again.open("/pfs/new", os.O_RDWR | os.O_CREAT)
    do(file.pwrite(b"x", 2999))
    assert do(file.pread(3000, 0)) == bytes(2999) + b"x"
    file.close()


@settings(max_examples=25, deadline=None)
@given(
    unit=st.sampled_from([512, 700, 4096]),
    factor=st.integers(0, 4),
    steps=st.lists(
        st.tuples(st.sampled_from(["write", "cut", "read"]), st.integers(0, 9000),
                  st.integers(0, 3000)),
        max_size=15,
    ),
)  # fmt: skip
def test_a_striped_file_is_as_any_file(tmp_path_factory, unit, factor, steps):
    folder = tmp_path_factory.mktemp("pfs")
    tree = Tree(None, pool=StripePool(4), stripes=folder / "stripes")
    tree.striped.mover = InstantNodes(folder / "stripes")
    populate(tree)
    alice = User(tree, ALICE)
    tree.set_striping(ALICE, alice.at, b"/pfs/f", 0o644, Striping(unit, factor))
    file, expected = alice.open("/pfs/f", os.O_RDWR), bytearray()
    for step, (what, offset, count) in enumerate(steps):
        if what == "write" and count:
            data = data_of(count, step)
            do(file.pwrite(data, offset))
            expected.extend(bytes(max(0, offset - len(expected))))
            expected[offset : offset + count] = data
        elif what == "cut":
            do(file.truncate(offset))
            del expected[offset:]
            expected.extend(bytes(offset - len(expected)))
        else:
            assert do(file.pread(count, offset)) == expected[offset : offset + count]
        assert alice.stat("/pfs/f").size == len(expected)
    assert do(file.pread(20_000, 0)) == expected
    assert tree.read(ALICE, b"/pfs/f") == expected
    file.close()
    tree.close()
