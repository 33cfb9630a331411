"""Programs in the tree: found, read and run with the rights of the user whose they are."""

from __future__ import annotations

import io
import os
import zipfile
from textwrap import dedent

import pytest
import trio

import vmpp
from vmpp.machine.state import State
from vmpp.process.program import ProgramError
from vmpp.service.filesystem.programs import NotAProgrammerError, load, names
from vmpp.service.identity import Credentials

from .conftest import ALICE, BOB, User, populate


@pytest.fixture
async def machine(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("SECRET_OF_THE_HOST", "x")
    async with vmpp.boot(state=State.ephemeral(user="console"), nodes=4) as booted:
        populate(booted.installation.tree)
        yield booted


@pytest.fixture
def tree(machine):
    return machine.installation.tree


@pytest.fixture
def alice(tree):
    return User(tree, ALICE)


@pytest.fixture
def run(machine, tree):
    async def go(program, *args, who=ALICE, nprocs=1, **options):
        loaded = load(tree, who, program, args, **options)
        job = await machine.launch(loaded, nprocs)
        return await job.wait()

    return go


def save(user, path, text):
    user.write(path, dedent(text).encode())


def printed(result):
    assert result.status == 0, result.failure or result.stderr.decode()
    return result.stdout.decode()


async def test_a_program_finds_itself_and_its_modules_at_virtual_paths(alice, run):
    alice.mkdir("app")
    alice.mkdir("app/package")
    save(alice, "app/beside.py", "WHERE = __file__")
    save(alice, "app/package/__init__.py", "from . import inner")
    save(alice, "app/package/inner.py", "WHERE = __file__")
    save(
        alice,
        "app/main.py",
        """
        import os, sys, beside, package.inner
        print(__file__, sys.argv, sys.path[0], os.getcwd())
        print(beside.WHERE, package.inner.WHERE, package.__path__)
        """,
    )
    lines = printed(await run("app/main.py", "one", "two")).splitlines()
    assert lines == [
        "/home/alice/app/main.py ['app/main.py', 'one', 'two'] /home/alice/app /home/alice",
        "/home/alice/app/beside.py /home/alice/app/package/inner.py ['/home/alice/app/package']",
    ]


async def test_a_folder_with_a_main_module_is_a_program(alice, run):
    alice.mkdir("app")
    save(alice, "app/part.py", "VALUE = 42")
    save(alice, "app/__main__.py", "import sys, part; print(part.VALUE, sys.path[0], __file__)")
    assert printed(await run("app")) == "42 /home/alice/app /home/alice/app/__main__.py\n"


async def test_a_zip_file_with_a_main_module_is_a_program(alice, run):
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("__main__.py", "import part, package.inner\npart.fail()\n")
        archive.writestr("part.py", "def fail():\n    raise ValueError  # zipped\n")
        archive.writestr("package/inner.py", "print(__file__, __package__)\n")
    alice.write("app.pyz", b"#!/usr/bin/env python3\n" + data.getvalue())
    result = await run("app.pyz")
    assert result.stdout == b"/home/alice/app.pyz/package/inner.py package\n"
    assert 'File "/home/alice/app.pyz/part.py", line 2, in fail' in result.failure
    assert "raise ValueError  # zipped" in result.failure
    assert "part.fail()" in result.failure
    save(
        alice,
        "main.py",
        "import sys; sys.path.insert(0, 'app.pyz'); import part; print(part.__file__)",
    )
    assert printed(await run("main.py")) == "/home/alice/app.pyz/part.py\n"


async def test_a_traceback_shows_the_programs_own_lines(alice, run):
    save(alice, "helper.py", "def fail():\n    raise ValueError('on purpose')  # in the tree\n")
    save(alice, "main.py", "import helper\nhelper.fail()\n")
    result = await run("main.py")
    assert result.status == 1
    assert 'File "/home/alice/helper.py", line 2, in fail' in result.failure
    assert "raise ValueError('on purpose')  # in the tree" in result.failure
    assert "helper.fail()" in result.failure


async def test_a_program_sees_its_own_lines_and_nobody_elses(alice, run, tmp_path):
    alice.chmod(".", 0o700)
    (tmp_path / "host.py").write_text("HOST SECRET\n")
    save(
        alice,
        "main.py",
        f"""
        import inspect, linecache, traceback
        def f():
            return 1  # mine
        print(inspect.getsource(f).strip().splitlines()[-1].strip())
        print(repr(linecache.getline({str(tmp_path / "host.py")!r}, 1)))
        try:
            1 / 0  # here
        except ZeroDivisionError:
            print(traceback.format_exc().splitlines()[2].strip())
        """,
    )
    assert printed(await run("main.py")).splitlines() == ["return 1  # mine", "''", "1 / 0  # here"]


async def test_nothing_of_the_hosts_environment_is_seen(alice, run):
    save(alice, "main.py", "import os\nfor item in sorted(os.environ.items()): print(*item)")
    assert printed(await run("main.py")).splitlines() == [
        "HOME /home/alice", "LOGNAME alice", "PWD /home/alice", "SHELL vmpp", "TERM dumb",
        "TMPDIR /tmp", "USER alice",
    ]  # fmt: skip
    assert "EXTRA 1" in printed(await run("main.py", environ={"EXTRA": "1"}))


async def test_a_process_is_its_user(alice, run):
    save(
        alice,
        "main.py",
        """
        import getpass, os, pathlib, pwd
        print(os.getuid(), os.geteuid(), os.getgid(), os.getegid(), os.getgroups())
        print(getpass.getuser(), pathlib.Path.home(), os.fstat(1).st_uid)
        open("new", "w").close()
        print(os.stat("new").st_uid, oct(os.stat("new").st_mode), pathlib.Path("new").owner())
        try:
            pwd.getpwnam("root")
        except KeyError:
            print(pwd.getpwuid(os.getuid()).pw_dir, os.path.expanduser("~alice"))
        """,
    )
    assert printed(await run("main.py")).splitlines() == [
        f"2000 2000 2000 2000 {list(ALICE.groups)}", "alice /home/alice 2000",
        "2000 0o100644 alice",
        "/home/alice /home/alice",
    ]  # fmt: skip


async def test_files_of_the_host_and_of_others_are_out_of_reach(alice, tree, run, tmp_path):
    User(tree, BOB).write("secret", b"x")
    (tmp_path / "secret").write_text("x")
    save(
        alice,
        "main.py",
        f"""
        import os
        for path in ({str(tmp_path / "secret")!r}, "/home/bob/secret", "/host/secret",
                     "/etc/passwd", "../../../../etc/passwd", "/proc/self/environ"):
            try:
                print(open(path).read())
            except OSError as error:
                print(type(error).__name__, error.filename)
        """,
    )
    assert printed(await run("main.py")).splitlines() == [
        f"FileNotFoundError {tmp_path}/secret", "PermissionError /home/bob/secret",
        "PermissionError /host/secret", "FileNotFoundError /etc/passwd",
        "FileNotFoundError ../../../../etc/passwd", "FileNotFoundError /proc/self/environ",
    ]  # fmt: skip


async def test_a_module_that_the_user_may_not_read_cannot_be_imported(alice, tree, run):
    bob = User(tree, BOB)
    bob.write("/tmp/private.py", b"print('private')", 0o600)
    bob.write("secret.py", b"print('secret')")
    save(
        alice,
        "main.py",
        """
        import sys
        sys.path += ["/tmp", "/home/bob"]
        for name in ("private", "secret"):
            try:
                __import__(name)
            except (ImportError, PermissionError) as error:
                print(type(error).__name__)
        """,
    )
    assert printed(await run("main.py")).split() == ["PermissionError", "ModuleNotFoundError"]


async def test_modules_of_the_host_that_are_not_installed_are_not_found(alice, run, tmp_path):
    (tmp_path / "onthehost.py").write_text("print('reached')")
    save(alice, "main.py", f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\nimport onthehost")
    result = await run("main.py")
    assert result.status == 1
    assert b"reached" not in result.stdout
    assert "ModuleNotFoundError" in result.failure


async def test_libraries_of_the_host_are_there(alice, run):
    save(
        alice,
        "main.py",
        """
        import numpy
        from mpi4py import MPI
        comm = MPI.COMM_WORLD
        print(comm.rank, comm.allreduce(numpy.ones(3)).sum())
        """,
    )
    assert sorted(printed(await run("main.py", nprocs=4)).split()) == [
        "0", "1", "12.0", "12.0", "12.0", "12.0", "2", "3",
    ]  # fmt: skip


async def test_programs_write_and_read_files_and_temporary_ones(alice, run):
    save(
        alice,
        "main.py",
        """
        import os, shutil, tempfile, pathlib
        with tempfile.TemporaryFile() as file:
            file.write(b"x"); print(tempfile.gettempdir())
        with tempfile.TemporaryDirectory() as folder:
            pathlib.Path(folder, "a").write_text("text")
            shutil.copytree(folder, "copy")
        print(sorted(os.listdir("copy")), pathlib.Path("copy/a").read_text())
        for root, folders, files in os.walk("."):
            print(root, sorted(folders), sorted(files))
        shutil.rmtree("copy")
        print(open(os.devnull).read() == "", os.listdir("/tmp"))
        """,
    )
    assert printed(await run("main.py")).splitlines() == [
        "/tmp", "['a'] text", ". ['copy'] ['main.py']", "./copy [] ['a']", "True []",
    ]  # fmt: skip


async def test_a_database_is_in_memory_or_nowhere(alice, run, tmp_path):
    save(
        alice,
        "main.py",
        """
        import sqlite3
        print(sqlite3.connect(":memory:").execute("SELECT 42").fetchone())
        try:
            sqlite3.connect("data.db").execute("CREATE TABLE t (x)")
        except sqlite3.OperationalError as error:
            print(str(error).split(":")[0])
        """,
    )
    assert printed(await run("main.py")) == "(42,)\nunable to open database file\n"
    assert not (tmp_path / "data.db").exists()


async def test_times_of_files_are_those_of_programs(alice, run):
    save(
        alice,
        "main.py",
        """
        import os, time
        time.sleep(5)
        before = time.time()
        open("f", "w").close()
        print(0 <= os.stat("f").st_mtime - before < 1, time.gmtime(os.stat("f").st_mtime).tm_year)
        """,
    )
    assert printed(await run("main.py")) == "True 2000\n"


async def test_a_program_spawns_others_of_the_tree(alice, run):
    save(
        alice,
        "child.py",
        """
        import os
        from mpi4py import MPI
        MPI.Comm.Get_parent().send((__file__, os.getcwd(), os.getuid()), 0)
        """,
    )
    save(
        alice,
        "main.py",
        """
        from mpi4py import MPI
        inter = MPI.COMM_SELF.Spawn("child.py", maxprocs=1)
        print(*inter.recv(source=0))
        """,
    )
    assert printed(await run("main.py")) == "/home/alice/child.py /home/alice 2000\n"


class TestProgrammers:
    """Only programmers, and root, run programs that are not in ``/images``."""

    @pytest.fixture
    def bob(self, tree):
        return User(tree, BOB)

    async def test_images_are_for_everybody(self, run, tree):
        assert "heat" in names(tree)
        for name in ("heat", "heat.py", "/images/heat.py"):
            result = await run(name, "--help", who=BOB)
            assert printed(result).startswith("usage: heat")

    async def test_own_programs_are_refused_in_a_line_that_says_what_to_do(self, bob, tree):
        bob.write("own.py", b"print(1)")
        bob.symlink("/home/bob/own.py", "/tmp/heat.py")
        for path, cwd in (
            ("own.py", None), ("/home/bob/own.py", "/"), ("/images/../home/bob/own.py", "/"),
            ("/tmp/heat.py", "/images"), (".", "/home/bob"),
        ):  # fmt: skip
            with pytest.raises(NotAProgrammerError, match=r"bob may not run .*ask root"):
                load(tree, BOB, path, cwd=cwd)
        for args in (("-c", "print(1)"), ("-m", "own"), ("own.py",), ("-m", "timeit")):
            with pytest.raises(NotAProgrammerError):
                load(tree, BOB, "python", args)

    async def test_a_link_to_an_image_is_that_image(self, bob, run):
        bob.symlink("/images/heat.py", "mine.py")
        bob.write("argparse.py", b"print('hijacked')")
        result = printed(await run("mine.py", "--help", who=BOB))
        assert result.startswith("usage:")
        assert "hijacked" not in result

    async def test_an_image_takes_no_modules_of_theirs(self, bob, run):
        bob.write("numpy.py", b"print('hijacked')")
        bob.write("argparse.py", b"print('hijacked')")
        result = printed(
            await run("heat", "--help", who=BOB, environ={"PYTHONPATH": "/home/bob:."})
        )
        assert "hijacked" not in result

    async def test_members_of_the_group_may(self, tree, run):
        who = Credentials("bob", 2001, 2001, (100, 2001), "/home/bob")
        save(User(tree, who), "own.py", "print('mine')")
        assert printed(await run("own.py", who=who)) == "mine\n"
        assert printed(await run("python", "-c", "print('text')", who=who)) == "text\n"


async def test_what_is_wrong_with_a_program_is_said_in_a_line(alice, tree):
    alice.write("broken.py", b"def f(:")
    alice.write("unreadable.py", b"", 0)
    alice.mkdir("empty")
    for name, text in (
        ("nothing.py", r"no such program: 'nothing.py' \(a file, or one of the images: .*heat.*\)"),
        ("brokn.py", "did you mean 'broken.py'"), ("haet", "did you mean 'heat'"),
        ("broken.py", "not correct Python"),
        ("unreadable.py", "cannot read unreadable.py: Permission denied"),
        ("empty", "holds no __main__.py"),
    ):  # fmt: skip
        with pytest.raises(ProgramError, match=text) as raised:
            load(tree, ALICE, name)
        assert "\n" not in str(raised.value)


async def test_modules_and_texts_run_as_with_python(alice, run):
    alice.mkdir("package")
    save(alice, "package/__init__.py", "")
    save(alice, "package/__main__.py", "import sys; print(__package__, sys.argv)")
    save(alice, "module.py", "print(__name__, __file__)")
    assert "package ['/home/alice/package/__main__.py', 'x']" in printed(
        await run("python", "-m", "package", "x")
    )
    assert printed(await run("python", "-m", "module")) == "__main__ /home/alice/module.py\n"
    assert "mpi4py.bench" in printed(await run("python", "-m", "mpi4py.bench", "--help"))


async def test_a_quota_is_an_error_inside_the_program(alice, tree, run):
    save(alice, "main.py", "open('f', 'wb').write(bytes(100000))")
    tree.set_quota(ALICE.uid, 50000, None)
    result = await run("main.py")
    assert result.status == 1
    assert "Disk quota exceeded" in result.failure


async def test_ranks_share_parallel_files(alice, run):
    save(
        alice,
        "main.py",
        """
        from mpi4py import MPI
        comm = MPI.COMM_WORLD
        file = MPI.File.Open(comm, "data", MPI.MODE_CREATE | MPI.MODE_RDWR)
        file.Write_at_all(4 * comm.rank, b"%4d" % comm.rank)
        file.Write_ordered(b"<%d>" % comm.rank)
        file.Seek_shared(0)
        file.Close()
        if comm.rank == 0:
            print(open("data").read())
        """,
    )
    assert printed(await run("main.py", nprocs=4)) == "<0><1><2><3>   3\n"


async def test_libraries_of_which_every_process_has_a_copy_come_from_the_host(alice, run):
    save(
        alice,
        "main.py",
        """
        import logging, logging.handlers, sched, unittest.mock
        from mpi4py import MPI
        from mpi4py.futures import MPICommExecutor
        from mpi4py.util import dtlib, pkl5
        logging.basicConfig(format=f"%(message)s of {MPI.COMM_WORLD.rank}", level=logging.INFO)
        with MPICommExecutor(MPI.COMM_WORLD) as executor:
            if executor is not None:
                logging.info("rank 0 %s", list(executor.map(abs, [-1, -2])))
        """,
    )
    result = await run("main.py", nprocs=2)
    assert printed(result) == ""
    assert result.stderr.decode() == "rank 0 [1, 2] of 0\n"


async def test_modules_of_the_tree_come_before_those_that_are_copied(alice, run):
    save(alice, "logging.py", "HERE = __file__")
    save(alice, "main.py", "import logging, sched; print(logging.HERE, sched.scheduler)")
    assert printed(await run("main.py")) == ("/home/alice/logging.py <class 'sched.scheduler'>\n")


@pytest.mark.parametrize(
    ("end", "status"),
    [
        ("import sys; sys.exit('sorry')", 1),
        ("import atexit; atexit.register(fails)", 120),
        ("import _thread; _thread.start_new_thread(fails, ()); time.sleep(1)", 120),
    ],
)
async def test_a_program_ends_though_it_cannot_say_why(machine, alice, run, end, status):
    """Without its file server a program cannot write; the machine goes on."""
    save(alice, "main.py", f"import time\ndef fails(): 1 / 0\ntime.sleep(0.01)\n{end}")
    save(alice, "other.py", "print('fine')")
    machine.inject("server files stop in 5 ms")
    assert (await run("main.py")).status == status
    machine.start_server("files")
    assert printed(await run("other.py")) == "fine\n"


async def test_a_pipe_of_the_host_is_waited_for_without_holding_the_machine_up(
    machine, tree, run, tmp_path
):
    os.mkfifo(tmp_path / "pipe")
    installation = machine.installation
    console = installation.store.credentials(installation.store.console)
    save(User(tree, console), "main.py", "print(open('/host/pipe').read())")
    async with trio.open_nursery() as nursery:

        async def write():
            fd = await trio.to_thread.run_sync(os.open, tmp_path / "pipe", os.O_WRONLY)
            os.write(fd, b"through")
            os.close(fd)

        nursery.start_soon(write)
        assert printed(await run("main.py", who=console)) == "through\n"


async def test_what_belongs_to_programs_is_shared_by_no_two_users(alice, tree, run):
    """The same path can be two files, one after the other, and each is what is imported."""
    for text in ("first", "second"):
        save(alice, "part.py", f"TEXT = {text!r}")
        save(alice, "main.py", "import part; print(part.TEXT)")
        assert printed(await run("main.py")) == f"{text}\n"
