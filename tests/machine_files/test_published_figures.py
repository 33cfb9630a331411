"""A ping-pong on a machine shows the latency and the bandwidth that were published of it.

Sources: NAS RNR-94-016 (1994), SUNMOS on the Paragon, about 70 us; Riesen, Brightwell and Maccabe,
'Differences Between Distributed and Parallel Systems', Puma on the Paragon, about 155 MB/s, and a
network and a memory copy of 160 MB/s each, which make at most 80 MB/s together. ASCI Red under
Cougar: 12 to 15 us, 310 to 390 MB/s. The nCUBE 2: TOP500 report 1994, and Dongarra and Dunigan,
'Message-Passing Performance of Various Computers', 154 us and 1.7 MB/s.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest

import vmpp

PING_PONG: Final = """
import sys
import numpy as np
import vmpp
from mpi4py import MPI

comm = MPI.COMM_WORLD
copy_seconds_a_byte = float(sys.argv[1])
for length in (0, 1 << 22):
    buffer = np.zeros(length, "B")
    for turn in range(6):
        if turn == 2:
            began = MPI.Wtime()  # the first two turns have brought both into step
        if comm.rank == turn % 2:
            comm.Send(buffer, 1 - comm.rank)
        else:
            comm.Recv(buffer, 1 - comm.rank)
            vmpp.compute(length * copy_seconds_a_byte)
    if comm.rank == 0:
        print((MPI.Wtime() - began) / 4)
"""


def ping_pong(folder: Path, machine: str, copy_rate: float = float("inf")) -> tuple[float, float]:
    """Return the time of an empty message, in microseconds, and the rate of a long one, in MB/s.

    The receiver copies each message at *copy_rate* bytes a second before it answers.
    """
    program = folder / "ping_pong.py"
    program.write_text(PING_PONG)
    result = vmpp.run(program, [repr(1 / copy_rate)], nprocs=2, machine=machine)
    assert result.status == 0, result.failure
    short, long = map(float, result.stdout.split())
    return short * 1e6, (1 << 22) / long / 1e6


def test_paragon(tmp_path: Path) -> None:
    latency, bandwidth = ping_pong(tmp_path, "paragon")
    assert latency == pytest.approx(70, rel=0.1)
    assert 155 <= bandwidth <= 160


def test_asci_red(tmp_path: Path) -> None:
    latency, bandwidth = ping_pong(tmp_path, "asci-red")
    assert 12 <= latency <= 15 * 1.1
    assert 310 <= bandwidth <= 390


def test_one_more_copy_at_the_networks_rate_halves_the_bandwidth(tmp_path: Path) -> None:
    _, bandwidth = ping_pong(tmp_path, "paragon", copy_rate=160e6)
    assert bandwidth == pytest.approx(80, rel=0.02)
    assert bandwidth <= 80


VERTEX_PING_PONG: Final = """
import sys
from vertex import *

node, *_ = whoami()
length, far = int(sys.argv[1]), int(sys.argv[2])
buffer = bytearray(length)
for turn in range(6):
    if turn == 2:
        began = amicclk()
    if node == (0, far)[turn % 2]:
        nwrite(buffer, length, (far, 0)[turn % 2], turn)
    elif node in (0, far):
        nread(buffer, length, -1, turn)
if node == 0:
    print((amicclk() - began) / 4)
"""


def vertex_ping_pong(folder: Path, length: int, far: int = 1) -> float:
    """Return how many microseconds a message from node 0 to node *far* of an nCUBE 2 takes."""
    program = folder / "ping_pong.py"
    program.write_text(VERTEX_PING_PONG)
    result = vmpp.run(program, [str(length), str(far)], nprocs=far + 1, machine="ncube2")
    assert result.status == 0, result.failure
    return float(result.stdout)


def test_ncube_2(tmp_path: Path) -> None:
    """Dongarra and Dunigan's figures of Vertex 2.0 are quoted from memory: a wide band."""
    latency = vertex_ping_pong(tmp_path, 0)
    long = vertex_ping_pong(tmp_path, 100_000)
    assert latency == pytest.approx(154, rel=0.2)
    assert 100_000 / (long - latency) == pytest.approx(1.7, rel=0.2)
    assert 100_000 / long < 2.75, "no more than a link carries"


def test_distance_hardly_matters_on_ncube_2(tmp_path: Path) -> None:
    """Wormhole routing makes communication almost independent of distance (TOP500 report 1994)."""
    near = vertex_ping_pong(tmp_path, 1000)
    assert vertex_ping_pong(tmp_path, 1000, far=8) == near
    assert near < vertex_ping_pong(tmp_path, 1000, far=31) < near * 1.1
