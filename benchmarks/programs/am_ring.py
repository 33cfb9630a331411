"""A ring of active messages: every process asks the right, whose handler takes an 8-byte argument.

Usage: am_ring.py ROUNDS
"""

import sys

import am

me, n = am.rank(), am.size()
right = (me + 1) % n
came = []


@am.handler
def take(token, value):
    came.append(value)


for each in range(int(sys.argv[1])):
    am.request(right, take, me)
    am.block_until(lambda each=each: len(came) > each)
am.quiet()
am.barrier()
