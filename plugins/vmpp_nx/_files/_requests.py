"""Numbers of asynchronous reads and writes that are under way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from vmpp_nx._errors import Refused

if TYPE_CHECKING:
    from vmpp_nx._files._accesses import Access
    from vmpp_nx._state import State


class IoRequests:
    """A process's asynchronous reads and writes, by number; there are as many as message ids."""

    __slots__ = ("_limit", "_made", "_under_way")

    def __init__(self, state: State) -> None:
        self._limit = state.parameters.ids
        self._made = 0
        self._under_way: dict[int, Access] = {}

    def check(self) -> None:
        """Refuse one more if there are too many. Raises Refused: EQNOMID."""
        if len(self._under_way) >= self._limit:
            raise Refused("EQNOMID", f"{self._limit} reads and writes are under way")

    def enter(self, access: Access) -> int:
        """Return the number of an access that has been begun."""
        self._made += 1
        self._under_way[self._made] = access
        return self._made

    def wait(self, number: int) -> int:
        """Wait for an access and forget it; return how many bytes it has moved. Raises Refused."""
        access = self._find(number)
        try:
            return access.wait()
        finally:
            access.cancel()
            del self._under_way[number]

    def done(self, number: int) -> bool:
        """Return whether an access is complete; then it is forgotten. Raises Refused."""
        if not self._find(number).done:
            return False
        self.wait(number)
        return True

    def _find(self, number: int) -> Access:
        found = self._under_way.get(number)
        if found is None:
            raise Refused("EQMID", f"no read or write under way has number {number!r}")
        return found
