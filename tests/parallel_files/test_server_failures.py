"""What goes wrong harms nobody else, and nobody waits for ever."""

from __future__ import annotations

import errno
from dataclasses import replace
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vmpp.kernel import Process
from vmpp.portals import MemoryOperation, SendInfo, SingleBlock
from vmpp.process import striping
from vmpp.process.striping import (
    DATA_PORTAL,
    MOVED_PORTAL,
    READ,
    WRITE,
    Cut,
    Layout,
    Moved,
    ReadStripes,
    WriteStripes,
)
from vmpp.service.parallel.fetching import WINDOW

DATA = bytes(range(256)) * 4096


def writes(client: Any, layout: Layout, data: bytes = DATA) -> int:
    """Begin to write, and return how many servers that concerns."""
    block = SingleBlock(MemoryOperation.SINGLE_SNDR_OFF_RPLY, memoryview(data))
    asked: int = client.send(WriteStripes, WRITE, layout, [(0, len(data), 0)], block)
    return asked


def errors(reports: Any) -> list[int]:
    return [errno.EIO if each is None else each.error for each in reports]


def left_over(here: Any) -> Any:
    """Return what servers have kept of transfers, and of buffers."""
    return [
        (
            len(each._owed),
            each.status.transfers,
            len(each.fetching.pulls),
            each._costs.buffers - each.fetching.room,
        )
        for each in here.io.servers
    ]


NOTHING = (0, 0, 0, 0)


# -- garbage -----------------------------------------------------------------------------------


GARBAGE = [
    b"",
    b"\x00",
    b"\xc1" * 100,
    msgspec.msgpack.encode([99, 1]),
    msgspec.msgpack.encode([1, -1, [1, 4096, [0]], b"", b""]),
    msgspec.msgpack.encode([1, 1, [1, 0, [0]], b"", b""]),
    msgspec.msgpack.encode([1, 1, [1, 4096, []], b"", b""]),
    msgspec.msgpack.encode([1, 1, [1, 4096, [1]], b"", b""]),
    msgspec.msgpack.encode([1, 1, [1, 4096, [0, 0]], b"", b""]),
    msgspec.msgpack.encode([1, 1, [1, 4096, [0]], b"", b"short"]),
    msgspec.msgpack.encode([1, 1, [1, 4096, [0]], b"", striping.pack_runs([(-1, 1, 0)])]),
    msgspec.msgpack.encode([2, 1, [1, 4096, [0]], b"", striping.pack_runs([(0, 1, -1)])]),
    msgspec.msgpack.encode([2, 1, [1, 4096, [0]], b"", bytes(24 << 14) + bytes(24)]),
]


@pytest.mark.parametrize("garbage", GARBAGE)
def test_garbage_is_refused(site: Any, garbage: bytes) -> None:
    here = site(1)

    def program(client: Any) -> Any:
        client.post(0, garbage)
        refused = client.reports(1)
        return refused, client.write(here.layout(), DATA)

    refused, written = here.run(program)[0]
    assert refused == [Moved(errno.EBADMSG)]
    assert errors(written) == [0]
    assert left_over(here) == [NOTHING]


@pytest.mark.parametrize("portal", ["x", None, 1 << 20, -7])
@pytest.mark.parametrize("bits", [0, "y", 1 << 70])
def test_a_reply_to_nowhere_is_not_sent(site: Any, portal: Any, bits: Any) -> None:
    here = site(1)

    def program(client: Any) -> Any:
        client.post(0, b"garbage", SendInfo(return_portal=portal, return_bits=bits))
        return client.write(here.layout(), DATA)

    assert errors(here.run(program)[0]) == [0]
    assert left_over(here) == [NOTHING]


class Anything(msgspec.Struct, array_like=True):
    """A request of which everything may be anything."""

    tag: int
    transfer: int
    layout: tuple[int, int, list[int]]
    capability: bytes
    runs: bytes


NUMBERS = st.one_of(
    st.integers(-2, 5), st.sampled_from([512, 4096, 1 << 40, 1 << 62, (1 << 63) - 1])
)
RUNS = st.lists(st.tuples(NUMBERS, NUMBERS, NUMBERS), max_size=3).map(striping.pack_runs)
REQUESTS = st.builds(
    Anything,
    st.sampled_from([1, 2, 3, 5]),
    NUMBERS,
    st.tuples(st.integers(1, 2), NUMBERS, st.lists(st.integers(0, 2), max_size=3)),
    st.sampled_from([b"", b"right"]),
    RUNS,
)


