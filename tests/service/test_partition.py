"""Servers have their places on the service nodes, and can be stopped and started."""

from __future__ import annotations

import pytest
import trio
import trio.testing
from hypothesis import given
from hypothesis import strategies as st

from vmpp.service.client import ServerDownError
from vmpp.service.partition import SERVERS, PlacementError, UnknownServerError
from vmpp.service.server import Later


class TestPlaces:
    def test_servers_are_dealt_out_to_the_nodes_in_turn(self, site, listening):
        machine = site(nodes=3)
        for name in SERVERS:
            machine.partition.add(listening(name))
        nodes = [machine.partition.addresses[name].nid for name in SERVERS]
        assert nodes == [0, 1, 2, 0, 1, 2, 0, 1]

    @given(st.permutations(SERVERS), st.integers(1, 9))
    def test_a_server_is_where_it_is_whoever_else_is_there(self, site, listening, names, nodes):
        whole, part = site(nodes), site(nodes)
        for name in SERVERS:
            whole.partition.add(listening(name))
        for name in names[:3]:
            part.partition.add(listening(name))
            address = part.partition.addresses[name]
            assert address.nid == whole.partition.addresses[name].nid

    def test_the_machine_may_say_where_a_server_is(self, site, listening):
        machine = site(4, {"log": 3})
        machine.partition.add(listening("log"))
        assert machine.partition.addresses["log"].nid == 3

    def test_one_that_plugins_bring_has_a_place_too(self, site, listening):
        machine = site(4)
        addresses = [
            machine.partition.add(listening(name)).address for name in ("weather", "tides")
        ]
        assert len({address.nid for address in addresses}) == 2

    def test_a_name_is_taken_once(self, site, listening):
        machine = site()
        machine.partition.add(listening("log"))
        with pytest.raises(ValueError, match="a server 'log' already"):
            machine.partition.add(listening("log"))

    @pytest.mark.parametrize(
        ("placement", "complaint"),
        [
            ({"flies": 0}, r"\[servers\] flies: .* did you mean 'files'"),
            ({"files": 2}, r"\[servers\] files: .* no node 2, only 0 to 1"),
        ],
    )
    def test_a_place_that_cannot_be_is_refused(self, site, placement, complaint):
        with pytest.raises(PlacementError, match=complaint):
            site(2, placement)

    async def test_status_tells_of_each_server(self, site, listening):
        machine = site(2)
        for name in ("log", "files"):
            machine.partition.add(listening(name))
        async with machine.running():
            with machine.partition.client() as client:
                await client.call("log", b"line")
            machine.partition.stop("files")
            files, log = machine.partition.status()
        assert (files.name, files.running, files.requests, files.node) == ("files", False, 0, 0)
        assert (log.name, log.running, log.requests, log.node) == ("log", True, 1, 1)
        assert log.least_service_time == 1000


class TestStopping:
    async def test_who_asks_a_stopped_server_is_told_at_once(self, site, listening):
        machine = site()
        machine.partition.add(listening())
        async with machine.running():
            with machine.partition.client() as client:
                machine.partition.stop("log")
                with pytest.raises(ServerDownError, match="'log' does not answer"):
                    await client.call("log", b"line")
                assert client.now < 1000

    async def test_a_server_that_is_started_again_knows_what_it_acknowledged(self, site, listening):
        machine, log = site(), listening()
        machine.partition.add(log)
        async with machine.running():
            with machine.partition.client() as client:
                await client.call("log", b"one")
                machine.partition.stop("log")
                with pytest.raises(ServerDownError):
                    await client.call("log", b"two")
                machine.partition.start("log")
                assert await client.call("log", b"three") == b"eerht"
        assert [request for _, _, request in log.asked] == [b"one", b"three"]

    @pytest.mark.parametrize("turns", range(6))
    async def test_what_has_arrived_is_answered_whatever_the_hosts_order(
        self, site, listening, turns
    ):
        machine, log = site(), listening()
        machine.partition.add(log)
        async with machine.running():
            with machine.partition.client() as client:
                machine.engine.at(500, lambda _: machine.partition.stop("log"))
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._dawdle, turns)
                    assert await client.call("log", b"one") == b"eno"
                with pytest.raises(ServerDownError):
                    await client.call("log", b"two")

    @staticmethod
    async def _dawdle(turns):
        for _ in range(turns):
            await trio.lowlevel.checkpoint()

    @pytest.mark.parametrize("turns", [0, 1, 5])
    async def test_what_waits_for_the_host_fails_though_the_host_be_done(
        self, site, listening, turns
    ):
        async def patient() -> bytes:
            await self._dawdle(turns)
            return b"done"

        machine = site()
        machine.partition.add(listening("log", lambda caller, request: patient()))
        async with machine.running():
            with machine.partition.client() as client:
                machine.engine.at(500, lambda _: machine.partition.stop("log"))
                with pytest.raises(ServerDownError):
                    await client.call("log", b"one")
                assert client.now > 1000

    async def test_what_waits_for_another_process_fails_when_the_server_stops(
        self, site, listening
    ):
        machine = site()
        machine.partition.add(listening("log", lambda caller, request: Later()))
        async with machine.running():
            with machine.partition.client() as client:
                machine.engine.at(50_000, lambda _: machine.partition.stop("log"))
                with pytest.raises(ServerDownError):
                    await client.call("log", b"one")
                assert 50_000 < client.now < 51_000

    async def test_what_would_wait_for_another_fails_when_its_turn_comes(self, site, listening):
        machine = site()
        machine.partition.add(listening("log", lambda caller, request: Later()))
        async with machine.running():
            with machine.partition.client() as client:
                machine.engine.at(500, lambda _: machine.partition.stop("log"))
                with pytest.raises(ServerDownError):
                    await client.call("log", b"one")
                assert 1000 < client.now < 2000

    def test_there_is_no_stopping_what_is_not_there(self, site, listening):
        machine = site()
        machine.partition.add(listening("log"))
        with pytest.raises(UnknownServerError, match="no server 'lgo'; did you mean 'log'"):
            machine.partition.stop("lgo")
        with pytest.raises(UnknownServerError):
            machine.partition.start("files")

    async def test_a_server_that_is_added_late_runs(self, site, listening):
        machine = site()
        async with machine.running():
            await trio.testing.wait_all_tasks_blocked()
            machine.partition.add(listening())
            with machine.partition.client() as client:
                assert await client.call("log", b"ab") == b"ba"
