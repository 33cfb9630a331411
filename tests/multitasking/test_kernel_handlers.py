"""The kernel runs its handlers for a process that does not have the CPU, and leaves it at that."""

from __future__ import annotations

from collections.abc import Callable

import vmpp

Shared = Callable[..., list[vmpp.Result]]

ASKING = """
    import am
    counter = am.expose(8)
    am.barrier()
    if rank == 0:
        slowest = 0
        for _ in range(40):
            began = time.perf_counter_ns()
            am.fetch_add(1, counter, 0, 1, by=BY)
            slowest = max(slowest, time.perf_counter_ns() - began)
        print(slowest)
        am.put(1, counter, 0, (0).to_bytes(8, "little"))
    else:
        vmpp.compute(1e-3)
        am.block_until(lambda: not any(counter.memory))
    am.barrier()
"""
OTHER = "if rank: vmpp.compute(2e-3)"


def slowest(shared: Shared, by: str) -> int:
    """Return how long the slowest answer takes, in ns, where rank 1 shares its CPU."""
    asking, _ = shared(ASKING.replace("BY", repr(by)), OTHER)
    assert asking.status == 0, asking.failure
    return int(asking.stdout)


def test_a_process_without_the_cpu_is_not_switched_to(shared: Shared) -> None:
    kernel, handler = slowest(shared, "kernel"), slowest(shared, "handler")
    # The kernel answers as ever; a handler takes the switch there, whoever has the CPU.
    assert kernel < 2000
    assert handler >= kernel + 1000
