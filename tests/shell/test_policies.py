"""Policies are chosen at boot, at launch and while the machine runs; what is kept stays chosen."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from vmpp import State, VmppError
from vmpp.machine.kinds import KINDS
from vmpp.machine.plugins import Plugins
from vmpp_shell.console import Boot, Console
from vmpp_shell.editor.completion import candidates
from vmpp_shell.interpreter import Interpreter
from vmpp_shell.terminal import Terminal

from .conftest import OpenShell


@asynccontextmanager
async def at_home(folder: Path, boot: Boot | None = None) -> AsyncIterator[Interpreter]:
    """Yield a shell of a machine that keeps its state in *folder*."""
    terminal = Terminal.recorder(lambda data: None, width=80, answer=None)
    async with Console.open(Plugins.installed(), state=lambda name: State.at(folder)) as console:
        await console.boot(boot or Boot(nodes=4))
        async with Interpreter.open(console, terminal) as interpreter:
            yield interpreter


async def test_what_is_chosen_for_boots_to_come_outlasts_the_shell(tmp_path: Path) -> None:
    async with at_home(tmp_path) as one:
        assert await one.execute("login root; policy timing wormhole --boot") == 0
        assert one.console.machine.policies["timing"] == "contention-free"
        assert one.console.machine.installation is not None
        events = one.console.machine.installation.log
        assert events.has_events()
    async with at_home(tmp_path) as two:
        assert two.console.machine.policies["timing"] == "wormhole"
        assert await two.execute("login root; policy timing --reset") == 0
        assert two.console.machine.policies["timing"] == "wormhole"
    async with at_home(tmp_path) as three:
        assert three.console.machine.policies["timing"] == "contention-free"


async def test_an_option_of_a_boot_goes_before_what_is_kept(tmp_path: Path) -> None:
    async with at_home(tmp_path) as one:
        await one.execute("login root; policy timing wormhole --boot")
    chosen = Boot(nodes=4, policies={"timing": "contention-free"})
    async with at_home(tmp_path, chosen) as two:
        assert two.console.machine.policies["timing"] == "contention-free"
    async with at_home(tmp_path) as three:
        assert three.console.machine.policies["timing"] == "wormhole"


async def test_what_is_kept_and_cannot_be_had_any_more_is_told_with_a_way_out(
    tmp_path: Path,
) -> None:
    async with at_home(tmp_path):
        pass
    (tmp_path / "policies.json").write_text('{"pct": "gone:2ms"}')
    with pytest.raises(VmppError) as error:
        async with at_home(tmp_path):
            pass
    assert "'policy --boot' has chosen for this machine what it cannot have" in str(error.value)
    assert "no plugin offers the pct 'gone'" in str(error.value)
    async with at_home(tmp_path, Boot(nodes=4, policies={"pct": "single"})) as two:
        assert await two.execute("login root; policy pct single --boot") == 0
    async with at_home(tmp_path):
        pass
    (tmp_path / "policies.json").write_text('{"of-another-vmpp": "x"}')
    async with at_home(tmp_path) as three:
        await three.execute("login root; policy queue fcfs --boot")
    kept = json.loads((tmp_path / "policies.json").read_text())
    assert kept == {"of-another-vmpp": "x", "queue": "fcfs"}
    (tmp_path / "policies.json").write_text("[]")
    with pytest.raises(VmppError, match="without it the machine boots as its file says"):
        async with at_home(tmp_path):
            pass


async def test_a_job_says_by_which_policies_it_ran(shell: OpenShell) -> None:
    async with shell(level=3) as sh:
        assert await sh("yod -sz 2 --pct single heat --steps 1") != ""
        assert sh.status == 0
        assert await sh("srun -n 2 --pct singel heat") == (
            "srun: no plugin offers the pct 'singel'; did you mean 'single'? "
            + f"(there is: {', '.join(Plugins.installed().policies)})\n"
        )
        assert "single" in await sh("sacct -o policy")


async def test_each_kind_is_completed_with_what_there_is_of_it(tmp_path: Path) -> None:
    plugins = Plugins.installed()
    async with at_home(tmp_path) as interpreter:

        async def after(line: str) -> list[str]:
            return [each.text for each in await candidates(interpreter, line)]

        assert await after("policy ") == [f"{kind} " for kind in KINDS]
        for kind, each in KINDS.items():
            names = [f"{name} " for name in each.offered(plugins)]
            assert await after(f"policy {kind} ") == names
        assert await after("boot --queue f") == ["fcfs "]
        assert "mesh2d " in await after("boot --topology ")
        assert "single " in await after("yod --pct ")
        assert await after("boot --network-timing worm") == ["wormhole "]
        assert await after("boot --topology nothing:") == []


async def test_plugins_tell_what_can_be_set_of_their_policies(shell: OpenShell) -> None:
    async with shell() as sh:
        offers = json.loads(await sh("plugins --json"))
        policies = [each for each in offers if each["kind"] in KINDS]
        assert policies
        for kind in KINDS:
            (told,) = json.loads(await sh(f"policy {kind} --json"))
            listed = {each["name"]: each["parameters"] for each in policies if each["kind"] == kind}
            assert {each["name"]: each["parameters"] for each in told["offered"]} == listed
            assert [each["name"] for each in told["offered"] if not each["text"]] == []
