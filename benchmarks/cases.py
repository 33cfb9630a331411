"""What is measured, and what is to be reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["rate", "bandwidth", "start", "prompt", "picture", "sharing"]


@dataclass(frozen=True, slots=True)
class Case:
    """One line of the table.

    Attributes:
        group: what ``--only`` selects by.
        ranks: processes, one to a node.
        program: name of a file in ``programs``; none for the prompt.
        rounds: of the program's loop, so many that they take a second or two.
        kind: what is measured: messages a CPU-second, bytes a CPU-second, the time of it all, or
            that from the start of the shell to its prompt, of one picture of the machine, or of a
            virtual second in which two jobs share it.
        machine: name of a machine or of a file in ``machines``.
        target: what is to be reached: the ratio to the yardstick, or to the case *against*, at
            least; GB/s at least; seconds at most. None: nothing has been set.
        memory_target: bytes of peak memory at most.
        against: the case whose rate is this one's yardstick, instead of SimPy's.
        arguments: of the program, after the number of rounds.
        nbytes: that arrive in a round, for the bandwidth.
    """

    group: str
    ranks: int
    program: str
    rounds: int
    kind: Kind = "rate"
    machine: str = "default"
    target: float | None = None
    memory_target: int | None = None
    against: str | None = None
    arguments: tuple[str, ...] = ()
    nbytes: int = 4 << 20

    @property
    def name(self) -> str:
        """What the case is called in the table and in ``against``."""
        return f"{self.group} {self.ranks}"


RING_TARGETS = {64: 0.4, 1024: 0.4, 4096: 0.35, 16384: 0.5}
"""Least ratio of the ring of arrays to the yardstick, by ranks."""
RING_ROUNDS = {2: 50_000, 64: 2_000, 1024: 120, 4096: 30, 16384: 8}
COLLECTIVE_ROUNDS = {64: 250, 1024: 10, 4096: 2}
LIBRARY_RING_ROUNDS = {64: 2_000, 1024: 120, 4096: 30}
LIBRARY_RING_TARGETS = {"nx": 0.85, "vertex": None}
"""Least rate of a ring in another library, in parts of that of the ring in MPI."""
HALO_ROUNDS = {64: 400, 1024: 25, 4096: 6}
MESH = 1024
"""Ranks on the square mesh for contention."""

CASES: tuple[Case, ...] = (
    *(
        Case("ring", ranks, "ring.py", rounds, target=RING_TARGETS.get(ranks))
        for ranks, rounds in RING_ROUNDS.items()
    ),
    *(
        Case(
            f"{library}-ring",
            ranks,
            f"{library}_ring.py",
            rounds,
            target=target,
            against=f"ring {ranks}",
        )
        for library, target in LIBRARY_RING_TARGETS.items()
        for ranks, rounds in LIBRARY_RING_ROUNDS.items()
    ),
    *(
        Case("objects", ranks, "ring_of_objects.py", rounds)
        for ranks, rounds in RING_ROUNDS.items()
    ),
    *(
        Case("allreduce", ranks, "allreduce.py", rounds)
        for ranks, rounds in COLLECTIVE_ROUNDS.items()
    ),
    *(
        Case(
            "iallreduce",
            ranks,
            "iallreduce.py",
            rounds,
            target=1.0,
            against=f"allreduce {ranks}",
        )
        for ranks, rounds in COLLECTIVE_ROUNDS.items()
    ),
    *(Case("barrier", ranks, "barrier.py", rounds) for ranks, rounds in COLLECTIVE_ROUNDS.items()),
    *(Case("halo", ranks, "halo.py", rounds) for ranks, rounds in HALO_ROUNDS.items()),
    *(
        case
        for pattern, program, rounds in (
            ("ring", "ring.py", 120),
            ("halo", "halo.py", 25),
            ("transpose", "transpose.py", 100),
        )
        for case in (
            Case(f"free-{pattern}", MESH, program, rounds, machine="mesh-contention-free.toml"),
            Case(
                f"wormhole-{pattern}",
                MESH,
                program,
                rounds,
                machine="mesh-wormhole.toml",
                target=0.5,
                against=f"free-{pattern} {MESH}",
            ),
        )
    ),
    Case("receives-in-order", 2, "receives.py", 50),
    *(
        Case(
            f"receives-{order}",
            2,
            "receives.py",
            50,
            arguments=(order,),
            target=0.33,
            against="receives-in-order 2",
        )
        for order in ("reverse", "random")
    ),
    Case("bandwidth", 2, "bandwidth.py", 1_000, kind="bandwidth", target=3.0),
    Case("put", 2, "put.py", 1_000, kind="bandwidth", target=3.0),
    *(
        Case(
            f"stripes-{access}",
            1,
            "stripes.py",
            300,
            kind="bandwidth",
            machine="io-16.toml",
            target=1.0,
            arguments=(access,),
        )
        for access in ("write", "read")
    ),
    Case("counter", 64, "counter.py", 250),
    Case("am-counter", 64, "am_counter.py", 500),
    Case("am-ring", 64, "am_ring.py", 500),
    *(
        Case(
            f"columns-{depth}",
            2,
            "columns.py",
            3_000,
            kind="bandwidth",
            target=1.0,
            arguments=(str(depth),),
            nbytes=4 * 16_384 * 8 * depth,
        )
        for depth in (1, 2)
    ),
    Case("shell", 64, "", 0, kind="prompt", target=0.7),
    Case("showmesh", 1024, "endless.py", 20, kind="picture", target=0.1),
    *(
        Case(f"sharing-{name}", 1024, "sweeps.py", 1, kind="sharing", target=20.0, arguments=(pct,))
        for name, pct in (("gang", "gang:2ms"), ("rr", "rr:2ms"))
    ),
    Case("hello", 1024, "hello.py", 0, kind="start"),
    Case("hello", 4096, "hello.py", 0, kind="start", target=4.0),
    Case("hello", 16384, "hello.py", 0, kind="start", target=20.0, memory_target=2 * 10**9),
)
