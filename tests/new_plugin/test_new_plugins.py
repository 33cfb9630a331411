"""New plugins: what is written installs, registers, is listed, and passes its own tests."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp.new_plugin import KINDS, NewPluginError, write

PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
"""Everything is there already, as there may be no network."""
OFFLINE = ["--no-index", "--no-deps", "--no-build-isolation"]


def run(*command: object, cwd: Path, path: Path | None = None) -> str:
    """Run a command, with the packages in *path*, and return what it prints."""
    environ = {**os.environ, **({} if path is None else {"PYTHONPATH": str(path)})}
    done = subprocess.run(
        [str(word) for word in command],
        cwd=cwd,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which one new plugin of each kind is installed; they are beside it."""
    folder = tmp_path_factory.mktemp("new")
    packages = [write(kind, f"my_{kind}", folder / f"my_{kind}") for kind in KINDS]
    site = folder / "site"
    run(*PIP, "install", *OFFLINE, "--target", site, *packages, cwd=folder)
    return site


def test_new_plugins_pass_their_own_tests(site: Path) -> None:
    packages = [f"my_{kind}" for kind in KINDS]
    told = run(
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *packages),
        cwd=site.parent,
        path=site,
    )
    assert f"{3 * len(KINDS)} passed" in told


def test_new_plugins_are_listed_and_nothing_is_wrong_with_them(site: Path) -> None:
    command = [sys.executable, "-m", "vmpp", "--ephemeral", "-c", "plugins --json"]
    rows = json.loads(run(*command, cwd=site.parent, path=site))
    assert {
        (row["kind"], row["name"], row["plugin"], row["distribution"], row["version"])
        for row in rows
        if row["distribution"] != "vmpp"
    } == {(kind, f"my-{kind}", f"my-{kind}", f"my-{kind}", "0.1.0") for kind in KINDS}
    assert [row["problem"] for row in rows if row["problem"]] == []


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_is_left_to_fill_in(kind: str, tmp_path: Path) -> None:
    folder = write(kind, "fancy-name2", tmp_path / "x")
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert {"README.md", "pyproject.toml", "test_fancy_name2.py"} <= {path.name for path in files}
    assert (folder / "src/fancy_name2/__init__.py").is_file()
    for path in files:
        assert "$" not in path.read_text() + str(path.relative_to(folder))


def test_linters_find_nothing_in_new_plugins(tmp_path: Path) -> None:
    for kind in KINDS:
        write(kind, f"my_{kind}", tmp_path / kind)
    ruff = Path(sys.executable).with_name("ruff")
    run(ruff, "check", "--isolated", "--select", "E,F,I,B,N,PT,RUF,UP", "--line-length", 100, ".",
        cwd=tmp_path)  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        ("ptc", "x", r"no kind of plugins is called 'ptc'; did you mean 'pct'\? \(there is: pct, "),
        ("pct", "My", "'My' cannot be the name of a plugin: it is lower-case letters and digits"),
        ("pct", "", "'' cannot be the name of a plugin"),
        ("pct", "../x", "'../x' cannot be the name of a plugin"),
        ("pct", "x\n", "cannot be the name of a plugin"),
        ("pct", "class", "'class' is a word of Python's own"),
        ("pct", "json", "there is a module 'json' already"),
        ("pct", "numpy", "there is a module 'numpy' already"),
        ("queue", "mpi", "a plugin is called 'mpi' already"),
        ("allocator", "first-free", "plugin 'alloc' of vmpp .* offers the allocator 'first-free'"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    kind: str, name: str, said: str, tmp_path: Path
) -> None:
    with pytest.raises(NewPluginError, match=said) as error:
        write(kind, name, tmp_path / "new")
    assert "\n" not in str(error.value)
    assert not (tmp_path / "new").exists()


def test_what_is_told_is_of_the_plugin_and_its_folder(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "vmpp", "new-plugin", "queue", "x", "--directory", "deep/y"]
    first, *others = run(*command, cwd=tmp_path).splitlines()
    assert first.startswith("x is a queueing policy: ")
    assert others[-1] == "  pytest deep/y"


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("mine")
    with pytest.raises(NewPluginError, match="is there already; name another with --directory"):
        write("pct", "x", tmp_path)
    assert (tmp_path / "pyproject.toml").read_text() == "mine"
    with pytest.raises(NewPluginError, match="is there already"):
        write("pct", "x", tmp_path / "pyproject.toml")


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    assert write("queue", "x", tmp_path) == tmp_path
    assert (tmp_path / "README.md").is_file()


def test_the_folder_is_called_as_the_plugin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert write("queue", "my-queue") == Path("my-queue")
    assert (tmp_path / "my-queue" / "src" / "my_queue").is_dir()


@given(st.text(max_size=12))
def test_any_name_is_taken_or_refused(name: str) -> None:
    from vmpp.new_plugin.writing import _check

    try:
        _check(name)
    except NewPluginError:
        return
    assert re.fullmatch("[a-z0-9_-]+", name)
    assert name.replace("-", "_").isidentifier()


def test_the_command_says_what_to_do_next(tmp_path: Path) -> None:
    printed = run(sys.executable, "-m", "vmpp", "new-plugin", "pct", "my_policy", cwd=tmp_path)
    assert printed == (
        "my_policy is a scheduling policy of the PCT: which process of a node runs next. "
        "Install it, and it is listed:\n"
        "  pip install --editable 'my_policy[test]'\n"
        "  vmpp plugins\n"
        "  pytest my_policy\n"
    )
    assert (tmp_path / "my_policy" / "pyproject.toml").is_file()
