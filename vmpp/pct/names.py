"""The name service: processes by name."""

from __future__ import annotations

from vmpp.portals import Address


class NameService:
    """Says under which address a name is published on a node."""

    __slots__ = ("_names",)

    def __init__(self) -> None:
        self._names: dict[str, Address] = {}

    def publish(self, name: str, address: Address) -> None:
        """Publish *address* under *name*.

        Raises:
            KeyError: the name is taken.
        """
        if name in self._names:
            raise KeyError(f"the name {name!r} is taken")
        self._names[name] = address

    def look_up(self, name: str) -> Address:
        """Return what is published under *name*.

        Raises:
            KeyError: nothing is.
        """
        if name not in self._names:
            raise KeyError(f"nothing is published under {name!r}")
        return self._names[name]

    def withdraw(self, address: Address) -> None:
        """Take back every name of *address*."""
        for name in [name for name, where in self._names.items() if where is address]:
            del self._names[name]
