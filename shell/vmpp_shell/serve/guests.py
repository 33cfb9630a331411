"""Those who are logged in over SSH: their shells, their commands, their files."""

from __future__ import annotations

import sys
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

import asyncssh
import trio
from trio_asyncio import trio_as_aio

from vmpp.errors import VmppError
from vmpp.exit_status import TERMINATED
from vmpp_shell.editor.history import history
from vmpp_shell.editor.prompt import Prompt
from vmpp_shell.greeting import introduce, warn
from vmpp_shell.interpreter import Interpreter
from vmpp_shell.scripts import Script
from vmpp_shell.serve.channel import Channel, attended
from vmpp_shell.serve.listener import Process
from vmpp_shell.serve.seat import Seat
from vmpp_shell.serve.sftp import SftpServer

if TYPE_CHECKING:
    from vmpp.machine.machine import Machine

GOING_DOWN: Final = "vmpp: the machine is shutting down"
"""What everybody is told then."""
DEFECT: Final = 70
"""Exit status of a session in which vmpp failed, after EX_SOFTWARE of BSD's sysexits."""
LOGOUT_SECONDS: Final = 5.0
"""Host time for which the end of a session waits for servers."""
PLACE: Final = "ssh"
"""Where everybody here has come from."""


class Guests:
    """All who are logged in over SSH.

    Attributes:
        machine: that they use.
        down: has the machine shut down.
        going_down: whether it is about to.
    """

    def __init__(self, machine: Machine, tasks: trio.Nursery, down: Callable[[], object]) -> None:
        self.machine = machine
        self._tasks = tasks
        self.down = down
        self.going_down = False

    # -- shells and commands -----------------------------------------------------------------------

    async def attend(self, process: Process) -> None:
        """Attend to a client that has asked for a shell, or for one command: a task of its own.

        A defect ends this session, not the machine that others use; the host's terminal is told.
        """
        async with attended(process) as channel:
            status = TERMINATED
            try:
                status = await self._serve(channel, process.get_extra_info("username"))
            except VmppError as error:
                channel.write_error(f"vmpp: {error}\n".encode())
                status = 1
            except Exception:
                traceback.print_exc(file=sys.stderr)
                channel.write_error(b"vmpp: a defect of vmpp has ended this session\n")
                status = DEFECT
            finally:
                if self.going_down:
                    channel.write_error(f"\n{GOING_DOWN}\n".encode())
                channel.end(status)

    async def _serve(self, channel: Channel, name: str) -> int:
        async with self.session(name) as session:
            seat = Seat(self.machine, session, self.down)
            script = Script(channel.stdin.fileno()) if channel.sends_commands else None
            terminal = channel.terminal() if script is None else channel.output(script.answer)
            async with Interpreter.open(seat, terminal) as interpreter:
                channel.interrupted = interpreter.interrupt
                interpreter.variables.update(channel.variables)
                if script is not None:
                    await script.run(interpreter, waits=False)
                elif channel.command is not None:
                    await interpreter.execute(channel.command)
                else:
                    introduce(self.machine, terminal.out)
                    warn(session, terminal.out)
                    with channel.prompting() as (source, drawn):
                        kept = history(interpreter)
                        await Prompt(interpreter, history=kept, input=source, output=drawn).run()
                return interpreter.status

    # -- files ---------------------------------------------------------------------------------

    async def serve_files(self, channel: asyncssh.SSHServerChannel[bytes]) -> SftpServer:
        """Return what serves files on a channel, for asyncio."""
        name = channel.get_extra_info("username")
        served: SftpServer = await trio_as_aio(self._tasks.start)(self._keep_files, channel, name)
        return served

    async def _keep_files(
        self,
        channel: asyncssh.SSHServerChannel[bytes],
        name: str,
        task_status: trio.TaskStatus[SftpServer],
    ) -> None:
        """Keep a session for a client that has asked for files, until it is gone."""
        gone, begun = trio.Event(), False
        try:
            async with self.session(name) as session:
                server = SftpServer(
                    channel,
                    session.files.ask,
                    users={user.uid: user.name for user in await session.users()},
                    groups={group.gid: group.name for group in await session.groups()},
                    closed=gone.set,
                )
                begun = True
                task_status.started(server)
                await gone.wait()
        except VmppError:
            # A server of the machine is down: before it has begun the client is told, and
            # afterwards it has been told by every request.
            if not begun:
                raise

    # -- sessions ------------------------------------------------------------------------------

    @asynccontextmanager
    async def session(self, name: str) -> AsyncIterator[Any]:
        """Log *name*, who has proved who they are, in; and out at the end of the block."""
        session = await self.machine.doors.admit(name, place=PLACE)
        try:
            yield session
        finally:
            with trio.move_on_after(LOGOUT_SECONDS, shield=True):
                await session.log_out()
