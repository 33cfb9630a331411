"""Bytes go from end to end: whole, in order, and as fast as they are taken."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

FLOW = """
sizes, wanted, seed = SIZES
data = random.Random(seed).randbytes(sum(sizes))
end = meet()
if rank == 0:
    place = 0
    for size in sizes:
        end.sendall(data[place:place + size])
        place += size
    end.close()
else:
    found = b""
    while part := end.recv(wanted):
        assert len(part) <= wanted
        found += part
    tell(found == data)
"""


@settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    sizes=st.lists(st.sampled_from([0, 1, 7, 4096, 65535, 65536, 65537, 200_000]), max_size=8),
    wanted=st.sampled_from([100, 4096, 65536, 1 << 20]),
    seed=st.integers(0, 99),
)
def test_what_is_sent_in_pieces_arrives_whole_and_in_order(told, sizes, wanted, seed):
    wanted = max(wanted, sum(sizes) // 500)
    assert told(FLOW.replace("SIZES", repr((sizes, wanted, seed)))) == [[], [True]]


def test_both_ends_can_send_more_than_a_window_at_once_if_a_thread_reads(told):
    assert told("""
        end = meet()
        found = bytearray()
        def read():
            while part := end.recv(5000):
                found.extend(part)
        reader = threading.Thread(target=read)
        reader.start()
        end.sendall(bytes([rank]) * 300_000)
        end.shutdown(socket.SHUT_WR)
        reader.join()
        tell(bytes(found) == bytes([1 - rank]) * 300_000)
    """) == [[True], [True]]


def test_a_sender_waits_until_its_bytes_are_taken(told):
    # What fits into the window has left at once, the rest a second later.
    assert told("""
        end = meet()
        if rank == 0:
            begin = time.monotonic()
            end.sendall(bytes(60_000))
            tell(round(time.monotonic() - begin, 1))
            end.sendall(bytes(60_000))
            tell(round(time.monotonic() - begin, 1))
        else:
            time.sleep(1)
            left = 120_000
            while left:
                left -= len(end.recv(left))
    """) == [[0.0, 1.0], []]


def test_a_peek_leaves_the_bytes_and_all_can_be_waited_for(told):
    assert told("""
        end = meet()
        if rank == 0:
            end.send(b"ab")
            time.sleep(1)
            end.send(b"cd")
        else:
            tell(end.recv(9, socket.MSG_PEEK))
            tell(end.recv(4, socket.MSG_WAITALL))
            buffer = bytearray(b"....")
            tell(end.recv_into(buffer))
    """) == [[], [b"ab", b"abcd", 0]]


def test_files_are_made_of_sockets_and_descriptors_read_and_write_them(told):
    assert told("""
        end = meet()
        if rank == 0:
            with end.makefile("rw", encoding="utf-8") as file:
                file.write("one\\ntwo\\n")
                file.flush()
                tell(file.readline())
                end.close()
        else:
            with end.makefile("rb") as file:
                tell(list(map(bytes, (file.readline(), file.readline()))))
            os.write(end.fileno(), b"three\\n")
            tell(os.read(end.fileno(), 10))
            fd = end.detach()
            os.close(fd)
            tell(raised(os.read, fd, 1))
    """) == [["three\n"], [[b"one\n", b"two\n"], b"", ("OSError", "EBADF")]]


def test_the_pair_of_a_process_and_copies_of_descriptors(told):
    assert told(
        """
        one, other = socket.socketpair()
        copy = other.dup()
        other.close()
        one.sendall(b"to oneself")
        tell(copy.recv(100))
        copy.close()
        tell((one.recv(1), one.fileno() >= 0, copy.fileno(), one.family == socket.AF_UNIX))
        again = socket.socket(fileno=one.detach())
        tell(again.family == socket.AF_UNIX)
        """,
        nprocs=1,
    ) == [[b"to oneself", (b"", True, -1, True), True]]


def test_ranks_of_a_node_and_of_others_are_served_by_one_listener(told):
    assert told(
        """
        if rank == 0:
            with socket.create_server(("", 0), backlog=1) as listener:
                comm.bcast(listener.getsockname()[1])
                time.sleep(0.01)
                for _ in range(size - 1):
                    end, peer = listener.accept()
                    with end:
                        number = int(end.recv(10))
                        tell((number, peer[0] == f"10.0.0.{number + 1}"))
                        end.sendall(b"%d" % number ** 2)
        else:
            with socket.create_connection(("10.0.0.1", comm.bcast(None))) as end:
                end.sendall(b"%d" % rank)
                end.shutdown(socket.SHUT_WR)
                tell(int(end.recv(10)))
        """,
        nprocs=5,
    )[1:] == [[1], [4], [9], [16]]


@pytest.mark.parametrize("action", ["end.close()", "end.shutdown(socket.SHUT_WR)", "del end",
                                    "sys.exit()", "os._exit(0)"])  # fmt: skip
def test_the_other_end_reads_the_end(launch, action):
    result = launch(f"""
        end = meet()
        if rank == 0:
            end.sendall(b"last")
            {action}
        else:
            time.sleep(0.1)
            print(end.recv(10), end.recv(10), end.recv(10))
    """)
    assert (result.failure, result.stdout) == (None, b"b'last' b'' b''\n")


def test_who_leaves_bytes_unread_resets_the_connection(told):
    assert told("""
        end = meet()
        if rank == 0:
            end.recv(1)
            end.close()
        else:
            end.sendall(b"two")
            tell(raised(end.recv, 1))
            tell(end.recv(1))
            tell(raised(end.send, b"more"))
    """) == [[], [("ConnectionResetError", "ECONNRESET"), b"", ("BrokenPipeError", "EPIPE")]]


def test_writing_to_who_is_gone_breaks(told):
    assert told("""
        end = meet()
        if rank == 0:
            end.close()
        else:
            tell(end.recv(1))
            end.send(b"nobody reads this")
            time.sleep(0.1)
            tell(raised(end.send, b"nor this"))
            end.shutdown(socket.SHUT_RD)
    """) == [[], [b"", ("BrokenPipeError", "EPIPE")]]


def test_writing_to_a_process_that_has_ended_breaks(launch):
    result = launch("""
        end = meet()
        if rank == 0:
            os._exit(0)
        time.sleep(0.1)
        end.recv(1)
        end.send(b"nobody reads this")
        time.sleep(0.1)
        print(raised(end.send, b"nor this"))
    """)
    assert (result.failure, result.stdout) == (None, b"('BrokenPipeError', 'EPIPE')\n")


def test_who_waits_for_ever_is_in_the_report_of_a_deadlock(launch):
    result = launch("""
        end = meet()
        if rank == 0:
            listener = socket.create_server(("", 0))
            listener.accept()
        else:
            end.sendall(bytes(100_000))
    """)
    assert "deadlock" in result.failure
    for text in ("0 in ", "listener.accept()", "1 in ", "end.sendall(bytes(100_000))"):
        assert text in result.failure


def test_runs_repeat(launch):
    program = """
        ends = [meet(server, (server + 1) % size) for server in range(size)]
        for end in filter(None, ends):
            end.sendall(random.randbytes(5000))
            end.shutdown(socket.SHUT_WR)
        for end in filter(None, ends):
            while part := end.recv(999):
                print(len(part), end.getsockname(), end.getpeername(), time.monotonic())
    """
    one, other = (launch(program, 4, seed=5) for _ in range(2))
    assert one.failure is None
    assert (one.stdout, one.digest) == (other.stdout, other.digest)


def test_nothing_is_heard_of_a_crashed_node_until_its_places_are_given_back(launch):
    result = launch(
        """
        if rank == 1:
            listener = socket.create_server(("", 7000))
            end = listener.accept()
            time.sleep(100)
        time.sleep(0.5)
        end = socket.create_connection(("10.0.0.2", 7000))
        time.sleep(1)
        end.sendall(b"lost")
        end.settimeout(0.5)
        print(raised(end.recv, 1))
        time.sleep(60)
        print(raised(socket.create_connection, ("10.0.0.2", 7000)))
        """,
        keep_going=True,
        faults=["node 1 crash at 1 s"],
    )
    assert result.stdout == (
        b"('TimeoutError', None)\n('ConnectionRefusedError', 'ECONNREFUSED')\n"
    )
