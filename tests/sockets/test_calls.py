"""What calls of the module ``socket`` return and raise."""

from __future__ import annotations

import socket

import pytest

import vmpp


def test_timeouts_are_exact_in_virtual_time(told):
    assert told("""
        end = meet()
        if rank == 0:
            for timeout in (0.25, 3e-6, 1):
                end.settimeout(timeout)
                begin = MPI.Wtime()
                tell(raised(end.recv, 1))
                tell(abs(MPI.Wtime() - begin - timeout) < 1e-6)
            with socket.create_server(("", 0)) as listener:
                listener.settimeout(0.5)
                begin = MPI.Wtime()
                tell(raised(listener.accept))
                tell(abs(MPI.Wtime() - begin - 0.5) < 1e-6)
            end.sendall(b"done")
        else:
            end.recv(4)
    """) == [[("TimeoutError", None), True] * 4, []]


def test_what_comes_in_time_ends_a_wait(told):
    assert told("""
        end = meet()
        end.settimeout(2)
        if rank == 0:
            time.sleep(1)
            end.sendall(b"x")
        else:
            begin = MPI.Wtime()
            tell(end.recv(1))
            tell(1 <= MPI.Wtime() - begin < 1.001)
    """) == [[], [b"x", True]]


def test_sending_times_out_when_nobody_reads(told):
    assert told("""
        end = meet()
        if rank == 0:
            end.settimeout(0.5)
            tell(raised(end.sendall, bytes(100_000)))
            end.setblocking(False)
            tell(raised(end.send, b"x"))
        comm.Barrier()
    """) == [[("TimeoutError", None), ("BlockingIOError", "EAGAIN")], []]


def test_a_socket_that_does_not_block_is_tried_again(told):
    assert told("""
        end = meet()
        if rank == 0:
            time.sleep(1e-5)
            end.sendall(b"x")
        else:
            end.setblocking(False)
            tell((end.getblocking(), end.gettimeout(), end.timeout))
            tries = 0
            while raised(end.recv, 1, socket.MSG_PEEK) == ("BlockingIOError", "EAGAIN"):
                tries += 1
            tell(tries > 3)
            tell(end.recv(1))
    """) == [[], [(False, 0.0, 0.0), True, b"x"]]


def test_connections_are_refused_where_nobody_listens(told):
    assert told("""
        if rank == 0:
            silent = socket.socket()
            silent.bind(("", 0))
            closed = socket.create_server(("", 0))
            ports = [silent.getsockname()[1], closed.getsockname()[1], 9]
            closed.close()
            comm.send(ports, 1)
            comm.Barrier()
        else:
            host = "default-n00000"
            for port in comm.recv(None, 0):
                tell(raised(socket.create_connection, (host, port)))
            end = socket.socket()
            tell(errno.errorcode[end.connect_ex((host, 9))])
            tell(raised(end.connect, ("10.1.2.3", 9)))
            tell(raised(end.connect, ("192.0.2.1", 9)))
            comm.Barrier()
    """)[1] == [
        ("ConnectionRefusedError", "ECONNREFUSED"),
        ("ConnectionRefusedError", "ECONNREFUSED"),
        ("ConnectionRefusedError", "ECONNREFUSED"),
        "ECONNREFUSED",
        ("OSError", "EHOSTUNREACH"),
        ("OSError", "ENETUNREACH"),
    ]


def test_who_waits_to_be_accepted_is_refused_when_the_listener_goes(told):
    assert told("""
        if rank == 0:
            listener = socket.create_server(("", 0), backlog=0)
            comm.send(listener.getsockname()[1], 1)
            time.sleep(0.1)
            listener.close()
        else:
            address = "10.0.0.1", comm.recv(None, 0)
            first = socket.create_connection(address)
            tell(raised(socket.create_connection, address))
            tell(raised(first.recv, 1))
    """)[1] == [("ConnectionRefusedError", "ECONNREFUSED"), ("ConnectionResetError", "ECONNRESET")]


def test_places_belong_to_who_has_bound_them(told):
    assert told(
        """
        one, other = socket.socket(), socket.socket()
        one.bind(("localhost", 7000))
        tell(one.getsockname())
        tell(raised(other.bind, ("", 7000)))
        tell(raised(other.bind, ("10.0.0.2", 7000)))
        tell(raised(one.bind, ("", 7001)))
        one.listen()
        tell(raised(socket.create_connection, ("10.0.0.1", 7000)))
        with socket.create_connection(("localhost", 7000)) as end:
            tell(end.getpeername())
            tell(raised(end.connect, ("localhost", 7000)))
        one.close()
        other.bind((socket.gethostname(), 7000))
        tell(other.getsockname())
        """,
        nprocs=1,
    ) == [
        [
            ("127.0.0.1", 7000),
            ("OSError", "EADDRINUSE"),
            ("OSError", "EADDRNOTAVAIL"),
            ("OSError", "EINVAL"),
            ("ConnectionRefusedError", "ECONNREFUSED"),
            ("127.0.0.1", 7000),
            ("OSError", "EISCONN"),
            ("10.0.0.1", 7000),
        ]
    ]


