"""Programs on machines of several kinds, from files that ship and files of one's own."""

from __future__ import annotations

import ast
import resource
from itertools import pairwise

import pytest

import vmpp

EXCHANGE = """
import numpy as np
out = np.full(4096, rank)
mine = 0
for step in range(1, comm.size):
    into = np.empty_like(out)
    comm.Sendrecv(out, (rank + step) % comm.size, recvbuf=into, source=(rank - step) % comm.size)
    mine += int(into.sum())
everybodys, total = comm.gather(mine), comm.allreduce(rank)
if rank == 0:
    print(everybodys, total)
"""


@pytest.fixture
def machine(tmp_path):
    """Return what writes a machine file."""

    def write(text, name="mine.toml"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return write


@pytest.mark.parametrize("name", ["default", "paragon", "asci-red"])
def test_a_program_runs_alike_on_every_machine_that_ships(program, name):
    result = vmpp.run(program(EXCHANGE), nprocs=6, machine=name)
    expected = [4096 * (15 - rank) for rank in range(6)]
    assert result.stdout.decode() == f"{expected} 15\n"


@pytest.mark.parametrize("kind", ["mesh2d", "fully-connected"])
@pytest.mark.parametrize("timing", ["contention-free", "wormhole"])
def test_and_on_every_network(program, machine, kind, timing):
    path = machine(f'[topology]\nkind = "{kind}"\n[network]\ntiming = "{timing}"\n')
    result = vmpp.run(program(EXCHANGE), nprocs=6, machine=path)
    assert result.failure is None
    assert result.stdout.decode().endswith(" 15\n")


def test_a_machine_file_is_named_on_the_command_line(program, machine, shell):
    machine('[node]\nflop_rate = "1 Mflop/s"\n')
    program("import vmpp\nvmpp.compute(flops=3e6)\nprint(MPI.Get_processor_name())")
    done = shell("run", "-n", 3, "--machine", "mine.toml", "--timing", "program.py")
    assert done.returncode == 0
    assert sorted(done.stdout.split()) == [f"mine-n{n:05d}" for n in range(3)]
    rows = [line.split() for line in done.stderr.splitlines()]
    assert [row[0] for row in rows[1:]] == ["allocation", "load", "run"]
    assert float(rows[3][1]) == pytest.approx(3, abs=1e-3)
    assert rows[3][2] == "s"


def test_messages_take_longer_the_farther_they_go(program, machine):
    path = program("""
        import vmpp
        nodes = vmpp.node_map()
        times = {}
        for other in range(1, comm.size):
            comm.barrier()
            comm.barrier()
            begin = MPI.Wtime()
            if rank == 0:
                comm.Ssend(b"", other)
                times[other] = MPI.Wtime() - begin
            elif rank == other:
                comm.Recv(bytearray(0), 0)
        if rank == 0:
            print([(nodes.distance(0, other), round(times[other] * 1e9)) for other in times])
    """)
    slow = machine('[topology]\ndims = [4, 4]\n[network]\nhop_latency = "10 us"\n')
    rows = ast.literal_eval(vmpp.run(path, nprocs=14, machine=slow).stdout.decode())
    by_distance = {}
    for distance, time in rows:
        by_distance.setdefault(distance, []).append(time)
    assert sorted(by_distance) == [1, 2, 3, 4, 5]
    means = [sum(times) / len(times) for _, times in sorted(by_distance.items())]
    for near, far in pairwise(means):
        # There and back, in nanoseconds; the acknowledgement takes the same way.
        assert far - near == pytest.approx(20_000, rel=0.1)


def test_messages_on_one_link_share_it_where_the_network_knows_contention(program, machine):
    path = program("""
        import numpy as np
        # Along one row: all messages go through the links in its middle.
        data = np.zeros(1 << 20, "B")
        comm.barrier()
        begin = MPI.Wtime()
        half = comm.size // 2
        if rank < half:
            comm.Send(data, rank + half)
        else:
            comm.Recv(data, rank - half)
        comm.barrier()
        print(MPI.Wtime() - begin) if rank == 0 else None
    """)
    times = {}
    for timing in ("contention-free", "wormhole"):
        row = machine(f'[topology]\ndims = [10, 1]\n[network]\ntiming = "{timing}"\n')
        times[timing] = float(vmpp.run(path, nprocs=8, machine=row).stdout)
    assert times["wormhole"] > 3 * times["contention-free"]


def test_a_machine_of_ones_own_size(program, machine):
    small = machine("[topology]\ndims = [3, 2]\n")
    assert vmpp.run(program("print(rank)"), nprocs=4, machine=small).status == 0
    with pytest.raises(vmpp.VmppError, match="'mine' has 4 compute nodes, not 5"):
        vmpp.run(program("print(rank)"), nprocs=5, machine=small)


def test_the_default_machine_grows(program):
    path = program("import vmpp\nprint(vmpp.node_map().dims) if rank == 0 else None")
    sizes = [
        ast.literal_eval(vmpp.run(path, nprocs=nprocs).stdout.decode()) for nprocs in (1, 30, 100)
    ]
    assert [dims[0] * dims[1] >= n + 2 for dims, n in zip(sizes, (1, 30, 100), strict=True)]
    assert len(set(sizes)) == 3


def test_ranks_may_hold_more_files_open_than_a_process_of_the_host_may(program, shell):
    program("""
        import os
        file = open(f"of{rank}", "w")
        comm.barrier()
        if rank == 0:
            print(len(os.listdir()))
    """)
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 400:
        pytest.skip("the host does not allow that many")

    def few_files():
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))

    done = shell("run", "-n", 200, "program.py", preexec_fn=few_files)
    assert (done.returncode, done.stderr) == (0, "")
    assert int(done.stdout) == 201


def test_where_the_host_allows_no_more_the_program_is_told(program, shell):
    program("files = [open(__file__) for _ in range(300)]")

    def few_files():
        resource.setrlimit(resource.RLIMIT_NOFILE, (100, 100))

    done = shell("run", "-n", 3, "program.py", preexec_fn=few_files)
    assert done.returncode == 1
    assert "OSError: [Errno 24] Too many open files" in done.stderr
    assert done.stderr.count("Traceback") == 1
    assert "vmpp/" not in done.stderr.replace("vmpp run", "")


class TestListings:
    def test_machines_that_ship(self, shell):
        done = shell("machines")
        assert done.returncode == 0
        assert [line.split()[0] for line in done.stdout.splitlines()[1:]] == [
            "asci-red", "crescendo", "default", "ncube2", "paragon",
        ]  # fmt: skip

    def test_plugins_with_distribution_and_module(self, shell):
        done = shell("plugins")
        assert done.returncode == 0
        rows = [line.split() for line in done.stdout.splitlines()[1:]]
        assert ["library", "mpi", "mpi", "vmpp", vmpp.__version__, "vmpp_mpi"] in rows
        assert {row[0] for row in rows} >= {
            "pct", "mode", "noise", "topology", "timing", "allocator", "queue", "library", "image",
            "machine",
        }  # fmt: skip

    @pytest.mark.parametrize("arguments", [(), ("run",), ("machines",), ("plugins",)])
    def test_help_has_an_example(self, shell, arguments):
        done = shell(*arguments, "--help")
        assert done.returncode == 0
        assert "Example" in done.stdout
        assert f"vmpp {' '.join(arguments)}" in done.stdout

    def test_version(self, shell):
        assert shell("--version").stdout == f"vmpp {vmpp.__version__}\n"
