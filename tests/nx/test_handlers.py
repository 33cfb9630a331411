"""Handlers: hrecv, hsend and their kin, and masktrap."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize(
    "meanwhile",
    [
        "time.sleep(0.001)",
        "crecv(2, None, 0)",
        "vmpp.compute(0.001)",
        "while dclock() < begin + 0.001: pass",
    ],
)
def test_a_handler_is_called_whatever_the_program_does(run, meanwhile):
    run(
        f"""
        import time, vmpp
        if me == 0:
            told, got = [], bytearray(8)
            def handler(type, count, node, ptype):
                told.append((type, count, node, ptype, bytes(got[:count]), dclock() - begin))
            begin = dclock()
            hrecv(-1, got, 8, handler)
            {meanwhile}
            assert told[0][:5] == (1, 3, 1, 0, b"abc")
            assert 0.0005 < told[0][5] < 0.00051
            assert len(told) == 1
        else:
            time.sleep(0.0005)
            csend(1, b"abc", 3, 0, 0)
            time.sleep(0.001)
            csend(2, None, 0, 0, 0)
        """
    )


def test_it_is_called_for_a_message_that_is_there_already(run):
    run(
        """
        csend(1, b"x", 1, me, 0)
        cprobe(1)
        told = []
        hrecv(1, bytearray(1), 1, lambda *facts: told.append(facts))
        assert told == [(1, 1, 0, 0)]
        """,
        1,
    )


def test_it_takes_one_message_and_may_ask_for_the_next(run):
    run(
        """
        import time
        if me == 0:
            got, order = bytearray(1), []
            def handler(type, count, node, ptype):
                order.append(got[0])
                if len(order) < 5:
                    hrecv(1, got, 1, handler)
            hrecv(1, got, 1, handler)
            crecv(2, None, 0)
            assert order == [0, 1, 2, 3, 4]
            crecv(1, got, 1)
            assert got[0] == 5
        else:
            for number in range(6):
                csend(1, bytes([number]), 1, 0, 0)
            csend(2, None, 0, 0, 0)
        """
    )


def test_it_may_do_what_the_program_may(run):
    result = run(
        """
        import time
        if me == 0:
            got = bytearray(4)
            def serve(type, count, node, ptype):
                print("serves", node)
                csend(11, bytes(2_000_000), 2_000_000, node, ptype)
                crecv(12, None, 0)
                hrecv(10, got, 4, serve)
            hrecv(10, got, 4, serve)
            for _ in range(n - 1):
                crecv(13, None, 0)
        else:
            csend(10, b"want", 4, 0, 0)
            crecv(11, bytearray(2_000_000), 2_000_000)
            csend(12, None, 0, 0, 0)
            csend(13, None, 0, 0, 0)
        """,
        4,
    )
    assert sorted(result.stdout.splitlines()) == [b"serves 1", b"serves 2", b"serves 3"]


@pytest.mark.parametrize(
    "policies",
    [
        {"pct": "rr:100us"},
        {"mode": "message-coprocessor"},
        {"mode": "compute-coprocessor"},
        {"mode": "virtual-node", "pct": "rr:50us"},
    ],
)
def test_it_does_so_however_cpus_are_used(run, policies):
    run(
        """
        import vmpp
        if me == 0:
            got, served = bytearray(4), []
            def serve(type, count, node, ptype):
                served.append(node)
                csend(11, bytes(2_000_000), 2_000_000, node, ptype)
                if len(served) < n - 1:
                    hrecv(10, got, 4, serve)
            hrecv(10, got, 4, serve)
            for _ in range(20):
                vmpp.compute(1e-4)
            for _ in range(n - 1):
                crecv(12, None, 0)
            assert sorted(served) == list(range(1, n))
        else:
            csend(10, b"want", 4, 0, 0)
            crecv(11, bytearray(2_000_000), 2_000_000)
            csend(12, None, 0, 0, 0)
        """,
        4,
        policies=policies,
    )


def test_other_messages_do_not_interrupt(run):
    result = run(
        """
        import time
        if me == 0:
            hrecv(99, bytearray(1), 1, lambda *facts: 0)
            begin = dclock()
            for number in range(10):
                crecv(1, bytearray(1), 1)
            assert dclock() - begin < 1e-3
            begin = dclock()
            csend(2, None, 0, 1, 0)
            crecv(1, None, 0)
            print(dclock() - begin)
        else:
            for number in range(10):
                csend(1, b"x", 1, 0, 0)
            crecv(2, None, 0)
            csend(99, b"x", 1, 0, 0)
            csend(1, None, 0, 0, 0)
        """
    )
    # The message for the handler does, and costs a context switch of 1 us.
    assert 1e-6 < float(result.stdout) < 1e-4


def test_extended_ones_have_a_parameter(run):
    run(
        """
        import time
        told = []
        def handler(type, count, node, ptype, hparam):
            told.append((type, count, node, ptype, hparam))
        if me == 0:
            buffers = [bytearray(1) for _ in range(n)]
            for node in (1, 2):
                hrecvx(-1, buffers[node], 1, node, 0, handler, f"from {node}")
            time.sleep(1)
            assert sorted(told) == [(5, 1, 1, 0, "from 1"), (5, 1, 2, 0, "from 2")]
            assert [b[0] for b in buffers] == [0, 1, 2]
        else:
            hsendx(5, bytes([me]), 1, 0, 0, handler, buffer := object())
            assert told == [(5, 1, 0, 0, buffer)]
        """,
        3,
    )


class TestSends:
    def test_the_handler_is_called_when_the_buffer_is_free(self, run):
        run(
            """
            import time
            size = 4_000_000
            if me == 0:
                sent, told = bytearray(b"a" * size), []
                def handler(type, count, node, ptype):
                    told.append((type, count, node, ptype, dclock()))
                    sent[:] = b"b" * size
                hsend(1, sent, size, 1, 0, handler)
                assert not told
                crecv(2, None, 0)
                assert told[0][:4] == (1, size, 1, 0) and 1 < told[0][4] < 1.5
            else:
                time.sleep(1)
                got = bytearray(size)
                crecv(1, got, size)
                assert got == b"a" * size
                time.sleep(1)
                csend(2, None, 0, 0, 0)
            """
        )

    def test_with_a_receive_it_is_called_when_the_answer_is_there(self, run):
        run(
            """
            import time
            if me == 0:
                told, got = [], bytearray(5)
                hsendrecv(1, b"ask", 3, 1, 0, 2, got, 5, lambda *facts: told.append(facts))
                time.sleep(1)
                assert told == [(2, 5, 1, 0)] and got == b"reply"
            else:
                crecv(1, bytearray(3), 3)
                csend(2, b"reply", 5, 0, 0)
            """
        )


class TestMasking:
    def test_handlers_wait_until_they_are_let(self, run):
        run(
            """
            import time
            if me == 0:
                told = []
                assert masktrap(1) == 0
                for kind in (1, 2):
                    hrecv(kind, None, 0, lambda *facts: told.append(facts[0]))
                time.sleep(1)
                assert not told and masktrap(1) == 1
                assert masktrap(0) == 1
                assert told == [1, 2] and masktrap(0) == 0
            else:
                csend(1, None, 0, 0, 0)
                csend(2, None, 0, 0, 0)
            """
        )

    def test_one_runs_while_no_other_does(self, run):
        run(
            """
            import time
            if me == 0:
                order = []
                def handler(type, count, node, ptype):
                    order.append(("begin", type))
                    time.sleep(1)
                    order.append(("end", type))
                for kind in (1, 2, 3):
                    hrecv(kind, None, 0, handler)
                time.sleep(5)
                assert order == [(what, kind) for kind in (1, 2, 3) for what in ("begin", "end")]
            else:
                for kind in (1, 2, 3):
                    csend(kind, None, 0, 0, 0)
                    time.sleep(0.1)
            """
        )

    def test_other_states_are_refused(self, run):
        run("assert _masktrap(2) == -1 and errno == EQPARAM", 1)


def test_what_cannot_be_called_is_no_handler(run):
    run("assert _hrecv(1, None, 0, 5) == -1 and errno == EQHND", 1)


def test_an_exception_in_a_handler_is_the_programs(run):
    result = run(
        """
        import time
        if me == 0:
            def handler(*facts):
                raise ValueError("in the handler")
            hrecv(1, None, 0, handler)
            try:
                time.sleep(1)
            except ValueError as error:
                print(error)
        else:
            csend(1, None, 0, 0, 0)
        """
    )
    assert result.stdout == b"in the handler\n"


def test_a_message_that_is_too_long_for_one_ends_the_process(run):
    result = run(
        """
        import time
        if me == 0:
            hrecv(1, bytearray(1), 1, lambda *facts: 0)
            time.sleep(1)
            print("goes on")
        else:
            csend(1, bytes(9), 9, 0, 0)
        """,
        fails=True,
    )
    assert (result.status, result.stdout) == (1, b"")
    assert result.stderr.startswith(b"nx: hrecv: Received message too long for buffer: ")


def test_threads_of_a_program_go_on_with_a_handler(run):
    run(
        """
        import threading, time
        if me == 0:
            told = []
            thread = threading.Thread(target=lambda: time.sleep(2))
            thread.start()
            hrecv(1, None, 0, lambda *facts: told.append(facts[0]))
            time.sleep(1)
            assert told == [1]
            thread.join()
        else:
            csend(1, None, 0, 0, 0)
        """
    )
