"""Owners, groups and modes hold between users, as on any Unix."""

from __future__ import annotations

import errno
import os
import stat

from hypothesis import given
from hypothesis import strategies as st

from vmpp.service.filesystem.rights import permits
from vmpp.service.filesystem.volume import Status
from vmpp.service.identity import Credentials

from .conftest import refuses


def test_the_first_layout(root):
    root.chdir("/")
    assert root.listdir() == ["dev", "home", "images", "root", "tmp"]
    assert stat.filemode(root.stat("/").mode) == "drwxr-xr-x"
    assert stat.filemode(root.stat("/tmp").mode) == "drwxrwxrwt"
    assert stat.filemode(root.stat("/root").mode) == "drwx------"
    assert stat.filemode(root.stat("/home/alice").mode) == "drwx------"


def test_a_home_is_its_users_alone(alice, bob, root):
    alice.write("secret", b"mine")
    refuses(errno.EACCES, bob.read, "/home/alice/secret")
    refuses(errno.EACCES, bob.stat, "/home/alice/secret")
    refuses(errno.EACCES, bob.listdir, "/home/alice")
    refuses(errno.EACCES, bob.write, "/home/alice/planted", b"")
    refuses(errno.EACCES, bob.chdir, "/home/alice")
    assert root.read("/home/alice/secret") == b"mine"


def test_a_mask_withholds_permissions_from_new_files(alice):
    alice.mask = 0o027
    alice.write("f", b"")
    alice.mkdir("d")
    assert stat.filemode(alice.stat("f").mode) == "-rw-r-----"
    assert stat.filemode(alice.stat("d").mode) == "drwxr-x---"


def test_owner_group_and_others_each_have_their_own(alice, bob, carol):
    alice.chmod(".", 0o755)
    alice.write("f", b"x")
    alice.chown("f", gid=100)
    alice.chmod("f", 0o640)
    assert carol.read("/home/alice/f") == b"x"
    refuses(errno.EACCES, bob.read, "/home/alice/f")
    refuses(errno.EACCES, carol.write, "/home/alice/f", b"y")
    alice.chmod("f", 0o004)
    assert bob.read("/home/alice/f") == b"x"
    refuses(errno.EACCES, carol.read, "/home/alice/f")
    refuses(errno.EACCES, alice.read, "f")


def test_a_file_made_without_permissions_is_open_all_the_same(alice):
    file = alice.open("f", os.O_WRONLY | os.O_CREAT, 0)
    assert file.write(b"once") == 4
    file.close()
    refuses(errno.EACCES, alice.open, "f", os.O_WRONLY)


def test_what_is_open_stays_open_when_permissions_go(alice):
    alice.write("f", b"text")
    file = alice.open("f")
    alice.chmod("f", 0)
    assert file.read(10) == b"text"
    file.close()


def test_only_the_owner_changes_a_mode(alice, bob, root):
    alice.write("/tmp/f", b"")
    refuses(errno.EPERM, bob.chmod, "/tmp/f", 0o666)
    refuses(errno.EPERM, bob.utime, "/tmp/f", (1, 2))
    refuses(errno.EACCES, bob.utime, "/tmp/f")
    root.chmod("/tmp/f", 0o600)
    assert stat.S_IMODE(alice.stat("/tmp/f").mode) == 0o600


def test_only_root_gives_files_away(alice, bob, root):
    alice.write("/tmp/f", b"12345")
    refuses(errno.EPERM, alice.chown, "/tmp/f", bob.who.uid)
    refuses(errno.EPERM, bob.chown, "/tmp/f", bob.who.uid)
    refuses(errno.EPERM, alice.chown, "/tmp/f", -1, bob.who.gid)
    alice.chown("/tmp/f", -1, 100)
    root.chown("/tmp/f", bob.who.uid, bob.who.gid)
    assert (alice.stat("/tmp/f").uid, alice.stat("/tmp/f").gid) == (bob.who.uid, bob.who.gid)


