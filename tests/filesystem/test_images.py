"""``/images`` has the programs that plugins offer, and their data."""

from __future__ import annotations

import errno
import os
import stat

import pytest

from vmpp.service.filesystem import EPOCH_NS, Tree

from .conftest import populate, refuses


@pytest.fixture
def programs(tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    for folder in (one, two):
        (folder / "data/sub").mkdir(parents=True)
        (folder / "data/shared.txt").write_text(folder.name)
    (one / "heat.py").write_text("print('heat')")
    (one / "__init__.py").write_text("")
    (one / "data/sub/deep.txt").write_text("deep")
    (two / "data/own.txt").write_text("own")
    (two / "cold.py").write_text("print('cold')")
    (two / "whole").mkdir()
    (two / "whole/__main__.py").write_text("print('whole')")
    return {"heat": one / "heat.py", "zcold": two / "cold.py", "whole": two / "whole"}


@pytest.fixture
def people(programs):
    tree = Tree(programs=programs)
    yield populate(tree)
    tree.close()


def test_programs_are_there_by_name_and_read_only(people):
    alice, _, root = people
    assert alice.listdir("/images") == ["data", "heat.py", "whole", "zcold.py"]
    assert alice.read("/images/heat.py") == b"print('heat')"
    assert alice.read("/images/whole/__main__.py") == b"print('whole')"
    assert stat.filemode(alice.stat("/images/heat.py").mode) == "-r--r--r--"
    assert alice.stat("/images/heat.py").mtime == EPOCH_NS
    refuses(errno.EROFS, root.open, "/images/heat.py", os.O_WRONLY)


def test_the_data_of_programs_is_beside_them(people):
    alice, _, _ = people
    assert alice.listdir("/images/data") == ["own.txt", "shared.txt", "sub"]
    assert alice.read("/images/data/shared.txt") == b"one"
    assert alice.read("/images/data/sub/deep.txt") == b"deep"
    alice.chdir("/images/data/sub")
    assert alice.getcwd() == "/images/data/sub"
    assert alice.read("../own.txt") == b"own"


def test_what_else_is_beside_a_program_is_not(people):
    alice, _, _ = people
    with pytest.raises(FileNotFoundError):
        alice.stat("/images/__init__.py")
