"""Tasks beside a block of code."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import trio


@asynccontextmanager
async def nursery() -> AsyncIterator[trio.Nursery]:
    """Open a nursery whose block's error comes out as it is, not in a group.

    An error of the block cancels the tasks. Theirs are defects, and come out in a group.
    """
    error: Exception | None = None
    async with trio.open_nursery() as tasks:
        try:
            yield tasks
        except Exception as raised:
            error = raised
            tasks.cancel_scope.cancel()
    if error is not None:
        raise error