def test_the_sticky_bit_keeps_others_from_removing_a_name(alice, bob):
    alice.write("/tmp/f", b"", 0o666)
    bob.write("/tmp/g", b"")
    refuses(errno.EPERM, bob.unlink, "/tmp/f")
    refuses(errno.EPERM, bob.rename, "/tmp/f", "/tmp/h")
    refuses(errno.EPERM, bob.rename, "/tmp/g", "/tmp/f")
    alice.unlink("/tmp/f")


def test_a_set_group_id_directory_hands_its_group_on(alice, carol):
    alice.mkdir("shared")
    alice.chmod(".", 0o755)
    alice.chown("shared", -1, 100)
    alice.chmod("shared", 0o2770)
    carol.write("/home/alice/shared/f", b"")
    carol.mkdir("/home/alice/shared/d")
    assert carol.stat("/home/alice/shared/f").gid == 100
    made = carol.stat("/home/alice/shared/d")
    assert made.gid == 100
    assert made.mode & stat.S_ISGID


def test_a_name_needs_a_writable_directory(alice, bob):
    alice.chmod(".", 0o755)
    alice.write("f", b"", 0o666)
    refuses(errno.EACCES, bob.unlink, "/home/alice/f")
    refuses(errno.EACCES, bob.rename, "/home/alice/f", "/home/alice/g")
    refuses(errno.EACCES, bob.mkdir, "/home/alice/d")
    refuses(errno.EACCES, bob.symlink, "x", "/home/alice/s")
    refuses(errno.EACCES, bob.rmdir, "/home/alice")


def test_searching_a_directory_needs_its_own_permission(alice, bob):
    alice.chmod(".", 0o711)
    alice.write("f", b"known", 0o644)
    assert bob.read("/home/alice/f") == b"known"
    refuses(errno.EACCES, bob.listdir, "/home/alice")
    alice.chmod(".", 0o744)
    assert bob.listdir("/home/alice") == ["f"]
    refuses(errno.EACCES, bob.read, "/home/alice/f")


def test_somebody_elses_file_is_linked_only_by_who_may_write_it(alice, bob):
    alice.write("/tmp/f", b"")
    refuses(errno.EPERM, bob.link, "/tmp/f", "/tmp/mine")
    alice.chmod("/tmp/f", 0o666)
    bob.link("/tmp/f", "/tmp/mine")
    assert alice.stat("/tmp/f").links == 2


def test_access_tells_what_open_would(alice, bob):
    alice.write("/tmp/f", b"")
    assert bob.access("/tmp/f", os.R_OK)
    assert not bob.access("/tmp/f", os.W_OK)
    assert alice.access("/tmp/f", os.R_OK | os.W_OK)
    assert not alice.access("/tmp/f", os.X_OK)
    assert bob.access("/tmp/f", os.F_OK)
    refuses(errno.EINVAL, bob.access, "/tmp/f", 8)


PEOPLE = st.builds(
    lambda uid, gid, more: Credentials("x", uid, gid, tuple(sorted({gid, more})), "/"),
    st.integers(0, 3), st.integers(0, 3), st.integers(0, 3),
)  # fmt: skip


@given(
    who=PEOPLE, uid=st.integers(0, 3), gid=st.integers(0, 3), mode=st.integers(0, 0o7777),
    wanted=st.integers(0, 7), kind=st.sampled_from([stat.S_IFREG, stat.S_IFDIR]),
)  # fmt: skip
def test_a_right_is_had_if_the_class_that_one_is_in_has_all_of_it(
    who, uid, gid, mode, wanted, kind
):
    status = Status(kind | mode, 1, 1, 1, uid, gid, 0, 0, 0, 0)
    granted = permits(status, who, wanted)
    letters = stat.filemode(kind | (mode & 0o777))[1:]
    owner, group, other = letters[:3], letters[3:6], letters[6:]
    mine = owner if who.uid == uid else group if gid in who.groups else other
    needed = [letter for letter, bit in zip("rwx", (4, 2, 1), strict=True) if wanted & bit]
    if who.uid == 0:
        can_run = kind == stat.S_IFDIR or "x" in letters
        assert granted == ("x" not in needed or can_run)
    else:
        assert granted == all(letter in mine for letter in needed)
