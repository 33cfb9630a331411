"""How long transfers take in virtual time: by hand, and as I/O nodes are added."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from vmpp.hardware.disk_cache import STEP
from vmpp.process import striping
from vmpp.process.striping import READ, WRITE, Moved, ReadStripes, WriteStripes

# A byte takes a nanosecond on the wire and half of one under the heads; nothing else takes time
# but the server, a microsecond for a request. A turn takes eight milliseconds.
NS, US, MS = 1000, 1_000_000, 1_000_000_000
UNIT = 65536


def request(here: Any, kind: Any, access: int) -> int:
    """Return how long a request for a unit at the beginning of a file is on its way."""
    capability = here.seal.capability(1, 1, access)
    text = kind(1, here.layout(), capability, striping.pack_runs([(0, UNIT, 0)]))
    return len(striping.encode(text)) * NS


REPORT = len(striping.encode(Moved(0, UNIT, UNIT))) * NS


def test_a_write_takes_the_wire_and_the_server(site: Any) -> None:
    here = site(1)

    def program(client: Any) -> int:
        client.write(here.layout(), bytes(UNIT))
        now: int = here.engine.now
        return now

    # The server asks for the data with an empty message.
    expected = request(here, WriteStripes, WRITE) + US + UNIT * NS + REPORT
    assert here.run(program)[0] == expected


def test_a_read_takes_the_disk_only_the_first_time(site: Any) -> None:
    site(1).run(lambda client: client.write(client.site.layout(), bytes(UNIT)))
    here = site(1)

    def program(client: Any) -> tuple[int, int]:
        client.read(here.layout(), (0, UNIT, 0))
        first = here.engine.now
        client.read(here.layout(), (0, UNIT, 0))
        return first, here.engine.now - first

    first, second = here.run(program)[0]
    # The first block of the disk passes again a turn after time 0.
    assert first == 8 * MS + UNIT * NS // 2 + UNIT * NS + REPORT
    assert second == request(here, ReadStripes, READ) + US + UNIT * NS + REPORT


def test_nobody_waits_for_blocks_that_hold_nothing(site: Any) -> None:
    here = site(1)

    def program(client: Any) -> tuple[int, int]:
        client.write(here.layout(), b"x", (16 * UNIT, 1, 0))
        times = [here.engine.now]
        # Of a block that nobody has written to, there is no rest that must be known.
        client.write(here.layout(), bytes(100), (5000, 100, 0))
        times.append(here.engine.now)
        client.read(here.layout(), (UNIT, UNIT, 0))
        times.append(here.engine.now)
        return times[1] - times[0], times[2] - times[1]

    write, read = here.run(program)[0]
    # The arm would have to move: that takes a millisecond at least.
    assert write < MS
    assert read < MS


def test_pieces_are_sent_while_others_are_read(site: Any) -> None:
    count = 16
    site(1).run(lambda client: client.write(client.site.layout(), bytes(UNIT * count)))
    here = site(1)

    def program(client: Any) -> int:
        client.read(here.layout(), (0, UNIT * count, 0))
        now: int = here.engine.now
        return now

    report = len(striping.encode(Moved(0, UNIT * count, UNIT * count))) * NS
    # The wire, which takes twice as long as the disk, begins when the first piece is in memory.
    assert here.run(program)[0] == 8 * MS + UNIT * NS // 2 + UNIT * count * NS + report


def test_who_writes_more_than_memory_takes_goes_on_as_fast_as_the_disk(
    site: Any, costs: Any, disk: Any
) -> None:
    slow = replace(disk, transfer_rate=100_000_000)  # 10 MB/s
    here = site(1, disk=slow, costs=replace(costs, write_behind=1 << 20))

    def program(client: Any) -> tuple[int, int]:
        client.write(here.layout(), bytes(1 << 20))
        first = here.engine.now
        client.write(here.layout(), bytes(8 << 20), (1 << 20, 8 << 20, 0))
        return first, here.engine.now - first

    fast, rest = here.run(program)[0]
    assert fast < 1.01 * (1 << 20) * NS
    # The last megabyte is in memory when the first eight are on the disk, which waits for a turn at
    # the beginning, and then writes 256 KiB at a time.
    disk_time = (8 << 20) * 100 * NS
    assert disk_time + 7 * MS < rest + fast < disk_time + 8 * MS + STEP * 100 * NS


@pytest.mark.parametrize("kind", ["read", "write"])
def test_more_io_nodes_are_as_much_faster_until_the_network_is_the_limit(
    site: Any, costs: Any, disk: Any, tmp_path: Any, kind: str
) -> None:
    # 250 MB/s, a quarter of what a node sends, and no moving parts.
    slow = replace(disk, transfer_rate=4_000_000, rotation=0, seek_min=0, seek_max=0)
    through = replace(costs, write_behind=0, buffers=4 << 20)
    size, clients = 16 << 20, 1
    rates: dict[int, float] = {}
    for servers in (1, 2, 4, 8, 16):
        options = {"disk": slow, "costs": through, "folder": tmp_path / str(servers)}

        def program(client: Any, wanted: str = kind) -> int:
            begin = client.process.rank * size
            if wanted == "read":
                client.read(client.site.layout(), (begin, size, 0))
            else:
                client.write(client.site.layout(), bytes(size), (begin, size, 0))
            now: int = client.site.engine.now
            return now

        if kind == "read":
            whole = bytes(size * clients)
            site(servers, **options).run(lambda c, d=whole: c.write(c.site.layout(), d))
        here = site(servers, clients, **options)
        here.run(*[program] * clients)
        rates[servers] = size * clients / max(here.results.values())
    for more in (2, 4):
        assert rates[more] / rates[1] == pytest.approx(more, rel=0.05)
    # The client sends or takes a byte in a nanosecond, and so do four disks together.
    limit = clients / NS
    for more in (8, 16):
        assert 0.9 * limit < rates[more] < limit


def test_a_transfer_of_many_stretches_is_repeatable(site: Any, tmp_path: Any) -> None:
    def ran(name: str) -> Any:
        here = site(3, 4, folder=tmp_path / name)
        layout = here.layout(unit=4096)

        def program(client: Any) -> Any:
            rank = client.process.rank
            runs = [(place * 40_000 + rank * 10_000, 10_000, place * 10_000) for place in range(20)]
            client.write(layout, bytes([rank]) * 200_000, *runs)
            return bytes(client.read(layout, *runs)[1]), here.engine.now

        return here.run(*[program] * 4), [each.busy for each in here.io.status()]

    first, second = ran("first"), ran("second")
    assert first == second
    assert all(data == bytes([rank]) * 200_000 for rank, (data, _) in first[0].items())
