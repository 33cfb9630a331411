"""Which types a receive takes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp_nx._bits import TYPES, ptype_bits, selection, source_ptype, type_bits, type_of
from vmpp_nx._errors import Refused

KINDS = st.one_of(st.integers(0, 40), st.integers(0, TYPES - 1), st.integers(10**9 - 2, 10**9 + 2))
SETS = st.integers(1, 2**31 - 2).map(lambda chosen: chosen - 2**31)
PTYPES = st.integers(0, 32767)


def takes(typesel: int, kind: int, *, ptypesel: int = -1, source: int = 0, dest: int = 0) -> bool:
    """Return whether a receive of process type 0 takes a message of a type."""
    bits = type_bits(kind) | ptype_bits(source, dest)
    return any(not (bits ^ want) & mask for want, mask in selection(typesel, ptypesel, 0))


@given(KINDS, PTYPES, PTYPES)
def test_match_bits_tell_type_and_process_type(kind, source, dest):
    bits = type_bits(kind) | ptype_bits(source, dest)
    assert 0 <= bits < 2**62
    assert (type_of(bits), source_ptype(bits)) == (kind, source)


@given(KINDS, KINDS)
def test_a_type_selects_itself(wanted, kind):
    assert takes(wanted, kind) == (wanted == kind)


@given(KINDS)
def test_minus_one_selects_all(kind):
    assert takes(-1, kind)


@given(SETS, KINDS)
def test_other_negative_numbers_are_sets(chosen, kind):
    bit = kind if kind < 29 else 29 if kind < 10**9 else 30
    assert takes(chosen, kind) == bool(chosen >> bit & 1)
    # A C program may have written the same bits as an unsigned number.
    assert takes(chosen + 2**32, kind) == takes(chosen, kind)


@given(PTYPES, PTYPES, st.integers(-1, 32767))
def test_process_types_must_fit_as_well(source, dest, wanted):
    fits = dest == 0 and wanted in (-1, source)
    assert takes(-1, 5, ptypesel=wanted, source=source, dest=dest) == fits


@pytest.mark.parametrize("typesel", [-(2**31), 2 * 10**9, 2**32, -(2**31) - 1, 2**31])
def test_what_selects_nothing_is_refused(typesel):
    with pytest.raises(Refused, match="Invalid type"):
        selection(typesel, -1, 0)


def test_receives_of_sets_take_what_comes_first(run):
    run(
        """
        import time
        SMALL, HIGH = -2**31 + (1 << 3 | 1 << 28), -2**31 + (1 << 29)
        if me == 0:
            for kind in (5, 28, 40, 3, 999_999_999, 29):
                csend(kind, None, 0, 1, 0)
        else:
            for late in (0, 1):
                time.sleep(late)
                for typesel, kinds in ((SMALL, (28, 3)), (HIGH, (40, 999_999_999, 29)), (5, (5,))):
                    for kind in kinds if not late else ():
                        crecv(typesel, None, 0)
                        assert infotype() == kind
            assert iprobe(-1) == 0
        """
    )


def test_a_posted_receive_of_a_set_takes_one_message(run):
    run(
        """
        import time
        if me == 0:
            time.sleep(1)
            for kind in (7, 30, 2, 31):
                csend(kind, bytes([kind]), 1, 1, 0)
        else:
            first, second = bytearray(1), bytearray(1)
            mids = [irecv(-2**31 + (1 << 2 | 1 << 29), buffer, 1) for buffer in (first, second)]
            for mid in mids:
                msgwait(mid)
            assert (first[0], second[0]) == (30, 2)
            crecv(-1, first, 1)
            crecv(-1, second, 1)
            assert (first[0], second[0]) == (7, 31)
        """
    )


class TestForceTypes:
    def test_they_reach_a_receive_that_is_posted(self, run):
        run(
            """
            import time
            got = bytearray(200_000)
            if me == 0:
                time.sleep(1)
                csend(FORCE_TYPE + 5, b"x" * 200_000, 200_000, 1, 0)
                csend(1_000_000_000, b"y", 1, 1, 0)
            else:
                first = irecv(FORCE_TYPE + 5, got, 200_000)
                crecv(1_000_000_000, bytearray(1), 1)
                assert infotype() == 1_000_000_000
                msgwait(first)
                assert infotype() == FORCE_TYPE + 5 and got == b"x" * 200_000
            """
        )

    def test_they_are_lost_otherwise_and_the_sender_does_not_mind(self, run):
        run(
            """
            if me == 0:
                for size in (1, 100_000):
                    csend(1_999_999_999, bytes(size), size, 1, 0)
                csend(1, None, 0, 1, 0)
            else:
                crecv(1, None, 0)
                assert iprobe(-1) == 0
            """
        )

    def test_they_need_no_memory_at_the_receiver(self, run):
        run(
            """
            if me == 0:
                crecv(9, None, 0)
                for _ in range(100):
                    csend(FORCE_TYPE, bytes(1000), 1000, 1, 0)
                csend(1, None, 0, 1, 0)
            else:
                mids = [irecv(FORCE_TYPE, bytearray(1000), 1000) for _ in range(100)]
                csend(9, None, 0, 0, 0)
                for mid in mids:
                    msgwait(mid)
                crecv(1, None, 0)
            """,
            mbf="4 KiB",
            mea="1 KiB",
        )

    def test_types_beyond_them_are_the_systems(self, run):
        run("assert _csend(2_000_000_000, None, 0, me, 0) == -1 and errno == EQTYPE", 1)
