"""What can be set: the keys of machine files, and the parameters of what plugins offer.

A parameter of a factory is set by users if it is annotated with what it `Is`. Then
``rr:2ms``, or ``rr:quantum=2ms``, chooses this policy with a quantum of 2 ms:

    class RoundRobin:
        def __init__(self, quantum: Annotated[int, time("slice of a process")] = duration("10 ms")):
            ...

    @hookimpl
    def vmpp_policies():
        return {"rr": RoundRobin}
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from vmpp.quantities import DURATION, RATE, SIZE, Unit


@dataclass(frozen=True, slots=True)
class Is:
    """What one key of a machine file, or one parameter, is.

    Attributes:
        text: its documentation.
        low, high: bounds, written as the value is; None where there are none.
        unit: how the value is written and counted; None for plain numbers and names.
        words: the words that it may be, if it is one of some.
    """

    text: str
    low: str | int | None = None
    high: str | int | None = None
    unit: Unit | None = None
    words: tuple[str, ...] = ()

    def check(self, value: object) -> object:
        """Return *value* as it is kept.

        Raises:
            ValueError: it lacks its unit or lies outside the bounds.
        """
        counted = self._count(value)
        if self.words and value not in self.words:
            raise ValueError(f"{quoted(value)} is none of {', '.join(self.words)}")
        if self.low is not None and isinstance(counted, int) and not isinstance(counted, bool):
            # Sorted, because the greater a rate is, the less time a byte takes.
            low, high = sorted((self._count(self.low), self._count(self.high)))
            if not low <= counted <= high:
                raise ValueError(f"{quoted(value)} is not between {self.low} and {self.high}")
        return counted

    def read(self, text: str) -> object:
        """Return the value that *text* stands for, where no quotes tell numbers from names.

        Raises:
            ValueError: it stands for none.
        """
        if self.unit is None and isinstance(self.low, int):
            try:
                return self.check(int(text))
            except ValueError as error:
                whole = text.removeprefix("-").isdecimal()
                raise error if whole else ValueError(f'"{text}" is no whole number') from None
        return self.check(text)

    def write(self, value: Any) -> str:
        """Return *value*, as it is kept, as a person would write it."""
        return str(value) if self.unit is None else self.unit.write(value)

    def _count(self, value: Any) -> Any:
        return value if self.unit is None else self.unit.read(value)


@dataclass(frozen=True, slots=True)
class Nested:
    """Of a parameter that takes the rest of a text: another choice of the same kind.

    Its value is a factory; ``tracing:rr:2ms`` is the policy ``tracing`` of ``rr:2ms``.
    """

    text: str


def time(text: str, low: str = "0 s", high: str = "1000 s") -> Is:
    """Return what a duration is: written ``"40 ns"``, kept in picoseconds."""
    return Is(text, low, high, DURATION)


def rate(text: str, low: str = "1 kB/s", high: str = "100 TB/s") -> Is:
    """Return what a rate is: written ``"160 MB/s"``, kept in femtoseconds a byte."""
    return Is(text, low, high, RATE)


def size(text: str, low: str = "0 B", high: str = "1 TiB") -> Is:
    """Return what a size is: written ``"64 MiB"``, kept in bytes."""
    return Is(text, low, high, SIZE)


def count(text: str, low: int, high: int) -> Is:
    """Return what a whole number is."""
    return Is(text, low, high)


def word(text: str, *words: str) -> Is:
    """Return what one of some *words* is."""
    return Is(text, words=words)


PARTS: Final = Unit("a share", "%", "2.5 %", "parts in a million", lambda share: share * 10_000)


def share(text: str, low: str = "0 %", high: str = "100 %") -> Is:
    """Return what a share is: written ``"2.5 %"``, kept in parts in a million."""
    return Is(text, low, high, PARTS)


def quoted(value: object) -> str:
    """Return *value* as it stood in the file."""
    return f'"{value}"' if isinstance(value, str) else repr(value)
