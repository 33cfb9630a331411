"""Jobs that want busy nodes wait their turn; policies say whose it is and can be swapped."""

from __future__ import annotations

import pytest

import vmpp
from vmpp.errors import VmppError
from vmpp.process.program import Program
from vmpp.service import LaunchError
from vmpp.service.client import ServerDownError
from vmpp.service.status import JobState, NodeState
from vmpp_pct import RoundRobin

MILLISECOND = 10**9
SLEEP = "time.sleep(float(sys.argv[1]))"


@pytest.fixture
def small(tmp_path):
    """A machine of seven compute nodes."""
    path = tmp_path / "small.toml"
    path.write_text("[topology]\ndims = [3, 3]\n")
    return path


def states(machine):
    return [(job.id, job.state.value) for job in machine.jobs()]


class TestWaiting:
    async def test_a_job_that_does_not_fit_waits_until_it_does(self, program, small):
        path = program(SLEEP)
        async with vmpp.boot(small) as machine:
            with machine.services.client() as client:
                first = await machine.launch(path, 5, ["0.1"], client=client)
                second = await machine.launch(path, 4, ["0.1"], client=client)
                assert (first.nodes, second.nodes) == ((0, 1, 2, 3, 4), ())
                assert states(machine) == [(1, "CF"), (2, "PD")]
                assert machine.jobs()[1].reason == "Resources"
                await client.until(first.record.done)
                await client.sleep(MILLISECOND)
                assert states(machine) == [(2, "R")]
                await client.until(second.record.done)
            one, two = machine.jobs(past=True)
        assert (one.state, two.state) == (JobState.COMPLETED, JobState.COMPLETED)
        assert one.submit < two.submit < one.start < one.end < two.start < two.end

    async def test_first_come_is_first_served_even_if_a_later_one_would_fit(self, program, small):
        path = program(SLEEP)
        async with vmpp.boot(small) as machine:
            with machine.services.client() as client:
                jobs = [
                    await machine.launch(path, size, ["0.1"], client=client) for size in (5, 7, 1)
                ]
                assert [job.state.value for job in machine.jobs()][1:] == ["PD", "PD"]
                assert [job.reason for job in machine.jobs()] == ["", "Resources", "Priority"]
                for job in jobs:
                    await client.until(job.record.done)
            starts = [job.start for job in machine.jobs(past=True)]
        assert starts == sorted(starts)

    async def test_a_policy_may_let_the_small_ones_pass(self, program, small, queueing):
        class SmallestFirst:
            def choose(self, waiting, free):
                return min(range(len(waiting)), key=lambda place: waiting[place].size)

        path = program(SLEEP)
        async with vmpp.boot(small, plugins=queueing(smallest=SmallestFirst())) as machine:
            with machine.services.client() as client:
                for size in (5, 7, 1):
                    job = await machine.launch(path, size, ["0.1"], client=client)
                assert job.nodes == ()
                machine.set_policy("queue", "smallest")
                await client.sleep(MILLISECOND)
                assert states(machine) == [(1, "R"), (2, "PD"), (3, "R")]
                assert machine.policies["queue"] == "smallest"

    async def test_who_can_never_have_the_nodes_is_refused_at_once(self, program, small):
        path = program(SLEEP)
        async with vmpp.boot(small) as machine:
            with machine.services.client() as client:
                for nodes, complaint in (
                    ((), "nodes are lacking: 8 wanted, 7 free"),
                    (range(8), "no job can have node 7: there is no such compute node"),
                    ((1, 2), "8 processes do not fit on the 2 nodes"),
                ):
                    with pytest.raises(LaunchError, match=complaint):
                        await machine.launch(path, 8, ["0"], nodes=nodes, client=client)
                with pytest.raises(LaunchError, match="asked for twice"):
                    await machine.launch(path, 2, ["0"], nodes=(1, 1), client=client)
            assert machine.jobs() == []

    @pytest.mark.parametrize("size", [1 << 62, 1 << 64, 10**30])
    async def test_a_job_of_absurd_size_is_refused_before_it_takes_memory(
        self, program, small, size
    ):
        path = program(SLEEP)
        async with vmpp.boot(small) as machine:
            with machine.services.client() as client:
                with pytest.raises(LaunchError, match=f"nodes are lacking: {size} wanted, 7 free"):
                    await machine.launch(path, size, client=client)
                with pytest.raises(LaunchError, match="nodes are lacking"):
                    await machine.launch(
                        path, 1, others=[(Program.script(path), size)], client=client
                    )
            assert machine.jobs() == []

    async def test_a_crash_that_leaves_too_few_nodes_refuses_who_waits(self, program, small):
        path = program(SLEEP)
        async with vmpp.boot(small) as machine:
            with machine.services.client() as client:
                await machine.launch(path, 2, ["1"], client=client)
                whole = await machine.launch(path, 7, ["1"], client=client)
                machine.crash(6)
                await client.until(whole.record.done)
                result = whole.result()
                assert result.failure == "nodes are lacking: 7 wanted, 4 free, 6 in all"
                assert result.status == 1
                assert machine.nodes()[6].state is NodeState.DOWN

    async def test_nodes_asked_for_by_number_are_waited_for(self, program, small):
        path = program("print(rank, MPI.Get_processor_name())")
        async with vmpp.boot(small) as machine:
            with machine.services.client() as client:
                first = await machine.launch(path, 2, nodes=(6, 3), client=client)
                second = await machine.launch(path, 3, nodes=(0, 3, 1), client=client)
                assert (first.nodes, second.nodes) == ((6, 3), ())
                await client.until(second.record.done)
        assert sorted(second.stdout.decode().split()[1::2]) == [
            "small-n00000", "small-n00001", "small-n00003",
        ]  # fmt: skip

    async def test_a_pending_job_can_be_cancelled(self, program, small):
        path = program(SLEEP)
        async with vmpp.boot(small) as machine:
            with machine.services.client() as client:
                first = await machine.launch(path, 5, ["0.1"], client=client)
                second = await machine.launch(path, 7, ["0"], client=client)
                third = await machine.launch(path, 2, ["0"], client=client)
                machine.signal(second.id, 15)
                await client.until(third.record.done)
                assert not first.record.done.is_set()
                assert second.record.done.is_set()
                status = machine.overview.job(second.id)
        assert (status.state, status.exit, status.signal) == (JobState.CANCELLED, 143, 15)
        assert (status.nodes, status.start) == ((), None)

    async def test_launching_is_as_exact_as_who_launches(self, program, small):
        async def times():
            async with vmpp.boot(small) as machine:
                with machine.services.client() as client:
                    for size in (3, 4, 5):
                        await client.sleep(7 * MILLISECOND)
                        job = await machine.launch(program(SLEEP), size, ["0.01"], client=client)
                    await client.until(job.record.done)
                return [(job.submit, job.start, job.end) for job in machine.jobs(past=True)]

        assert await times() == await times()


