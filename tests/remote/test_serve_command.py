"""``vmpp serve``, as the person who serves has it."""

from __future__ import annotations

import asyncio
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import asyncssh
import pytest
import trio

from vmpp.machine.boot import boot
from vmpp.machine.state import State
from vmpp_shell.serve.notice import Notice

COMMAND = Path(sys.executable).with_name("vmpp")

Serve = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Return the state of a machine that alice can log in to."""

    async def make() -> None:
        async with boot(state=State.at(tmp_path / "state", user="operator")) as machine:
            root = await machine.console("root")
            await root.add_user("alice", "alice", groups=("programmers",))
            await root.add_user("bob", "bob")
            alice = await machine.log_in("alice", "alice")
            await alice.files.write("waits.py", b"print('begun', flush=True)\ninput()\n")
            await alice.log_out()
            await root.log_out()

    trio.run(make)
    return tmp_path / "state"


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Return what starts ``vmpp serve`` with the given arguments."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: object) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [COMMAND, "serve", *map(str, arguments)],
            cwd=tmp_path,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def read_until(process: subprocess.Popen[str], last: str) -> str:
    assert process.stdout is not None
    shown = ""
    for line in process.stdout:
        shown += line
        if line.startswith(last):
            break
    return shown


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_says_what_it_serves_and_ends_in_order(
    serve: Serve, state: Path, number: signal.Signals
) -> None:
    process = serve("--state", state, "--port", 0)
    shown = read_until(process, "^C")
    assert f"kept in {state}" in shown
    assert "127.0.0.1, port " in shown
    assert "this computer only" in shown
    assert "SHA256:" in shown
    assert "alice*, bob " in shown
    assert "Python code with the rights of" in shown
    assert "programmers" in shown
    process.send_signal(number)
    rest, complaints = process.communicate(timeout=60)
    assert (rest, complaints, process.returncode) == ("shutting down\n", "", 0)


def test_at_the_end_everybody_is_told_and_jobs_are_ended(serve: Serve, state: Path) -> None:
    process = serve("--state", state, "--port", 0)
    port = int(re.findall(r"port (\d+):", read_until(process, "^C"))[0])

    async def client() -> asyncssh.SSHCompletedProcess:
        async with asyncssh.connect(
            "127.0.0.1", port, username="alice", password="alice",
            known_hosts=None, client_keys=(), config=(),
        ) as connection:  # fmt: skip
            job = await connection.create_process("yod waits.py")
            assert await job.stdout.readline() == "begun\n"
            process.send_signal(signal.SIGINT)
            return await job.wait()

    done = asyncio.run(client())
    assert done.stderr == "\nvmpp: the machine is shutting down\n"
    assert done.exit_status == 143
    rest, complaints = process.communicate(timeout=60)
    assert (rest, complaints, process.returncode) == ("shutting down\n", "", 0)


def test_a_machine_file_has_the_state_that_the_shell_gives_it(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    (tmp_path / "own.toml").write_text('name = "own"\n')
    made = subprocess.run(
        [COMMAND, "--machine", "own.toml", "-c", "login root; adduser alice"],
        cwd=tmp_path, input="secret\nsecret\n", text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert (made.stderr, made.returncode) == ("", 0)
    process = serve("--machine", "own.toml", "--port", 0)
    shown = read_until(process, "^C")
    assert "serving own, " in shown
    assert "users      alice " in shown


def test_the_host_key_stays_the_same(serve: Serve, state: Path) -> None:
    prints = []
    for _ in range(2):
        process = serve("--state", state, "--port", 0)
        shown = read_until(process, "^C")
        prints.append(next(line for line in shown.splitlines() if "host key" in line))
        process.terminate()
        process.communicate(timeout=60)
    assert prints[0] == prints[1]


def test_without_anybody_who_could_log_in_it_says_what_to_do(serve: Serve, tmp_path: Path) -> None:
    process = serve("--state", tmp_path / "new", "--port", 0)
    shown, complaint = process.communicate(timeout=60)
    assert shown == ""
    assert complaint.startswith("vmpp: error: nobody could log in: say \"vmpp -c 'login")
    assert len(complaint.splitlines()) == 1
    assert process.returncode != 0


def test_a_port_that_is_taken(serve: Serve, state: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        _, complaint = serve("--state", state, "--port", port).communicate(timeout=60)
    where = f"127.0.0.1, port {port}"
    assert complaint == f"vmpp: error: cannot listen at {where}: address already in use\n"


def test_a_host_key_that_others_may_read(serve: Serve, state: Path) -> None:
    (state / "host_key").write_text("")
    (state / "host_key").chmod(0o644)
    _, complaint = serve("--state", state, "--port", 0).communicate(timeout=60)
    assert complaint.startswith("vmpp: error: others may read the host key: say 'chmod 600 ")
    assert len(complaint.splitlines()) == 1


def notice(host: str) -> str:
    return Notice(
        machine="paragon",
        nodes=64,
        owner="me",
        state="/state",
        host=host,
        port=2222,
        fingerprint="SHA256:x",
        users=["alice", "bob"],
        programmers=["alice"],
    ).text()


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "localhost"])
def test_the_loopback_address_is_for_this_computer(host: str) -> None:
    assert "this computer only" in notice(host)
    assert "ssh -p 2222 alice@localhost" in notice(host)


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::"])
def test_other_addresses_are_for_the_network(host: str) -> None:
    assert "the NETWORK" in notice(host)
