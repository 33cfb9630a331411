"""What checks say when a plugin breaks a rule, and how they look for the shortest way to it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from hypothesis import HealthCheck, Phase, Verbosity, given, settings
from hypothesis.errors import Flaky
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test
from hypothesis.strategies import DataObject, data

from vmpp.errors import one_line

NONSENSE: Final = (TypeError, AttributeError, LookupError, ArithmeticError)
"""Errors of whoever counts with answers that are none."""

EXAMPLES: Final = 100
"""How many examples a check tries, unless said otherwise."""


class RuleBroken(AssertionError):
    """A plugin breaks a rule of its interface.

    Its text says which plugin, which rule, and by what: the shortest example that was found.
    """


class Story:
    """What has happened in one example, for the message if a rule is broken in it.

    Attributes:
        subject: what is checked, in words.
    """

    def __init__(self, subject: str) -> None:
        self.subject = subject
        self._lines: list[str] = []

    def tell(self, line: str) -> None:
        """Take note of something that has been done, in one line."""
        self._lines.append(line)

    def require(self, held: bool, rule: str, but: str = "") -> None:
        """Say that *rule* must have *held*; *but* says what is the case instead.

        Raises:
            RuleBroken: it has not.
        """
        if not held:
            raise self.broken(rule, but)

    def broken(self, rule: str, but: str = "") -> RuleBroken:
        """Return the error that says that *rule* is broken."""
        text = f"{self.subject} breaks a rule: {rule}{but and f'; but {but}'}"
        return RuleBroken("\n  ".join([text, *self._lines]))

    def ask(self, operation: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """Return what an operation of the plugin says, which may not raise an error.

        Raises:
            RuleBroken: it has.
        """
        try:
            return function(*arguments)
        except RuleBroken:
            raise
        except Exception as error:
            asked = ", ".join(map(repr, arguments))
            but = f"{operation}({asked}) raised {one_line(error)}"
            raise self.broken(f"{operation} raises no error", but) from error


class Rules(RuleBasedStateMachine):
    """A state machine of hypothesis whose steps tell a story; the base of those that check.

    What must hold at the end of a story is checked by a rule, and not by `teardown`: hypothesis
    cannot leave out steps before that.
    """

    def __init__(self, subject: str) -> None:
        super().__init__()
        self.story = Story(subject)


def look(
    subject: str,
    example: Callable[[Story, Callable[..., Any]], None],
    examples: int = EXAMPLES,
    *,
    blames: tuple[type[Exception], ...] = (),
) -> None:
    """Try *example* many times, always alike, and look for the shortest story that fails.

    Args:
        subject: what is checked, in words.
        example: gets a story to tell, and what draws a value from a strategy; requires what must
            hold.
        examples: how many to try.
        blames: errors that *example* raises if it is answered with nonsense.

    Raises:
        RuleBroken: as *example* did.
    """

    @_settings(examples)
    @given(data())
    def tried(drawn: DataObject) -> None:
        story = Story(subject)
        try:
            example(story, drawn.draw)
        except blames as error:
            but = one_line(error)
            raise story.broken("what it returns is what its interface says", but) from error

    _run(subject, tried)


def explore(
    subject: str, make: Callable[[], Rules], examples: int = EXAMPLES, steps: int = 30
) -> None:
    """Try what *make* makes, a state machine, with many sequences of steps, always the same ones.

    Raises:
        RuleBroken: as the state machine did, after the fewest steps that were found.
    """

    made: Any = make

    def tried() -> None:
        run_state_machine_as_test(
            made, settings=settings(_settings(examples), stateful_step_count=steps)
        )

    _run(subject, tried)


def _settings(examples: int) -> settings:
    return settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        print_blob=False,
        report_multiple_bugs=False,
        verbosity=Verbosity.quiet,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )


def _run(subject: str, tried: Callable[[], None]) -> None:
    try:
        tried()
    except RuleBroken as broken:
        # Without the traceback through what has looked for it.
        raise RuleBroken(str(broken)) from broken.__cause__
    except Flaky as unsteady:
        raise RuleBroken(
            f"{subject} breaks a rule: asked the same again, it says the same; "
            f"but it did not ({one_line(unsteady)})"
        ) from unsteady
