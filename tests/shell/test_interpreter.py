"""The shell through its public face: lines in, output and status out."""

from __future__ import annotations

from pathlib import Path

import pytest

from .conftest import OpenShell


async def test_statuses_join_commands(shell: OpenShell) -> None:
    async with shell() as sh:
        assert await sh("unset none || echo failed; echo $?") == (
            "unset: no such variable: 'none'\nfailed\n0\n"
        )
        assert await sh("unset none && echo never") == "unset: no such variable: 'none'\n"
        assert sh.status == 1


async def test_a_command_that_is_not_there_is_answered_with_the_nearest(shell: OpenShell) -> None:
    async with shell() as sh:
        assert await sh("yood -n 4 heat") == "yood: no such command; did you mean 'yod'?\n"
        assert sh.status == 127
        assert await sh("''") == "vmpp: no such command; 'help' lists what there is\n"


async def test_mistakes_are_one_line_that_names_the_command(shell: OpenShell) -> None:
    async with shell() as sh:
        assert await sh("yod -n no heat") == (
            "yod: invalid value for '-sz' / '-n' / '-np': 'no' is no number of nodes; "
            "write such as 32, or 4x8 (try 'yod --help')\n"
        )
        assert sh.status == 2
        assert await sh("echo 'open") == "vmpp: a quote (') is not closed\n"
        assert sh.status == 2
        assert await sh("echo a &") == (
            "echo: cannot run in the background; only jobs can (try 'echo --help')\n"
        )


async def test_every_command_explains_itself_with_an_example(shell: OpenShell) -> None:
    async with shell() as sh:
        listing = await sh("help")
        commands = sh._replay.interpreter.commands
        for name, command in commands.items():
            assert f"  {name} " in listing
            text = await sh(f"{name} --help")
            assert text.startswith(f"Usage: {name}")
            assert "Example:" in text
            assert max(map(len, text.splitlines())) < 80
            assert (await sh(f"help {name}")) == text
            assert command.section != "plugins"


async def test_variables_are_replaced_and_given_to_programs(
    shell: OpenShell, tmp_path: Path
) -> None:
    program = tmp_path / "program.py"
    program.write_text("import os\nprint(os.environ['WORD'])\n")
    async with shell(folder=tmp_path) as sh:
        assert await sh("set WORD='two words'; yod /host/program.py") == "two words\n"
        assert await sh("echo $WORD") == "two words\n"
        assert await sh("set --json") == '{\n  "WORD": "two words"\n}\n'
        assert await sh("unset WORD; echo [$WORD]") == "[]\n"
        assert await sh("set 1=2") == (
            "set: '1=2' sets nothing; write NAME=VALUE (try 'set --help')\n"
        )


async def test_a_job_has_the_status_of_its_program(shell: OpenShell, tmp_path: Path) -> None:
    program = tmp_path / "program.py"
    program.write_text("print('hello')\nraise SystemExit(3)\n")
    async with shell(folder=tmp_path) as sh:
        assert await sh("yod -sz 2 /host/program.py") == "hello\nhello\n"
        assert sh.status == 3
        assert await sh("yod -n 400 heat") != ""
        assert sh.status == 2


async def test_output_goes_through_filters_of_the_host(shell: OpenShell) -> None:
    async with shell() as sh:
        assert await sh("echo one two | tr a-z A-Z | cat") == "ONE TWO\n"
        assert await sh("echo one | no-such-filter") == (
            "vmpp: cannot start 'no-such-filter': No such file or directory\n"
        )
        assert sh.status == 1
        assert await sh("plugins | head -n 1") != ""


async def test_virtual_time_is_exact(shell: OpenShell) -> None:
    async with shell() as sh:
        logged_in = await sh("time")
        first = await sh("time yod -n 4 heat --help | tail -n 1")
    async with shell() as sh:
        assert await sh("time") == logged_in
        assert await sh("time yod -n 4 heat --help | tail -n 1") == first
        assert "virtual time: " in first


async def test_exit_leaves_with_a_status(shell: OpenShell) -> None:
    async with shell() as sh:
        assert await sh("exit 3; echo never") == ""
        assert sh.status == 3


async def test_files_are_redirected_and_matched_by_patterns(shell: OpenShell) -> None:
    async with shell() as sh:
        assert await sh("echo one > a.txt; echo two >> a.txt; echo three > b.txt") == ""
        assert await sh("echo *.txt ~ ~/a* '*.txt' no*") == (
            "a.txt b.txt /home/user /home/user/a.txt *.txt no*\n"
        )
        assert await sh("cd /tmp; pwd; cd; pwd") == "/tmp\n/home/user\n"
        assert await sh("echo x > /images/x") == "vmpp: /images/x: Permission denied\n"
        assert sh.status == 1


async def test_a_script_is_carried_out_where_it_stands(shell: OpenShell) -> None:
    async with shell() as sh:
        await sh("echo 'set WORD=seven' > script; echo 'echo $WORD' >> script")
        await sh("echo 'unset none' >> script")
        assert await sh("source script > out; echo $?") == ("unset: no such variable: 'none'\n1\n")
        assert await sh("yod -n 1 heat --help < script | head -n 1") != ""
        await sh("echo 'source loop' > loop")
        assert await sh("source loop") == "source: loop: commands lead to further ones too deeply\n"


async def test_a_job_whose_output_nobody_reads_any_more_ends(
    shell: OpenShell, tmp_path: Path
) -> None:
    (tmp_path / "program.py").write_text("while True: print('yes')\n")
    async with shell(folder=tmp_path) as sh:
        assert await sh("yod /host/program.py | head -n 2") == "yes\nyes\n"
        assert sh.status == 128 + 13


async def test_patterns_need_the_file_server(shell: OpenShell) -> None:
    async with shell() as sh:
        await sh("fault server files stop")
        assert await sh("echo *") == "vmpp: .: the file server does not answer\n"
        assert sh.status == 1


async def test_what_a_word_stands_for_is_bounded(
    shell: OpenShell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vmpp_shell.expansion.MOST", 1000)
    async with shell() as sh:
        await sh("set A=" + "a" * 1000)
        assert await sh('set A="' + "$A" * 132 + '"') == (
            "vmpp: a word is too long: it may have 131072 characters\n"
        )
        assert len(await sh("echo $A")) == 1001
        await sh("mkdir loop; ln -s . loop/a; ln -s . loop/b")
        assert "more than 1000 files match" in await sh("cd loop; echo " + "*/" * 30)


async def test_commands_lead_to_further_ones_up_to_a_limit(shell: OpenShell) -> None:
    async with shell() as sh:
        assert (await sh("time " * 9 + "whoami")).startswith("user\n")
        assert "time: commands lead to further ones too deeply" in await sh(
            "time " * 999 + "whoami"
        )


async def test_a_line_that_is_too_long_is_passed_over(shell: OpenShell) -> None:
    async with shell() as sh:
        assert await sh("x" * 200_000) == (
            "vmpp: the line is too long: it may have 131072 characters\n"
        )
