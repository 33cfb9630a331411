"""``ssh HOST COMMAND``: one command, with its streams and its status."""

from __future__ import annotations

from typing import Any

from trio_asyncio import aio_as_trio


async def test_streams_are_apart_and_the_status_is_the_jobs(house: Any) -> None:
    async with house() as at, at.connected() as connection:
        await at.write_programs()
        done = await at.run(connection, "yod -n 2 program.py")
        assert sorted(done.stdout.splitlines()) == ["out 0", "out 1"]
        assert sorted(done.stderr.splitlines())[:2] == ["err 0", "err 1"]
        assert done.exit_status == 5


async def test_several_commands_and_the_status_of_the_last(house: Any) -> None:
    async with house() as at, at.connected() as connection:
        done = await at.run(connection, "echo one; echo two && xyzzy")
        assert done.stdout == "one\ntwo\n"
        assert done.stderr == "xyzzy: no such command; 'help' lists what there is\n"
        assert done.exit_status == 127


async def test_commands_are_read_from_standard_input(house: Any) -> None:
    async with house() as at, at.connected() as connection:
        done = await at.run(connection, None, stdin="echo 'one\ntwo'\necho $?\nexit 4\necho no\n")
        assert (done.stdout, done.exit_status) == ("one\ntwo\n0\n", 4)


async def test_lines_without_an_end_take_no_memory_and_keep_nobody_waiting(house: Any) -> None:
    async with house() as at, at.connected() as connection:
        done = await at.run(
            connection, None, stdin="x" * 5_000_000 + "\n" + ";" * 99 + "\nwhoami\n"
        )
        assert done.stdout == "alice\n"
        assert done.stderr.splitlines() == [
            "vmpp: the line is too long: it may have 131072 characters",
            "vmpp: nothing stands before ';'",
        ]


async def test_questions_of_commands_from_standard_input_are_answered_there(house: Any) -> None:
    async with house() as at, at.connected() as connection:
        done = await at.run(connection, None, stdin="passwd\nalice\nnew\nnew\nwhoami\n")
        assert (done.stdout, done.stderr, done.exit_status) == ("alice\n", "", 0)


async def test_a_last_line_without_an_end_is_carried_out(house: Any) -> None:
    async with house() as at, at.connected() as connection:
        done = await at.run(connection, None, stdin="echo one\necho two")
        assert (done.stdout, done.exit_status) == ("one\ntwo\n", 0)


async def test_tables_are_not_folded_and_have_no_colours(house: Any) -> None:
    async with house() as at, at.connected() as connection:
        done = await at.run(connection, "help")
        assert "\x1b" not in done.stdout
        assert "..." not in done.stdout


async def test_an_interrupt_reaches_the_job_in_the_foreground(house: Any) -> None:
    async with house() as at, at.connected() as connection:
        await at.write_programs()
        process = await aio_as_trio(connection.create_process)("yod waiting.py")
        assert await aio_as_trio(process.stdout.readline)() == "begun\n"
        process.send_signal("INT")
        assert (await aio_as_trio(process.wait)()).exit_status == 128 + 15


async def test_there_is_no_way_to_the_host(house: Any) -> None:
    async with house() as at, at.connected() as connection:
        for command, complaint in {
            "echo hi | cat": "no pipes to the host's programs",
            "echo < /etc/passwd": "/etc/passwd: No such file or directory",
            "source /etc/passwd": "/etc/passwd: No such file or directory",
            "echo hi > /etc/motd": "/etc/motd: No such file or directory",
            "yod /etc/passwd": "/etc/passwd",
            "boot": "only who sits at the machine's own console",
            "shutdown": "only root",
            "put /etc/passwd": "the host's files are for its own console; use sftp",
            "get /images/heat.py": "the host's files are for its own console; use sftp",
        }.items():
            done = await at.run(connection, command)
            assert complaint in done.stderr, command
            assert done.exit_status != 0
            assert len(done.stderr.splitlines()) == 1


async def test_programs_of_ones_own_are_for_programmers(house: Any) -> None:
    async with house() as at:
        await at.write_programs()
        async with at.connected("bob") as connection:
            files = await aio_as_trio(connection.start_sftp_client)()
            async with at.connected("alice") as other:
                assert (await at.run(other, "yod program.py")).exit_status == 0
            remote = await aio_as_trio(files.open)("mine.py", "w")
            await aio_as_trio(remote.write)(at.PROGRAM)
            await aio_as_trio(remote.close)()
            done = await at.run(connection, "yod mine.py")
            assert "programmers" in done.stderr
            assert done.exit_status != 0


async def test_questions_are_answered_by_what_the_client_sends(house: Any) -> None:
    async with house() as at, at.connected() as connection:
        done = await at.run(connection, "passwd", stdin="alice\nchanged\nchanged\n")
        assert (done.stderr, done.exit_status) == ("", 0)
        async with at.connected(password="changed") as other:
            assert (await at.run(other, "whoami")).stdout == "alice\n"
            done = await at.run(other, "passwd")
            assert done.stderr == "passwd: cannot ask for 'Old password': nobody is there\n"
