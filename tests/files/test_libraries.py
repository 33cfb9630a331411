# ruff: noqa: SIM115 # programs under test open files as users do
"""Libraries that know nothing of vmpp read and write files through its server."""

from __future__ import annotations

import bz2
import configparser
import csv
import errno
import filecmp
import fileinput
import glob
import gzip
import io
import json
import logging
import lzma
import mmap
import os
import pathlib
import pickle
import shutil
import tarfile
import tempfile
import tokenize
import zipfile

import numpy as np
import pytest
from PIL import Image


@pytest.fixture(autouse=True)
def no_short_cut(machine, monkeypatch, tmp_path_factory):
    """Let the tests' own directory be another than the program's."""
    elsewhere = tmp_path_factory.mktemp("elsewhere")
    monkeypatch.chdir(elsewhere)
    yield
    assert list(elsewhere.iterdir()) == []
    assert machine.server.open_files == 0


class TestNumPy:
    array = np.arange(12.0).reshape(3, 4)

    def test_save_and_load(self, machine):
        def program():
            np.save("a.npy", self.array)
            with open("b.npy", "wb") as f:
                np.save(f, self.array)
                np.save(f, self.array + 1)
            with open("b.npy", "rb") as f:
                first, second = np.load(f), np.load(f)
            return np.load("a.npy"), first, second - 1

        for loaded in machine.run(program):
            np.testing.assert_array_equal(loaded, self.array)
        np.testing.assert_array_equal(np.load(machine.folder / "a.npy"), self.array)

    def test_archives(self, machine):
        def program():
            np.savez("a.npz", x=self.array, y=np.arange(3))
            np.savez_compressed(pathlib.Path("b.npz"), x=self.array)
            with np.load("a.npz") as a, np.load("b.npz") as b:
                return a["x"], b["x"], a["y"].sum()

        x, compressed, total = machine.run(program)
        np.testing.assert_array_equal(x, self.array)
        np.testing.assert_array_equal(compressed, self.array)
        assert total == 3

    @pytest.mark.parametrize("name", ["a.txt", "a.txt.gz", "a.txt.bz2", "a.txt.xz"])
    def test_texts(self, machine, name):
        def program():
            os.mkdir("d")
            os.chdir("d")
            np.savetxt(name, self.array)
            return np.loadtxt(name), np.genfromtxt(name)

        for loaded in machine.run(program):
            np.testing.assert_array_equal(loaded, self.array)
        assert (machine.folder / "d" / name).exists()

    def test_memory_maps_are_refused(self, machine):
        def program():
            np.save("a.npy", self.array)
            with pytest.raises(OSError, match="C code cannot reach them"):
                np.load("a.npy", mmap_mode="r")
            with open("a.npy", "rb") as f, pytest.raises(OSError, match="Bad file descriptor"):
                mmap.mmap(f.fileno(), 0)

        machine.run(program)

    def test_raw_files_are_refused_with_the_way_out(self, machine):
        def program():
            with open("a", "wb") as f, pytest.raises(OSError, match=r"f\.write\(array\.tobytes"):
                self.array.tofile(f)
            with pytest.raises(OSError, match=r"f\.write\(array\.tobytes"):
                self.array.tofile("a")
            with open("a", "rb") as f, pytest.raises(OSError, match=r"numpy\.frombuffer\(f\.read"):
                np.fromfile(f)
            with pytest.raises(OSError, match=r"numpy\.frombuffer\(f\.read"):
                np.fromfile("a")

        machine.run(program)


class TestPillow:
    @pytest.mark.parametrize("name", ["a.png", "a.bmp", "a.gif", "a.tiff", "a.ppm"])
    def test_pictures_come_back(self, machine, name):
        pixels = np.arange(48, dtype=np.uint8).reshape(6, 8)

        def program():
            Image.fromarray(pixels).save(name)
            with open("copy" + name, "wb") as f:
                Image.fromarray(pixels).save(f)
            with Image.open(name) as first, Image.open(open("copy" + name, "rb")) as second:
                return np.asarray(first), np.asarray(second)

        for picture in machine.run(program):
            np.testing.assert_array_equal(picture, pixels)
        with Image.open(machine.folder / name) as picture:
            np.testing.assert_array_equal(np.asarray(picture), pixels)

    @pytest.mark.parametrize(
        "options", [{"compression": "tiff_lzw"}, {"compression": "tiff_deflate"}]
    )
    def test_compressed_tiffs_come_back(self, machine, options):
        pixels = np.arange(48, dtype=np.uint8).reshape(6, 8)

        def program():
            Image.fromarray(pixels).save("a.tiff", **options)
            with Image.open("a.tiff") as picture:
                return np.asarray(picture)

        np.testing.assert_array_equal(machine.run(program), pixels)

    def test_jpegs_are_close(self, machine):
        def program():
            Image.new("RGB", (16, 16), (10, 200, 30)).save("a.jpeg", quality=95)
            with Image.open("a.jpeg") as picture:
                return picture.convert("RGB").getpixel((3, 3))

        np.testing.assert_allclose(machine.run(program), (10, 200, 30), atol=6)


