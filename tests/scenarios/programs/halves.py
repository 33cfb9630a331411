"""Computes for 1 ms on each of two CPUs."""

import coprocessor
from mpi4py import MPI

import vmpp

if coprocessor.available():
    began = MPI.Wtime()
    other = coprocessor.start(vmpp.compute, 0.001)
    vmpp.compute(0.001)
    other.wait()
    print(f"both halves after {(MPI.Wtime() - began) * 1e3:.4f} ms")
else:
    print("no co-processor in this mode")
