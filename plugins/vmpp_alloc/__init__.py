"""Allocation policies: which nodes a job gets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from vmpp.hooks import hookimpl
from vmpp_alloc.at_random import Random
from vmpp_alloc.buddy import Buddy
from vmpp_alloc.first_free import FirstFree
from vmpp_alloc.hilbert import Hilbert
from vmpp_alloc.mc1x1 import MC1x1
from vmpp_alloc.subcube import Subcube
from vmpp_alloc.submesh import Submesh

if TYPE_CHECKING:
    from vmpp.hooks import AllocatorFactory

__all__ = ["Buddy", "FirstFree", "Hilbert", "MC1x1", "Random", "Subcube", "Submesh"]


@hookimpl
def vmpp_allocators() -> Mapping[str, AllocatorFactory]:
    """Offer the policies by the names that machine files use."""
    return {
        "first-free": FirstFree,
        "random": Random,
        "submesh": Submesh,
        "buddy": Buddy,
        "subcube": Subcube,
        "hilbert": Hilbert,
        "mc1x1": MC1x1,
    }
