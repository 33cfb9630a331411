"""The format of a scenario: what is a directive, a command, output, a comment."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from vmpp.scenario.directives import Account, Directives, head
from vmpp.scenario.errors import ScenarioError
from vmpp.scenario.transcript import Scenario, parse

Read = Callable[[str], Scenario]


def test_the_head_says_on_what_machine_and_for_whom(scenario: Read, tmp_path: Path) -> None:
    (tmp_path / "ring.py").write_text("print()")
    directives = scenario(
        """
        # A comment.
        machine: paragon
        nodes: 16
        seed: 7
        user: alice
        account: bob programmers password='open sesame'
        account: carol
        plugins: mpi, queue
        policy: pct=rr:2ms allocator=best-fit
        file: ring.py
        file: ring.py as lib/round.py
        width: 100
        timeout: 2.5

        vmpp> whoami
        """
    ).directives
    assert directives.folder == tmp_path
    assert (directives.machine, directives.nodes, directives.seed) == ("paragon", 16, 7)
    assert directives.user == "alice"
    assert directives.accounts == (
        Account("bob", ("programmers",), "open sesame"),
        Account("carol"),
    )
    assert directives.plugins == ("mpi", "queue")
    assert directives.policies == {"pct": "rr:2ms", "allocator": "best-fit"}
    assert [(file.name, file.content) for file in directives.files] == [
        ("ring.py", b"print()"),
        ("lib/round.py", b"print()"),
    ]
    assert (directives.width, directives.timeout) == (100, 2.5)


def test_a_folder_is_copied_with_all_that_is_in_it(scenario: Read, tmp_path: Path) -> None:
    (tmp_path / "code" / "lib").mkdir(parents=True)
    (tmp_path / "code" / "lib" / "a.py").write_text("1")
    (tmp_path / "code" / "b.py").write_text("2")
    files = scenario("file: code\nvmpp> ls").directives.files
    assert [file.name for file in files] == ["code/b.py", "code/lib/a.py"]


def test_a_machine_file_is_found_beside_the_scenario(scenario: Read, tmp_path: Path) -> None:
    (tmp_path / "own.toml").touch()
    assert scenario("machine: own.toml\nvmpp> ls").directives.machine == str(tmp_path / "own.toml")


def test_what_a_recorder_writes_as_the_head_says_the_same(scenario: Read, tmp_path: Path) -> None:
    (tmp_path / "ring.py").write_text("print()")
    directives = scenario(
        "machine: paragon\nnodes: 16\nuser: alice\naccount: bob staff password='a b'\n"
        "plugins: mpi\npolicy: pct=rr:2ms\nfile: ring.py as 'my ring.py'\nwidth: 99\n"
        "timeout: 5\nvmpp> ls"
    ).directives
    assert scenario("\n".join([*head(directives), "vmpp> ls"])).directives == directives
    assert head(Directives()) == ["machine: default", "seed: 0"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("machin: x", "'machin' is no directive; did you mean 'machine'?"),
        ("zzz: x", "'zzz' is no directive (there is: machine, nodes, seed, user, account, plugins"),
        ("nodes:", "nodes says nothing: write 'nodes: 16'"),
        ("nodes: many", "nodes is a whole number, not 'many'"),
        ("nodes: 0", "nodes is at least 1, not 0"),
        ("timeout: soon", "timeout is a number of seconds above 0, not 'soon'"),
        ("user: a b", "a user's name is a word such as 'alice', not 'a b'"),
        ("account: bob passwd=x", "an account has no 'passwd'; did you mean 'password'?"),
        ("account: user", "there is a user 'user' already"),
        ("account: 'bob", '"\'bob": no closing quotation'),
        ("policy: fifo", "'fifo' chooses nothing: write 'policy: pct=rr:2ms'"),
        ("file: it.vmp", "there is no 'it.vmp' beside the scenario; did you mean 'it.vmpp'?"),
        ("file: it.vmpp as /etc/x", "'/etc/x' is not in the home directory"),
        ("machine: own.toml", "there is no 'own.toml' beside the scenario"),
        ("hello", "'hello' is no 'KEY: VALUE', '# comment' or 'vmpp> COMMAND'"),
        ("> more", "'> more' is no 'KEY: VALUE', '# comment' or 'vmpp> COMMAND'"),
    ],
)
def test_a_wrong_line_of_the_head_is_named(
    scenario: Read, tmp_path: Path, line: str, message: str
) -> None:
    with pytest.raises(ScenarioError) as error:
        scenario(f"# first\n{line}\nvmpp> ls")
    assert str(error.value).startswith(f"{tmp_path / 'it.vmpp'}:2: {message}")
    assert "\n" not in str(error.value)


def test_a_scenario_without_commands_is_none(scenario: Read) -> None:
    with pytest.raises(ScenarioError, match=r"it.vmpp:1: has no command; write one as 'vmpp> "):
        scenario("seed: 1\n")


def test_a_wrong_escape_is_named(scenario: Read) -> None:
    with pytest.raises(ScenarioError) as error:
        scenario("vmpp> ls\nfoo \\u12z (esc)\n")
    assert ":2: '\\\\u12' is no escape: write" in str(error.value)


def test_a_command_goes_on_in_lines_below(scenario: Read) -> None:
    commands = scenario(
        """
        vmpp> yod -sz 2 \\
        > ring.py
        vmpp> echo 'one
        > two'
        one
        two
        """
    ).commands
    assert [command.text for command in commands] == ["yod -sz 2 ring.py", "echo 'one\ntwo'"]
    assert [line.written for line in commands[1].expected] == ["one", "two"]


def test_output_ends_where_a_comment_a_blank_line_or_a_command_follows(scenario: Read) -> None:
    commands = scenario(
        """
        vmpp> bench
        # Size  Time
        1       2

        3       4

        # What follows is another matter.
        vmpp> false
        [1]

        vmpp> echo
        """
    ).commands
    assert [[line.written for line in command.expected] for command in commands] == [
        ["# Size  Time", "1       2", "", "3       4"],
        [],
        [],
    ]
    assert [command.status for command in commands] == [0, 1, 0]
    assert [command.line for command in commands] == [1, 8, 11]


def test_line_ends_of_other_systems_are_understood(tmp_path: Path) -> None:
    commands = parse("vmpp> ls\r\na\r\n", tmp_path / "it.vmpp").commands
    assert commands[0].text == "ls"
    assert commands[0].expected[0].matches("a\n")