@settings(max_examples=40)
@given(st.lists(REQUESTS, max_size=8))
def test_no_request_harms_anybody(requests: list[Anything]) -> None:
    from .conftest import Site

    here = Site(1, clients=2, jobs=[1, 2])

    def nasty(client: Any) -> None:
        access = READ | WRITE
        for request in requests:
            if request.capability:
                request.capability = here.seal.capability(request.layout[0], 1, access)
            client.post(0, msgspec.msgpack.encode(request))

    def decent(client: Any) -> Any:
        layout = here.layout(9)
        return client.write(layout, DATA), bytes(client.read(layout, (0, len(DATA), 0))[1])

    written, data = here.run(nasty, decent)[1]
    here.io.forget(1)
    here.io.close()
    assert errors(written) == [0]
    assert data == DATA
    assert left_over(here) == [NOTHING]


def test_what_nobody_has_asked_for_is_not_kept(site: Any, tmp_path: Any) -> None:
    here = site(1, clients=2, jobs=[1, 2])

    def forger(client: Any) -> None:
        target = here.io.servers[0].address
        for bits in range(40):
            client.process.kernel.send(
                client.process, target, DATA_PORTAL, bits, b"x" * 65536, 65536
            )

    here.run(forger, lambda client: client.write(here.layout(), DATA))
    assert errors(here.results[1]) == [0]
    assert (tmp_path / "pfs/io0000/1").read_bytes() == DATA


# -- clients that are no more ------------------------------------------------------------------


def vanish(process: Process) -> None:
    process.dead = True


@pytest.mark.parametrize("when", [1_500_000, 200_000_000, 700_000_000])
def test_a_client_that_dies_leaves_nothing_behind(site: Any, when: int) -> None:
    here = site(2, clients=2)

    def dies(client: Any) -> None:
        writes(client, here.layout(unit=4096))
        client.process.sleep(when)

    def lives(client: Any) -> Any:
        client.process.sleep(when)
        return client.write(here.layout(2), DATA)

    here.run(dies, lives)
    assert errors(here.results[1]) == [0, 0]
    assert left_over(here) == [NOTHING] * 2


def test_a_reader_that_dies_is_sent_no_more(site: Any) -> None:
    site(1).run(lambda client: client.write(client.site.layout(), DATA * 8))
    here = site(1)

    def dies(client: Any) -> None:
        block = SingleBlock(MemoryOperation.SINGLE_SNDR_OFF_SV_BDY, memoryview(bytearray(10)))
        client.send(ReadStripes, READ, here.layout(), [(0, len(DATA) * 8, 0)], block)
        client.process.sleep(10_000_000)

    here.run(dies)
    assert left_over(here) == [NOTHING]


@pytest.mark.parametrize("forgotten", ["rank", "job", "abandoned"])
def test_a_client_whose_node_has_crashed_is_forgotten(
    site: Any, costs: Any, forgotten: str
) -> None:
    here = site(1, clients=2, jobs=[1, 2], costs=replace(costs, buffers=WINDOW))

    def crashes(client: Any) -> None:
        writes(client, here.layout())
        client.process.sleep(500_000)
        client.process.kernel.halt()

    def lives(client: Any) -> Any:
        client.process.sleep(3_000_000)
        return client.write(here.layout(2), DATA), here.engine.now

    def learn() -> None:
        if forgotten == "rank":
            here.io.forget(1, 0)
        elif forgotten == "job":
            here.io.forget(1)
        else:
            here.services.abandon(1)

    # All buffers wait for data that will not come, until it is known that they will not.
    here.at(5_000_000_000, learn)
    here.run(crashes, lives)
    reports, ended = here.results[1]
    assert errors(reports) == [0]
    assert ended > 5_000_000_000
    assert left_over(here) == [NOTHING]


def test_nobody_has_buffers_for_long_whose_data_do_not_come(site: Any, costs: Any) -> None:
    here = site(1, clients=2, jobs=[1, 2], costs=replace(costs, buffers=WINDOW))

    def sends_nothing(client: Any) -> Any:
        # There is no descriptor for the transfer that it announces.
        asked = writes(client, here.layout(unit=65536), DATA * 4)
        client.entries.entries = []
        return errors(client.reports(asked))

    def lives(client: Any) -> Any:
        client.process.sleep(3_000_000)
        return errors(client.write(here.layout(2), DATA))

    found = here.run(sends_nothing, lives)
    assert found == {0: [errno.EIO], 1: [0]}
    assert left_over(here) == [NOTHING]


# -- servers and nodes that are no more --------------------------------------------------------


