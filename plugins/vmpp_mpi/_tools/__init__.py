"""Tools that watch a program's calls of MPI: a checker and a profiler, off unless asked for.

They are what the profiling interface of the MPI standard is for. While a job runs that has a tool,
the classes of handles have their public methods replaced by ones that tell the tools about the
outermost call of a program (`_intercept`); without any, nothing is there that would cost time. The
tools look on from the host's side: neither messages nor virtual times change.
"""

from vmpp_mpi._tools._job import JobTools
from vmpp_mpi._tools._messages import CheckedProtocol

__all__ = ["CheckedProtocol", "JobTools"]
