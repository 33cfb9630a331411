"""Whatever ranks do at once to a few words, one order of all operations explains what they saw."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import vmpp

WORDS = 2
Operation = tuple[str, int, int, int, str, int]
"""What, which word, two operands, who does it, and how many ns to wait before."""

PROGRAM = """
import time
import am
OPERATIONS = {operations}
memory = am.expose({words} * 8)
am.barrier()
seen = []
for what, word, value, expected, by, pause in OPERATIONS[am.rank()]:
    time.sleep(pause * 1e-9)
    at = 0, memory, 8 * word
    if what == "put":
        am.put(*at, value.to_bytes(8, "little"))
        seen.append(0)
    elif what == "get":
        seen.append(int.from_bytes(am.get(*at, 8), "little"))
    elif what == "add":
        seen.append(am.fetch_add(*at, value, by=by))
    elif what == "swap":
        seen.append(am.swap(*at, value, by=by))
    else:
        seen.append(am.compare_swap(*at, expected, value, by=by))
am.barrier()
final = memoryview(memory.memory).cast("q").tolist() if am.rank() == 0 else []
print([am.rank(), seen, final])
am.barrier()
"""

OPERATIONS = st.tuples(
    st.sampled_from(["put", "get", "add", "swap", "compare"]),
    st.integers(0, WORDS - 1),
    st.integers(1, 3),
    st.integers(0, 3),
    st.sampled_from(["kernel", "handler"]),
    st.sampled_from([0, 0, 100, 700, 1500, 3000]),
)


def applied(memory: tuple[int, ...], operation: Operation) -> tuple[tuple[int, ...], int]:
    """Return the memory after an operation, and what that returns."""
    what, word, value, expected, *_ = operation
    found = memory[word]
    after = {
        "put": value,
        "get": found,
        "add": found + value,
        "swap": value,
        "compare": value if found == expected else found,
    }[what]
    changed = (*memory[:word], after, *memory[word + 1 :])
    return changed, 0 if what == "put" else found


def explained(ranks: list[list[Operation]], seen: list[list[int]], final: tuple[int, ...]) -> bool:
    """Return whether one order of all operations gives what was seen, and is left."""
    dead: set[tuple[Any, ...]] = set()

    def reach(places: tuple[int, ...], memory: tuple[int, ...]) -> bool:
        if all(place == len(each) for place, each in zip(places, ranks, strict=True)):
            return memory == final
        if (places, memory) in dead:
            return False
        for rank, place in enumerate(places):
            if place < len(ranks[rank]):
                after, found = applied(memory, ranks[rank][place])
                further = (*places[:rank], place + 1, *places[rank + 1 :])
                if found == seen[rank][place] and reach(further, after):
                    return True
        dead.add((places, memory))
        return False

    return reach((0,) * len(ranks), (0,) * WORDS)


@settings(
    max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None
)
@given(st.lists(st.lists(OPERATIONS, min_size=1, max_size=5), min_size=2, max_size=4))
def test_an_order_explains_what_was_seen(tmp_path: Path, ranks: list[list[Operation]]) -> None:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM.format(operations=ranks, words=WORDS))
    result = vmpp.run(path, nprocs=len(ranks))
    assert result.status == 0, result.failure
    lines: dict[int, Any] = {}
    for line in result.stdout.decode().splitlines():
        rank, seen, final = eval(line)
        lines[rank] = seen, final
    seen = [lines[rank][0] for rank in range(len(ranks))]
    assert explained(ranks, seen, tuple(lines[0][1]))


@pytest.mark.parametrize(
    ("seen", "final", "possible"),
    [([[0], [1]], (2, 0), True), ([[1], [0]], (2, 0), True), ([[0], [0]], (2, 0), False),
     ([[0], [0]], (1, 0), False)],
)  # fmt: skip
def test_the_model_knows_a_lost_update(
    seen: list[list[int]], final: tuple[int, ...], possible: bool
) -> None:
    one: Operation = ("add", 0, 1, 0, "kernel", 0)
    assert explained([[one], [one]], seen, final) == possible