def test_names_of_unix_sockets_belong_to_a_node(told):
    assert told("""
        if rank == 0:
            with socket.socket(socket.AF_UNIX) as listener:
                listener.bind("/run/here")
                listener.listen()
                comm.Barrier()
                near = socket.socket(socket.AF_UNIX)
                near.connect("/run/here")
                tell((near.getpeername(), listener.accept()[0].getsockname()))
        else:
            comm.Barrier()
            tell(raised(socket.socket(socket.AF_UNIX).connect, "/run/here"))
        comm.Barrier()
    """) == [[("/run/here", "/run/here")], [("FileNotFoundError", "ENOENT")]]


def test_a_socket_without_another_end_carries_nothing(told):
    assert told(
        """
        end = socket.socket()
        for call in (lambda: end.recv(1), lambda: end.send(b"x"), end.getpeername, end.accept,
                     lambda: os.read(end.fileno(), 1), lambda: end.shutdown(socket.SHUT_WR)):
            tell(raised(call)[1])
        end.close()
        tell(raised(end.getsockname)[1])
        tell(raised(socket.socket, socket.AF_INET, socket.SOCK_STREAM, 0, 1)[1])
        """,
        nprocs=1,
    ) == [[*["ENOTCONN"] * 3, "EINVAL", *["ENOTCONN"] * 2, "EBADF", "ENOTSOCK"]]


def test_options_are_kept_and_defaults_are_a_process_s_own(told):
    assert told("""
        end = socket.socket()
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 5))
        tell(end.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        tell(end.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8) == struct.pack("ii", 1, 5))
        tell(end.getsockopt(socket.SOL_SOCKET, socket.SO_TYPE) == socket.SOCK_STREAM)
        tell(end.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR))
        if rank:
            socket.setdefaulttimeout(2.5)
        comm.Barrier()
        tell((socket.getdefaulttimeout(), socket.socket().gettimeout()))
    """) == [[1, True, True, 0, (None, None)], [1, True, True, 0, (2.5, 2.5)]]
    assert socket.getdefaulttimeout() is None


def test_the_nodes_have_names_and_addresses(told):
    own = told(
        """
        tell(socket.gethostbyname(socket.gethostname()))
        tell(socket.gethostbyname("default-n00002"))
        tell(socket.gethostbyname("localhost"))
        tell(socket.gethostbyaddr("10.0.0.1")[0])
        tell(socket.getnameinfo(("10.0.0.2", 80), 0))
        tell([tuple(map(int, found[:3])) + found[3:] for found in
              socket.getaddrinfo("default-n00001", "80", type=socket.SOCK_STREAM)])
        """,
        nprocs=3,
    )
    assert [ranks[0] for ranks in own] == ["10.0.0.1", "10.0.0.2", "10.0.0.3"]
    assert own[0][1:] == [
        "10.0.0.3",
        "127.0.0.1",
        "default-n00000",
        ("default-n00001", "80"),
        [(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", ("10.0.0.2", 80))],
    ]


@pytest.mark.parametrize("name", ["example.org", "default-n99999", "default-n1", "paragon-n00000"])
def test_what_is_no_node_of_the_machine_has_no_address(told, name):
    assert told(
        f"""
        for resolve in (socket.gethostbyname, lambda name: socket.create_connection((name, 80))):
            try:
                resolve({name!r})
            except socket.gaierror as error:
                tell((error.errno == socket.EAI_NONAME, {name!r} in str(error)))
        """,
        nprocs=1,
    ) == [[(True, True)] * 2]


@pytest.mark.parametrize(
    ("call", "code"),
    [
        ("socket.socket(socket.AF_INET6)", "EAFNOSUPPORT"),
        ("socket.socket(socket.AF_INET, socket.SOCK_DGRAM)", "ESOCKTNOSUPPORT"),
        ("socket.socket().sendmsg([b'x'])", "ENOTSUP"),
        ("socket.socket().sendto(b'x', ('localhost', 9))", "ENOTSUP"),
    ],
)
def test_what_there_is_not_is_refused_in_words(told, call, code):
    ((number, text),) = told(
        f"""
        try:
            {call}
        except OSError as error:
            tell(errno.errorcode[error.errno])
            tell(str(error))
        """,
        nprocs=1,
    )
    assert number == code
    assert "a compute node" in text


def test_the_host_keeps_its_own_sockets(told):
    before = {name: vars(socket.socket).get(name) for name in ("__init__", "recv", "family")}
    told("socket.socketpair()", nprocs=1)
    assert {name: vars(socket.socket).get(name) for name in before} == before
    one, other = socket.socketpair()
    with one, other:
        one.sendall(b"real")
        assert other.recv(9) == b"real"


async def test_jobs_that_are_not_connected_cannot_reach_each_other(tmp_path):
    server, client = tmp_path / "server.py", tmp_path / "client.py"
    server.write_text(
        "import socket, time\n"
        "listener = socket.create_server(('', 7000))\n"
        "listener.settimeout(1)\n"
        "try:\n    listener.accept()\nexcept TimeoutError:\n    print('nobody came')\n"
    )
    client.write_text(
        "import socket, time\n"
        "time.sleep(0.5)\n"
        "try:\n    socket.create_connection(('10.0.0.1', 7000))\n"
        "except PermissionError as error:\n    print(error)\n"
    )
    async with vmpp.boot(nodes=2) as machine:
        jobs = [await machine.launch(path, 1) for path in (server, client)]
        results = [await job.wait() for job in jobs]
    assert [result.stdout.decode() for result in results] == [
        "nobody came\n",
        "[Errno 13] job 1, which listens there, is not connected\n",
    ]
