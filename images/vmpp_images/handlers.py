"""What a handler in the kernel saves: fetch-and-add, done by a process or by its kernel.

Rank 0 asks rank 1 to add to a counter, and waits for what it was. What does that is a handler in
user space, which interrupts rank 1 or runs where it polls, or a handler that the kernel interprets
itself. In the first column rank 1 waits meanwhile. In the second it computes, and in the third is
what each request takes of its time then.

    vmpp run -n 2 handlers [ROUNDS]
    vmpp run -n 2 --machine paragon handlers
"""

import time
from array import array

import am

import vmpp
from vmpp_images.options import one_count

WORK = 1.0
"""Seconds that rank 1 computes for."""
WAYS = (
    ("a handler that interrupts", "handler", False),
    ("a handler where it polls", "handler", True),
    ("a handler in the kernel", "kernel", False),
)

me, size = am.rank(), am.size()
if size < 2:
    raise SystemExit("handlers: take at least two processes")
rounds = one_count("handlers", me, rounds=10)
counter = am.expose(8)
stop = am.expose(1)
results = array("d", [0.0])
lost = am.expose(results)


def ask(by: str) -> float:
    """Have a word added to so often; return how long that takes each time, in microseconds."""
    began = time.perf_counter_ns()
    for _ in range(rounds):
        am.fetch_add(1, counter, 0, 1, by=by)
    return (time.perf_counter_ns() - began) / rounds / 1000


def waiting(by: str, polls: bool) -> float:
    """Measure while rank 1 waits, and deals with messages itself if it *polls*."""
    took = 0.0
    if polls:
        am.hold_interrupts()
    am.barrier()
    if me == 0:
        took = ask(by)
        am.put(1, stop, 0, b"\1")
    elif me == 1:
        am.block_until(lambda: stop.memory[0])
        stop.memory[0] = 0
    am.barrier()
    if polls:
        am.resume_interrupts()
    return took


def computing(by: str) -> tuple[float, float]:
    """Measure while rank 1 computes; return what that loses by each request, too."""
    took = 0.0
    am.barrier()
    if me == 0:
        took = ask(by)
        time.sleep(WORK)  # no other message is to interrupt rank 1
    elif me == 1:
        began = time.perf_counter_ns()
        vmpp.compute(WORK)
        results[0] = ((time.perf_counter_ns() - began) / 1000 - WORK * 1e6) / rounds
    am.barrier()
    return took, array("d", am.get(1, lost, 0, 8))[0]


if me == 0:
    print(f"{'fetch-and-add by':<26} {'it waits':>12} {'it computes':>12} {'it loses':>12}")
for name, by, polls in WAYS:
    line = f"{name:<26} {waiting(by, polls):>9.3f} us"
    if not polls:
        took, loses = computing(by)
        line += f" {took:>9.3f} us {loses:>9.3f} us"
    if me == 0:
        print(line)
am.barrier()