class TestShutil:
    def test_trees_are_copied_moved_and_removed(self, machine):
        def program():
            os.makedirs("tree/a/b")
            pathlib.Path("tree/a/f").write_bytes(b"x" * 3_000_000)
            pathlib.Path("tree/a/b/g").write_text("g")
            os.symlink("f", "tree/a/l")
            os.chmod("tree/a/f", 0o640)
            shutil.copytree("tree", "copy", symlinks=True)
            assert filecmp.cmp("tree/a/f", "copy/a/f", shallow=False)
            assert os.readlink("copy/a/l") == "f"
            assert os.stat("copy/a/f").st_mode == os.stat("tree/a/f").st_mode
            assert os.stat("copy/a/f").st_mtime_ns == os.stat("tree/a/f").st_mtime_ns
            shutil.move("copy", "moved")
            shutil.rmtree("tree")
            shutil.copy2("moved/a/b/g", "g")
            assert shutil.disk_usage(".").total > 0
            assert shutil.which("no such program") is None
            os.environ.update(COLUMNS="0", LINES="0")  # which say nothing
            assert shutil.get_terminal_size((3, 4)) == (3, 4)
            return sorted(p.as_posix() for p in pathlib.Path().rglob("*"))

        assert machine.run(program) == [
            "g", "moved", "moved/a", "moved/a/b", "moved/a/b/g", "moved/a/f", "moved/a/l",
        ]  # fmt: skip

    def test_archives(self, machine):
        def program():
            os.mkdir("d")
            pathlib.Path("d/f").write_text("text")
            for kind in ("zip", "gztar"):
                shutil.unpack_archive(shutil.make_archive(kind, kind, ".", "d"), kind)
            return [pathlib.Path(kind, "d", "f").read_text() for kind in ("zip", "gztar")]

        assert machine.run(program) == ["text", "text"]


class TestPathlib:
    def test_paths(self, machine):
        def program():
            path = pathlib.Path("d", "e")
            path.mkdir(parents=True)
            path.mkdir(exist_ok=True)
            (path / "f").write_text("one\ntwo\n")
            (path / "f").touch()
            (path / "l").symlink_to("f")
            assert (path / "l").is_symlink()
            assert (path / "l").resolve() == pathlib.Path.cwd() / path / "f"
            assert (path / "f").samefile(path / "l")
            assert [p.name for p in path.iterdir()] == ["f", "l"]
            (path / "f").rename(path / "g")
            (path / "g").replace("h")
            assert not (path / "f").exists()
            with pytest.raises(FileNotFoundError):
                (path / "f").unlink()
            (path / "l").unlink()
            path.rmdir()
            assert pathlib.Path("h").stat().st_size == 8
            assert pathlib.Path("h").owner() == (machine.folder / "h").owner()
            with pytest.raises(NotImplementedError):
                pathlib.Path("h").lchmod(0o600)
            return pathlib.Path("h").read_text().splitlines()

        assert machine.run(program) == ["one", "two"]


class TestTempfile:
    def test_every_kind(self, machine, monkeypatch):
        monkeypatch.setenv("TMPDIR", str(machine.folder / "tmp"))
        (machine.folder / "tmp").mkdir()
        monkeypatch.setattr(tempfile, "tempdir", None)

        def program():
            with tempfile.TemporaryFile() as f:
                f.write(b"x")
                f.seek(0)
                assert f.read() == b"x"
            with tempfile.NamedTemporaryFile("w+", suffix=".txt") as f:
                f.write("x")
                assert os.path.dirname(f.name) == str(machine.folder / "tmp")
                assert os.path.exists(f.name)
            assert not os.path.exists(f.name)
            with tempfile.TemporaryDirectory() as folder:
                pathlib.Path(folder, "f").write_text("x")
            assert not os.path.exists(folder)
            with tempfile.SpooledTemporaryFile(max_size=2) as f:
                f.write(b"longer than that")
            fd, name = tempfile.mkstemp()
            os.write(fd, b"x")
            os.close(fd)
            os.unlink(name)
            return os.listdir(tempfile.gettempdir())

        assert machine.run(program) == []
        assert tempfile.tempdir is None

    def test_deletion_is_a_request_too(self, machine):
        def program():
            f = tempfile.NamedTemporaryFile(dir=".")
            before = machine.process.requests
            f.close()
            return machine.process.requests - before

        assert machine.run(program) == 2  # close, unlink

    def test_ranks_make_different_names_the_same_in_every_run(self, machine_of):
        def names():
            machine, found = machine_of(3), []
            machine.run(lambda: found.append(os.path.basename(tempfile.mkdtemp(dir="."))))
            for name in found:
                (machine.folder / name).rmdir()
            return found

        first = names()
        assert len(set(first)) == 3
        assert names() == first


