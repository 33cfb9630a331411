"""Pi as a global sum of parts, up a tree and down again: by active messages, and in the kernels.

    vmpp run -n 64 am-sum [STRIPS]

The area under 4 / (1 + x^2) is counted in units of 2^-50, as kernels have no floating point. In the
first tree handlers in user space add up what the children of a process send, and the process, which
waits for that, sends it on. In the second the kernels do all of that, and a process is woken once,
by the result.
"""

import time

import am
import numpy as np

from vmpp_images.options import one_count

UNIT = 2.0**-50
UP, DOWN = 0, 1
COMBINE = """
    store(0, load(0) + 1)
    store(8, load(8) + body(0))
    if load(0) == EXPECTED:
        total = load(8)
        store(0, 0)
        store(8, 0)
        if me:
            send((me - 1) // 2, UP, 0, total)
        else:
            send(0, DOWN, 0, total)
"""
"""Adds up what the process and its children send, and passes the sum on to the parent."""
SPREAD = """
    store(16, body(0))
    store(24, 1)
    for child in range(2 * RANK + 1, min(2 * RANK + 3, SIZE)):
        forward(child, DOWN, 0)
    wake()
"""
"""Keeps the result, and passes it on to the children."""

rank, size = am.rank(), am.size()
strips = one_count("am-sum", rank, strips=100_000)
parent = (rank - 1) // 2
children = [child for child in (2 * rank + 1, 2 * rank + 2) if child < size]

memory = am.expose(32)
portals = {"UP": am.kernel_portal(UP), "DOWN": am.kernel_portal(DOWN)}
am.kernel_handler(UP, COMBINE, memory, name="combine", EXPECTED=len(children) + 1, **portals)
am.kernel_handler(DOWN, SPREAD, memory, name="spread", RANK=rank, SIZE=size, **portals)
words = memoryview(memory.memory).cast("q")
parts: list[int] = []
totals: list[int] = []


def add(token: am.Token, part: int) -> None:
    """Take what a child sends."""
    parts.append(part)


def take(token: am.Token, total: int) -> None:
    """Take the result from the parent."""
    totals.append(total)


am.register(add)
am.register(take)


def sum_by_messages(part: int) -> int:
    """Return the sum over all processes, by handlers in user space."""
    am.block_until(lambda: len(parts) == len(children))
    part += sum(parts)
    parts.clear()
    if rank:
        am.request(parent, add, part)
        am.block_until(lambda: totals)
    else:
        totals.append(part)
    total = totals.pop()
    for child in children:
        am.request(child, take, total)
    return total


def sum_in_kernels(part: int) -> int:
    """Return the sum over all processes, by handlers in the kernels."""
    am.kernel_signal(rank, UP, part)
    am.block_until(lambda: words[3])
    words[3] = 0
    return words[2]


x = (np.arange(rank, strips, size) + 0.5) / strips
part = round(float(np.sum(4.0 / (1.0 + x * x))) / strips / UNIT)
for name, reduce in (("messages", sum_by_messages), ("the kernels", sum_in_kernels)):
    am.barrier()
    began = time.perf_counter()
    total = reduce(part)
    took = (time.perf_counter() - began) * 1e6
    am.quiet()
    am.barrier()
    if rank == 0:
        area = total * UNIT
        print(f"by {name}: pi is about {area:.12f}, {abs(area - np.pi):.1e} off, in {took:.3f} us")
