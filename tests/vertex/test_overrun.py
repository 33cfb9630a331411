"""A node buffer that has no room for a message loses it, and says so.

That it is limited, and that data are lost when it is overrun, is what the Stony Brook Visualization
Laboratory wrote of its nCUBE.
"""

from __future__ import annotations

SMALL = """
[vertex]
buffer = "1 KiB"
"""
TIGHT = """
[node]
memory = "20 MiB"
[mpi]
heap = "1 MiB"
[vertex]
buffer = "19 MiB"
"""


def test_a_program_can_know_that_messages_were_lost(run):
    result = run(
        """
        import vmpp
        node, *_ = whoami()
        if node == 1:
            for number in range(5):
                nwrite(bytes(400), 400, 0, number)
        else:
            vmpp.compute(1e-3)
            print(nlost(), ntest(-1, 1)[0], ntest(-1, 2)[0])
            nread(bytearray(400), 400)
        nsync()
        nlost() or nwrite(bytes(400), 400, 0, 5)
        if node == 0:
            print(nread(bytearray(400), 400)[2], nread(bytearray(400), 400)[2])
        """,
        2,
        SMALL,
    )
    assert result.stdout == b"3 400 -1\n1 5\n"
    assert result.status == 0
    (report,) = result.reports
    assert report.findings == 0
    assert report.text == (
        "node 0: Vertex's node buffer has overrun, and 3 messages were lost (1200 bytes); "
        "the first from node 1, type 2, 400 bytes, when 928 of 1024 bytes were taken"
    )


def test_a_deadlock_that_comes_of_it_says_so(run):
    result = run(
        """
        node, *_ = whoami()
        if node == 1:
            for number in range(3):
                nwrite(bytes(400), 400, 0, number)
        else:
            nread(bytearray(400), 400, 1, 2)
        """,
        2,
        SMALL,
    )
    assert result.status == 1
    assert "in nread(buf=<bytearray>, nbytes=400, src=1, type=2, flag=None)" in result.failure
    assert (
        "  node 0: Vertex's node buffer has overrun, and 1 message was lost (400 bytes); "
        "the first from node 1, type 2, 400 bytes, when 928 of 1024 bytes were taken"
    ) in result.failure.splitlines()
    assert not result.reports


def test_cells_show_their_values_in_a_deadlocks_report(run):
    result = run("nread(None, 0, cell(-1), cell(42))", 1)
    assert "nread(buf=None, nbytes=0, src=cell(-1), type=cell(42), flag=None)" in result.failure


def test_reductions_are_called_by_their_names_in_a_deadlocks_report(run):
    result = run("whoami()[0] == 0 and imaxn(bytearray(8), 2)", 2)
    assert "in imaxn(vec=<bytearray>, n=2, target=-1, type=0, mask=-1)" in result.failure


def test_what_is_lost_before_the_first_call_is_counted(run):
    result = run(
        """
        import vmpp
        from mpi4py import MPI

        if MPI.COMM_WORLD.rank == 1:
            for number in range(4):
                nwrite(bytes(400), 400, 0, number)
        else:
            vmpp.compute(1e-3)
        """,
        2,
        SMALL,
    )
    (report,) = result.reports
    assert report.text.endswith("2 messages were lost before the first call")


def test_the_buffer_is_memory_of_the_node(run):
    result = run("whoami()", 1, TIGHT)
    assert result.status == 1
    assert "MemoryError: no room for Vertex's node buffer: job 1 rank 0 needs" in result.failure


def test_who_never_calls_it_needs_no_memory_for_it(run):
    result = run("print('fine')", 1, TIGHT)
    assert result.stdout == b"fine\n"
