"""What I/O nodes have is kept in files of the host."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from vmpp.service.parallel import stripe_files
from vmpp.service.parallel.stripe_files import StripeFiles


@pytest.fixture
def files(tmp_path: Path) -> Any:
    made = StripeFiles(tmp_path / "pfs")
    yield made
    made.close()


def test_what_is_not_there_reads_as_zeros(files: StripeFiles) -> None:
    assert files.read(0, 1, 5, 3) == b"\0\0\0"
    files.write(0, 1, [(2, b"ab")])
    assert files.read(0, 1, 0, 6) == b"\0\0ab\0\0"


def test_pieces_go_where_they_belong(files: StripeFiles) -> None:
    files.write(0, 1, [(0, b"ab"), (2, b"cd"), (10, b"xy"), (4, b"ef"), (3, b"!")])
    assert files.read(0, 1, 0, 12) == b"abc!ef\0\0\0\0xy"
    files.write(0, 1, [(place, bytes([place % 251])) for place in range(3000)])
    assert files.read(0, 1, 0, 3000) == bytes(place % 251 for place in range(3000))


def test_few_files_are_open_at_a_time(
    files: StripeFiles, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(stripe_files, "MOST_OPEN", 4)
    before = len(os.listdir("/proc/self/fd"))
    for number in range(40):
        files.write(number % 2, number, [(0, b"%d" % number)])
    assert len(os.listdir("/proc/self/fd")) <= before + 4
    assert all(files.read(number % 2, number, 0, 2) == b"%d" % number for number in range(10, 40))
    assert files.sizes(0) == {number: len(str(number)) for number in range(0, 40, 2)}
    assert files.sizes(7) == {}


def test_what_is_removed_is_gone_and_may_be_removed_again(files: StripeFiles) -> None:
    files.write(3, 1, [(0, b"text")])
    files.remove(3, 1)
    files.remove(3, 1)
    files.cut(3, 1, 0)
    files.sync(3, 1)
    assert files.sizes(3) == {}


def test_a_host_that_is_full_says_so(files: StripeFiles, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> int:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "pwritev", lambda fd, bodies, offset: 2)
    monkeypatch.setattr(os, "pwrite", full)
    with pytest.raises(OSError, match="full"):
        files.write(0, 1, [(0, b"text")])


WORKER = """
import importlib.util, os, sys
from pathlib import Path
spec = importlib.util.spec_from_file_location("site_of_tests", sys.argv[1])
module = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = module
spec.loader.exec_module(module)
here = module.Site(3, folder=Path(sys.argv[2]))
left, before = int(sys.argv[3]), bool(int(sys.argv[4]))
pwritev = os.pwritev

def counted(fd, bodies, offset):
    global left
    left -= 1
    if not left and before:
        os._exit(9)
    written = pwritev(fd, bodies, offset)
    if not left:
        os._exit(9)
    return written

os.pwritev = counted

def program(client):
    for number in range(100):
        data = bytes([number]) * 200_000
        reports = client.write(here.layout(1, 65536), data, (number * 200_000, len(data), 0))
        assert not any(each.error for each in reports)
        print(number, flush=True)

here.run(program)
"""


@pytest.mark.parametrize(("writes", "before"), [(1, 1), (5, 0), (20, 1)])
def test_what_was_acknowledged_outlives_a_kill_of_the_host_process(
    site: Any, tmp_path: Path, writes: int, before: int
) -> None:
    conftest = Path(__file__).with_name("conftest.py")
    command = [sys.executable, "-c", WORKER, conftest, tmp_path / "pfs", str(writes), str(before)]
    ended = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
    assert ended.returncode == 9, ended.stderr
    acknowledged = len(ended.stdout.splitlines())
    assert acknowledged < 100
    length = acknowledged * 200_000
    here = site(3)
    data = here.run(lambda client: client.read(here.layout(1, 65536), (0, length, 0))[1])[0]
    assert bytes(data) == b"".join(bytes([number]) * 200_000 for number in range(acknowledged))


def test_what_a_killed_process_has_left_is_removed_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    other = StripeFiles()
    other.write(0, 1, [(0, b"there yet")])
    text = "from vmpp.service.parallel import StripeFiles\nimport os, signal\n"
    text += "StripeFiles().write(0, 1, [(0, b'left')])\nos.kill(os.getpid(), signal.SIGKILL)\n"
    where = {**os.environ, "TMPDIR": str(tmp_path)}
    assert subprocess.run([sys.executable, "-c", text], env=where, check=False).returncode == -9
    assert len(list(tmp_path.iterdir())) == 2
    files = StripeFiles()
    files.write(0, 1, [(0, b"mine")])
    assert {each.name for each in tmp_path.iterdir()} == {files.folder.name, other.folder.name}
    assert other.read(0, 1, 0, 9) == b"there yet"
    files.close()
    other.close()
    assert not list(tmp_path.iterdir())