class TestTheServer:
    async def test_a_job_is_refused_while_it_is_stopped_and_not_afterwards(self, program, small):
        path = program(SLEEP)
        async with vmpp.boot(small) as machine:
            with machine.services.client() as client:
                machine.stop_server("allocation")
                with pytest.raises(LaunchError, match="'allocation' does not answer"):
                    await machine.launch(path, 1, ["0"], client=client)
                machine.start_server("allocation")
                await machine.launch(path, 1, ["0"], client=client)

    async def test_what_waits_keeps_its_place_and_nodes_come_back(self, program, small):
        path = program(SLEEP)
        async with vmpp.boot(small) as machine:
            with machine.services.client() as client:
                first = await machine.launch(path, 7, ["0.1"], client=client)
                second = await machine.launch(path, 7, ["0.1"], client=client)
                machine.stop_server("allocation")
                await client.sleep(500 * MILLISECOND)
                assert first.record.gone.is_set()
                assert not first.record.done.is_set()
                assert states(machine)[-1] == (2, "PD")
                machine.start_server("allocation")
                await client.until(second.record.done)
                assert first.record.done.is_set()
            assert second.result().status == 0

    async def test_only_the_system_hands_nodes_out(self, program, small):
        from vmpp.process.calls import Failed, encode
        from vmpp.service import requests

        async with vmpp.boot(small) as machine:
            with machine.services.client(machine.services.session()) as client:
                for call in (
                    requests.Allocate(1, 0, 1, {}),
                    requests.Await(1),
                    requests.Withdraw(1),
                    requests.Release(1, [0]),
                ):
                    reply = requests.decode_reply(await client.call("allocation", encode(call)))
                    assert isinstance(reply, Failed)
                reply = requests.decode_reply(await client.call("allocation", b"garbage"))
                assert isinstance(reply, Failed)

    async def test_anybody_may_ask_how_things_are(self, program, small):
        from vmpp.process.calls import encode
        from vmpp.service import requests

        async with vmpp.boot(small) as machine:
            with machine.services.client() as client:
                await machine.launch(program(SLEEP), 2, ["1"], client=client)
            with machine.services.client(machine.services.session()) as client:
                ask = client.call("allocation", encode(requests.ListJobs()))
                (job,) = requests.decode_reply(await ask).jobs
                ask = client.call("allocation", encode(requests.ListNodes()))
                nodes = requests.decode_reply(await ask).nodes
        assert (job.size, job.nodes) == (2, (0, 1))
        assert [node.number for node in nodes] == list(range(9))

    async def test_one_that_is_stopped_does_not_answer(self, small):
        async with vmpp.boot(small) as machine:
            machine.stop_server("allocation")
            with machine.services.client() as client, pytest.raises(ServerDownError):
                await client.call("allocation", b"")


