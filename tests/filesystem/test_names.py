"""Names: making, linking, moving and removing them, and what paths lead to."""

from __future__ import annotations

import errno
import os
import stat

from vmpp.service.filesystem import EPOCH_NS

from .conftest import refuses


def test_a_file_is_read_as_it_was_written(alice):
    alice.write("f", b"some text")
    assert alice.read("f") == alice.read("/home/alice/f") == b"some text"
    assert alice.stat("f").size == 9
    alice.write("f", b"less")
    assert alice.read("f") == b"less"


def test_a_position_moves_and_a_hole_reads_as_zeros(alice):
    file = alice.open("f", os.O_RDWR | os.O_CREAT)
    assert file.write(b"abcdef") == 6
    assert file.lseek(2, os.SEEK_SET) == 2
    assert file.read(2) == b"cd"
    assert file.pread(3, 1) == b"bcd"
    assert file.pwrite(b"!", 9) == 1
    assert file.lseek(0, os.SEEK_CUR) == 4
    file.close()
    assert alice.read("f") == b"abcdef\0\0\0!"


def test_what_is_opened_to_append_is_written_to_at_its_end(alice):
    alice.write("f", b"one")
    file = alice.open("f", os.O_WRONLY | os.O_APPEND)
    file.lseek(0, os.SEEK_SET)
    file.write(b"two")
    file.close()
    assert alice.read("f") == b"onetwo"
    assert alice.stat("f").size == 6


def test_flags_of_open(alice):
    alice.write("f", b"text")
    alice.symlink("f", "s")
    alice.symlink("nothing", "dangling")
    refuses(errno.EEXIST, alice.open, "f", os.O_CREAT | os.O_EXCL)
    refuses(errno.EEXIST, alice.open, "dangling", os.O_CREAT | os.O_EXCL)
    refuses(errno.ELOOP, alice.open, "s", os.O_NOFOLLOW)
    refuses(errno.ENOTDIR, alice.open, "f", os.O_DIRECTORY)
    refuses(errno.EISDIR, alice.open, ".", os.O_WRONLY)
    refuses(errno.ENOENT, alice.open, "nothing")
    refuses(errno.EISDIR, alice.open, "new/", os.O_CREAT | os.O_WRONLY)
    refuses(errno.ENOTDIR, alice.open, "f/")
    refuses(errno.EINVAL, alice.open, "f", 3)
    refuses(errno.EBADF, alice.open("f").write, b"x")
    alice.open("s", os.O_WRONLY | os.O_TRUNC).close()
    assert alice.read("f") == b""
    alice.open("dangling", os.O_WRONLY | os.O_CREAT).close()
    assert alice.read("nothing") == b""


def test_a_file_without_a_name_lives_until_it_is_closed(alice, tree):
    alice.write("f", b"still here")
    before = tree.usage(alice.who.uid).files
    file = alice.open("f", os.O_RDWR)
    alice.unlink("f")
    refuses(errno.ENOENT, alice.open, "f")
    assert file.read(100) == b"still here"
    assert file.write(b"!") == 1
    assert tree.usage(alice.who.uid).files == before
    file.close()
    assert tree.usage(alice.who.uid).files == before - 1


def test_directories(alice):
    alice.mkdir("d")
    alice.mkdir("d/e")
    assert alice.stat("d").links == 3
    refuses(errno.EEXIST, alice.mkdir, "d")
    refuses(errno.ENOTEMPTY, alice.rmdir, "d")
    refuses(errno.EISDIR, alice.unlink, "d")
    refuses(errno.EINVAL, alice.rmdir, "d/e/.")
    refuses(errno.ENOTEMPTY, alice.rmdir, "d/e/..")
    alice.rmdir("d/e/")
    alice.rmdir("d")
    refuses(errno.ENOENT, alice.rmdir, "d")
    alice.write("f", b"")
    refuses(errno.ENOTDIR, alice.rmdir, "f")
    refuses(errno.ENOTDIR, alice.mkdir, "f/d")


def test_a_listing_is_in_order_and_comes_in_pages(alice, tree):
    for name in ("b", "c", "a", "B"):
        alice.write(name, b"")
    assert alice.listdir() == ["B", "a", "b", "c"]
    page = tree.listdir(alice.who, alice.at, b".", b"a", 1)
    assert [entry.name for entry in page] == [b"b"]
    assert page[0].kind == stat.S_IFREG


def test_moving_files(alice):
    alice.write("f", b"f")
    alice.write("g", b"g")
    alice.mkdir("d")
    alice.rename("f", "d/f")
    alice.rename("g", "d/f")
    assert alice.read("d/f") == b"g"
    assert alice.listdir() == ["d"]
    alice.link("d/f", "same")
    alice.rename("same", "d/f")
    assert alice.listdir() == ["d", "same"]
    refuses(errno.EISDIR, alice.rename, "same", "d")
    refuses(errno.ENOTDIR, alice.rename, "d", "same")
    refuses(errno.ENOENT, alice.rename, "nothing", "x")
    refuses(errno.EBUSY, alice.rename, "d/.", "x")
    refuses(errno.ENOTDIR, alice.rename, "same", "x/")


def test_moving_directories(alice):
    for name in ("a", "a/b", "a/b/c", "empty", "full", "full/x"):
        alice.mkdir(name)
    refuses(errno.EINVAL, alice.rename, "a", "a/b/c/d")
    refuses(errno.EINVAL, alice.rename, "a", "a/b")
    refuses(errno.ENOTEMPTY, alice.rename, "a", "full")
    alice.rename("a/b", "empty")
    alice.chdir("empty/c")
    assert alice.getcwd() == "/home/alice/empty/c"
    alice.chdir("../..")
    assert alice.getcwd() == "/home/alice"
    assert alice.stat("a").links == 2
    assert alice.stat(".").links == 5


