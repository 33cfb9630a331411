"""Replaying several scenarios at once, with the shell itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

COMMAND = Path(sys.executable).with_name("vmpp")


def replay(folder: Path, *arguments: str) -> tuple[int, list[str]]:
    """Run ``vmpp test`` and return its status and what it printed."""
    done = subprocess.run(
        [COMMAND, "test", *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stderr == ""
    return done.returncode, done.stdout.splitlines()


def test_several_at_once_give_what_each_gives_alone(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / f"{name}.vmpp").write_text(
            f"nodes: 1\nvmpp> nonsense\n{name}: no such command...\n[127]\n"
        )
    status, lines = replay(tmp_path, ".")
    assert status == 1
    assert [line for line in lines if line.startswith(("+", "-"))] == [
        line
        for name in "abc"
        for line in (
            f"--- {name}.vmpp (expected)",
            f"+++ {name}.vmpp (actual)",
            f"-{name}: no such command...",
            "+nonsense: no such command...",
        )
    ]
    assert replay(tmp_path, "-j", "3", ".")[1][:-1] == lines[:-1]
