"""Tells who and where the process is in its application of NX."""

from nx import mynode, myptype, numnodes

print(f"node {mynode()} of {numnodes()}, type {myptype()}")
