"""The plugin for pytest: collects scenarios, and runs tests on the ranks of a machine.

Every run of pytest where vmpp is installed imports this module, so it imports no more than pytest;
`vmpp.scenario.pytest_scenarios` and `vmpp.scenario.pytest_ranks` have the rest.
"""
# ruff: noqa: PLC0415 - see above

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from vmpp.scenario.booted import BootedMachine

MARKER = "vmpp"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the plugin's options."""
    group = parser.getgroup("vmpp", "scenarios of vmpp")
    group.addoption(
        "--vmpp-update",
        action="store_true",
        help="accept what differs from scenarios: write it into their files",
    )
    group.addoption(
        "--vmpp-pages",
        action="store_true",
        help="collect the scenarios in Markdown, too: blocks ```vmpp of files *.md",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers",
        f"{MARKER}(nprocs=1, machine='default', seed=0, ...): run the test's body on nprocs ranks "
        "of a machine; in a test that has the fixture 'machine', say what machine it is",
    )


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Collect scenarios."""
    page = file_path.suffix == ".md" and parent.config.getoption("--vmpp-pages")
    if file_path.suffix != ".vmpp" and not page:
        return None
    from vmpp.scenario.pytest_scenarios import ScenarioFile

    return ScenarioFile.from_parent(parent, path=file_path)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Iterator[None]:
    """Let a module that has tests for ranks import MPI, where the host has none."""
    if not isinstance(collector, pytest.Module) or not _mentions_marker(collector.path):
        return (yield)
    from vmpp.scenario.pytest_ranks import importable

    with importable():
        return (yield)


def _mentions_marker(path: Path) -> bool:
    try:
        return b"mark.vmpp" in path.read_bytes()
    except OSError:
        return False


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run the body of a marked test on ranks."""
    if pyfuncitem.get_closest_marker(MARKER) is None or _has_machine(pyfuncitem):
        return None
    from vmpp.scenario.pytest_ranks import call

    return call(pyfuncitem)


def _has_machine(item: pytest.Function) -> bool:
    """Return whether a test has the fixture below, and not one of its own of that name."""
    found = item._fixtureinfo.name2fixturedefs.get("machine", ())
    return bool(found) and found[-1].func.__module__ == __name__


@pytest.fixture
def machine(request: pytest.FixtureRequest) -> Iterator[BootedMachine]:
    """A booted machine, to run programs and functions on: `vmpp.scenario.booted.BootedMachine`.

    ``@pytest.mark.vmpp(machine="paragon", nodes=16, seed=1)`` says what machine; so does the
    parameter, a name or a mapping of such options, of an indirect ``parametrize``.
    """
    from vmpp.scenario.pytest_ranks import booted

    with booted(request) as found:
        yield found
