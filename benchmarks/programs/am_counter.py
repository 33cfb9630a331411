"""Fetch-and-add by the kernels: every process adds to a counter of its right neighbour.

Usage: am_counter.py ROUNDS
"""

import sys

import am

me, n = am.rank(), am.size()
counter = am.expose(8)
for _ in range(int(sys.argv[1])):
    am.fetch_add((me + 1) % n, counter, 0, 1)
am.barrier()
