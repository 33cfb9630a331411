"""``vmpp test``: what it replays, tells, writes and returns. The shell is a toy."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import click
import pytest
from click.testing import CliRunner
from junitparser import JUnitXml

from vmpp.errors import VmppError
from vmpp.scenario import suite
from vmpp.scenario.cli import test as command

from .conftest import toy_shell

GOOD = "vmpp> echo one\none\n"
BAD = "vmpp> echo one\ntwo\nvmpp> lines a b\na\n...\nvmpp> exit 1\n"


class Done(NamedTuple):
    status: int
    output: str
    error: str


Run = Callable[..., Done]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return what runs the command in a folder of its own."""
    monkeypatch.setattr(suite, "interpreter", toy_shell)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")

    def run(*arguments: str) -> Done:
        try:
            result = CliRunner().invoke(command, arguments, standalone_mode=False)
        finally:
            pass
        if isinstance(result.exception, VmppError):
            return Done(2, result.stdout, str(result.exception))
        if result.exception is not None:
            raise result.exception
        return Done(result.return_value, result.stdout, result.stderr)

    return run


def write(name: str, text: str) -> Path:
    path = Path(name)
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text(text)
    return path


def timeless(output: str) -> str:
    return re.sub(r"in \d+\.\d s", "in 0.0 s", output)


def test_what_passes_is_told_in_a_line_each(run: Run) -> None:
    write("good.vmpp", GOOD)
    write("page.md", f"```vmpp\n{GOOD}```\n")
    done = run("good.vmpp", "page.md")
    assert done.status == 0
    assert timeless(done.output) == (
        "good.vmpp: passed, 1 command\npage.md: passed, 1 command\n2 passed in 0.0 s\n"
    )


def test_what_differs_is_shown(run: Run) -> None:
    write("bad.vmpp", BAD)
    write("good.vmpp", GOOD)
    done = run(".")
    assert done.status == 1
    assert timeless(done.output) == (
        "bad.vmpp: FAILED, 2 of 3 commands gave something else\n"
        "--- bad.vmpp (expected)\n"
        "+++ bad.vmpp (actual)\n"
        "@@ -1,6 +1,7 @@\n"
        " vmpp> echo one\n"
        "-two\n"
        "+one\n"
        " vmpp> lines a b\n"
        " a\n"
        " ...\n"
        " vmpp> exit 1\n"
        "+[1]\n"
        "good.vmpp: passed, 1 command\n"
        "1 passed, 1 failed in 0.0 s\n"
    )


def test_quiet_and_verbose(run: Run) -> None:
    write("good.vmpp", GOOD)
    assert timeless(run("-q", "good.vmpp").output) == "1 passed in 0.0 s\n"
    assert "  1: echo one: passed\n" in run("-v", "good.vmpp").output


def test_an_update_is_accepted_for_good(run: Run) -> None:
    path = write("bad.vmpp", BAD)
    path.chmod(0o640)
    done = run("--update", "bad.vmpp")
    assert done.status == 0
    assert "bad.vmpp: updated" in done.output
    assert timeless(done.output).endswith("1 updated in 0.0 s\n")
    assert path.read_text() == ("vmpp> echo one\none\nvmpp> lines a b\na\n...\nvmpp> exit 1\n[1]\n")
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(Path().iterdir()) == [path]
    assert run("bad.vmpp").status == 0


def test_all_scenarios_of_a_page_are_updated_at_once(run: Run) -> None:
    path = write("page.md", "```vmpp\nvmpp> echo a\n```\n\n```vmpp new\nvmpp> echo b\nx\n```\n")
    assert run("--update", "page.md").status == 0
    assert path.read_text() == (
        "```vmpp\nvmpp> echo a\na\n```\n\n```vmpp new\nvmpp> echo b\nb\n```\n"
    )


def test_a_scenario_that_breaks_off_fails_in_spite_of_an_update(run: Run) -> None:
    path = write("it.vmpp", "vmpp> echo a\nb\nvmpp> break\nvmpp> echo c\nd\n")
    done = run("--update", "it.vmpp")
    assert done.status == 1
    assert "2 not replayed" in done.output
    assert path.read_text() == "vmpp> echo a\na\nvmpp> break\nvmpp> echo c\nd\n"


def test_an_interrupt_ends_it(run: Run) -> None:
    write("it.vmpp", "vmpp> interrupt\n")
    with pytest.raises(click.Abort):
        run("it.vmpp")


def test_the_names_to_replay_can_be_chosen(run: Run) -> None:
    write("tests/login.vmpp", GOOD)
    write("tests/other.vmpp", GOOD)
    write("tests/.hidden/login.vmpp", BAD)
    assert run("-k", "login", "tests").output.startswith("tests/login.vmpp: passed")
    with pytest.raises(Exception, match="no scenario has 'nothing' in its name"):
        run("-k", "nothing", "tests")


def test_what_cannot_be_read_is_named_and_nothing_is_replayed(run: Run) -> None:
    write("a.vmpp", "vmpp> ls\n\\x (esc)\n")
    write("b.vmpp", "nods: 1\nvmpp> ls\n")
    write("c.vmpp", GOOD)
    Path("d.vmpp").write_bytes(b"vmpp> ls\n\xff\n")
    done = run(".")
    assert (done.status, done.output) == (2, "")
    assert done.error == (
        "vmpp: error: a.vmpp:2: '\\\\x' is no escape: write \\\\ for a backslash, "
        "or \\xNN, \\uNNNN, \\UNNNNNNNN\n"
        "vmpp: error: b.vmpp:1: 'nods' is no directive; did you mean 'nodes'?\n"
        "vmpp: error: d.vmpp:2: is not text in UTF-8\n"
    )


def test_where_there_is_no_scenario_that_is_said(run: Run) -> None:
    assert run("none.vmpp").error == "no such file or folder: none.vmpp"
    write("page.md", "# Nothing\n")
    assert run("page.md").error == (
        "no scenario in page.md: scenarios are files *.vmpp, and blocks ```vmpp in files *.md"
    )


def test_a_plugin_that_is_wanted_must_be_there(run: Run) -> None:
    write("a.vmpp", f"plugins: mpi\n{GOOD}")
    write("b.vmpp", f"plugins: pi\n{GOOD}")
    assert "a.vmpp: passed" in run("a.vmpp").output
    done = run("b.vmpp")
    assert done.status == 1
    assert "b.vmpp:1: no plugin is called 'pi'; did you mean 'mpi'?; install it\n" in done.output


def test_the_report_for_servers_of_continuous_integration(run: Run) -> None:
    write("some/good.vmpp", GOOD)
    write("some/bad.vmpp", "vmpp> echo \x1b\n")
    write("some/worse.vmpp", "vmpp> refuse no room\n")
    assert run("--junit", "out.xml", "some").status == 1
    (found,) = JUnitXml.fromfile("out.xml")
    cases = {case.name: case for case in found}
    assert (found.tests, found.failures, found.errors) == (3, 1, 1)
    assert cases["good"].classname == "some"
    assert cases["good"].is_passed
    assert cases["bad"].result[0].message == "other output than expected: line 1"
    assert "+\\x1b (esc)" in cases["bad"].result[0].text
    assert cases["worse"].result[0].text == "some/worse.vmpp:1: no room"


def test_a_report_that_cannot_be_written_is_named(run: Run) -> None:
    write("good.vmpp", GOOD)
    assert run("--junit", "no/out.xml", "good.vmpp").error == (
        "no/out.xml: No such file or directory"
    )
