"""Images with active messages print what those in other libraries do, and save what they say."""

from __future__ import annotations

import re

import pytest

import vmpp


def run(name: str, nprocs: int, *args: str, **options: object) -> str:
    result = vmpp.run(name, args, nprocs=nprocs, **options)
    assert result.status == 0, result.failure
    return result.stdout.decode()


@pytest.mark.parametrize("nprocs", [1, 5])
def test_the_ring_is_that_of_mpi(nprocs: int) -> None:
    says = [run(f"{library}-ring", nprocs, "3").splitlines()[0] for library in ("am", "mpi")]
    assert says[0] == says[1]


@pytest.mark.parametrize("nprocs", [1, 2, 6])
def test_the_rod_is_as_hot_as_with_mpi(nprocs: int) -> None:
    assert run("am-halo", nprocs, "20") == run("mpi-halo", nprocs, "20")


def test_the_rod_is_as_hot_where_messages_hold_links() -> None:
    options = {"policies": {"timing": "wormhole", "topology": "torus"}}
    assert run("am-halo", 6, "20", **options) == run("mpi-halo", 6, "20")


@pytest.mark.parametrize("nprocs", [1, 2, 13])
def test_pi_is_the_same_by_messages_and_in_the_kernels(nprocs: int) -> None:
    messages, kernels = run("am-sum", nprocs, "10000").splitlines()
    pattern = r"by [\w ]+: pi is about (3\.14159265\d+), \S+ off, in ([\d.]+) us"
    (one, slow), (other, fast) = (
        re.fullmatch(pattern, each).groups() for each in (messages, kernels)
    )
    assert one == other
    if nprocs > 2:
        assert float(fast) < float(slow)


def test_one_process_cannot_ask_another() -> None:
    result = vmpp.run("handlers", nprocs=1)
    assert (result.status, result.stdout) == (1, b"")
