"""Programs are found, compiled and started as python does it, and refused in one line."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import zipfile

import pytest

from vmpp.process import Program, ProgramError

REPORT = (
    "import sys\n"
    "spec = __spec__ and (__spec__.name, __spec__.parent, __spec__.origin)\n"
    "print(__name__, __file__, __package__, spec, sys.argv, sys.path[0],"
    " type(__loader__).__name__, sys.modules['__main__'].__dict__ is globals())\n"
)


def real_python(*command, cwd):
    """Return what python itself prints."""
    done = subprocess.run(
        [sys.executable, "-B", *command], cwd=cwd, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


def test_a_script_has_the_main_module_that_python_gives_it(run_ranks, folder):
    ranks = run_ranks(REPORT, args=["a", "-b"])
    _, expected, _ = real_python("program.py", "a", "-b", cwd=folder)
    assert {rank.output for rank in ranks} == {expected}


@pytest.mark.parametrize("name", ["tool", "package.tool", "package"])
def test_a_module_has_the_main_module_that_python_gives_it(run_ranks, folder, name):
    modules = {
        "tool.py": REPORT,
        "package/__init__.py": "",
        "package/tool.py": REPORT + "from . import __name__ as p\nprint(p)",
        "package/__main__.py": REPORT,
    }
    ranks = run_ranks("", modules=modules, module=name, args=["x"])
    _, expected, _ = real_python("-m", name, "x", cwd=folder)
    loader = "_OwnLoader" if "_OwnLoader" in ranks[0].output else "SourceFileLoader"
    assert {rank.output.replace(loader, "SourceFileLoader") for rank in ranks} == {expected}


@pytest.mark.parametrize("archive", ["folder", "archive.zip"])
def test_a_folder_or_zip_file_runs_its_main_module(run_ranks, folder, new_machine, archive):
    main = "import sys, helper\nprint(__name__, sys.argv, sys.path[0], helper.value)"
    (folder / "folder").mkdir()
    (folder / "folder" / "__main__.py").write_text(main)
    (folder / "folder" / "helper.py").write_text("value = 5")
    with zipfile.ZipFile(folder / "archive.zip", "w") as file:
        file.write(folder / "folder" / "__main__.py", "__main__.py")
        file.write(folder / "folder" / "helper.py", "helper.py")
    from vmpp.process import Interposition

    with Interposition():
        machine = new_machine()
        ranks = machine.launch(Program.script(archive, ["x"], str(folder)), 3)
        machine.run()
    place = folder / archive
    assert {rank.output for rank in ranks} == {f"__main__ ['{archive}', 'x'] {place} 5\n"}


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("", 0),
        ("import sys; sys.exit()", 0),
        ("import sys; sys.exit(3)", 3),
        ("import sys; sys.exit(-1)", 255),
        ("import sys; sys.exit(256)", 0),
        ("import sys; sys.exit(True)", 1),
        ("import sys; sys.exit('sorry')", 1),
        ("raise SystemExit(['a', 1])", 1),
        ("class Mute:\n    def __str__(self): 1 / 0\nraise SystemExit(Mute())", 1),
        ("import os; os._exit(9)", 9),
        ("1 / 0", 1),
        ("import sys; sys.excepthook = lambda *a: print('hook', file=sys.stderr); 1 / 0", 1),
        ("import sys; sys.excepthook = lambda *a: sys.exit(4); 1 / 0", 4),
    ],
)
def test_the_exit_status_is_that_of_python(run_ranks, folder, source, status):
    (rank,) = run_ranks(source, ranks=1, fails=True)
    code, _, errors = real_python("program.py", cwd=folder)
    assert rank.status == code == status
    shown = rank.failure is None or rank.failure.shown
    assert (rank.errors if shown else rank.failure.text) == errors


def test_the_program_is_compiled_once_and_its_source_is_the_image(folder):
    (folder / "p.py").write_text("x = 1\n")
    program = Program.script("p.py", (), str(folder), {})
    assert program.image == b"x = 1\n"
    assert program.code.co_filename == str(folder / "p.py")


@pytest.mark.parametrize("name", ["mpi4py.bench", "this"])
def test_an_installed_module_can_be_run(name):
    program = Program.module(name)
    assert program.argv[0].endswith(f"{name.split('.')[-1]}.py")


def test_a_program_may_run_an_installed_module_once_more(run_ranks):
    (rank,) = run_ranks(
        "import runpy\n"
        "names = runpy.run_module('colorsys', run_name='again', alter_sys=True)\n"
        "print(names['__name__'], names['rgb_to_yiq'](0, 0, 0))\n",
        ranks=1,
    )
    assert rank.output == "again (0.0, 0.0, 0.0)\n"


@pytest.mark.parametrize(
    ("path", "culprit"),
    [
        ("missing.py", "no such program: missing.py"),
        ("wrong.py", "wrong.py, line 2 is not correct Python"),
        ("binary.py", "binary.py is not "),
        ("folder", "folder holds no __main__.py"),
    ],
)
def test_a_program_that_cannot_be_loaded_is_refused_in_one_line(folder, path, culprit):
    (folder / "folder").mkdir()
    (folder / "wrong.py").write_text("x = 1\ny = = 2\n")
    (folder / "binary.py").write_bytes(b"\0\1\2")
    with pytest.raises(ProgramError) as refusal:
        Program.script(path, (), str(folder), {})
    assert str(refusal.value).startswith(culprit)
    assert "\n" not in str(refusal.value)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_an_unreadable_program_is_refused(folder):
    (folder / "p.py").write_text("")
    (folder / "p.py").chmod(0)
    with pytest.raises(ProgramError, match=r"cannot read p\.py: Permission denied"):
        Program.script("p.py", (), str(folder), {})


@pytest.mark.parametrize(
    ("name", "culprit"),
    [
        ("missing", "no module called missing"),
        ("plain.missing", "plain is a module and has no missing in it"),
        ("package.missing", "no module called package.missing"),
        ("package", "package is a package without a __main__ module"),
        ("sys", "sys has no Python source to run"),
    ],
)
def test_a_module_that_cannot_be_run_is_refused_in_one_line(folder, name, culprit):
    (folder / "plain.py").write_text("")
    (folder / "package").mkdir()
    (folder / "package" / "__init__.py").write_text("raise RuntimeError('must not run')")
    with pytest.raises(ProgramError) as refusal:
        Program.module(name, (), str(folder), {})
    assert str(refusal.value).startswith(culprit)
    assert "\n" not in str(refusal.value)


def test_modules_come_from_pythonpath_and_the_program_folder_first(run_ranks, tmp_path_factory):
    library = tmp_path_factory.mktemp("library")
    (library / "both.py").write_text("where = 'library'")
    (library / "only.py").write_text("where = 'library'")
    ranks = run_ranks(
        "import both, only\nprint(both.where, only.where)",
        modules={"both.py": "where = 'folder'"},
        environ={"PYTHONPATH": str(library)},
    )
    assert {rank.output for rank in ranks} == {"folder library\n"}


def test_a_module_of_the_program_goes_before_a_library_of_that_name(run_ranks):
    ranks = run_ranks(
        "import queue, json, trio\nprint(queue.mine, trio.mine, json.dumps(1))",
        modules={"queue.py": "mine = 1", "trio.py": "mine = 2", "json/data.txt": ""},
    )
    assert {rank.output for rank in ranks} == {"1 2 1\n"}


def test_namespace_packages_of_the_program_work(run_ranks):
    ranks = run_ranks(
        "import space.inner\nprint(space.inner.name)", modules={"space/inner.py": "name = 1"}
    )
    assert {rank.output for rank in ranks} == {"1\n"}


def test_a_module_written_by_the_program_can_be_imported(run_ranks, folder):
    (folder / "late").mkdir()
    ranks = run_ranks(
        "import sys, importlib\nfrom vmpp.process.imports import as_host\n"
        "sys.path.insert(0, sys.argv[1])\n"
        "try:\n    import written\nexcept ModuleNotFoundError as e:\n    print(e.name)\n"
        "from pathlib import Path\nas_host(Path(sys.argv[1], 'written.py').write_text, 'x = 1')\n"
        "importlib.invalidate_caches()\nimport written\nprint(written.x)",
        args=[str(folder / "late")],
        ranks=1,
    )
    assert ranks[0].output == "written\n1\n"


def test_nothing_is_written_to_the_program_folder(run_ranks, folder):
    run_ranks("import state", modules={"state.py": ""})
    assert sorted(path.name for path in folder.iterdir()) == ["program.py", "state.py"]


def test_extension_modules_of_the_program_are_shared_by_its_ranks(run_ranks, folder):
    spec = importlib.util.find_spec("xxlimited")
    if spec is None or spec.origin is None:
        pytest.skip("this python has no extension to try it with")
    shutil.copy(spec.origin, folder)
    ranks = run_ranks(
        "import sys, time, xxlimited\ntime.sleep(1)\n"
        "print(sys.modules['xxlimited'] is xxlimited, xxlimited.foo(1, 2), id(xxlimited))"
    )
    assert len({rank.output for rank in ranks}) == 1
    assert ranks[0].output.startswith("True 3 ")
    assert "xxlimited" not in sys.modules
