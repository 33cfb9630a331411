"""Which class of handles a communicator has, filled by the modules of the classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from vmpp_mpi._state import CommState

INTRA: Final = 0
INTER: Final = -1
"""Kinds beside those of topologies, `CART` and the others."""

KINDS: Final[dict[int, Any]] = {}
"""The classes, by kind."""


def class_of(state: CommState) -> Any:
    """Return the class of handles to a communicator."""
    if state.remote is not None:
        return KINDS[INTER]
    return KINDS[INTRA if state.topology is None else state.topology.kind]
