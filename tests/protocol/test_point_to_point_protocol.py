"""MPI's messages on portals: short and long, expected and not, in every mode."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp.hardware import LinkParameters
from vmpp.kernel import KernelCosts
from vmpp.portals import PortalEntry
from vmpp_mpi._protocol import (
    BUFFERED,
    ERR_TRUNCATE,
    READY,
    STANDARD,
    SYNCHRONOUS,
    HeapOverflow,
    Transfer,
)
from vmpp_topology import ContentionFree, Mesh2D, Wormhole

SHORT, LONG = b"short" * 10, b"long." * 100
LATE = 10**6
BODIES = pytest.mark.parametrize("body", [b"", SHORT, LONG], ids=["empty", "short", "long"])
MODES = pytest.mark.parametrize(
    "mode", [STANDARD, SYNCHRONOUS, BUFFERED], ids=["standard", "synchronous", "buffered"]
)


def nothing_left(made: Any) -> None:
    """Check that no message and no entry is left behind anywhere."""
    for rank in made.ranks:
        protocol = rank.protocol
        assert protocol._heap.messages == []
        assert protocol._heap.used == 0
        assert protocol._list.head == 0
        assert protocol._last == -1
        assert len(protocol._free_receives) == len(protocol._entries) - 3
        assert len(protocol._free_sends) == len(protocol._sends)
        assert rank.process.table.drops == 0


@BODIES
@MODES
@pytest.mark.parametrize("expected", [True, False])
def test_a_message_arrives(ranks: Any, body: bytes, mode: int, expected: bool) -> None:
    made = ranks()

    def sender(rank: Any) -> None:
        if expected:
            rank.process.sleep(LATE)
        rank.send(1, body, tag=7, mode=mode)

    def receiver(rank: Any) -> bytes:
        if not expected:
            rank.process.sleep(LATE)
        transfer, buffer = rank.ireceive(0, 7)
        rank.protocol.wait(transfer)
        assert (transfer.source, transfer.tag, transfer.nbytes) == (0, 7, len(body))
        assert transfer.done
        return bytes(buffer[: transfer.nbytes])

    assert made.run(sender, receiver)[1] == body
    nothing_left(made)


@pytest.mark.parametrize(
    ("mode", "body", "waits"),
    [
        (STANDARD, SHORT, False),
        (STANDARD, LONG, True),
        (SYNCHRONOUS, b"", True),
        (SYNCHRONOUS, SHORT, True),
        (SYNCHRONOUS, LONG, True),
        (BUFFERED, SHORT, False),
        (BUFFERED, LONG, False),
    ],
)
@pytest.mark.parametrize("nonblocking", [True, False])
def test_which_sends_wait_for_their_receive(
    ranks: Any, mode: int, body: bytes, waits: bool, nonblocking: bool
) -> None:
    made = ranks()

    def sender(rank: Any) -> int:
        if not nonblocking:
            rank.send(1, body, mode=mode)
        else:
            transfer = rank.isend(1, body, mode=mode)
            if mode != BUFFERED:
                rank.protocol.wait(transfer)
        return rank.now

    def receiver(rank: Any) -> bytes:
        rank.process.sleep(LATE)
        return rank.receive()

    sent, received = made.run(sender, receiver)
    assert received == body
    assert (sent > LATE) == waits


def test_an_expected_long_message_is_sent_once(ranks: Any) -> None:
    made = ranks()

    def sender(rank: Any) -> None:
        rank.process.sleep(LATE)
        rank.send(1, LONG)

    made.run(sender, lambda rank: rank.receive())
    body, acknowledgement = made.machine.kernels
    assert (body.messages, body.bytes) == (1, len(LONG))
    assert (acknowledgement.messages, acknowledgement.bytes) == (1, 0)


def test_an_unexpected_long_message_is_pulled(ranks: Any) -> None:
    made = ranks()

    def receiver(rank: Any) -> bytes:
        rank.process.sleep(LATE)
        assert rank.protocol._heap.used == 64
        return rank.receive()

    assert made.run(lambda rank: rank.send(1, LONG), receiver)[1] == LONG
    sender_kernel, receiver_kernel = made.machine.kernels
    assert (sender_kernel.messages, sender_kernel.bytes) == (2, 2 * len(LONG))
    assert (receiver_kernel.messages, receiver_kernel.bytes) == (2, 0)


@pytest.mark.parametrize("expected", [True, False])
@pytest.mark.parametrize("mode", [STANDARD, SYNCHRONOUS, BUFFERED])
def test_memory_may_be_used_again_when_a_send_is_done(
    ranks: Any, expected: bool, mode: int
) -> None:
    made = ranks()

    def sender(rank: Any) -> None:
        memory = bytearray(LONG)
        if expected:
            rank.process.sleep(LATE)
        for number in range(3):
            memory[:] = bytes([number]) * len(LONG)
            rank.send(1, memory, mode=mode)
        memory[:] = b"!" * len(LONG)
        memory.clear()

    def receiver(rank: Any) -> list[bytes]:
        if not expected:
            rank.process.sleep(LATE)
        return [rank.receive() for _ in range(3)]

    assert made.run(sender, receiver)[1] == [bytes([n]) * len(LONG) for n in range(3)]


def test_a_short_message_is_copied_when_it_is_sent(ranks: Any) -> None:
    def sender(rank: Any) -> None:
        memory = bytearray(b"before")
        transfer = rank.isend(1, memory)
        memory[:] = b"after!"
        rank.protocol.wait(transfer)

    assert ranks().run(sender, lambda rank: rank.receive())[1] == b"before"


@BODIES
def test_a_ready_send_finds_its_receive(ranks: Any, body: bytes) -> None:
    made = ranks()

    def sender(rank: Any) -> None:
        rank.process.sleep(LATE)
        rank.send(1, body, mode=READY)

    assert made.run(sender, lambda rank: rank.receive(0))[1] == body
    nothing_left(made)


def test_a_ready_send_without_a_receive_is_lost_and_counted(ranks: Any) -> None:
    made = ranks()

    def receiver(rank: Any) -> int:
        rank.process.sleep(LATE)
        assert rank.protocol._heap.messages == []
        return int(rank.process.table.drops)

    assert made.run(lambda rank: rank.send(1, SHORT, mode=READY), receiver)[1] == 1


def test_two_ranks_may_send_buffered_to_each_other_first(ranks: Any) -> None:
    def program(rank: Any) -> bytes:
        copy = rank.isend(1 - rank.process.rank, LONG, mode=BUFFERED)
        assert not copy.done
        received = bytes(rank.receive())
        rank.protocol.wait(copy)
        return received

    assert ranks().run(program, program) == [LONG, LONG]


def test_buffered_sends_that_are_done_are_let_go_of(ranks: Any) -> None:
    made = ranks(match_list=50)

    def sender(rank: Any) -> int:
        for _ in range(40):
            rank.send(1, LONG, mode=BUFFERED)
            rank.process.sleep(10_000)
        return len(rank.protocol._outstanding)

    def receiver(rank: Any) -> None:
        for _ in range(40):
            rank.receive()

    assert made.run(sender, receiver)[0] <= 2
    nothing_left(made)


@BODIES
def test_a_message_to_oneself(ranks: Any, body: bytes) -> None:
    made = ranks(1)

    def program(rank: Any) -> bytes:
        transfer = rank.isend(0, body, tag=3)
        received = rank.receive(0, 3)
        rank.protocol.wait(transfer)
        pending, buffer = rank.ireceive(0, 4)
        rank.send(0, body, tag=4, mode=SYNCHRONOUS)
        rank.protocol.wait(pending)
        assert bytes(buffer[: pending.nbytes]) == body
        return bytes(received)

    assert made.run(program) == [body]
    nothing_left(made)


def test_wildcards_take_what_comes_first_and_say_what_it_was(ranks: Any) -> None:
    made = ranks(3)

    def sender(delay: int) -> Any:
        def program(rank: Any) -> None:
            rank.process.sleep(delay)
            rank.send(2, b"from %d" % rank.process.rank, tag=10 + rank.process.rank)

        return program

    def receiver(rank: Any) -> list[tuple[int, int, bytes]]:
        seen = []
        for posted in range(2):
            if posted:
                rank.process.sleep(LATE)
            transfer, buffer = rank.ireceive()
            rank.protocol.wait(transfer)
            seen.append((transfer.source, transfer.tag, bytes(buffer[: transfer.nbytes])))
        return seen

    seen = made.run(sender(500), sender(200), receiver)[2]
    assert seen == [(1, 11, b"from 1"), (0, 10, b"from 0")]


def test_contexts_are_kept_apart(ranks: Any) -> None:
    def sender(rank: Any) -> None:
        to = rank.process.job.addresses[1]
        for context in (8191, 0, 1):
            rank.protocol.send(context, 0, to, 0, b"%d" % context)

    def receiver(rank: Any) -> list[bytes]:
        bodies = []
        for context in (0, 1, 8191):
            buffer = bytearray(10)
            transfer = rank.protocol.receive(context, -1, -1, memoryview(buffer))
            bodies.append(bytes(buffer[: transfer.nbytes]))
        return bodies

    assert ranks().run(sender, receiver)[1] == [b"0", b"1", b"8191"]


@pytest.mark.parametrize(("source", "tag"), [(65535, 2**31 - 1), (0, 0), (65535, 0)])
@BODIES
def test_the_largest_rank_and_tag(ranks: Any, source: int, tag: int, body: bytes) -> None:
    def sender(rank: Any) -> None:
        rank.protocol.send(8191, source, rank.process.job.addresses[1], tag, body)

    def receiver(rank: Any) -> tuple[int, int, int]:
        rank.process.sleep(LATE)
        transfer = rank.protocol.receive(8191, source, tag, memoryview(bytearray(1000)))
        return transfer.source, transfer.tag, transfer.nbytes

    assert ranks().run(sender, receiver)[1] == (source, tag, len(body))


# -- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize("body", [SHORT, LONG], ids=["short", "long"])
@pytest.mark.parametrize("mode", [STANDARD, SYNCHRONOUS, BUFFERED])
@pytest.mark.parametrize("expected", [True, False])
def test_a_message_that_does_not_fit_is_an_error_of_the_receiver_alone(
    ranks: Any, body: bytes, mode: int, expected: bool
) -> None:
    made = ranks()

    def sender(rank: Any) -> None:
        if expected:
            rank.process.sleep(LATE)
        rank.send(1, body, tag=4, mode=mode)
        rank.send(1, b"next", tag=4)

    def receiver(rank: Any) -> bytes:
        if not expected:
            rank.process.sleep(LATE)
        transfer, buffer = rank.ireceive(0, 4, size=10)
        rank.protocol.wait(transfer)
        assert (transfer.error, transfer.source, transfer.tag) == (ERR_TRUNCATE, 0, 4)
        assert bytes(buffer) == bytes(10)
        return bytes(rank.receive(0, 4))

    assert made.run(sender, receiver)[1] == b"next"
    for rank in made.ranks:
        assert rank.protocol._heap.used == 0
        assert len(rank.protocol._free_sends) == len(rank.protocol._sends)


@pytest.mark.parametrize("expected", [True, False])
def test_taking_a_message_that_does_not_fit_returns_no_header(ranks: Any, expected: bool) -> None:
    def sender(rank: Any) -> None:
        if expected:
            rank.process.sleep(LATE)
        rank.send(1, SHORT)
        rank.send(1, b"fits")

    def receiver(rank: Any) -> tuple[object, int]:
        if not expected:
            rank.process.sleep(LATE)
        buffer = memoryview(bytearray(10))
        refused = rank.protocol.take(5, 0, 0, buffer)
        taken = rank.protocol.take(5, 0, 0, buffer)
        assert bytes(buffer[:4]) == b"fits"
        return refused, taken.length

    assert ranks().run(sender, receiver)[1] == (None, 4)


WAITS: dict[str, Any] = {
    "receive": lambda rank: rank.receive(0, 99),
    "probe": lambda rank: rank.probe(0, 99),
    "wait for any": lambda rank: rank.protocol.wait_any([rank.ireceive(0, 99)[0]]),
}


@pytest.mark.parametrize("how", WAITS)
def test_more_unexpected_messages_than_the_heap_holds_are_an_error(ranks: Any, how: str) -> None:
    made = ranks(heap=500)

    def sender(rank: Any) -> None:
        for number in range(10):
            rank.send(1, SHORT, tag=number)

    def receiver(rank: Any) -> str:
        rank.process.sleep(LATE)
        with pytest.raises(HeapOverflow, match="4 unexpected messages fill the 500") as caught:
            WAITS[how](rank)
        return str(caught.value)

    assert "[mpi] heap" in made.run(sender, receiver)[1]


def test_the_heap_overflows_for_headers_too_and_the_senders_get_on(ranks: Any) -> None:
    made = ranks(heap=3 * 64)

    def sender(rank: Any) -> int:
        pending = [rank.isend(1, LONG, tag=number) for number in range(5)]
        rank.protocol.wait(pending[3])
        return int(rank.now)

    def receiver(rank: Any) -> None:
        rank.process.sleep(LATE)
        with pytest.raises(HeapOverflow):
            rank.receive(0, 4)

    assert made.run(sender, receiver)[0] < LATE


@pytest.mark.parametrize("moment", ["before", "while"])
def test_an_overflow_is_noticed_whenever_it_happens(ranks: Any, moment: str) -> None:
    made = ranks(heap=500)

    def sender(rank: Any) -> None:
        if moment == "while":
            rank.process.sleep(LATE)
        for number in range(10):
            rank.send(1, SHORT, tag=number)

    def receiver(rank: Any) -> int:
        pending = rank.ireceive(0, 99)[0]
        if moment == "before":
            rank.process.sleep(LATE)
        with pytest.raises(HeapOverflow):
            rank.protocol.wait(pending)
        with pytest.raises(HeapOverflow):
            rank.receive(0, 0)
        with pytest.raises(HeapOverflow):
            rank.protocol.test(pending)
        return int(rank.now)

    assert made.run(sender, receiver)[1] > LATE


def test_more_receives_than_the_match_list_holds_are_an_error(ranks: Any) -> None:
    made = ranks(1, match_list=3)

    def program(rank: Any) -> None:
        pending = [rank.ireceive(tag=number) for number in range(3)]
        with pytest.raises(HeapOverflow, match="more than 3 receives"):
            rank.ireceive()
        rank.protocol.cancel(pending[1][0])
        rank.ireceive()

    made.run(program)


@pytest.mark.parametrize("how", ["receive", "take"])
@pytest.mark.parametrize("beside", [0, 2])
@BODIES
def test_a_receive_that_an_exception_ends_takes_nothing(
    ranks: Any, how: str, beside: int, body: bytes
) -> None:
    made = ranks(3)

    def handler(header: object, outcome: int) -> None:
        raise LookupError

    def disturber(rank: Any) -> None:
        rank.process.sleep(1000)
        process = rank.process
        process.kernel.send(process, process.job.addresses[1], 50, 0, None, 0)

    def sender(rank: Any) -> None:
        rank.process.sleep(LATE)
        rank.send(1, body)

    def receiver(rank: Any) -> bytes:
        rank.process.table.install(50, PortalEntry(None, handler))
        others = [rank.ireceive(0, 70 + number)[0] for number in range(beside)]
        buffer = memoryview(bytearray(1000))
        with pytest.raises(LookupError):
            getattr(rank.protocol, how)(5, 0, 0, buffer)
        received = bytes(rank.receive(0, 0))
        for transfer in others:
            rank.protocol.cancel(transfer)
        assert bytes(buffer) == bytes(1000)
        return received

    assert made.run(sender, receiver, disturber)[1] == body
    made.ranks[1].process.table.drops = 0
    nothing_left(made)


# -- order ---------------------------------------------------------------------------------------

SIZES = st.sampled_from([0, 1, 50, 100, 101, 400])


@given(st.lists(SIZES, max_size=12), st.integers(0, 2000), st.integers(0, 2000), st.booleans())
def test_messages_between_two_ranks_are_received_in_order(
    ranks: Any, sizes: list[int], ahead: int, pause: int, posted: bool
) -> None:
    """Short and long, expected and not, mixed in any way."""
    made = ranks(machine={"lookahead": ahead})

    def sender(rank: Any) -> None:
        pending = []
        for number, size in enumerate(sizes):
            pending.append(rank.isend(1, bytes([number]) * size))
            rank.process.sleep(pause * (number % 3))
        rank.protocol.wait_all(pending)

    def receiver(rank: Any) -> list[bytes]:
        pending = []
        for number in range(len(sizes)):
            pending.append(rank.ireceive(0))
            if not posted:
                rank.protocol.wait(pending[-1][0])
            rank.process.sleep(pause * (number % 2))
        rank.protocol.wait_all([transfer for transfer, _ in pending])
        return [bytes(buffer[: transfer.nbytes]) for transfer, buffer in pending]

    received = made.run(sender, receiver)[1]
    assert received == [bytes([number]) * size for number, size in enumerate(sizes)]
    nothing_left(made)


@given(
    st.integers(2, 4),
    st.lists(st.tuples(SIZES, st.integers(0, 3), st.sampled_from([0, 1, 3])), max_size=10),
    st.randoms(use_true_random=False),
)
def test_every_message_finds_the_receive_that_mpi_says(
    ranks: Any, size: int, messages: list[tuple[int, int, int]], order: random.Random
) -> None:
    """All ranks send the same list to all, with tags; receives are posted in any order by tag."""
    made = ranks(size, heap=1 << 20)

    def program(rank: Any) -> None:
        me = rank.process.rank
        sends = [
            rank.isend(dest, bytes([me, number]) * length, tag=tag, mode=mode)
            for number, (length, tag, mode) in enumerate(messages)
            for dest in range(size)
        ]
        wanted = [(source, number) for source in range(size) for number in range(len(messages))]
        tags = [(source, messages[number][1]) for source, number in wanted]
        order.shuffle(tags)
        pending = [(rank.ireceive(source, tag), source, tag) for source, tag in tags]
        rank.protocol.wait_all([transfer for (transfer, _), _, _ in pending])
        got: dict[tuple[int, int], list[bytes]] = {}
        for (transfer, buffer), source, tag in pending:
            assert (transfer.source, transfer.tag) == (source, tag)
            got.setdefault((source, tag), []).append(bytes(buffer[: transfer.nbytes]))
        for (source, tag), bodies in got.items():
            assert bodies == [
                bytes([source, number]) * length
                for number, (length, sent, _) in enumerate(messages)
                if sent == tag
            ]
        rank.protocol.wait_all(sends)

    made.run(*[program] * size)
    nothing_left(made)


@pytest.mark.parametrize("network", [ContentionFree, Wormhole])
@given(seed=st.integers(0, 1000))
def test_traffic_across_a_mesh_arrives_whole_and_in_order_of_time(
    ranks: Any, network: Any, seed: int
) -> None:
    size = 6
    machine = {"network": network, "topology": Mesh2D((3, 2)), "lookahead": 300}
    made = ranks(size, machine, heap=1 << 20)
    drawn = random.Random(seed)
    plan = [
        (source, drawn.randrange(size), drawn.choice([0, 10, 100, 101, 3000]), drawn.choice([0, 1]))
        for source in range(size)
        for _ in range(4)
    ]

    def program(rank: Any) -> int:
        me = rank.process.rank
        # The receiver sleeps in between, so that some of its messages find no receive posted.
        sends = [
            rank.isend(dest, bytes([source]) * length, mode=mode)
            for source, dest, length, mode in plan
            if source == me
        ]
        for source in range(size):
            lengths = [length for sender, dest, length, _ in plan if (sender, dest) == (source, me)]
            for length in lengths:
                before = rank.now
                assert rank.receive(source) == bytes([source]) * length
                assert rank.now >= before
            rank.process.sleep(500)
        rank.protocol.wait_all(sends)
        return int(rank.now)

    times = made.run(*[program] * size)
    digest = made.machine.trace.digest()
    nothing_left(made)
    again = ranks(size, machine, heap=1 << 20)
    assert (again.run(*[program] * size), again.machine.trace.digest()) == (times, digest)


def test_many_receives_are_completed_out_of_order(ranks: Any) -> None:
    made = ranks(match_list=200)
    numbers = list(range(150))
    random.Random(1).shuffle(numbers)

    def sender(rank: Any) -> None:
        rank.process.sleep(LATE)
        for number in numbers:
            rank.send(1, b"%d" % number, tag=number)

    def receiver(rank: Any) -> list[bytes]:
        pending = [rank.ireceive(0, number) for number in range(150)]
        for transfer, _ in sorted(pending, key=lambda pair: -len(pair[1])):
            rank.protocol.wait(transfer)
        return [bytes(buffer[: transfer.nbytes]) for transfer, buffer in pending]

    assert made.run(sender, receiver)[1] == [b"%d" % number for number in range(150)]
    nothing_left(made)


# -- probing, testing, cancelling ----------------------------------------------------------------


@BODIES
def test_a_probe_leaves_the_message_where_it_is(ranks: Any, body: bytes) -> None:
    made = ranks()

    def receiver(rank: Any) -> bytes:
        for _ in range(2):
            found = rank.probe(tag=6)
            assert (found.source, found.tag, found.nbytes) == (0, 6, len(body))
        return bytes(rank.receive(found.source, found.tag, found.nbytes))

    assert made.run(lambda rank: rank.send(1, body, tag=6), receiver)[1] == body
    nothing_left(made)


@BODIES
@pytest.mark.parametrize("mode", [STANDARD, SYNCHRONOUS])
@pytest.mark.parametrize("how", ["receive", "take", "object"])
def test_a_matched_message_is_nobody_elses(ranks: Any, body: bytes, mode: int, how: str) -> None:
    made = ranks()

    def sender(rank: Any) -> None:
        transfers = [rank.isend(1, body, tag=1, mode=mode), rank.isend(1, b"second", tag=1)]
        rank.protocol.wait_all(transfers)

    def receiver(rank: Any) -> tuple[bytes, bytes]:
        if how == "object":
            data, transfer = rank.protocol.receive_object(5, -1, 1)
            assert (transfer.source, transfer.tag, transfer.nbytes) == (0, 1, len(body))
            return bytes(data), rank.receive(0, 1)
        arrival = rank.match(tag=1)
        assert (arrival.source, arrival.tag, arrival.nbytes) == (0, 1, len(body))
        second = rank.receive(0, 1)
        if how == "take":
            return bytes(rank.protocol.take_matched(arrival)), second
        buffer = bytearray(len(body))
        transfer = rank.protocol.receive_matched(arrival, memoryview(buffer))
        rank.protocol.wait(transfer)
        return bytes(buffer), second

    assert made.run(sender, receiver)[1] == (body, b"second")
    nothing_left(made)


@pytest.mark.parametrize("what", ["probe", "match", "test"])
def test_polling_lets_time_pass(ranks: Any, what: str) -> None:
    """A program that does nothing but look gets what it looks for."""
    made = ranks()

    def sender(rank: Any) -> None:
        rank.process.sleep(5000)
        rank.send(1, b"x")

    def receiver(rank: Any) -> int:
        looks = 0
        pending = rank.ireceive(0, 0)[0] if what == "test" else None
        while True:
            looks += 1
            before = rank.now
            if what == "test":
                found = rank.protocol.test(pending)
            else:
                found = getattr(rank, what)(blocking=False)
            assert rank.now > before or found
            if found:
                return looks

    assert made.run(sender, receiver)[1] > 1


def test_a_probe_that_finds_nothing_says_so(ranks: Any) -> None:
    def program(rank: Any) -> None:
        assert rank.probe(blocking=False) is None
        assert rank.match(blocking=False) is None

    ranks(1).run(program)


def test_waiting_for_any_returns_the_first_index_that_is_done(ranks: Any) -> None:
    made = ranks(3)

    def sender(delay: int) -> Any:
        def program(rank: Any) -> None:
            rank.process.sleep(delay)
            rank.send(2, SHORT, tag=rank.process.rank)

        return program

    def receiver(rank: Any) -> list[int]:
        pending = [rank.ireceive(0, 0)[0], rank.ireceive(1, 1)[0], rank.isend(0, b"never", tag=9)]
        first = rank.protocol.wait_any(pending[:2])
        rank.process.sleep(LATE)
        return [first, rank.protocol.wait_any(pending), rank.protocol.wait_any(pending[1:])]

    assert made.run(sender(9000), sender(100), receiver)[2] == [1, 0, 0]


def test_a_done_transfer_stays_done(ranks: Any) -> None:
    def program(rank: Any) -> None:
        transfer = Transfer()
        assert transfer.done
        rank.protocol.wait(transfer)
        before = rank.now
        assert rank.protocol.test(transfer)
        assert rank.now == before
        assert rank.protocol.wait_any([transfer]) == 0
        rank.protocol.cancel(transfer)
        assert not transfer.cancelled

    ranks(1).run(program)


def test_a_cancelled_receive_takes_nothing(ranks: Any) -> None:
    made = ranks()

    def sender(rank: Any) -> None:
        rank.process.sleep(LATE)
        rank.send(1, b"for the second")

    def receiver(rank: Any) -> bytes:
        pending = [rank.ireceive(0, 0) for _ in range(3)]
        for place in (0, 2):
            rank.protocol.cancel(pending[place][0])
        rank.protocol.wait_all([transfer for transfer, _ in pending])
        assert [transfer.cancelled for transfer, _ in pending] == [True, False, True]
        return bytes(pending[1][1][: pending[1][0].nbytes])

    assert made.run(sender, receiver)[1] == b"for the second"
    nothing_left(made)


@pytest.mark.parametrize("body", [SHORT, LONG], ids=["short", "long"])
def test_what_is_matched_already_is_not_cancelled(ranks: Any, body: bytes) -> None:
    made = ranks()

    def receiver(rank: Any) -> bytes:
        pending, buffer = rank.ireceive(0, 0) if body is SHORT else (None, None)
        rank.process.sleep(LATE)
        if pending is None:
            pending, buffer = rank.ireceive(0, 0)
        rank.protocol.cancel(pending)
        rank.protocol.wait(pending)
        assert not pending.cancelled
        return bytes(buffer[: pending.nbytes])

    assert made.run(lambda rank: rank.send(1, body), receiver)[1] == body
    nothing_left(made)


# -- senders that are gone -----------------------------------------------------------------------


def test_a_body_whose_sender_is_gone_never_comes(ranks: Any) -> None:
    """Nobody may take what was not sent for a message."""
    made = ranks()

    def receiver(rank: Any) -> None:
        rank.process.sleep(LATE)
        rank.receive()

    machine = made.machine
    machine.start(0, lambda process: made.ranks[0].isend(1, LONG))
    machine.start(1, lambda process: receiver(made.ranks[1]))
    machine.engine.run()
    assert machine.failures == {}
    assert 1 not in machine.results


# -- copies --------------------------------------------------------------------------------------

RATE_160_MB_S = 6_250_000
"""160 MB/s in femtoseconds a byte."""
FREE = KernelCosts(send=0, receive=0, match_entry=0, acknowledge=0, context_switch=0)


@pytest.mark.parametrize(("copies", "megabytes"), [(0, 160.0), (1, 80.0)])
def test_one_copy_at_the_networks_own_rate_halves_the_bandwidth(
    ranks: Any, copies: int, megabytes: float
) -> None:
    """The memory-copy experiment: 1 / (1/Bn + k/Bc) of a network and k copies at 160 MB/s each.

    A receive that is posted in time has its message put where it belongs; one that is late copies
    it from the heap.
    """
    links = LinkParameters(RATE_160_MB_S, RATE_160_MB_S, RATE_160_MB_S, 0, 0, 0)
    size, rounds = 1 << 20, 4
    made = ranks(
        machine={"links": links, "costs": FREE, "lookahead": 10**15},
        short_message=size,
        heap=4 * size,
        copy_rate=RATE_160_MB_S,
    )

    def receive(rank: Any, source: int) -> None:
        if copies:
            rank.probe(source)
        rank.receive(source, size=size)

    def ping(rank: Any) -> int:
        for _ in range(rounds):
            rank.send(1, bytes(size))
            receive(rank, 1)
        return int(rank.now)

    def pong(rank: Any) -> None:
        for _ in range(rounds):
            receive(rank, 0)
            rank.send(0, bytes(size))

    elapsed = made.run(ping, pong)[0]
    assert 2 * rounds * size / (elapsed / 10**12) / 10**6 == pytest.approx(megabytes, rel=1e-9)
