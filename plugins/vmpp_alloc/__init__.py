"""Allocation policies: which nodes a job gets.

What looks for places in a grid needs NumPy, which takes longer to import than most programs take to
run: such a policy is imported when it is chosen.
"""
# ruff: noqa: PLC0415 - see above

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated

from vmpp.hooks import hookimpl
from vmpp.parameters import word
from vmpp_alloc.at_random import Random
from vmpp_alloc.first_free import FirstFree
from vmpp_alloc.subcube import Subcube

if TYPE_CHECKING:
    from vmpp.hooks import AllocatorFactory
    from vmpp.service import AllocationPolicy, Places


def make_submesh(
    places: Places,
    fit: Annotated[str, word("which place of those that fit", "first", "best")] = "first",
) -> AllocationPolicy:
    """Make the policy that gives out boxes; see `vmpp_alloc.submesh`."""
    from vmpp_alloc.submesh import Submesh

    return Submesh(places, fit)


def make_buddy(places: Places) -> AllocationPolicy:
    """Make the policy that gives out squares; see `vmpp_alloc.buddy`."""
    from vmpp_alloc.buddy import Buddy

    return Buddy(places)


def make_hilbert(
    places: Places,
    fit: Annotated[str, word("which run of those that are long enough", "first", "best")] = "first",
) -> AllocationPolicy:
    """Make the policy that goes along a curve; see `vmpp_alloc.hilbert`."""
    from vmpp_alloc.hilbert import Hilbert

    return Hilbert(places, fit)


def make_mc1x1(places: Places) -> AllocationPolicy:
    """Make the policy that fills shells; see `vmpp_alloc.mc1x1`."""
    from vmpp_alloc.mc1x1 import MC1x1

    return MC1x1(places)


@hookimpl
def vmpp_allocators() -> Mapping[str, AllocatorFactory]:
    """Offer the policies by the names that machine files use."""
    return {
        "first-free": FirstFree,
        "random": Random,
        "submesh": make_submesh,
        "buddy": make_buddy,
        "subcube": Subcube,
        "hilbert": make_hilbert,
        "mc1x1": make_mc1x1,
    }
