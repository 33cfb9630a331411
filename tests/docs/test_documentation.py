"""The documentation is true: its programs are run, and print what the pages say.

A fenced block ``python NAME.py`` or ``toml NAME.toml`` is a file. A block ``console`` is a session
in the folder of the files so far: what follows ``$`` is a command, the lines below are what it
prints, and ``...`` stands for anything. A block ``python`` without a name is a script that exits
with 0. Of a block ``sh`` what pip installs from a folder is there from then on. Blocks of other
kinds are only read.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from vmpp.machine.description import parameters

ROOT = Path(__file__).parents[2]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/*.md"))]
BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INSTALL = re.compile(r"^pip install --editable '?([\w.]+)", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#:]+)(?:#[^)]*)?\)")


def blocks(page: Path) -> list[tuple[str, str, str]]:
    """Return kind, file name and text of every fenced block."""
    return BLOCK.findall(page.read_text())


def runnable(page: Path) -> bool:
    return any(kind in {"console", "python"} for kind, _, _ in blocks(page))


def session(text: str) -> Iterator[tuple[str, str]]:
    """Yield each command of a console block with what is printed below it."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, output = part.partition("\n")
        yield command, output


def alike(expected: str, actual: str) -> bool:
    """Return whether two outputs are the same, apart from ``...`` and space at ends of lines."""
    pattern = ".*".join(re.escape(part) for part in _trimmed(expected).split("..."))
    return re.fullmatch(pattern, _trimmed(actual), re.DOTALL) is not None


def _trimmed(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.splitlines()).strip("\n")


def install(folder: Path) -> None:
    """Declare the plugins of *folder* as pip would, for whoever has their place on the path."""
    project = tomllib.loads((folder / "pyproject.toml").read_text())["project"]
    place = folder / "src" if (folder / "src").exists() else folder
    info = place / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir(exist_ok=True)
    (info / "METADATA").write_text(f"Name: {project['name']}\nVersion: {project['version']}\n")
    entries = "".join(
        f"[{group}]\n" + "".join(f"{name} = {value}\n" for name, value in plugins.items())
        for group, plugins in project["entry-points"].items()
    )
    (info / "entry_points.txt").write_text(entries)


def shell(folder: Path, command: str) -> subprocess.CompletedProcess[str]:
    """Run *command* in *folder*, with vmpp and its Python before all others."""
    environ = {**os.environ, "COLUMNS": "100"}
    environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environ['PATH']}"
    installed = {str(info.parent) for info in folder.rglob("*.dist-info")}
    if installed:
        environ["PYTHONPATH"] = os.pathsep.join(sorted(installed))
    return subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize(
    "page", [page for page in PAGES if runnable(page)], ids=lambda page: page.name
)
def test_every_example_does_what_the_page_says(page: Path, tmp_path: Path) -> None:
    for kind, name, text in blocks(page):
        if name:
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(text)
            if name == "pyproject.toml":
                install(tmp_path)
        elif kind == "python":
            (tmp_path / "script.py").write_text(text)
            done = shell(tmp_path, "python script.py")
            assert done.returncode == 0, f"{text}\n{done.stdout}"
        elif kind == "sh":
            for installed in INSTALL.findall(text):
                if (tmp_path / installed / "pyproject.toml").exists():
                    install(tmp_path / installed)
        elif kind == "console":
            for command, expected in session(text):
                actual = shell(tmp_path, command).stdout
                assert alike(expected, actual), f"$ {command}\n{actual}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_within_the_project_leads_somewhere(page: Path) -> None:
    targets = LINK.findall(page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_every_key_of_a_machine_file_is_listed_with_its_default() -> None:
    listed = (ROOT / "docs/machines.md").read_text().splitlines()
    rows = [
        f"| {f'`[{each.table}]`' if each.table else ''} | `{each.key}` | {each.default} "
        f"| {each.low and f'{each.low} to {each.high}'} | {each.text} |"
        for each in parameters()
    ]
    assert [row for row in rows if row not in listed] == []
