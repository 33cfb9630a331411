"""Pictures that move: drawn over and over, on the whole terminal, until ``q`` or ``^C``.

Where nobody looks, in a pipe or a scenario, they are printed one below the other: one, or as many
as are asked for. So they are while a scenario is recorded, when time stands still.
"""

from __future__ import annotations

import io
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Final

import trio

from vmpp_shell.tasks import nursery

if TYPE_CHECKING:
    from prompt_toolkit.application import Application
    from prompt_toolkit.key_binding import KeyPressEvent
    from rich.console import Console

    from vmpp_shell.context import Context

Frame = Callable[[], Awaitable[Any]]
"""Makes the next picture, which rich can draw."""
DELAY: Final = 10**12
"""Between two pictures, in picoseconds, unless said otherwise."""
_SOON: Final = 0.25
"""Seconds after which the second picture follows on the first."""
_QUIT: Final = "q quits"


async def live(context: Context, frame: Frame, *, delay: int = DELAY, count: int | None) -> None:
    """Show what *frame* makes, time and again.

    Args:
        context: of the command that shows it.
        frame: makes a picture of what there is now.
        delay: picoseconds between two pictures; of the host's time if somebody looks, of virtual
            time otherwise.
        count: how many pictures; None: one, or as many as somebody wants to see.
    """
    out = context.out
    looked_at = out.is_terminal and context.terminal.interactive and not context.console.exact
    if count is None and looked_at:
        await _on_the_whole_terminal(context, frame, delay / 10**12)
        return
    for number in range(count or 1):
        if number:
            await context.session.sleep(delay)
            out.print()
        out.show(await frame())


async def _on_the_whole_terminal(context: Context, frame: Frame, seconds: float) -> None:
    from trio_asyncio import aio_as_trio  # noqa: PLC0415 - for those alone who look

    screen = _Screen(context.out.console)
    with ExitStack() as stack:
        # What jobs print meanwhile comes out below the picture's place, when it is gone.
        for stream in {context.out, context.err, context.interpreter.terminal.out}:
            stack.enter_context(stream.held())
        async with nursery() as tasks:
            await screen.draw(frame)
            tasks.start_soon(screen.redraw, frame, seconds)
            await aio_as_trio(screen.app.run_async)(
                handle_sigint=False, set_exception_handler=False
            )
            tasks.cancel_scope.cancel()


class _Screen:
    """The whole terminal, with one picture."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._text = ""
        self.app = self._application()

    def _application(self) -> Application[None]:
        from prompt_toolkit.application import Application  # noqa: PLC0415 - see above
        from prompt_toolkit.formatted_text import ANSI  # noqa: PLC0415
        from prompt_toolkit.key_binding import KeyBindings  # noqa: PLC0415
        from prompt_toolkit.layout import Layout, Window  # noqa: PLC0415
        from prompt_toolkit.layout.controls import FormattedTextControl  # noqa: PLC0415

        keys = KeyBindings()

        def leave(event: KeyPressEvent) -> None:
            event.app.exit()

        for key in ("q", "Q", "c-c", "c-d", "escape"):
            keys.add(key, eager=True)(leave)
        picture = FormattedTextControl(lambda: ANSI(self._text), show_cursor=False)
        return Application(
            layout=Layout(Window(picture, wrap_lines=False)),
            key_bindings=keys,
            full_screen=True,
        )

    async def draw(self, frame: Frame) -> None:
        """Draw the next picture, in the size that the terminal has now."""
        picture = await frame()
        size = self.app.output.get_size()
        console, file = self._console, io.StringIO()
        console.size = size.columns, size.rows
        before, console.file = console.file, file
        try:
            console.print(picture, height=size.rows - 1, crop=True)
        finally:
            console.file = before
        lines = file.getvalue().splitlines()[: size.rows - 1]
        lines += [""] * (size.rows - 1 - len(lines))
        self._text = "\n".join([*lines, _QUIT])
        self.app.invalidate()

    async def redraw(self, frame: Frame, seconds: float) -> None:
        """Draw picture after picture, for ever."""
        # The first picture has nothing to compare with, such as rates need.
        await trio.sleep(min(seconds, _SOON))
        while True:
            await self.draw(frame)
            await trio.sleep(seconds)
