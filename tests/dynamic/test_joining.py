"""MPI.Comm.Join: two processes that have a socket between them make a communicator."""

from __future__ import annotations

import vmpp

MEET = """
import socket

def meet(server, client):
    if rank == server:
        with socket.create_server(("", 0)) as listener:
            comm.send((socket.gethostname(), listener.getsockname()[1]), client)
            return listener.accept()[0]
    if rank == client:
        return socket.create_connection(comm.recv(None, server))
"""


def lines_of(path, nprocs):
    result = vmpp.run(path, nprocs=nprocs)
    assert (result.failure, result.status) == (None, 0)
    return sorted(result.stdout.decode().splitlines())


def test_two_ranks_join_and_the_socket_is_as_it_was(program):
    path = program(
        MEET
        + """
end = meet(1, 2)
if end:
    end.sendall(b"before") if rank == 1 else end.recv(6)
    joined = MPI.Comm.Join(end.fileno())
    assert isinstance(joined, MPI.Intercomm)
    assert (joined.rank, joined.size, joined.remote_size) == (0, 1, 1)
    found = joined.sendrecv(rank, 0, source=0)
    end.sendall(b"after %d" % rank)
    merged = joined.Merge(high=rank == 1)
    print(rank, found, end.recv(100), merged.rank, merged.allreduce(rank))
    merged.Free()
    joined.Free()
    end.close()
comm.Barrier()
"""
    )
    assert lines_of(path, 4) == ["1 2 b'after 2' 1 3", "2 1 b'after 1' 0 3"]


def test_many_pairs_join_at_once(program):
    path = program(
        MEET
        + """
end = meet(rank // 2 * 2, rank // 2 * 2 + 1)
joined = MPI.Comm.Join(end.fileno())
print(rank, joined.sendrecv(rank, 0, source=0))
joined.Disconnect()
"""
    )
    assert lines_of(path, 8) == [f"{rank} {rank ^ 1}" for rank in range(8)]


def test_jobs_that_are_connected_join(program):
    path = program(
        """
import socket
if parent == MPI.COMM_NULL:
    child = MPI.COMM_SELF.Spawn(sys.executable, [__file__])
    with socket.create_server(("", 0)) as listener:
        child.send((socket.gethostname(), listener.getsockname()[1]), 0)
        end = listener.accept()[0]
else:
    end = socket.create_connection(parent.recv(None, 0))
joined = MPI.Comm.Join(end.fileno())
print(parent == MPI.COMM_NULL, joined.bcast("hello", MPI.ROOT) if parent == MPI.COMM_NULL
      else joined.bcast(None, 0))
joined.Disconnect()
"""
    )
    result = vmpp.run(path, nprocs=1, universe=2)
    assert result.failure is None
    assert sorted(result.stdout.decode().splitlines()) == ["False hello", "True None"]


def test_what_is_no_connected_socket_cannot_be_joined(program):
    path = program(
        """
import socket
for fd in (socket.socket().fileno(), 1, 12345, -1):
    try:
        MPI.Comm.Join(fd)
    except MPI.Exception as error:
        print(error.Get_error_class() == MPI.ERR_ARG)
"""
    )
    assert lines_of(path, 1) == ["True"] * 4


def test_a_socket_with_bytes_on_it_cannot_be_joined(program):
    path = program(
        MEET
        + """
end = meet(0, 1)
if rank == 0:
    end.sendall(b"something else")
    end.recv(100)
else:
    try:
        MPI.Comm.Join(end.fileno())
    except MPI.Exception as error:
        print(error.Get_error_class() == MPI.ERR_OTHER)
"""
    )
    assert lines_of(path, 2) == ["True"]


def test_a_connection_that_breaks_is_an_error(program):
    path = program(
        MEET
        + """
end = meet(0, 1)
if rank == 0:
    end.close()
else:
    try:
        MPI.Comm.Join(end.fileno())
    except MPI.Exception as error:
        print(error.Get_error_class() == MPI.ERR_OTHER)
"""
    )
    assert lines_of(path, 2) == ["True"]
