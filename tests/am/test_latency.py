"""What a handler in the kernel saves, reckoned by hand from the constants of machines."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

import vmpp
from vmpp.machine.description import load
from vmpp.machine.plugins import Plugins

MACHINES = ["default", "paragon", "asci-red"]
CLOCK = 100
"""What reading the clock takes, in ns."""
STEPS = 15
"""That the kernel takes to add to a word and reply: 2 for the word, 4 for which operation, 5 to
add, 1 past the others, 3 to reply."""

PROGRAM = """
    import time
    import vmpp
    counter = am.expose(8)
    polls = {polls}
    if polls:
        am.hold_interrupts()
    am.barrier()
    if me == 0:
        took = []
        for _ in range(3):
            began = time.perf_counter_ns()
            am.fetch_add(1, counter, 0, 1, by={by!r})
            took.append(time.perf_counter_ns() - began)
        print(took[-1])
        time.sleep(1)
    elif {computes}:
        began = time.perf_counter_ns()
        vmpp.compute(1.0)
        print("lost", (time.perf_counter_ns() - began - 10**9 - {clock}) // 3)
    am.barrier()
"""


@dataclass
class Reckoning:
    """The parts of a round trip on a machine whose CPU runs kernel and application, in ps."""

    machine: Any

    def wire(self, nbytes: int) -> int:
        """The network from one node to the next, for a body of so many bytes."""
        links = self.machine.network.links
        rate = max(links.link_rate, links.injection_rate, links.ejection_rate)
        stream = (nbytes + links.header_bytes) * rate // 1000
        return links.wire_latency + links.hop_latency + stream

    def taken(self, entries: int) -> int:
        """The kernel's work on an arrival that it looks at so many entries for."""
        kernel = self.machine.kernel
        return kernel.interrupt + kernel.receive + entries * kernel.match_entry

    @property
    def asked(self) -> int:
        """Library and kernel of whoever sends."""
        return self.machine.am.send + self.machine.kernel.send

    @property
    def answered(self) -> int:
        """The word on its way back, and what takes it in."""
        return self.wire(8) + self.taken(1)

    @property
    def in_the_kernel(self) -> int:
        """The third entry of a segment, the handler's steps, and its reply."""
        kernel = self.machine.kernel
        work = kernel.handler_entry + STEPS * kernel.handler_step
        return self.taken(3) + work + kernel.acknowledge

    @property
    def in_user_space(self) -> int:
        """The second entry for messages; the handler is looked for, called, and its result sent."""
        return self.taken(2) + self.machine.am.handler + self.asked

    def round_trip(self, by: str, polls: bool) -> int:
        """How long the requester waits."""
        if by == "kernel":
            return self.asked + self.wire(16) + self.in_the_kernel + self.answered
        switch = 0 if polls else self.machine.kernel.context_switch
        return self.asked + self.wire(40) + self.in_user_space + switch + self.answered


def reckoning(machine: str) -> Reckoning:
    return Reckoning(load(machine, Plugins.installed()))


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize(
    ("by", "polls"), [("kernel", False), ("handler", False), ("handler", True)]
)
def test_round_trips_take_what_their_parts_take(
    lines: Callable[..., list[str]], machine: str, by: str, polls: bool
) -> None:
    (took,) = lines(
        PROGRAM.format(by=by, polls=polls, computes=False, clock=CLOCK), machine=machine
    )
    by_hand = reckoning(machine).round_trip(by, polls) / 1000
    assert int(took) - CLOCK == pytest.approx(by_hand, abs=2)


@pytest.mark.parametrize("machine", MACHINES)
def test_a_program_that_computes_loses_the_work_and_no_context_switch(
    lines: Callable[..., list[str]], machine: str
) -> None:
    hand = reckoning(machine)
    lost = {}
    for by in ("kernel", "handler"):
        found = lines(
            PROGRAM.format(by=by, polls=False, computes=True, clock=CLOCK), machine=machine
        )
        lost[by] = int(found[-1].removeprefix("lost "))
    assert lost["kernel"] == pytest.approx(hand.in_the_kernel / 1000, abs=2)
    switch = hand.machine.kernel.context_switch
    assert lost["handler"] == pytest.approx((hand.in_user_space + switch) / 1000, abs=2)


def test_what_the_image_prints() -> None:
    result = vmpp.run("handlers", ["2"], nprocs=2, machine="paragon")
    _, *rows = result.stdout.decode().splitlines()
    interrupting, polling, kernel = (
        [float(word) for word in row.split() if word.replace(".", "").isdigit()] for row in rows
    )
    hand = reckoning("paragon")
    assert interrupting[0] - polling[0] == pytest.approx(60, abs=0.01)
    assert kernel[2] == pytest.approx(hand.in_the_kernel / 1e6, abs=0.1)
    assert kernel[0] == pytest.approx(hand.round_trip("kernel", polls=False) / 1e6, abs=1)