class TestPolicies:
    async def test_a_queue_that_never_lets_anybody_run_is_reported(self, program, small, queueing):
        class Never:
            def choose(self, waiting, free):
                return None

        async with vmpp.boot(small, plugins=queueing(never=Never())) as machine:
            machine.set_policy("queue", "never")
            job = await machine.launch(program(SLEEP), 2, ["0"])
            result = await job.wait()
            assert (result.status, result.failure) == (
                1, "the queue 'never' lets nobody have the free nodes",
            )  # fmt: skip

    async def test_allocation_is_swapped_at_once(self, program, small, queueing):
        class FromTheEnd:
            def choose(self, free, wanted):
                return tuple(free[::-1][:wanted]) if len(free) >= wanted else None

        found = queueing(allocators={"end": FromTheEnd()})
        async with vmpp.boot(small, plugins=found) as machine:
            path = program(SLEEP)
            assert (await machine.launch(path, 2, ["0"])).nodes == (0, 1)
            machine.set_policy("allocator", "end")
            assert (await machine.launch(path, 2, ["0"])).nodes == (6, 5)

    async def test_scheduling_is_chosen_for_a_job_or_for_all_later_ones(
        self, program, small, queueing
    ):
        asked = []

        class Recorded(RoundRobin):
            def admit(self, loaded):
                asked.append(self)
                return super().admit(loaded)

        path = program(SLEEP)
        async with vmpp.boot(small, plugins=queueing(policies={"mine": Recorded})) as machine:
            plain = await machine.launch(path, 2, ["0"])
            await plain.wait()
            assert (asked, machine.overview.job(plain.id).policy) == ([], "single")
            own = await machine.launch(path, 3, ["0"], policy="mine")
            await own.wait()
            assert (len(asked), machine.overview.job(own.id).policy) == (3, "mine")
            machine.set_policy("pct", "mine")
            later = await machine.launch(path, 1, ["0"])
            await later.wait()
            assert (len(asked), machine.overview.job(later.id).policy) == (4, "mine")

    async def test_what_cannot_be_chosen_is_refused_with_what_can(self, program, small):
        async with vmpp.boot(small) as machine:
            for kind, name, complaint in (
                ("queue", "fcsf", "did you mean 'fcfs'"),
                ("queuing", "fcfs", "did you mean 'queue'"),
                ("timing", "wormhole", "chosen when a machine is booted"),
            ):
                with pytest.raises(VmppError, match=complaint):
                    machine.set_policy(kind, name)
            with pytest.raises(VmppError, match="the pct 'nine'"):
                await machine.launch(program(SLEEP), 1, ["0"], policy="nine")
