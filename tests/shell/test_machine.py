"""The machine is booted, told of and shut down."""

from __future__ import annotations

import json

from .conftest import OpenShell


async def test_a_machine_tells_what_it_is(shell: OpenShell) -> None:
    async with shell() as sh:
        assert "topology" in await sh("machine")
        facts = json.loads(await sh("machine --json"))
        assert (facts["name"], facts["pct"]) == ("default", "single")


async def test_shut_down_and_booted_again_as_another(shell: OpenShell) -> None:
    async with shell() as sh:
        assert await sh("boot") == "boot: 'default' is up; 'shutdown' comes before 'boot'\n"
        assert await sh("shutdown; whoami") == "whoami: no machine is up; 'boot' boots one\n"
        assert await sh("boot paragn") != ""
        assert sh.status == 1
        assert await sh("boot paragon --network-timing wormhole --level 3") == (
            "paragon is up: 1,840 compute nodes\n"
        )
        facts = json.loads(await sh("machine --json"))
        assert (facts["timing"], facts["level"]) == ("wormhole", 3)
        assert await sh("whoami") == "user\n"


async def test_plugins_are_listed(shell: OpenShell) -> None:
    async with shell() as sh:
        data = json.loads(await sh("plugins --json"))
        assert {"kind": "interpreter", "name": "shell", "plugin": "shell"}.items() <= next(
            each for each in data if each["kind"] == "interpreter"
        ).items()
