"""Machines with accounts, and people who log in."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest

import vmpp
from vmpp.machine.machine import Machine
from vmpp.machine.state import State

Booting = Callable[..., AbstractAsyncContextManager[Machine]]


@pytest.fixture
def booting() -> Booting:
    """What boots a small machine with accounts, whose console is alice's."""

    def boot(state: State | None = None, **options: Any) -> AbstractAsyncContextManager[Machine]:
        options.setdefault("nodes", 4)
        return vmpp.boot(state=state or State.ephemeral(user="alice"), **options)

    return boot
