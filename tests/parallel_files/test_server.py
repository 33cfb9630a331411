"""Parallel file servers move data between host files and the memory of processes."""

from __future__ import annotations

import errno
import os
import random
from dataclasses import replace
from typing import Any

import pytest

from vmpp.process import striping
from vmpp.process.striping import Cut, Layout, Moved, Remove, Sync
from vmpp.service.parallel import StripeFiles
from vmpp.service.parallel.sending import MOST

DATA = random.Random(1).randbytes(300_000)


def errors(reports: Any) -> list[int]:
    return [each.error for each in reports]


@pytest.mark.parametrize("unit", [512, 4096, 65536, 1 << 20])
@pytest.mark.parametrize("servers", [1, 3])
def test_what_is_written_is_read(site: Any, unit: int, servers: int) -> None:
    here = site(servers)
    layout = here.layout(unit=unit)

    def program(client: Any) -> Any:
        written = client.write(layout, DATA)
        reports, buffer = client.read(layout, (0, len(DATA), 0))
        return written, reports, bytes(buffer)

    written, read, data = here.run(program)[0]
    assert data == DATA
    assert errors(written) == errors(read) == [0] * len(written)
    assert sum(each.count for each in written) == sum(each.count for each in read) == len(DATA)
    assert max(each.end for each in written) == len(DATA)


def test_each_host_file_has_the_units_of_its_server(site: Any, tmp_path: Any) -> None:
    here = site(3)
    here.run(lambda client: client.write(here.layout(7, 1024, [2, 0, 1]), DATA[:5000]))
    units = [DATA[begin : begin + 1024] for begin in range(0, 5000, 1024)]
    units[4] = DATA[4096:5000]
    parts = {0: units[1] + units[4], 1: units[2], 2: units[0] + units[3]}
    for node, content in parts.items():
        assert (tmp_path / f"pfs/io{node:04d}/7").read_bytes() == content


def test_data_go_to_the_offsets_that_the_request_names(site: Any) -> None:
    here = site(2)
    layout = here.layout(unit=512)
    runs = [(1000, 700, 100), (0, 100, 0), (5000, 2000, 800)]

    def program(client: Any) -> Any:
        client.write(layout, DATA[:8000])
        _, buffer = client.read(layout, *runs, into=bytearray(3000))
        client.write(layout, b"x" * 3000, (600, 30, 10), (2000, 500, 1000))
        _, after = client.read(layout, (0, 8000, 0))
        return bytes(buffer), bytes(after)

    found, after = here.run(program)[0]
    expected = bytearray(3000)
    for offset, length, place in runs:
        expected[place : place + length] = DATA[offset : offset + length]
    assert found == bytes(expected)
    changed = bytearray(DATA[:8000])
    changed[600:630], changed[2000:2500] = b"x" * 30, b"x" * 500
    assert after == bytes(changed)


def test_nothing_is_sent_of_what_is_beyond_the_end(site: Any) -> None:
    here = site(2)
    layout = here.layout(unit=512)

    def program(client: Any) -> Any:
        client.write(layout, DATA[:700])
        reports, buffer = client.read(layout, (600, 10_000, 0), into=bytearray(b"?" * 10_000))
        nothing, _ = client.read(layout, (1 << 61, 1 << 61, 0), into=bytearray())
        return reports, bytes(buffer), nothing

    reports, buffer, nothing = here.run(program)[0]
    assert buffer == DATA[600:700] + b"?" * 9900
    assert sorted(reports, key=lambda each: each.end) == [Moved(0, 0, 512), Moved(0, 100, 700, 1)]
    assert [each.count for each in nothing] == [0, 0]


def test_what_lies_between_two_writes_reads_as_zeros(site: Any) -> None:
    here = site(1)
    layout = here.layout(unit=512)

    def program(client: Any) -> Any:
        client.write(layout, b"begin", (0, 5, 0))
        client.write(layout, b"end", (100_000, 3, 0))
        return bytes(client.read(layout, (0, 100_003, 0))[1])

    assert here.run(program)[0] == b"begin".ljust(100_000, b"\0") + b"end"


def test_a_wrong_capability_is_refused(site: Any) -> None:
    here = site(1, clients=2, jobs=[1, 2])
    layout = here.layout()

    def program(client: Any) -> Any:
        runs = [(0, 3, 0)]
        for kind, access, job, file in (
            (striping.ReadStripes, striping.WRITE, 1, 1),
            (striping.WriteStripes, striping.READ, 1, 1),
            (striping.ReadStripes, striping.READ, 2, 1),
            (striping.ReadStripes, striping.READ, 1, 2),
        ):
            capability = here.seal.capability(file, job, access)
            text = kind(client.number, layout, capability, striping.pack_runs(runs))
            client.post(0, striping.encode(text))
        return client.reports(4)

    assert errors(here.run(program)[0]) == [errno.EACCES] * 4