class TestStandardLibrary:
    def test_formats(self, machine):
        def program():
            with open("a.json", "w") as f:
                json.dump({"k": [1, "é"]}, f)
            with open("a.csv", "w", newline="") as f:
                csv.writer(f).writerows([[1, "a,b"], [2, "c\nd"]])
            with open("a.pickle", "wb") as f:
                pickle.dump({1: b"x" * 100_000}, f)
            config = configparser.ConfigParser()
            config["s"] = {"k": "v"}
            with open("a.ini", "w") as f:
                config.write(f)
            config = configparser.ConfigParser()
            assert config.read("a.ini") == ["a.ini"]
            with open("a.json") as j, open("a.csv", newline="") as c, open("a.pickle", "rb") as p:
                return json.load(j), list(csv.reader(c)), len(pickle.load(p)[1]), config["s"]["k"]

        read = [["1", "a,b"], ["2", "c\nd"]]
        assert machine.run(program) == ({"k": [1, "é"]}, read, 100_000, "v")

    def test_compression_and_archives(self, machine):
        def program():
            for module in (gzip, bz2, lzma):
                with module.open("a", "wb") as f:
                    f.write(b"text" * 1000)
                with module.open("a") as f:
                    assert f.read() == b"text" * 1000
            with zipfile.ZipFile("a.zip", "w") as z:
                z.writestr("inside", "text")
                z.write("a")
            with zipfile.ZipFile("a.zip") as z:
                assert z.read("inside") == b"text"
                z.extractall("z")
            with tarfile.open("a.tar", "w:bz2") as t:
                t.add("z")
            with tarfile.open("a.tar") as t:
                return t.getnames()

        assert machine.run(program) == ["z", "z/a", "z/inside"]

    def test_finding_files(self, machine):
        def program():
            os.makedirs("a/b")
            for name in ("a/1.x", "a/2.y", "a/b/3.x", ".x"):
                open(name, "w").close()
            walked = [(top, dirs, files) for top, dirs, files in os.walk(".")]
            upwards = [top for top, _, _ in os.walk(".", topdown=False)]
            by_fd = [top for top, _, _, _ in os.fwalk(".")]
            found = sorted(glob.glob("**/*.x", recursive=True)), glob.glob("*", root_dir="a/b")
            return walked, upwards, by_fd, found

        walked, upwards, by_fd, found = machine.run(program)
        assert walked == [
            (".", ["a"], [".x"]), ("./a", ["b"], ["1.x", "2.y"]), ("./a/b", [], ["3.x"]),
        ]  # fmt: skip
        assert upwards == ["./a/b", "./a", "."]
        assert by_fd == [".", "./a", "./a/b"]
        assert found == (["a/1.x", "a/b/3.x"], ["3.x"])

    def test_other_modules(self, machine):
        def program():
            with open("f.py", "w") as f:
                f.write("x = 1\n")
            with tokenize.open("f.py") as f:
                assert f.read() == "x = 1\n"
            with fileinput.input(["f.py"]) as lines:
                assert list(lines) == ["x = 1\n"]
            with io.open_code(os.path.abspath("f.py")) as f:
                assert f.read() == b"x = 1\n"
            handler = logging.FileHandler("log")
            handler.emit(logging.makeLogRecord({"msg": "said"}))
            handler.close()
            return pathlib.Path("log").read_text()

        assert machine.run(program) == "said\n"


def test_c_code_that_takes_a_number_finds_no_file_of_the_host(machine):
    def program():
        with open("f", "wb") as f:
            return int(f.fileno())

    number = machine.run(program)
    with pytest.raises(OSError, match="Bad file descriptor") as caught:
        os.fstat(number)
    assert caught.value.errno == errno.EBADF
