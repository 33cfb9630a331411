"""Kernel weight: what a node does besides the application."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from vmpp.hooks import hookimpl

if TYPE_CHECKING:
    from vmpp.hooks import NoiseFactory


class Silent:
    """Nothing, as on a light-weight kernel."""

    __slots__ = ()


@hookimpl
def vmpp_noise() -> Mapping[str, NoiseFactory]:
    """Offer the profiles by the names that machine files use."""
    return {"silent": Silent}
