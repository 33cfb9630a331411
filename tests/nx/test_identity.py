"""Who and where a process is."""

from __future__ import annotations

import pytest


def test_a_node_knows_its_number_and_how_many_there_are(run):
    result = run("print(me, n, myhost(), nodedim())", 5)
    assert sorted(result.stdout.splitlines()) == [b"%d 5 5 2" % node for node in range(5)]


@pytest.mark.parametrize(("size", "dimension"), [(1, 0), (2, 1), (8, 3), (9, 3)])
def test_the_dimension_is_that_of_the_cube_that_fits(run, size, dimension):
    run(f"assert nodedim() == {dimension}", size)


def test_a_gray_code_and_its_inverse(run):
    run(
        """
        codes = [gray(number) for number in range(64)]
        assert sorted(codes) == list(range(64))
        assert all((a ^ b).bit_count() == 1 for a, b in zip(codes, codes[1:]))
        assert [ginv(code) for code in codes] == list(range(64))
        assert _gray(-1) == -1 and errno == EQPARAM
        """,
        1,
    )


class TestProcessTypes:
    def test_a_process_has_the_type_that_it_was_started_with(self, run):
        run("assert myptype() == mypid() == 3", ptype="3")

    def test_without_one_it_has_to_set_it_before_it_can_send_or_receive(self, run):
        run(
            """
            assert myptype() == INVALID_PTYPE == -1
            assert _csend(1, b"", 0, 0, 0) == -1 and errno == EQNOSET
            assert _irecv(1, None, 0) == -1 and errno == EQNOSET
            assert _iprobe(-1) == -1 and errno == EQNOSET
            setptype(7)
            assert myptype() == 7
            csend(1, b"x", 1, me, 7)
            crecv(1, bytearray(1), 1)
            assert infoptype() == 7
            """,
            1,
            ptype="-1",
        )

    def test_a_type_is_set_once(self, run):
        run(
            """
            setptype(0)
            assert _setptype(0) == 0 == _setpid(0)
            assert _setptype(1) == -1 and errno == EQSET
            assert _setptype(-1) == -1 and errno == EQPID
            assert _setptype(32768) == -1 and errno == EQPID
            assert myptype() == 0
            """,
            1,
        )

    def test_messages_for_another_type_wait_until_a_process_has_it(self, run):
        run(
            """
            if me == 0:
                setptype(4)
                csend(1, b"for 5", 5, 1, 5)
                csend(2, b"", 0, 1, 9)
                csend(3, b"", 0, 1, 5)
            else:
                import time
                time.sleep(1)
                setptype(5)
                crecv(3, None, 0)
                assert iprobe(2) == 0
                text = bytearray(5)
                crecv(-1, text, 5)
                assert text == b"for 5" and infoptype() == 4
            """,
            ptype="-1",
        )


class TestRectangles:
    def test_the_rectangle_of_the_application(self, run):
        run(
            """
            rows, cols = [0], [0]
            assert mypart(rows, cols) == 0
            print(rows[0], cols[0])
            assert rows[0] * cols[0] == n
            """,
            6,
        )

    def test_nodes_that_form_none_are_a_row(self, run):
        run(
            """
            rows, cols = [0], [0]
            mypart(rows, cols)
            assert (rows[0], cols[0]) == (1, 7)
            """,
            7,
        )

    def test_what_cannot_be_filled_is_an_error(self, run):
        run("assert _mypart(5, []) == -1 and errno == EQPBUF", 1)


def test_the_lamp_of_a_node(run):
    run("led(1); led(0); assert _led(2) == -1 and errno == EQPARAM", 1)


class TestTime:
    def test_clocks_go_with_virtual_time(self, run):
        run(
            """
            import time
            begin, milliseconds, ticks = dclock(), mclock(), [0, 0]
            time.sleep(0.25)
            assert 0.25 <= dclock() - begin < 0.2501
            assert mclock() - milliseconds in (250, 251)
            hwclock(ticks)
            now = dclock()
            assert 0 < now - (ticks[0] + (ticks[1] << 32)) / HWHZ <= 1e-6
            assert abs(now * HWHZ - round(now * HWHZ)) < 1e-3
            """,
            1,
        )

    def test_a_loop_that_waits_for_a_time_ends(self, run):
        run("end = dclock() + 1e-4\nwhile dclock() < end: pass", 1)
