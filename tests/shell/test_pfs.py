"""The parallel file system at the prompt."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from vmpp_shell.editor.completion import candidates

from .conftest import OpenShell

MACHINE = str(Path(__file__).parent.parent / "scenarios/programs/io.toml")
"""Four I/O nodes, with stripe units of 1 KiB."""

PROGRAM = b"for number in range(300):\n    print(number, flush=True)\n"


async def test_data_of_pfs_are_printed_as_json(shell: OpenShell) -> None:
    async with shell(machine=MACHINE, nodes=None) as sh:
        await sh("cd /pfs && cp /images/heat.py .")
        (found,) = json.loads(await sh("pfs stat --json heat.py"))
        assert (found["size"], found["unit"], found["factor"]) == (10418, 1024, 4)
        assert sum(part["bytes"] for part in found["parts"]) == 10418
        (here,) = json.loads(await sh("pfs stat --json ."))
        assert (here["directory"], here["factor"], here["first"]) == (True, 4, None)
        disks = json.loads(await sh("pfs df --json"))
        assert [disk["server"] for disk in disks] == ["pfs0", "pfs1", "pfs2", "pfs3"]
        assert sum(disk["written"] for disk in disks) == 10418
        assert all(disk["used"] + disk["free"] == disk["size"] for disk in disks)


@pytest.mark.parametrize(
    ("line", "complaint", "status"),
    [
        ("pfs", "pfs: say what: df, stat or setstripe", 2),
        ("pfs fd", "is not one of 'df', 'stat', 'setstripe'", 2),
        ("pfs stat", "pfs: give a PATH", 2),
        ("pfs df /pfs", "takes no PATH", 2),
        ("pfs stat ~", "pfs: /home/user: is not on the parallel file system", 1),
        ("pfs stat /pfs/f", "pfs: /pfs/f: No such file or directory", 1),
        ("pfs setstripe /pfs", "pfs: /pfs: Operation not permitted", 1),
        ("pfs setstripe -c 5 /pfs/f", "pfs: /pfs/f: there are 4 I/O nodes", 1),
        ("pfs setstripe -i 4 /pfs/f", "pfs: /pfs/f: there are 4 I/O nodes", 1),
        ("pfs setstripe -S 2GiB /pfs/f", "a stripe unit has 512 B to 1 GiB", 1),
        ("pfs setstripe -S lots /pfs/f", "pfs: invalid value for '-S' / '--unit'", 2),
        ("pfs setstripe -c one /pfs/f", "pfs: invalid value for '-c' / '--factor'", 2),
        ("du /pfs/f", "du: /pfs/f: No such file or directory", 1),
    ],
)
async def test_mistakes_are_told_in_one_line(
    shell: OpenShell, line: str, complaint: str, status: int
) -> None:
    async with shell(machine=MACHINE, nodes=None) as sh:
        told = await sh(line)
        assert complaint in told
        assert told.count("\n") == 1
        assert sh.status == status
        assert await sh("ls /pfs") == ""


async def test_a_machine_without_io_nodes_has_none_of_it(shell: OpenShell) -> None:
    async with shell(machine="crescendo", nodes=None) as sh:
        assert "no I/O nodes" in await sh("pfs df")
        assert "No such file" in await sh("ls /pfs")
        assert "/pfs" not in await sh("df")


async def test_output_of_a_job_goes_there_line_by_line(shell: OpenShell) -> None:
    expected = "".join(f"{number}\n" for number in range(300))
    async with shell(machine=MACHINE, nodes=None) as sh:
        await sh.session.files.write("print.py", PROGRAM)
        await sh("yod -sz 1 print.py > /pfs/out")
        assert await sh("cat /pfs/out") == expected
        await sh("yod -sz 1 print.py >> /pfs/out &")
        await sh("wait")
        assert await sh("cat /pfs/out") == expected * 2
        await sh("echo again > /pfs/out")
        assert await sh("cat < /pfs/out") == "again\n"


async def test_output_that_is_lost_is_told_of(shell: OpenShell) -> None:
    async with shell(machine=MACHINE, nodes=None) as sh:
        await sh("pfs setstripe -c 1 -i 2 /pfs/f")
        await sh("fault server pfs2 stop")
        assert "/pfs/f: Input/output error" in await sh("echo text > /pfs/f")
        assert sh.status == 1
        await sh("fault server pfs2 start")
        await sh("echo text > /pfs/f")
        assert await sh("cat /pfs/f") == "text\n"


async def test_a_session_is_recorded_there(shell: OpenShell) -> None:
    async with shell(machine=MACHINE, nodes=None) as sh:
        await sh("echo old > /pfs/it.vmpp")
        await sh("record /pfs/it.vmpp")
        await sh("echo new")
        await sh("record --stop")
        told = await sh("cat /pfs/it.vmpp")
        assert "vmpp> echo new\nnew\n" in told
        assert "old" not in told


async def test_what_files_take_is_summed_up(shell: OpenShell) -> None:
    async with shell(machine=MACHINE, nodes=None) as sh:
        await sh("mkdir -p d/e/f && cd d")
        for name, size in (("e/one", 5000), ("e/f/two", 100), ("e!", 1)):
            await sh.session.files.write(name, bytes(size))
        await sh("ln e/one e/again")
        told = json.loads(await sh("du --json"))
        sizes = {each["path"]: each["bytes"] for each in told}
        assert list(sizes) == ["./e/f", "./e", "."]
        assert sizes["./e"] == sizes["./e/f"] + 5000 + 4096
        assert sizes["."] == sizes["./e"] + 4096 + 1
        assert (await sh("du -s e/")).split()[2:] == ["13", "e"]
        assert "./e/one" in await sh("du -a")


async def test_paths_and_actions_are_completed(shell: OpenShell) -> None:
    async with shell(machine=MACHINE, nodes=None) as sh:
        await sh("mkdir /pfs/results")
        interpreter = sh._replay.interpreter

        async def found(line: str) -> list[str]:
            return [each.text for each in await candidates(interpreter, line)]

        assert await found("ls /p") == ["/pfs/"]
        assert await found("cat /pfs/re") == ["/pfs/results/"]
        assert await found("pfs ") == ["df ", "stat ", "setstripe "]
        assert await found("pfs stat /pfs/r") == ["/pfs/results/"]
        assert "--factor " in await found("pfs --f")
