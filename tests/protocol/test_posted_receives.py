"""Many receives posted at once: which message goes to which, found by an index or by walking."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from vmpp_mpi import _protocol
from vmpp_mpi._posted import PostedReceives

MASKS = (0b1111, 0b1100, 0b0011, 0)
BITS = st.integers(0, 15)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("post"), BITS, st.sampled_from(MASKS)),
        st.tuples(st.just("arrive"), BITS),
        st.tuples(st.just("remove"), st.integers(0, 100)),
    ),
    max_size=60,
)


@given(STEPS)
def test_the_index_finds_what_a_walk_from_the_head_finds(steps: list[tuple[Any, ...]]) -> None:
    index = PostedReceives(-7)
    linked: list[dict[str, Any]] = []
    for place, (what, *rest) in enumerate(steps):
        if what == "post":
            bits, mask = rest
            index.add(place, bits, mask)
            linked.append({"place": place, "bits": bits, "mask": mask, "taken": False})
        elif what == "remove" and linked:
            index.remove(linked.pop(rest[0] % len(linked))["place"])
        elif what == "arrive":
            expected = -7, len(linked)
            for before, entry in enumerate(linked):
                if not entry["taken"] and not (entry["bits"] ^ rest[0]) & entry["mask"]:
                    entry["taken"] = True
                    expected = entry["place"], before
                    break
            assert index.first(rest[0]) == expected


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    receives=st.lists(
        st.tuples(st.sampled_from([-1, 0]), st.sampled_from([-1, 0, 1, 2])), max_size=20
    ),
    messages=st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from([0, 20, 500])), min_size=1, max_size=25
    ),
    pattern=st.randoms(use_true_random=False),
)
def test_an_index_changes_neither_who_gets_what_nor_when(
    ranks: Any,
    monkeypatch: pytest.MonkeyPatch,
    receives: list[tuple[int, int]],
    messages: list[tuple[int, int]],
    pattern: Any,
) -> None:
    gaps = [pattern.randrange(3) * 1000 for _ in messages]

    def outcome(many: int) -> tuple[Any, str]:
        monkeypatch.setattr(_protocol, "_MANY", many)
        made = ranks(2, match_list=100)

        def sender(rank: Any) -> None:
            sends = []
            for place, (tag, size) in enumerate(messages):
                rank.process.sleep(gaps[place])
                sends.append(rank.isend(1, bytes([place]) * size, tag=tag))
            rank.process.sleep(10**8)

        def receiver(rank: Any) -> list[Any]:
            posted = [rank.ireceive(source, tag) for source, tag in receives]
            rank.process.sleep(10**6)
            for transfer, _ in posted[::2]:
                rank.protocol.cancel(transfer)
            late = [rank.ireceive(source, tag) for source, tag in receives]
            rank.process.sleep(10**7)
            for transfer, _ in posted + late:
                rank.protocol.test(transfer)
            return [
                (t.done, t.cancelled, t.tag, t.nbytes, bytes(b[: t.nbytes])[:1], rank.now)
                for t, b in posted + late
            ]

        result = made.run(sender, receiver)[1]
        return result, made.machine.trace.digest()

    assert outcome(1) == outcome(1000)
