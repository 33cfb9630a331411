"""Asking a scheduling policy, which is somebody else's code, and checking what it answers."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence
from typing import Any, Final

from vmpp.errors import PluginError, plugin_of
from vmpp.kernel import Process
from vmpp.pct.observing import DispatchObserver
from vmpp.pct.scheduling import SchedulingPolicy


class PolicyFault(PluginError):
    """A scheduling policy broke its rules; the message names it and the rule."""


class Asked:
    """A scheduling policy whose answers can be relied on.

    Each method raises PolicyFault if the policy raises, or answers what cannot be.

    Attributes:
        policy: the policy itself.
        name: what chose it, such as ``rr:2ms``.
        multitasking: whether a node may have several processes.
        asked_alone: whether it is asked even about a process that has its node to itself.
        observer: who is told what becomes of processes; None: nobody.
    """

    __slots__ = ("_node", "_strobe", "asked_alone", "multitasking", "name", "observer", "policy")

    def __init__(self, policy: SchedulingPolicy, name: str, node: int) -> None:
        """Ask *policy*. Raises PolicyFault if it lacks an operation."""
        self.policy = policy
        self.name = name or type(policy).__name__
        self._node = node
        for operation in ("multitasking", "admit", "choose", "until", "preempts"):
            if not hasattr(policy, operation):
                raise self._fault(f"it has no {operation!r}")
        self.multitasking = bool(policy.multitasking)
        self.asked_alone = bool(getattr(policy, "asked_alone", False))
        self.observer: DispatchObserver | None = getattr(policy, "observer", None)
        for told in _TOLD if self.observer is not None else ():
            if not callable(getattr(self.observer, told, None)):
                raise self._fault(f"its observer has no {told!r}")
        self._strobe: Callable[[int | None, int], object] | None = getattr(policy, "strobe", None)

    def admit(self, loaded: int) -> str | None:
        """Return why no more than *loaded* processes may be there, or None if one more may."""
        refusal: str | None = self._checked("admit", _REFUSAL, loaded)
        return refusal

    def choose(self, ready: Sequence[Process], now: int) -> int | None:
        """Return the index of the one of *ready* that runs next, or None."""
        if not self.multitasking:
            return 0
        try:
            place = self.policy.choose(ready, now)
        except Exception as error:
            raise self._raised("choose", error) from error
        if place is None or (type(place) is int and 0 <= place < len(ready)):
            return place
        self._check("choose", place, _PLACE)
        wanted = f"an index from 0 to {len(ready) - 1}, or None"
        raise self._fault(f"choose() returned {place}, and must return {wanted}")

    def until(self, process: Process, now: int) -> int | None:
        """Return when *process*, which runs from *now* on, has had its time, or None."""
        if not self.multitasking:
            return None
        try:
            when = self.policy.until(process, now)
        except Exception as error:
            raise self._raised("until", error) from error
        if when is None or (type(when) is int and when > now):
            return when
        self._check("until", when, _TIME)
        raise self._fault(
            f"until() returned {when} ps, and must return a time after {now} ps, or None"
        )

    def preempts(self, arrived: Process, running: Process, now: int) -> bool:
        """Return whether *arrived* is a reason to choose anew while *running* has the CPU."""
        return bool(self._checked("preempts", _WHETHER, arrived, running, now))

    def strobe(self, row: int | None, now: int) -> None:
        """Tell the policy whose turn it is, if it minds."""
        if self._strobe is not None:
            try:
                answer = self._strobe(row, now)
            except Exception as error:
                raise self._raised("strobe", error) from error
            if answer is not None:
                self._check("strobe", answer, _NOTHING_ELSE)

    def idles_for_ever(self, ready: int) -> PolicyFault:
        """Return the fault of letting *ready* processes wait for what never comes."""
        return self._fault(
            f"choose() returned None for {ready} that are ready, and nothing else will ever happen"
        )

    # What is asked at every turn has its answer looked at in place.

    def _checked(self, operation: str, wanted: tuple[type, ...], *arguments: Any) -> Any:
        try:
            answer = getattr(self.policy, operation)(*arguments)
        except Exception as error:
            raise self._raised(operation, error) from error
        return self._check(operation, answer, wanted)

    def _raised(self, operation: str, error: Exception) -> PolicyFault:
        where = traceback.extract_tb(error.__traceback__)[1:]
        place = f" ({where[-1].filename}, line {where[-1].lineno})" if where else ""
        return self._fault(f"{operation}() raised {type(error).__name__}: {error}{place}")

    def _check(self, operation: str, answer: object, wanted: tuple[type, ...]) -> object:
        """Return *answer*. Raises PolicyFault if it is of another type."""
        if type(answer) in wanted:
            return answer
        kinds = " or ".join(_NAMES[kind] for kind in wanted)
        raise self._fault(f"{operation}() returned {answer!r}, and must return {kinds}")

    def _fault(self, what: str) -> PolicyFault:
        owner = plugin_of(type(self.policy).__module__)
        who = f"scheduling policy {self.name} of node {self._node}"
        return PolicyFault(f"{owner}: {who}: {what}" if owner else f"{who}: {what}")


_TOLD: Final = ("became_ready", "switches", "runs", "preempted", "blocked", "ended")
_NOTHING: Final = type(None)
_REFUSAL: Final = (str, _NOTHING)
_PLACE: Final = (int, _NOTHING)
_TIME: Final = (int, _NOTHING)
_WHETHER: Final = (bool,)
_NOTHING_ELSE: Final = (_NOTHING,)
_NAMES: Final = {str: "a text", int: "a whole number", bool: "True or False", _NOTHING: "None"}
