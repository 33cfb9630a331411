"""Operating systems, as what they take away from the application.

Shares and lengths are those of native noise in Beckman, Iskra, Yoshii, Coghlan and Nataraj,
'Benchmarking the effects of operating system interference on extreme-scale parallel machines'
(Cluster Computing, 2008), where it has such a system: of the Linux node of a cluster, 0.12 % of the
time in events of 8.5 us (median) to 110 us, and of a laptop, 1.02 % in events of 7 us to 180 us.
That the events are a timer's, kernel threads' and daemons', how long each kind takes, and the
systems that it does not have, are estimates; the rates of timers are not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Final

from vmpp.hardware import Periodic
from vmpp.parameters import word
from vmpp.quantities import duration as ps


def _timer(rate: str, duration: str) -> Periodic:
    """Return the interrupts of a CPU's timer, of which each CPU has its own."""
    return Periodic(ps(rate), ps(duration))


def _task(period: str, duration: str, jitter: str = "0 s") -> Periodic:
    """Return a task that wakes up now and then, and runs where there is a CPU to spare."""
    return Periodic(ps(period), ps(duration), jitter=ps(jitter), cpu="any")


_DAEMONS: Final = (
    # The longest events of Beckman et al.'s node, taken for kernel threads that wake every second.
    _task("1 s", "110 us", "10 ms"),
    # Petrini, Kerbyson and Pakin, 'The case of the missing supercomputer performance' (SC'03):
    # ASCI Q's resource manager woke every 30 s, for 5 to 18 ms. 7 ms make up the 0.12 %.
    _task("30 s", "7 ms", "100 ms"),
)


def _profile(text: str, *sources: Periodic) -> Callable[..., Sequence[Periodic]]:
    """Return what makes these sources, each node's own or all nodes' together.

    Args:
        text: what it is, for listings.
    """

    def profile(
        synchronised: Annotated[str, word("whether all nodes have it at once", "no", "yes")] = "no",
    ) -> Sequence[Periodic]:
        if synchronised == "no":
            return sources
        return [
            Periodic(each.period, each.duration, 0, each.jitter, each.nodes, each.cpu)
            for each in sources
        ]

    profile.__doc__ = text
    return profile


def silent() -> Sequence[Periodic]:
    """Nothing, as on a light-weight kernel: BlueGene/L's compute nodes lost 0.00003 %."""
    return ()


PROFILES: Final[Mapping[str, Callable[..., Sequence[Periodic]]]] = {
    "silent": silent,
    "linux-100hz": _profile(
        "Linux: a timer of 100 Hz, kernel threads and daemons; 0.12 %.",
        _timer("10 ms", "8.5 us"),
        *_DAEMONS,
    ),
    "linux-1000hz": _profile(
        "Linux: a timer of 1,000 Hz, kernel threads and daemons; 0.88 %.",
        _timer("1 ms", "8.5 us"),
        *_DAEMONS,
    ),
    # Minnich et al.: nodes of Pink, a cluster with BProc, run nothing but a heartbeat once a
    # minute, and the timer of Linux on x86 at 100 Hz. The mean event of Beckman et al.'s node.
    "cluster": _profile(
        "A stripped node of a cluster: a timer of 100 Hz, a heartbeat a minute; 0.06 %.",
        _timer("10 ms", "6.2 us"),
        _task("60 s", "100 us"),
    ),
    # Minnich et al. found a desktop with Plan 9 no noisier than a Linux console. Its clock is at
    # 100 Hz; durations are estimates.
    "plan9": _profile(
        "Plan 9: a clock of 100 Hz, a task every second; 0.06 %.",
        _timer("10 ms", "5 us"),
        _task("1 s", "60 us", "10 ms"),
    ),
    # The timer and the longest events are Beckman et al.'s; a screen of 60 Hz, and what makes up
    # the 1.02 %, are estimates.
    "desktop": _profile(
        "A desktop: a timer of 1,000 Hz, a screen, tasks every 1 and 5 s; 1.02 %.",
        _timer("1 ms", "7 us"),
        _task("16667 us", "40 us", "2 ms"),
        _task("1 s", "180 us", "100 ms"),
        _task("5 s", "3 ms", "1 s"),
    ),
}
"""By the names that machine files use."""
