"""Locks that go with a communicator, for the threads of a rank."""

from __future__ import annotations

import threading
from collections.abc import Hashable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vmpp_mpi._state import CommState


def lock_table(state: CommState) -> dict[Hashable, threading.Lock]:
    """Return the locks of a communicator, by key."""
    if state.locks is None:
        state.locks = {}
    return state.locks


def lock_of(state: CommState, key: Hashable) -> threading.Lock:
    """Return the lock of a communicator that has a *key*, made when first asked for.

    The calls that move objects hold one, named as they are: so threads that call the same one take
    turns.
    """
    locks = lock_table(state)
    found = locks.get(key)
    if found is None:
        found = locks[key] = threading.Lock()
    return found
