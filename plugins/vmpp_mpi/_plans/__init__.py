"""What collective calls do, each operation written once for all forms of its call.

A plan is what becomes of a call's arguments once they have been looked through: the kind of the
operation and what to run on a channel to the other ranks, which moves all data, from the program's
buffers and back, and returns the result. A blocking call runs its plan at once, a non-blocking one
has a fiber of its own run it on a channel of its own, and a persistent one keeps it and has it run
again and again. `intra` has the plans of communicators of one group, `inter` those of two.
"""

from vmpp_mpi._plans._plan import Plan, now

__all__ = ["Plan", "now"]
