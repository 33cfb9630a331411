"""Info objects: ordered sets of keys and values, both strings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, Self, TypeVar

from vmpp.engine import current_process
from vmpp_mpi._constants import MAX_INFO_KEY, MAX_INFO_VAL
from vmpp_mpi._errors import ERR_ARG, ERR_INFO, ERR_INFO_KEY, ERR_INFO_NOKEY, ERR_INFO_VALUE
from vmpp_mpi._errors import Exception as MPIError
from vmpp_mpi._handle import AnyHandle, Handle, forget, is_predefined, predefine
from vmpp_mpi._local import local

T = TypeVar("T")


class Entries:
    """The keys and values that a handle `Info` refers to."""

    __slots__ = ("_table",)

    def __init__(self, table: dict[str, str] | None) -> None:
        self._table = table

    @property
    def table(self) -> dict[str, str]:
        """Values by key. Those of the environment are each rank's own."""
        return local("mpi.info.env", _environment) if self._table is None else self._table


def _environment() -> dict[str, str]:
    """Return what the running rank knows of how it was started."""
    process = current_process()
    return {} if process is None else {"maxprocs": str(process.size)}


Items = Mapping[str, str] | Iterable[tuple[str, str]]


class Info(Handle[Entries]):
    """An ordered set of keys and values. Null when made of nothing.

    It behaves as a dictionary of strings besides. The null handle is an empty one for all that
    reads.
    """

    __slots__ = ()

    _error = ERR_INFO

    def __new__(cls, info: Info | None = None) -> Self:
        """Make a second handle to what *info* refers to."""
        return cls._copy(info)

    def _reduce(self) -> tuple[Any, ...]:
        return type(self).Create, (self.items(),)

    @classmethod
    def Create(cls, items: Info | Items | None = None) -> Self:
        """Return a new info object with the keys and values of *items*."""
        info = cls._wrap(Entries({}))
        if items is not None:
            info.update(items)
        return info

    @classmethod
    def Create_env(cls, args: Sequence[str] | None = None) -> Self:
        """Return a new info object that says how the rank was started; *args* add nothing."""
        return cls._wrap(Entries(_environment()))

    def Free(self) -> None:
        """Free the info object and make the handle null.

        Raises:
            MPIError: of class `ERR_INFO`: it is predefined or null.
        """
        if is_predefined(self):
            raise MPIError(ERR_INFO, "cannot free a predefined info object")
        forget(self)

    def free(self) -> None:
        """Free the info object if that can be, and make the handle null unless it is a constant."""
        if is_predefined(self):
            forget(self)
        else:
            self.Free()

    def Dup(self) -> Self:
        """Return a new info object with the same keys and values, in the same order."""
        return self._wrap(Entries(dict(self._get().table)))

    def Get(self, key: str) -> str | None:
        """Return the value of *key*, None if it has none.

        Raises:
            MPIError: of class `ERR_INFO_KEY`: the key is empty or too long.
        """
        return self._get().table.get(_key(key))

    def Set(self, key: str, value: str) -> None:
        """Give *key* a value.

        Raises:
            MPIError: of class `ERR_INFO_KEY`: the key is empty or too long; of class
                `ERR_INFO_VALUE`: the value is too long.
        """
        table = self._get().table
        if not isinstance(value, str):
            raise TypeError(f"expected str, got {type(value).__name__}")
        if len(value) > MAX_INFO_VAL:
            raise MPIError(ERR_INFO_VALUE, f"{len(value)} characters")
        table[_key(key)] = value

    def Delete(self, key: str) -> None:
        """Remove *key*.

        Raises:
            MPIError: of class `ERR_INFO_NOKEY`: it is not there.
        """
        if self._get().table.pop(_key(key), None) is None:
            raise MPIError(ERR_INFO_NOKEY, key)

    def Get_nkeys(self) -> int:
        """Return the number of keys."""
        return len(self._get().table)

    def Get_nthkey(self, n: int) -> str:
        """Return the key of number *n*, from 0.

        Raises:
            MPIError: of class `ERR_ARG`: there are not so many.
        """
        table = self._get().table
        if not 0 <= n < len(table):
            raise MPIError(ERR_ARG, f"key {n} of {len(table)}")
        return list(table)[n]

    def _read(self) -> Mapping[str, str]:
        return {} if self._ref is None else self._ref.table

    def __len__(self) -> int:
        return len(self._read())

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._read()))

    def __contains__(self, value: str, /) -> bool:
        return value in self._read()

    def __getitem__(self, item: str, /) -> str:
        return self._read()[item]

    def __setitem__(self, item: str, value: str, /) -> None:
        if self._ref is None:
            raise KeyError(item)
        self.Set(item, value)

    def __delitem__(self, item: str, /) -> None:
        self._read()[item]  # refuses a key that is not there
        self.Delete(item)

    def get(self, key: str, default: str | None = None) -> str | None:
        """Return the value of *key*, *default* if it has none."""
        return self._read().get(key, default)

    def keys(self) -> list[str]:
        """Return the keys."""
        return list(self._read())

    def values(self) -> list[str]:
        """Return the values, in the order of the keys."""
        return list(self._read().values())

    def items(self) -> list[tuple[str, str]]:
        """Return the keys with their values."""
        return list(self._read().items())

    def update(self, items: Info | Items = (), **kwds: str) -> None:
        """Give keys the values of *items* and *kwds*.

        Raises:
            KeyError: the handle is null.
        """
        if self._ref is None:
            raise KeyError("the null info object has no keys")
        if isinstance(items, (Info, Mapping)):
            items = list(items.items())
        for key, value in [*items, *kwds.items()]:
            self[key] = value

    def pop(self, key: str, *default: str) -> str:
        """Remove *key* and return its value, *default* if it has none.

        Raises:
            KeyError: it has none and there is no default.
        """
        if default and key not in self:
            (value,) = default
            return value
        value = self[key]
        self.Delete(key)
        return value

    def popitem(self) -> tuple[str, str]:
        """Remove the last key and return it with its value.

        Raises:
            KeyError: there is none.
        """
        if not self._read():
            raise KeyError("info object is empty")
        key = self.keys()[-1]
        return key, self.pop(key)

    def copy(self) -> Self:
        """Return a new info object with the same keys and values; null for the null handle."""
        return self.Dup() if self else self._wrap(None)

    def clear(self) -> None:
        """Remove all keys."""
        if self._ref is not None:
            self._ref.table.clear()


Info._family = (Info,)


class HintCalls(AnyHandle[T]):
    """The calls about hints, of a handle to something that keeps them as its `info`."""

    __slots__ = ()

    def _hinted(self) -> Any:
        """Return the object that keeps the hints."""
        return self._get()

    def Set_info(self, info: Info) -> None:
        """Give hints about how it will be used. None changes anything."""
        self._hinted().info = info.Dup() if info else None

    def Get_info(self) -> Info:
        """Return a copy of its hints."""
        info = self._hinted().info
        return Info.Create() if info is None else info.Dup()

    @property
    def info(self) -> Info:
        """A copy of its hints."""
        return self.Get_info()

    @info.setter
    def info(self, value: Info) -> None:
        self.Set_info(value)


def _key(key: str) -> str:
    if not isinstance(key, str):
        raise TypeError(f"expected str, got {type(key).__name__}")
    if not 0 < len(key) <= MAX_INFO_KEY:
        raise MPIError(ERR_INFO_KEY, f"{len(key)} characters")
    return key


INFO_NULL: Final = predefine("INFO_NULL", Info())
INFO_ENV: Final = predefine("INFO_ENV", Info._wrap(Entries(None)))