def test_hard_links_are_one_file(alice):
    alice.write("f", b"text")
    alice.link("f", "g")
    assert alice.stat("f").ino == alice.stat("g").ino
    assert alice.stat("f").links == 2
    alice.unlink("f")
    assert alice.read("g") == b"text"
    refuses(errno.EPERM, alice.link, ".", "h")
    refuses(errno.EEXIST, alice.link, "g", "g")
    alice.symlink("g", "s")
    alice.link("s", "link-of-link", False)
    assert alice.readlink("link-of-link") == "g"


def test_symbolic_links(alice):
    alice.mkdir("d")
    alice.write("d/f", b"text")
    alice.symlink("d", "s")
    alice.symlink("/home/alice/d/f", "absolute")
    alice.symlink("../alice/s/f", "relative")
    assert alice.read("s/f") == alice.read("absolute") == alice.read("relative") == b"text"
    assert stat.S_ISLNK(alice.stat("s", follow=False).mode)
    assert stat.S_ISDIR(alice.stat("s").mode)
    assert alice.readlink("s") == "d"
    refuses(errno.EINVAL, alice.readlink, "d")
    alice.chdir("s")
    assert alice.getcwd() == "/home/alice/d"
    alice.unlink("../s")
    assert alice.listdir("..") == ["absolute", "d", "relative"]


def test_links_that_go_round_end_in_an_error(alice):
    alice.symlink("b", "a")
    alice.symlink("a", "b")
    refuses(errno.ELOOP, alice.read, "a")
    for number in range(60):
        alice.symlink(f"chain{number + 1}", f"chain{number}")
    alice.write("chain60", b"end")
    refuses(errno.ELOOP, alice.read, "chain0")
    assert alice.read("chain30") == b"end"


def test_names_and_paths_have_their_longest(alice):
    alice.write("n" * 255, b"")
    refuses(errno.ENAMETOOLONG, alice.write, "n" * 256, b"")
    refuses(errno.ENAMETOOLONG, alice.stat, "./" * 3000)
    refuses(errno.ENOENT, alice.stat, "")
    refuses(errno.EINVAL, alice.stat, "a\0b")


def test_the_way_up_ends_at_the_root(alice):
    assert alice.stat("../../../../..").ino == alice.stat("/").ino
    assert alice.stat("/../tmp/../../home/alice").ino == alice.stat(".").ino


def test_a_removed_directory_is_nowhere(alice):
    alice.mkdir("d")
    alice.chdir("d")
    alice.rmdir("../d")
    refuses(errno.ENOENT, alice.getcwd)
    refuses(errno.ENOENT, alice.write, "f", b"")
    refuses(errno.ENOENT, alice.stat, "nothing")


def test_times_are_virtual(alice, tree):
    tree.time = EPOCH_NS + 5
    alice.write("f", b"text")
    assert alice.stat("f").mtime == EPOCH_NS + 5
    tree.time = EPOCH_NS + 7
    alice.chmod("f", 0o600)
    assert (alice.stat("f").mtime, alice.stat("f").ctime) == (EPOCH_NS + 5, EPOCH_NS + 7)
    alice.utime("f", (1, 2))
    assert (alice.stat("f").atime, alice.stat("f").mtime) == (1, 2)
    alice.utime("f")
    assert alice.stat("f").mtime == EPOCH_NS + 7
    tree.time = EPOCH_NS + 9
    file = alice.open("f", os.O_WRONLY)
    file.write(b"x")
    assert alice.stat("f").mtime == EPOCH_NS + 9
    file.close()
    assert alice.stat("f").mtime == EPOCH_NS + 9


def test_no_number_is_too_large(alice, root):
    alice.write("f", b"")
    refuses(errno.EINVAL, alice.truncate, "f", -1)
    refuses(errno.EFBIG, alice.truncate, "f", 1 << 62)
    refuses(errno.EINVAL, alice.utime, "f", (1 << 64, 0))
    refuses(errno.EINVAL, root.chown, "/home/alice/f", 1 << 40)
    file = alice.open("f", os.O_WRONLY)
    refuses(errno.EFBIG, file.pwrite, b"x", 1 << 61)
    refuses(errno.EINVAL, file.pwrite, b"x", -1)
    file.close()
    assert alice.stat("f").size == 0


class TestMounts:
    """What is mounted stays where it is."""

    def test_nothing_of_it_can_be_changed(self, root):
        refuses(errno.EROFS, root.write, "/images/f", b"")
        refuses(errno.EROFS, root.mkdir, "/images/d")
        refuses(errno.EROFS, root.chmod, "/images", 0o777)
        refuses(errno.EROFS, root.chown, "/images", 1000)
        refuses(errno.EBUSY, root.rmdir, "/images")
        refuses(errno.EBUSY, root.rename, "/images", "/other")
        refuses(errno.ENOENT, root.unlink, "/images/nothing")
        refuses(errno.EROFS, root.unlink, "/dev/null")

    def test_the_way_up_from_it_leads_to_the_root(self, alice):
        alice.chdir("/images")
        assert alice.getcwd() == "/images"
        assert alice.stat("..").ino == alice.stat("/").ino

    def test_names_do_not_go_across(self, alice):
        alice.write("f", b"")
        refuses(errno.EXDEV, alice.rename, "f", "/images/f")
        refuses(errno.EXDEV, alice.link, "/dev/null", "null")

    def test_the_null_device(self, alice):
        file = alice.open("/dev/null", os.O_RDWR)
        assert file.write(b"text") == 4
        assert file.read(10) == b""
        file.close()
        assert stat.S_ISCHR(alice.stat("/dev/null").mode)
