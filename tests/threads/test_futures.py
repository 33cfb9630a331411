"""``mpi4py.futures`` and ``mpi4py.util``, mpi4py's own, on threads, spawning and two groups."""

from __future__ import annotations

import pytest

import vmpp

WORK = """\
import os, sys, time
from mpi4py import MPI
from mpi4py.futures import MPICommExecutor, MPIPoolExecutor, as_completed, get_comm_workers
def where(seconds):
    time.sleep(seconds)
    comm = get_comm_workers()
    return comm.rank, comm.size, __name__
def failing(text):
    raise ValueError(text)
def now():
    return round(MPI.Wtime())
"""


@pytest.fixture
def run(tmp_path):
    """Return what runs a program that has pools of processes, and returns its lines."""

    def run(text, nprocs=1, *, module=None, **options):
        path = tmp_path / "program.py"
        body = "".join(f"    {line}\n" for line in text.strip("\n").splitlines())
        path.write_text(f"{WORK}if __name__ == '__main__':\n{body}")
        if module is None:
            result = vmpp.run(path, nprocs=nprocs, **options)
        else:
            result = vmpp.run(module, (str(path),), nprocs=nprocs, module=True, **options)
        assert result.failure is None, result.failure
        assert result.status == 0, result.stderr.decode()
        return result.stdout.decode().splitlines()

    return run


POOL = """\
print(list(pool.map(abs, range(-3, 3))))
print(sorted(set(pool.map(where, [1] * 6))))
print(list(pool.starmap(divmod, [(7, 3), (9, 4)], chunksize=2)))
try:
    pool.submit(failing, "over there").result()
except ValueError as error:
    print("ValueError", error)
futures = [pool.submit(where, seconds) for seconds in (3, 1, 2)]
print([futures.index(each) for each in as_completed(futures)])
"""


def expected(workers, name):
    return [
        "[3, 2, 1, 0, 1, 2]",
        str([(rank, workers, name) for rank in range(workers)]),
        "[(2, 1), (2, 1)]",
        "ValueError over there",
        "[1, 2, 0]",
    ]


def with_pool(how):
    return f"with {how} as pool:\n" + "".join(f"    {line}\n" for line in POOL.splitlines())


def test_a_pool_of_processes_that_it_spawns(run):
    lines = run(with_pool("MPIPoolExecutor(3)"))
    assert lines == expected(3, "__worker__")


def test_a_pool_of_the_ranks_of_a_communicator(run):
    text = "with MPICommExecutor(root=0) as pool:\n    if pool is not None:\n" + "".join(
        f"        {line}\n" for line in POOL.splitlines()
    )
    assert run(text, nprocs=4) == expected(3, "__main__")


def test_a_program_run_by_the_module(run):
    assert run(with_pool("MPIPoolExecutor()"), 4, module="mpi4py.futures") == expected(
        3, "__worker__"
    )


def test_workers_work_side_by_side_in_virtual_time(run):
    assert run("""
with MPIPoolExecutor(4) as pool:
    pool.bootup()
    begin = now()
    list(pool.map(where, [5] * 8))
    print(now() - begin)
""") == ["10"]


def test_workers_are_set_up_as_asked(run):
    assert run("""
import operator
env = {"ANSWER": "42"}
with MPIPoolExecutor(2, env=env, path=["/tmp/extra"], main=False) as pool:
    print(pool.submit(os.getenv, "ANSWER").result())
    print(pool.submit(eval, "__import__('sys').path[-1]").result())
""") == ["42", "/tmp/extra"]


def test_every_rank_may_have_its_own_pool(run):
    assert run(
        """
comm = MPI.COMM_WORLD
with MPIPoolExecutor(comm.rank + 1) as pool:
    got = pool.submit(where, 0).result()[1], pool.num_workers
comm.barrier()
lines = comm.gather(got)
if comm.rank == 0:
    print(lines)
""",
        nprocs=3,
    ) == ["[(1, 1), (2, 2), (3, 3)]"]


def test_a_pool_that_is_not_shut_down_ends_with_the_program(run):
    assert run("""
pool = MPIPoolExecutor(2)
future = pool.submit(where, 3)
future.add_done_callback(lambda future: print("done", future.result()[1:]))
print("main ends")
""") == ["main ends", "done (2, '__worker__')"]


def test_runs_repeat(tmp_path):
    path = tmp_path / "program.py"
    path.write_text(
        WORK + "if __name__ == '__main__':\n    with MPIPoolExecutor(3) as pool:\n"
        "        print(list(pool.map(where, [1, 2, 3, 1], unordered=True)), now())\n"
    )
    first, second = (vmpp.run(path, nprocs=2) for _ in range(2))
    assert first.status == 0
    assert (first.stdout, first.digest) == (second.stdout, second.digest)


class TestPrivateModules:
    """What mpi4py keeps in globals of these modules belongs to a rank."""

    @pytest.mark.parametrize("name", ["futures", "futures._core", "util.pool", "util", "run"])
    def test_each_rank_has_copies(self, run, name):
        assert run(
            f"""
import importlib, pickle
import mpi4py
module = importlib.import_module("mpi4py.{name}")
module.mark = MPI.COMM_WORLD.rank
MPI.COMM_WORLD.barrier()
assert module.mark == mpi4py.{name}.mark == sys.modules["mpi4py.{name}"].mark
assert mpi4py.MPI is MPI
print(MPI.COMM_WORLD.gather(module.mark) or "others")
""",
            nprocs=3,
        ).count("[0, 1, 2]")

    def test_one_that_a_rank_has_not_imported_is_not_there(self, tmp_path):
        path = tmp_path / "program.py"
        path.write_text(
            "import mpi4py\nfrom mpi4py import MPI\nif MPI.COMM_WORLD.rank:\n"
            "    import mpi4py.util.pkl5\nMPI.COMM_WORLD.barrier()\n"
            "print(MPI.COMM_WORLD.gather(hasattr(mpi4py, 'util')) or '')\n"
        )
        assert vmpp.run(path, nprocs=2).stdout.strip() == b"[False, True]"

    def test_the_hosts_own_are_left_alone(self, run):
        import mpi4py.util.pool

        before = vars(mpi4py).copy(), mpi4py.util.pool
        run("import mpi4py.util.pool\nmpi4py.util.pool.mark = 1")
        assert vars(mpi4py) == before[0]
        assert mpi4py.util.pool is before[1]
        assert not hasattr(mpi4py.util.pool, "mark")


def test_pools_with_the_interface_of_multiprocessing(run):
    assert (
        run("""
from mpi4py.util.pool import Pool, ThreadPool
for kind in (Pool, ThreadPool):
    with kind(2) as pool:
        print(pool.map(abs, [-1, -2, 3]), pool.apply_async(abs, (-4,)).get(timeout=5))
""")
        == ["[1, 2, 3] 4"] * 2
    )


def test_mutexes_and_counters_of_ranks(run):
    assert run(
        """
from mpi4py.util.sync import Counter, Mutex
comm = MPI.COMM_WORLD
counter, mutex = Counter(comm=comm), Mutex(comm=comm)
comm.barrier()
drawn = [next(counter) for _ in range(3)]
with mutex:
    entered = time.time()
    time.sleep(1)
everything, times = comm.gather(drawn), comm.gather(entered)
counter.free()
mutex.free()
if comm.rank == 0:
    print(sorted(sum(everything, [])) == list(range(12)))
    print([round(b - a) for a, b in zip(sorted(times), sorted(times)[1:])])
""",
        nprocs=4,
    ) == ["True", "[1, 1, 1]"]