def test_a_server_that_is_stopped_fails_at_once_and_knows_what_it_knew(site: Any) -> None:
    here = site(2, clients=4)
    layout = here.layout(unit=4096)

    def waits(client: Any) -> Any:
        asked = writes(client, layout)
        return errors(client.reports(asked)), here.engine.now

    def asks(client: Any) -> Any:
        client.process.sleep(100_000_000)
        return errors(client.write(layout, DATA)), here.engine.now

    def elsewhere(client: Any) -> Any:
        return errors(client.write(here.layout(2, servers=[1]), DATA))

    def knows(client: Any) -> Any:
        first = client.write(here.layout(3), b"known before")
        client.process.sleep(9_000_000_000)
        return errors(first), bytes(client.read(here.layout(3), (0, 12, 0))[1])

    here.at(50_000_000, lambda: here.services.stop("pfs0"))
    here.at(8_000_000_000, lambda: here.services.start("pfs0"))
    here.run(waits, asks, elsewhere, knows)
    (waited, first), (asked, then) = here.results[0], here.results[1]
    assert sorted(waited) == sorted(asked) == [0, errno.EIO]
    assert max(first, then) < 8_000_000_000
    assert here.results[2] == [0]
    assert here.results[3] == ([0], b"known before")
    assert left_over(here) == [NOTHING] * 2


def crashed(here: Any, node: int, when: int, known: int) -> None:
    nid = here.io.servers[node].address.nid
    here.at(when, lambda: here.io.crash(nid))
    here.at(known, lambda: here.io.lose(nid, here.io.servers[node - 1].kernel.transmit))


def test_who_waits_for_a_node_that_has_crashed_hears_of_it_when_it_is_known(site: Any) -> None:
    here = site(2, clients=4)
    layout = here.layout(unit=4096)

    def waits(client: Any) -> Any:
        return errors(client.write(layout, DATA)), here.engine.now

    def meanwhile(client: Any) -> Any:
        client.process.sleep(200_000_000)
        return errors(client.write(layout, DATA)), here.engine.now

    def afterwards(client: Any) -> Any:
        client.process.sleep(6_000_000_000)
        began = here.engine.now
        return errors(client.write(here.layout(5, servers=[0]), b"x")), here.engine.now - began

    def elsewhere(client: Any) -> Any:
        return [errors(client.write(here.layout(2, servers=[1]), DATA)) for _ in range(8)]

    crashed(here, 0, 50_000_000, 5_000_000_000)
    here.run(waits, meanwhile, afterwards, elsewhere)
    for rank in (0, 1):
        codes, ended = here.results[rank]
        assert sorted(codes) == [0, errno.EIO]
        assert 5_000_000_000 <= ended < 5_001_000_000
    codes, took = here.results[2]
    assert codes == [errno.EIO]
    assert took < 100_000
    assert here.results[3] == [[0]] * 8
    assert left_over(here) == [NOTHING] * 2
    here.services.start("pfs0")
    assert [each.crashed for each in here.io.status()] == [True, False]
    assert here.io.servers[0].dead


def test_a_crash_in_the_middle_of_anything_is_survived(site: Any) -> None:
    times = [1_000_000 + 37_000_000 * step for step in range(30)]
    for when in times:
        here = site(2, clients=1)
        layout = here.layout(unit=65536)

        def program(client: Any, layout: Layout = layout) -> Any:
            codes = errors(client.write(layout, DATA))
            codes += errors(client.read(layout, (0, len(DATA), 0))[0])
            client.post(0, striping.encode(Cut(layout, 0)))
            return codes, errors(client.reports(1))

        crashed(here, 0, when, when + 10_000_000_000)
        codes, _ = here.run(program)[0]
        assert set(codes) <= {0, errno.EIO}
        assert left_over(here) == [NOTHING] * 2


def test_requests_that_wait_for_buffers_are_served_in_turn(site: Any) -> None:
    here = site(1, clients=3)

    def program(file: int) -> Any:
        def write(client: Any) -> Any:
            client.process.sleep(file * 1000)
            client.write(here.layout(file), DATA * (4 if file == 1 else 1))
            return here.engine.now

        return write

    here.run(*map(program, (1, 2, 3)))
    first, second, third = (here.results[rank] for rank in range(3))
    # The long one came first, and the short ones need not wait until it is done.
    assert second < first
    assert third < first


def test_reports_go_where_the_request_says(site: Any) -> None:
    here = site(1)

    def program(client: Any) -> Any:
        client.number = 77
        client.post(0, b"", SendInfo(return_portal=MOVED_PORTAL, return_bits=77))
        return client.reports(1)

    assert here.run(program)[0] == [Moved(errno.EBADMSG)]