def test_only_the_system_may_cut_and_remove(site: Any) -> None:
    here = site(1)

    def program(client: Any) -> Any:
        client.write(here.layout(), DATA)
        client.post(0, striping.encode(Cut(here.layout(), 0)))
        client.post(0, striping.encode(Remove(1)))
        refused = client.reports(2)
        return refused, bytes(client.read(here.layout(), (0, len(DATA), 0))[1])

    refused, data = here.run(program)[0]
    assert errors(refused) == [errno.EACCES] * 2
    assert data == DATA


def test_files_are_cut_and_removed(site: Any, tmp_path: Any) -> None:
    here = site(2, clients=2, jobs=[1, 0])
    layout = here.layout(unit=1024)

    def system(client: Any) -> Any:
        client.write(layout, DATA[:5000])
        for server in (0, 1):
            client.post(server, striping.encode(Cut(layout, 2500)))
        cut = client.reports(2)
        sizes = [here.io.files.sizes(node) for node in (0, 1)]
        client.write(layout, b"x", (4999, 1, 0))
        _, again = client.read(layout, (0, 5000, 0))
        for server in (0, 1):
            client.post(server, striping.encode(Remove(1)))
        removed = client.reports(2)
        # Whoever comes too late does not bring it back.
        late = client.write(layout, DATA)
        return errors([*cut, *removed, *late]), sizes, bytes(again)

    codes, sizes, again = here.run(None, system)[1]
    assert codes == [0, 0, 0, 0, errno.ENOENT, errno.ENOENT]
    assert sizes == [{1: 1476}, {1: 1024}]
    assert again == DATA[:2500] + bytes(2499) + b"x"
    assert [*(tmp_path / "pfs").rglob("1")] == []
    assert [each.used for each in here.io.status()] == [0, 0]


def test_sync_waits_for_the_disk(site: Any) -> None:
    here = site(1)
    layout = here.layout()

    def program(client: Any) -> Any:
        client.write(layout, DATA)
        dirty = here.io.status()[0].dirty
        client.post(0, striping.encode(Sync(client.number, layout)))
        return dirty, errors(client.reports(1)), here.io.status()[0].dirty

    dirty, codes, after = here.run(program)[0]
    assert dirty > 0
    assert (codes, after) == ([0], 0)


def test_a_transfer_of_nothing_is_done_at_once(site: Any) -> None:
    here = site(1)

    def program(client: Any) -> Any:
        reports = []
        for kind in (striping.ReadStripes, striping.WriteStripes):
            capability = here.seal.capability(1, 1, striping.READ | striping.WRITE)
            client.post(0, striping.encode(kind(0, here.layout(), capability, b"")))
            reports += client.reports(1)
        return reports

    assert here.run(program)[0] == [Moved(0, 0, 0)] * 2


def test_a_full_disk_is_told_before_anything_is_written(site: Any, disk: Any) -> None:
    small = site(1, disk=replace(disk, capacity=1 << 20))

    def program(client: Any) -> Any:
        layout = small.layout()
        first = client.write(layout, bytes(1 << 20))
        second = client.write(layout, b"x", (1 << 20, 1, 0))
        over = client.write(layout, b"y", (0, 1, 0))
        return errors([*first, *second, *over])

    assert small.run(program)[0] == [0, errno.ENOSPC, 0]


def test_what_was_written_is_there_after_another_boot(site: Any) -> None:
    site(2).run(lambda client: client.write(client.site.layout(), DATA))
    again = site(2)
    assert sum(each.used for each in again.io.status()) >= len(DATA)
    found = again.run(lambda client: client.read(again.layout(), (0, len(DATA), 0))[1])
    assert bytes(found[0]) == DATA


def test_what_is_kept_nowhere_is_gone_with_the_machine(site: Any) -> None:
    here = site(1, folder=None)
    here.run(lambda client: client.write(here.layout(), DATA))
    folder = here.io.files.folder
    assert (folder / "io0000/1").read_bytes() == DATA
    here.io.close()
    assert not os.path.exists(folder)


def test_a_server_that_nobody_asks_takes_nothing_of_the_host(site: Any, tmp_path: Any) -> None:
    here = site(2)
    here.run(lambda client: client.read(Layout(1, 4096, (0,)), (0, 10, 0)))
    assert not (tmp_path / "pfs").exists()


def test_however_many_ask_little_is_read_before_its_turn(
    site: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    size, clients = 2 << 20, 12
    site(1).run(lambda client: client.write(client.site.layout(), bytes(size)))
    here = site(1, clients)
    files, server, asked, most = here.io.files, here.io.servers[0], 0, 0
    real = files.read

    def read(node: int, file: int, offset: int, length: int) -> bytes:
        nonlocal asked, most
        asked += length
        most = max(most, asked - server.bytes_read)
        return real(node, file, offset, length)

    monkeypatch.setattr(StripeFiles, "read", lambda _, *where: read(*where))
    found = here.run(*[lambda client: client.read(here.layout(), (0, size, 0))[0]] * clients)
    assert [errors(found[rank]) for rank in range(clients)] == [[0]] * clients
    assert asked == size * clients
    assert 0 < most <= MOST
