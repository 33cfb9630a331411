"""Kernel weight: what a node does besides the application."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from vmpp.hooks import hookimpl
from vmpp_noise.injected import INJECTED, periodic
from vmpp_noise.profiles import PROFILES

if TYPE_CHECKING:
    from vmpp.hooks import NoiseFactory


@hookimpl
def vmpp_noise() -> Mapping[str, NoiseFactory]:
    """Offer the profiles by the names that machine files use."""
    return {**PROFILES, **INJECTED, "periodic": periodic}
