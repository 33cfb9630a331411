"""What every CPU mode must do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from vmpp.kernel import CpuMode, Roles
from vmpp.testing.rules import EXAMPLES, NONSENSE, Story, look
from vmpp.testing.subjects import subject

MOST_CPUS = 8
"""CPUs of a node that are tried."""


def check_cpu_mode(mode: str | Callable[..., CpuMode], *, examples: int = EXAMPLES) -> None:
    """Check a CPU mode: whatever CPUs a node has, every role is one CPU's that is there.

    Args:
        mode: what chooses it, as in a machine file, or the factory that a plugin offers.
        examples: how many numbers of CPUs are tried.

    Raises:
        RuleBroken: it breaks a rule, which the message says, with the shortest example found.
    """
    checked = subject("mode", mode)

    def example(story: Story, draw: Callable[..., Any]) -> None:
        made: CpuMode = story.ask("the factory", checked.choice)
        least = story.ask("cpus", getattr, made, "cpus")
        story.require(
            isinstance(least, int) and 1 <= least <= MOST_CPUS,
            "cpus is how many CPUs a node must have at the least, 1 or more",
            f"it is {least!r}",
        )
        cpus = draw(st.integers(least, MOST_CPUS))
        roles = story.ask("roles", made.roles, cpus)
        story.tell(f"roles({cpus}) is {roles}")
        story.require(isinstance(roles, Roles), "roles returns vmpp.kernel.Roles")
        wrong = roles.problem(cpus)
        story.require(wrong is None, "every role is that of a CPU that is there", wrong or "")
        again = checked.choice().roles(cpus)
        story.require(again == roles, "roles are always the same", f"another time: {again}")

    look(str(checked), example, examples, blames=NONSENSE)
