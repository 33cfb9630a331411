"""Checks of whole plugins, and of libraries, programs, machines and commands."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import trio

from vmpp.errors import VmppError, one_line
from vmpp.machine.boot import boot
from vmpp.machine.description import MachineDescription, load
from vmpp.machine.plugins import Plugins
from vmpp.machine.result import Result
from vmpp.machine.run import run
from vmpp.testing.rules import RuleBroken, Story
from vmpp.testing.subjects import installed


def check_plugin(name: str, offers: Mapping[str, Iterable[str]] | None = None) -> Plugins:
    """Check that a plugin is installed, that nothing is wrong with it, and what it offers.

    Args:
        name: of its entry point.
        offers: names of things by kind, as ``vmpp plugins`` lists them, that it must offer.

    Returns:
        The plugins that are installed.

    Raises:
        RuleBroken: it is not as it must be; the message says why.
    """
    plugins = Plugins.installed()
    story = Story(f"the plugin {name!r}")
    for problem in plugins.problems:
        if problem.source.plugin == name:
            raise story.broken("nothing of it is left out", str(problem))
    installed_too = ", ".join(plugins.names)
    story.require(name in plugins.names, "it is installed", f"there is: {installed_too}")
    listed = {(row.kind, row.name) for row in plugins.listing() if row.source.plugin == name}
    for kind, names in (offers or {}).items():
        for each in names:
            story.require((kind, each) in listed, f"it offers the {kind} {each!r}")
    return plugins


def check_library(name: str, *, program: str = "", nprocs: int = 2) -> None:
    """Check a library: it is linked to processes, and lets go of them, however they end.

    Args:
        name: as ``vmpp plugins`` lists it.
        program: text of a program that uses it, and ends normally.
        nprocs: ranks of that.

    Raises:
        RuleBroken: it breaks a rule, which the message says.
    """
    plugins = Plugins.installed()
    story = Story(f"the library {name!r}")
    story.require(name in plugins.libraries, "it is installed")
    library = plugins.libraries[name]
    described = MachineDescription()
    story.ask("check", library.check, described)
    memory = story.ask("memory", library.memory, described)
    story.require(
        isinstance(memory, int) and memory >= 0, "memory is a number of bytes", f"it is {memory!r}"
    )
    imports = "\n".join(f"import {module}" for module in library.modules)
    ends = {
        "ends": f"{imports}\n{program}\n",
        "ends by itself before the others": f"{imports}\nimport sys\nsys.exit(0)\n",
    }
    for how, text in ends.items():
        result = _run(story, text, nprocs)
        wrong = result.failure or result.stderr.decode(errors="replace")
        story.require(result.status == 0, f"a program that imports it {how}", wrong.strip())
        again = _run(story, text, nprocs)
        story.require(result.digest == again.digest, "a run is the same each time")
    failing = _run(story, f"{imports}\nraise SystemExit(3)\n", nprocs)
    story.require(
        failing.statuses == [3] * nprocs,
        "the status of a program is its own",
        f"programs that exit with 3 had {failing.statuses}",
    )
    waiting = _run(story, f"{imports}\nimport threading\nthreading.Event().wait()\n", nprocs)
    story.require(
        (waiting.failure or "").startswith("deadlock"),
        "a program that waits for ever is reported",
        waiting.failure or f"it had {waiting.statuses}",
    )


def check_image(name: str, *, nprocs: Iterable[int] = (1, 2, 5)) -> None:
    """Check a program that is found by its name: it ends well, and runs are the same each time.

    Args:
        name: as ``vmpp plugins`` lists it.
        nprocs: the numbers of ranks that it is run with.

    Raises:
        RuleBroken: it does not.
    """
    story = Story(f"the image {name!r}")
    path = installed().images.get(name)
    story.require(path is not None, "it is installed")
    story.require(Path(path or "").exists(), "its file is there", f"there is no {path}")
    for number in nprocs:
        result, again = (story.ask("run", _run_image, name, number) for _ in range(2))
        wrong = result.failure or result.stderr.decode(errors="replace")
        story.require(result.status == 0, f"it runs on {number} nodes", wrong.strip())
        story.require(result.digest == again.digest, f"runs on {number} nodes are all the same")


def check_machine_file(name: str) -> None:
    """Check a machine that a plugin describes: it has what a user looks for, and boots.

    Raises:
        RuleBroken: it does not.
    """
    story = Story(f"the machine {name!r}")
    plugins = Plugins.installed()
    try:
        described = load(name, plugins)
    except VmppError as error:
        raise story.broken("its file can be read", str(error)) from error
    story.require(bool(described.title), "it has a title, for 'vmpp machines'")

    async def main() -> None:
        async with boot(described, plugins=plugins):
            pass

    try:
        trio.run(main)
    except VmppError as error:
        raise story.broken("it boots", str(error)) from error


def check_command(name: str) -> None:
    """Check a command of the shell: it has help with an example, and refuses nonsense in one line.

    Raises:
        RuleBroken: it does not.
    """
    story = Story(f"the command {name!r}")
    helped = _shell(f"{name} --help")
    story.require(helped.returncode == 0, "it tells what it does", helped.stderr.strip())
    story.require("Example" in helped.stdout, "its help has an example")
    refused = _shell(f"{name} --no-such-option")
    story.require(refused.returncode != 0, "it refuses options that it does not have")
    lines = refused.stderr.splitlines()
    story.require(
        len(lines) == 1 and lines[0].startswith(f"{name}: "),
        "what it complains of is one line that begins with its name",
        f"it is {refused.stderr!r}",
    )


def shell(line: str) -> str:
    """Return what a command line prints in the shell of a fresh machine.

    Raises:
        RuleBroken: its status is not 0; the message has what it complains of.
    """
    done = _shell(line)
    if done.returncode:
        raise RuleBroken(f"{line!r} ends with status {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def _shell(line: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "vmpp", "--ephemeral", "-c", line],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def _run(story: Story, program: str, nprocs: int) -> Result:
    """Run the text of a program."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "program.py"
        path.write_text(program, encoding="utf-8")
        try:
            return run(path, nprocs=nprocs)
        except VmppError as error:
            raise story.broken("programs run", one_line(error)) from error


def _run_image(name: str, nprocs: int) -> Any:
    return run(name, nprocs=nprocs)
