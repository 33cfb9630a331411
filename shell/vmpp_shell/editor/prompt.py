"""The prompt: a line is edited while the machine runs, under the same Trio.

prompt-toolkit is written for asyncio, which trio-asyncio runs as a Trio task: a `Prompt` is to be
used within ``trio_asyncio.open_loop()``. Which terminal it edits on is up to prompt-toolkit's Input
and Output, so a channel of SSH does as well as the one that vmpp was started at.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from functools import partial
from typing import TYPE_CHECKING, Any

from prompt_toolkit import PromptSession
from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.auto_suggest import AutoSuggestFromHistory
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import DummyHistory, History, InMemoryHistory
from prompt_toolkit.input import Input
from prompt_toolkit.layout.processors import Processor, Transformation, TransformationInput
from prompt_toolkit.output import Output
from prompt_toolkit.styles import Style
from trio_asyncio import aio_as_trio, trio_as_aio

from vmpp_shell.editor.completion import candidates
from vmpp_shell.editor.toolbar import facts
from vmpp_shell.scripts import is_complete
from vmpp_shell.terminal import Write

if TYPE_CHECKING:
    from vmpp_shell.interpreter import Interpreter

REFRESH_SECONDS = 0.5
"""How often the toolbar is drawn anew while nobody types."""

STYLE = Style.from_dict(
    {"bottom-toolbar": "noreverse bg:#303030 #c0c0c0", "prompt": "bold", "fact": "#ffffff"}
)


class Struck(Exception):
    """^C was typed."""


class Prompt:
    """The line editor of one shell."""

    def __init__(
        self,
        interpreter: Interpreter,
        *,
        history: History | None = None,
        input: Input | None = None,  # noqa: A002 - prompt-toolkit's name
        output: Output | None = None,
    ) -> None:
        """Edit lines for *interpreter*, on the host's terminal if there is no *input*, *output*."""
        self._interpreter = interpreter
        self._held: list[tuple[Write, bytes]] = []
        make = partial(
            PromptSession[str],
            input=input,
            output=output,
            style=STYLE,
            interrupt_exception=Struck,
        )
        self._lines = make(
            history=history or InMemoryHistory(),
            completer=_Completer(interpreter),
            complete_while_typing=False,
            auto_suggest=AutoSuggestFromHistory(),
            bottom_toolbar=self._toolbar,
            refresh_interval=REFRESH_SECONDS,
            enable_history_search=True,
        )
        # Answers, of which some are passwords, are not remembered.
        self._questions = make(history=DummyHistory())
        interpreter.terminal.attend(self.above, self.ask)

    async def run(self) -> None:
        """Carry out what is typed, until ``exit`` or the end of what is typed."""
        while not self._interpreter.leaving:
            try:
                line = await self.line()
            except Struck:
                continue
            except EOFError:
                line = "logout" if len(self._interpreter.console.sessions) > 1 else "exit"
            await self._interpreter.execute(line)
            if line.split()[:1] != ["exit"]:
                self._interpreter.warned = False

    async def line(self) -> str:
        """Return the next command line, of several lines if it is continued.

        Raises:
            EOFError: the end was typed, or the terminal is gone.
            Struck: ^C was typed.
        """
        text = await self._edited(self._lines, [("class:prompt", "vmpp> ")])
        while not is_complete(text):
            text += "\n" + await self._edited(self._lines, [("class:prompt", "    > ")])
        return text

    async def ask(self, question: str, hidden: bool) -> str:
        """Return the answer to *question*; one that is *hidden* is not shown as it is typed.

        Raises:
            EOFError, Struck: as `line`.
        """
        message: StyleAndTextTuples = [("", question)]
        return await self._edited(
            self._questions, message, input_processors=[_Hidden()] if hidden else []
        )

    async def _edited(
        self, session: PromptSession[str], message: StyleAndTextTuples, **options: Any
    ) -> str:
        try:
            edited: str = await aio_as_trio(session.prompt_async)(
                message, handle_sigint=False, set_exception_handler=False, **options
            )
            return edited
        finally:
            self._spill()

    # -- output while a line is edited ---------------------------------------------------------

    def above(self, write: Write) -> Write:
        """Return what writes as *write* does, above the line if one is edited."""
        return lambda data: self._write(write, data)

    def _write(self, write: Write, data: bytes) -> None:
        app = next(
            (each.app for each in (self._lines, self._questions) if each.app.is_running), None
        )
        if app is None or app.loop is None:
            self._spill()
            write(data)
            return
        if not self._held and app.context is not None:
            # The rest of what is written now is written at once with it.
            app.loop.call_soon_threadsafe(app.context.copy().run, self._spill_above)
        self._held.append((write, data))

    def _spill_above(self) -> None:
        if self._held:
            run_in_terminal(self._spill)

    def _spill(self) -> None:
        held, self._held = self._held, []
        for write, data in held:
            write(data)

    def _toolbar(self) -> StyleAndTextTuples:
        shown: StyleAndTextTuples = []
        for text in facts(self._interpreter):
            shown += [("", "  " if shown else " "), ("class:fact", text), ("", " ")]
        return shown


class _Hidden(Processor):
    """Shows nothing of what is typed, not even how much it is."""

    def apply_transformation(self, transformation_input: TransformationInput) -> Transformation:
        """Return an empty line, in which the cursor stays."""
        return Transformation([], source_to_display=lambda at: 0, display_to_source=lambda at: 0)


class _Completer(Completer):
    """Completes words of a command line."""

    def __init__(self, interpreter: Interpreter) -> None:
        self._interpreter = interpreter

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Any:
        """Return nothing: the machine's files can only be asked for asynchronously."""
        return []

    async def get_completions_async(
        self, document: Document, complete_event: CompleteEvent
    ) -> AsyncGenerator[Completion, None]:
        """Yield what the word before the cursor may become."""
        found = await trio_as_aio(candidates)(self._interpreter, document.text_before_cursor)
        for each in found:
            yield Completion(each.text, each.start, display=each.shown, display_meta=each.meaning)
