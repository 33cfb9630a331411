"""Tasks of the host ask servers through portals; exact ones have virtual time wait for them."""

from __future__ import annotations

import random

import pytest
import trio
import trio.testing

from vmpp.engine import Occasion
from vmpp.process.link import REPLY_PORTAL
from vmpp.service.client import ServerDownError


async def dawdle(turns: int) -> None:
    """Let other tasks of the host run."""
    for _ in range(turns):
        await trio.lowlevel.checkpoint()


async def test_a_request_takes_the_way_there_the_service_and_the_way_back(site, listening):
    machine, log = site(nodes=2), listening()
    machine.partition.add(log)
    async with machine.running():
        with machine.partition.client(7, node=0) as client:
            reply = await client.call("log", b"abc")
            now = client.now
    assert reply == b"cba"
    ((arrived, number, request),) = log.asked
    assert (number, request) == (7, b"abc")
    assert 1000 < arrived < now < 3000


async def test_a_machine_without_that_server(site):
    machine = site()
    async with machine.running():
        with machine.partition.client() as client:
            with pytest.raises(ServerDownError, match="no server 'log'"):
                await client.call("log", b"")
            await client.tell("log", b"")


async def test_telling_waits_for_nothing(site, listening):
    machine, log = site(), listening()
    machine.partition.add(log)
    async with machine.running():
        with machine.partition.client() as client:
            await client.tell("log", b"abc")
            assert client.now == 0
            await client.sleep(5000)
    assert [request for *_, request in log.asked] == [b"abc"]


class TestExactClients:
    async def test_time_stands_still_while_the_task_has_the_word(self, site):
        machine = site()
        for when in range(0, 10_000, 100):
            machine.engine.at(when, lambda _: None)
        async with machine.running():
            with machine.partition.client() as client:
                for lap in range(5):
                    await dawdle(20)
                    assert client.now == lap * 250
                    await client.sleep(250)

    async def test_it_goes_on_when_the_client_is_closed(self, site):
        machine = site()
        over = Occasion()
        machine.engine.at(10_000, lambda _: over.set())
        async with machine.running():
            with machine.partition.client():
                await dawdle(20)
                assert not over.is_set()
            await over.wait()

    async def test_what_it_does_happens_at_the_instant_that_it_was_told(self, site):
        machine = site()
        occasion = Occasion()
        machine.engine.at(777, lambda _: occasion.set())
        machine.engine.at(778, lambda _: None)
        async with machine.running():
            with machine.partition.client() as client:
                await client.until(occasion)
                await dawdle(20)
                assert await client.act(lambda: machine.engine.now) == 777
                # It has happened, so there is nothing to wait for.
                await client.until(occasion)
                assert client.now == 777

    @pytest.mark.parametrize("seed", range(5))
    async def test_the_hosts_order_never_shows(self, site, listening, seed):
        machine, log = site(nodes=3), listening()
        machine.partition.add(log)
        draw = random.Random(seed)

        async def ask(client) -> None:
            with client:
                for number in range(4):
                    await dawdle(draw.randrange(5))
                    await client.call("log", b"%d %d" % (client.number, number))
                    await dawdle(draw.randrange(5))
                    await client.sleep(client.number * 300)

        clients = [machine.partition.client(number) for number in (1, 2, 3)]
        async with machine.running(), trio.open_nursery() as nursery:
            for client in draw.sample(clients, 3):
                nursery.start_soon(ask, client)
        assert log.asked == await self._undisturbed(site, listening)

    @staticmethod
    async def _undisturbed(site, listening):
        machine, log = site(nodes=3), listening()
        machine.partition.add(log)

        async def ask(client) -> None:
            with client:
                for number in range(4):
                    await client.call("log", b"%d %d" % (client.number, number))
                    await client.sleep(client.number * 300)

        clients = [machine.partition.client(number) for number in (1, 2, 3)]
        async with machine.running(), trio.open_nursery() as nursery:
            for client in clients:
                nursery.start_soon(ask, client)
        return log.asked

    async def test_what_goes_wrong_there_is_raised_here(self, site):
        machine = site()
        async with machine.running():
            with machine.partition.client() as client:
                with pytest.raises(ZeroDivisionError):
                    await client.act(lambda: 1 // 0)
                await client.sleep(10)
                assert client.now == 10

    async def test_a_wait_that_the_host_ends_leaves_nothing_behind(self, site, listening):
        machine, log = site(), listening()
        machine.partition.add(log)
        async with machine.running():
            with machine.partition.client() as client:
                with trio.CancelScope() as scope:
                    scope.cancel()
                    await client.call("log", b"forgotten")
                assert await client.call("log", b"ab") == b"ba"
        assert [request for *_, request in log.asked] == [b"ab"]

    async def test_the_answer_to_a_wait_that_the_host_has_ended_is_nobodys(self, site, listening):
        machine, log = site(), listening()
        machine.partition.add(log)
        async with machine.running():
            with machine.partition.client() as client:
                with trio.CancelScope() as scope:
                    machine.engine.at(500, lambda _: scope.cancel())
                    await client.call("log", b"late")
                before = client.now
                await client.sleep(20_000)
                assert client.now == before + 20_000
        assert [request for *_, request in log.asked] == [b"late"]


class TestOtherClients:
    async def test_time_goes_on_without_them(self, site):
        machine = site()
        over = Occasion()
        machine.engine.at(10_000, lambda _: over.set())
        async with machine.running():
            with machine.partition.client(exact=False) as client:
                await over.wait()
                assert client.now == 10_000

    async def test_one_may_become_exact(self, site):
        machine = site()
        machine.engine.at(10_000, lambda _: None)
        async with machine.running():
            with machine.partition.client(exact=False) as client:
                client.exact = True
                await dawdle(20)
                assert client.now == 0
                client.exact = False
                await client.sleep(20_000)
                assert client.now >= 20_000

    async def test_it_waits_for_one_thing_at_a_time(self, site):
        machine = site()
        async with machine.running():
            with machine.partition.client() as client:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(client.until, Occasion())
                    await trio.testing.wait_all_tasks_blocked()
                    with pytest.raises(RuntimeError, match="waits for something already"):
                        await client.sleep(100)
                    nursery.cancel_scope.cancel()


async def test_only_servers_reply(site, listening):
    """A program that guesses the number of a request cannot answer it in a server's place."""
    machine, log = site(), listening()
    machine.partition.add(log)
    async with machine.running():
        with (
            machine.partition.client() as client,
            machine.partition.client(7, exact=False) as program,
        ):
            kernel = program._kernel
            for number in range(3):
                kernel.send(program, client.address, REPLY_PORTAL, number, b"forged", 6)
            assert await client.call("log", b"abc") == b"cba"
