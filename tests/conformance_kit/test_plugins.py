"""The kit's checks of whole plugins, libraries, programs, machines and commands."""

from __future__ import annotations

from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from vmpp.hooks import hookimpl
from vmpp.machine.plugins import Plugins, Source
from vmpp.testing import (
    RuleBroken,
    check_command,
    check_image,
    check_library,
    check_machine_file,
    check_plugin,
    plugin,
    shell,
    subjects,
)


def test_what_ships_keeps_the_rules() -> None:
    check_plugin("pct", offers={"pct": ["single", "rr"]})
    check_library("mpi", program="from mpi4py import MPI\nMPI.COMM_WORLD.Barrier()")
    check_library("vertex", program="from vertex import *\nnwrite(b'x', 1, 0xFFFF, 0)\nnsync()")
    check_machine_file("paragon")
    check_command("nodes")


def test_the_programs_that_ship_keep_the_rules(tmp_path: Path, offer: Any) -> None:
    program = tmp_path / "program.py"
    program.write_text("from mpi4py import MPI\nprint(MPI.COMM_WORLD.size)\n")
    offer(images={"sizes": program})
    check_image("sizes")


@pytest.fixture
def offer(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what has a plugin of these offers installed."""

    def install(**offers: Any) -> None:
        module = type("Offering", (), {})()
        for kind, offered in offers.items():
            setattr(module, f"vmpp_{kind}", _hook(f"vmpp_{kind}", offered))
        found = Plugins.installed()
        found.register(module, Source("offering", "offering", "campus", "1"))
        monkeypatch.setattr(Plugins, "installed", lambda: found)
        for each in (plugin, subjects):
            monkeypatch.setattr(each, "installed", lambda: found)

    return install


def _hook(name: str, offered: Any) -> Any:
    def hook() -> Any:
        return offered

    hook.__name__ = name
    return hookimpl(hook)


def test_a_plugin_that_is_not_there_or_offers_something_else_is_named() -> None:
    with pytest.raises(RuleBroken, match="the plugin 'ptc' breaks a rule: it is installed; but"):
        check_plugin("ptc")
    with pytest.raises(RuleBroken, match=r"the plugin 'pct' .*: it offers the pct 'lottery'"):
        check_plugin("pct", offers={"pct": ["single", "lottery"]})


def test_a_plugin_of_which_something_is_left_out_is_named(offer: Any) -> None:
    offer(policies={"broken": "no factory"})
    with pytest.raises(RuleBroken, match="nothing of it is left out; but the pct 'broken' of pl"):
        check_plugin("offering")


class Library:
    """A library that does nothing, to be broken."""

    modules: Any = MappingProxyType({"nothing_at_all": "colorsys"})

    def check(self, description: Any) -> None:
        pass

    def memory(self, description: Any) -> Any:
        return 0

    def attach(self, process: Any, description: Any) -> None:
        pass

    def finish(self, process: Any) -> None:
        pass

    def detach(self, process: Any) -> None:
        pass

    def report(self, job: Any) -> None:
        pass


def library(**changed: Any) -> Any:
    return type("Changed", (Library,), changed)()


@pytest.mark.parametrize(
    ("made", "rule"),
    [
        (library(memory=lambda self, description: -1), "memory is a number of bytes"),
        (library(check=lambda self, description: 1 // 0), "check raises no error"),
        (library(modules={"nothing_at_all": "nowhere_at_all"}), "a program that imports it ends"),
        (library(attach=lambda self, process, description: 1 // 0), ".attach raised ZeroDiv"),
        (library(detach=lambda self, process: 1 // 0), ".detach raised ZeroDiv"),
        (library(finish=lambda self, process: 1 // 0), ".finish raised ZeroDiv"),
        (library(report=lambda self, job: 1 // 0), ".report raised ZeroDiv"),
        (library(remark=lambda self, process: 1 // 0), ".remark raised ZeroDiv"),
        (library(modules=["nothing"]), "it is installed"),
    ],
)
def test_a_library_that_breaks_a_rule_is_named(made: Any, rule: str, offer: Any) -> None:
    offer(libraries={"nothing": made})
    with pytest.raises(RuleBroken) as broken:
        check_library("nothing")
    assert rule in str(broken.value)


def test_a_library_that_is_right_passes(offer: Any) -> None:
    offer(libraries={"nothing": Library()})
    check_library("nothing")


def test_a_program_that_fails_or_is_not_there_is_named(tmp_path: Path, offer: Any) -> None:
    program = tmp_path / "program.py"
    program.write_text("raise SystemExit(3)")
    offer(images={"failing": program, "lost": tmp_path / "lost.py"})
    with pytest.raises(RuleBroken, match="the image 'failing' breaks a rule: it runs on 1 nodes"):
        check_image("failing")
    with pytest.raises(RuleBroken, match="its file is there; but there is no"):
        check_image("lost")


def test_a_machine_that_cannot_be_is_named(tmp_path: Path, offer: Any) -> None:
    (tmp_path / "bad.toml").write_text('title = "bad"\n[topology]\nkind = "moebius"\n')
    (tmp_path / "untitled.toml").write_text("[topology]\ndims = [2, 2]\n")
    offer(machine_files=[tmp_path])
    with pytest.raises(RuleBroken, match=r"its file can be read; but .*no plugin offers the topol"):
        check_machine_file("bad")
    with pytest.raises(RuleBroken, match="it has a title"):
        check_machine_file("untitled")


def test_a_command_line_that_fails_says_why() -> None:
    assert shell("echo hello") == "hello\n"
    with pytest.raises(RuleBroken, match=r"'frobnicate' ends with status .*: frobnicate: no such"):
        shell("frobnicate")


def test_a_command_that_is_not_there_is_named() -> None:
    with pytest.raises(RuleBroken, match="the command 'frobnicate' breaks a rule: it tells what"):
        check_command("frobnicate")
