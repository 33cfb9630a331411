"""Whenever the host's process of a machine is killed, what it has acknowledged is there again."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import vmpp
from vmpp.machine.state import State

MACHINE = """
[topology]
dims = [3, 2]
[service]
io_nodes = 3
[io]
stripe_unit = "1 KiB"
"""

PROGRAM = """
import os, sys
for number in range(1000):
    name = f"/pfs/p{number}"
    file = open(name, "wb")
    file.write(name.encode() * 500)
    file.flush()
    print("written", name, flush=True)
    if number % 3 == 1:
        os.unlink(name)
        print("gone", name, flush=True)
    if number % 4:
        file.close()
"""

WORKER = """
import sys, trio, vmpp
from vmpp.machine.state import State

async def main():
    async with vmpp.boot("io.toml", state=State.at("state", user="alice")) as machine:
        session = await machine.console(exact=True)
        out = open(1, "wb", buffering=0, closefd=False)
        await session.launch("/host/program.py", 1, stdout=out)
        number = 0
        while True:
            name = f"/pfs/s{number}"
            await session.files.write(name, name.encode() * 500)
            print("written", name, flush=True)
            number += 1

trio.run(main)
"""


async def test_what_sessions_and_programs_have_written_is_there(tmp_path: Path) -> None:
    (tmp_path / "io.toml").write_text(MACHINE)
    (tmp_path / "program.py").write_text(PROGRAM)
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER], stdout=subprocess.PIPE, text=True, cwd=tmp_path
    )
    assert worker.stdout is not None
    lines = [worker.stdout.readline() for _ in range(60)]
    worker.send_signal(signal.SIGKILL)
    lines += worker.stdout.read().splitlines(keepends=True)
    worker.wait()
    worker.stdout.close()
    told = [line.split() for line in lines if line.endswith("\n")]
    gone = {name for what, name in told if what == "gone"}
    # What each of the two was at when it was killed may have been done, or not.
    last = {kind: [name for _, name in told if name[5] == kind][-1] for kind in "ps"}
    certain = [(what, name) for what, name in told if name not in last.values()]
    assert {name[5] for _, name in certain} == {"p", "s"}
    state = State.at(tmp_path / "state", user="alice")
    async with vmpp.boot(tmp_path / "io.toml", state=state, host=tmp_path) as machine:
        files = (await machine.console(exact=True)).files
        names = await files.listdir("/pfs")
        for _, name in certain:
            assert (name[5:] in names) == (name not in gone)
            if name not in gone:
                assert await files.read(name) == name.encode() * 500
        numbers = {str((await files.stat(f"/pfs/{name}")).ino) for name in names}
    assert {path.name for path in tmp_path.glob("state/pfs/io*/*")} <= numbers
