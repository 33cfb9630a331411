"""Probes: cprobe, cprobex, iprobe and iprobex."""

from __future__ import annotations


def test_one_that_waits_tells_what_has_come_and_leaves_it(run):
    run(
        """
        import time
        if me == 0:
            time.sleep(1)
            csend(4, b"four", 4, 1, 0)
            csend(5, None, 0, 1, 0)
        else:
            cprobe(5)
            assert (infotype(), infocount()) == (5, 0)
            cprobe(-1)
            assert (infotype(), infocount(), infonode(), infoptype()) == (4, 4, 0, 0)
            got = bytearray(infocount())
            crecv(4, got, 4)
            assert got == b"four" and iprobe(4) == 0 and iprobe(5) == 1
        """
    )


def test_one_that_does_not_wait_lets_time_pass(run):
    run(
        """
        import time
        if me == 0:
            time.sleep(1e-4)
            csend(4, bytes(3_000_000), 3_000_000, 1, 0)
        else:
            looks = 0
            while not iprobe(4):
                looks += 1
            assert looks > 1 and infocount() == 3_000_000
            crecv(4, bytearray(3_000_000), 3_000_000)
        """
    )


def test_extended_ones_choose_and_tell(run):
    run(
        """
        info = [0] * 8
        if me:
            csend(me, None, 0, 0, 0)
        else:
            cprobex(-1, 2, 0, info)
            assert info[:4] == [2, 0, 2, 0]
            cprobex(1, -1, -1, info)
            assert info[:4] == [1, 0, 1, 0]
            assert iprobex(1, 2, -1, info) == 0 == iprobex(-1, 0, -1, info)
            assert iprobex(2, 2, 0, msginfo) == 1 and infonode() == 2
            assert iprobex(-1, -1, 5, info) == 0
            assert _iprobex(-1, 7, -1, info) == -1 and errno == EQNODE
            assert _cprobex(-1, -1, -2, info) == -1 and errno == EQPID
        """,
        3,
    )


def test_what_a_posted_receive_takes_is_not_seen(run):
    run(
        """
        mid = irecv(1, None, 0)
        csend(1, None, 0, me, 0)
        csend(1, None, 0, me, 0)
        msgwait(mid)
        assert iprobe(1) == 1
        crecv(1, None, 0)
        assert iprobe(1) == 0
        """,
        1,
    )
