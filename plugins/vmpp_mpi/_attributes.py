"""Attributes: what a program attaches to communicators, datatypes and windows, by key.

A kind of handle that has attributes derives from `Attributed`. What it refers to keeps them, in an
attribute of that name: a dictionary by key, None as long as there is nothing. A key belongs to the
rank and to the kind of handle that made it.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Callable
from typing import Any, Final, TypeVar

from vmpp_mpi._constants import KEYVAL_INVALID
from vmpp_mpi._errors import ERR_KEYVAL, ERR_OTHER
from vmpp_mpi._errors import Exception as MPIError
from vmpp_mpi._handle import AnyHandle, Family, Handle
from vmpp_mpi._local import local

T = TypeVar("T")

_FIRST: Final = 1 << 10
"""Keys that programs make count from here; those of the standard lie below."""


class Keyval:
    """A key for attributes.

    Attributes:
        family: the kind of handle that it is for.
        copy: whether a duplicate gets the attribute, or the function that says so.
        delete: called when an attribute is replaced or removed, None for nothing.
        plain: whether attributes are integers.
        freed: whether the program has freed it; its functions stay for attributes that have it.
    """

    __slots__ = ("copy", "delete", "family", "freed", "plain")

    def __init__(self, family: Family, copy: Any, delete: Any, plain: bool) -> None:
        self.family = family
        self.copy = copy
        self.delete = delete
        self.plain = plain
        self.freed = False


def _keyvals() -> dict[int, Keyval]:
    return local("mpi.keyvals", dict)


class AttributeCalls(AnyHandle[T]):
    """The calls about attributes; `Attributed` is a handle that has them."""

    __slots__ = ()

    def _holder(self) -> Any:
        """Return the object that keeps the attributes."""
        return self._get()

    def _constant_attribute(self, keyval: int) -> Any | None:
        """Return an attribute that MPI itself has attached, None for other keys."""
        return None

    def _attribute_error(self, code: int, detail: str) -> MPIError:
        """Return the error to be raised, once the error handler has been told."""
        return MPIError(code, detail)

    def _key(self, keyval: int) -> Keyval:
        found = _keyvals().get(keyval)
        if found is None or found.freed or found.family is not self._family:
            raise self._attribute_error(ERR_KEYVAL, f"no key {keyval} for attributes")
        return found

    def Get_attr(self, keyval: int) -> int | Any | None:
        """Return the attribute of a key, None if there is none.

        Raises:
            MPIError: `ERR_KEYVAL`: there is no such key.
        """
        holder = self._holder()
        constant = self._constant_attribute(keyval)
        if constant is not None:
            return constant
        self._key(keyval)
        return None if holder.attributes is None else holder.attributes.get(keyval)

    def Set_attr(self, keyval: int, attrval: Any) -> None:
        """Attach an attribute.

        Raises:
            MPIError: as `Get_attr`; `ERR_OTHER`: the function that deletes the one before failed.
            TypeError: the key is for integers, and *attrval* is none.
        """
        holder = self._holder()
        if self._key(keyval).plain:
            attrval = int(attrval)
        if holder.attributes is None:
            holder.attributes = {}
        if keyval in holder.attributes:
            self._delete(holder, keyval)
        holder.attributes[keyval] = attrval

    def Delete_attr(self, keyval: int) -> None:
        """Remove an attribute.

        Raises:
            MPIError: as `Get_attr`, and if there is none; `ERR_OTHER`: the key's function failed.
        """
        holder = self._holder()
        self._key(keyval)
        if holder.attributes is None or keyval not in holder.attributes:
            raise self._attribute_error(ERR_KEYVAL, f"no attribute of key {keyval}")
        self._delete(holder, keyval)

    @classmethod
    def Create_keyval(
        cls,
        copy_fn: Callable[[Any, int, Any], Any] | bool | None = None,
        delete_fn: Callable[[Any, int, Any], None] | None = None,
        nopython: bool = False,
    ) -> int:
        """Return a new key for attributes.

        Args:
            copy_fn: called when what has the attribute is duplicated; returns the duplicate's
                attribute, or ``NotImplemented`` for none. True copies, None and False do not.
            delete_fn: called when an attribute is replaced or removed.
            nopython: whether attributes are plain integers.
        """
        keyvals = _keyvals()
        keyval = _FIRST + len(keyvals)
        keyvals[keyval] = Keyval(cls._family, copy_fn, delete_fn, bool(nopython))
        return keyval

    @classmethod
    def Free_keyval(cls, keyval: int) -> int:
        """Free a key and return `KEYVAL_INVALID`. Attributes that have it stay as they are.

        Raises:
            MPIError: `ERR_KEYVAL`: there is no such key.
        """
        found = _keyvals().get(keyval)
        if found is None or found.freed or found.family is not cls._family:
            raise MPIError(ERR_KEYVAL, f"no key {keyval}")
        found.freed = True
        return KEYVAL_INVALID

    # -- for the calls that duplicate and free -----------------------------------------------------

    def _copy_attributes(self, holder: Any) -> None:
        """Give the duplicate's *holder* what the keys' functions say of the own attributes.

        Raises:
            MPIError: `ERR_OTHER`: one of them failed.
        """
        keyvals = _keyvals()
        for keyval, value in list((self._holder().attributes or {}).items()):
            copy = keyvals[keyval].copy
            made = self._call(copy, keyval, value) if callable(copy) else value
            if copy and made is not NotImplemented:
                if holder.attributes is None:
                    holder.attributes = {}
                holder.attributes[keyval] = made

    def _delete_attributes(self) -> None:
        """Remove all attributes, the last that was attached first.

        Raises:
            MPIError: `ERR_OTHER`: the function of a key failed.
        """
        holder = self._holder()
        while holder.attributes:
            self._delete(holder, next(reversed(holder.attributes)))

    def _delete(self, holder: Any, keyval: int) -> None:
        value = holder.attributes.pop(keyval)
        delete = _keyvals()[keyval].delete
        if delete is not None:
            self._call(delete, keyval, value)

    def _call(self, function: Callable[[Any, int, Any], Any], keyval: int, value: Any) -> Any:
        """Call the function of a key; what it raises is an error of the call in progress."""
        try:
            return function(self, keyval, value)
        except MPIError as error:
            code, detail = error.Get_error_code(), str(error)
        except Exception as error:
            traceback.print_exc(file=sys.stderr)
            code, detail = ERR_OTHER, f"a function for attributes raised {error!r}"
        raise self._attribute_error(code, detail)


class Attributed(AttributeCalls[T], Handle[T]):
    """A handle to something that attributes can be attached to."""

    __slots__ = ()
