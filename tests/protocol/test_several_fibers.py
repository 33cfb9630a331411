"""The protocol used by several fibers of one process at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.protocol.test_point_to_point_protocol import nothing_left

SIZES = st.sampled_from([0, 50, 500])


def in_fibers(rank: Any, bodies: list[Callable[[], Any]]) -> list[Any]:
    """Run *bodies*, each in a fiber of the rank's own, and return what they return."""
    results: dict[int, Any] = {}
    main = rank.process.fiber

    def run(place: int) -> None:
        results[place] = bodies[place]()
        rank.process.unpark(main)

    for place in range(len(bodies)):
        rank.process.start_fiber(lambda place=place: run(place))
    while len(results) < len(bodies):
        rank.process.park()
    return [results[place] for place in range(len(bodies))]


@given(
    st.lists(st.tuples(SIZES, st.integers(0, 3), st.booleans()), min_size=1, max_size=12),
    st.randoms(use_true_random=False),
)
def test_blocking_receives_of_many_fibers_each_get_their_message(
    ranks: Any, messages: list[tuple[int, int, bool]], random: Any
) -> None:
    made = ranks(2)
    order = list(range(len(messages)))
    random.shuffle(order)

    def sender(rank: Any) -> None:
        for place in order:
            size, gap, _ = messages[place]
            rank.process.sleep(gap * 10_000)
            rank.isend(1, bytes([place]) * size, tag=place)
        rank.process.sleep(10**8)

    def receiver(rank: Any) -> list[bytes]:
        def one(place: int) -> Callable[[], bytes]:
            if messages[place][2]:
                return lambda: bytes(rank.protocol.receive_object(5, 0, place)[0])
            return lambda: rank.receive(0, place)

        return in_fibers(rank, [one(place) for place in range(len(messages))])

    received = made.run(sender, receiver)[1]
    assert received == [bytes([place]) * size for place, (size, _, _) in enumerate(messages)]


def test_a_blocking_receive_that_was_alone_leaves_those_posted_after_it(ranks: Any) -> None:
    made = ranks(2)

    def sender(rank: Any) -> None:
        rank.process.sleep(10**6)
        rank.send(1, b"one", tag=1)
        rank.process.sleep(10**6)
        rank.send(1, b"two", tag=2)

    def receiver(rank: Any) -> tuple[bytes, bytes]:
        one, two = bytearray(3), bytearray(3)

        def first() -> None:
            rank.protocol.take(5, 0, 1, memoryview(one))

        def second() -> None:
            rank.protocol.take(5, 0, 2, memoryview(two))

        in_fibers(rank, [first, second])
        return bytes(one), bytes(two)

    assert made.run(sender, receiver)[1] == (b"one", b"two")
    nothing_left(made)


def test_probing_fibers_and_receiving_fibers_do_not_hide_messages_from_each_other(
    ranks: Any,
) -> None:
    made = ranks(2)

    def sender(rank: Any) -> None:
        for tag in (1, 2, 3):
            rank.send(1, bytes([tag]), tag=tag)
            rank.process.sleep(10**6)

    def receiver(rank: Any) -> list[Any]:
        def probe(tag: int) -> Callable[[], int]:
            return lambda: rank.probe(0, tag).nbytes

        def receive() -> list[bytes]:
            rank.process.sleep(10**7)
            return [rank.receive(0, tag) for tag in (2, 1, 3)]

        return in_fibers(rank, [probe(3), receive, probe(1)])

    assert made.run(sender, receiver)[1] == [1, [b"\2", b"\1", b"\3"], 1]


def test_a_fiber_that_tests_lets_the_others_get_on(ranks: Any) -> None:
    made = ranks(2)

    def sender(rank: Any) -> None:
        rank.send(1, b"ab", tag=1)
        rank.send(1, b"cd", tag=2)

    def receiver(rank: Any) -> tuple[bytes, list[bytes]]:
        got: list[bytes] = []
        rank.process.start_fiber(lambda: got.append(rank.receive(0, 1)))
        transfer, buffer = rank.ireceive(0, 2)
        while not (rank.protocol.test(transfer) and got):
            rank.process.yield_cpu()
        return bytes(buffer[:2]), got

    assert made.run(sender, receiver)[1] == (b"cd", [b"ab"])
