"""What a disk takes for what it does, against numbers reckoned by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vmpp.hardware.disk import Disk, DiskParameters

# 102 tracks of 1,000 bytes; a byte passes in a picosecond, a turn takes 1,000 of them.
SMALL = DiskParameters(
    capacity=102_000,
    block=100,
    transfer_rate=1000,
    seek_min=500,
    seek_max=1500,
    rotation=1000,
)


def times(disk: Disk, when: int, begin: int, end: int) -> tuple[int, int]:
    """Return when the first byte of some blocks passes, and when the last has."""
    moved = disk.move(when, begin, end)
    return moved + disk.parameters.passes(begin * disk.parameters.block), disk.free


@pytest.mark.parametrize(
    ("tracks", "expected"), [(0, 0), (1, 500), (2, 600), (26, 1000), (101, 1500)]
)
def test_a_seek_takes_as_the_square_root_of_its_distance(tracks: int, expected: int) -> None:
    # 500 + 1000 * sqrt((tracks - 1) / 100), in either direction
    assert SMALL.seek(0, tracks * 1000) == expected
    assert SMALL.seek(tracks * 1000 + 999, 0) == expected


def test_blocks_in_a_row_pass_without_a_pause() -> None:
    disk = Disk(SMALL)
    assert times(disk, 0, 0, 3) == (0, 300)
    assert times(disk, 0, 3, 25) == (300, 2500)
    assert disk.busy == 2500


def test_who_comes_a_little_late_waits_for_the_next_turn() -> None:
    disk = Disk(SMALL)
    disk.move(0, 0, 1)
    # Byte 100 passes at 100, 1100, ...
    assert times(disk, 101, 1, 2) == (1100, 1200)
    assert disk.busy == 100 + 1099


def test_a_request_takes_seek_rotation_and_transfer() -> None:
    disk = Disk(SMALL)
    # Byte 26,300 passes at 300, 1300, ...; the arm is there at 1000.
    assert times(disk, 0, 263, 265) == (1300, 1500)
    # Back over 26 tracks to byte 0: the arm is there at 2500, byte 0 at 3000.
    assert times(disk, 1500, 0, 1) == (3000, 3100)


def test_one_thing_is_done_after_the_other() -> None:
    disk = Disk(SMALL)
    disk.move(0, 0, 10)
    # It is free at 1000, at the beginning of the next track, and turns once for byte 9,000.
    assert times(disk, 20, 90, 91) == (1000 + SMALL.seek(10_000, 9000) + 500, 2100)


def test_what_does_not_turn_waits_for_nothing() -> None:
    disk = Disk(replace(SMALL, rotation=0, seek_min=7, seek_max=7))
    assert times(disk, 5, 0, 1) == (5, 105)
    assert times(disk, 1000, 40, 41) == (1007, 1107)
    assert times(disk, 1000, 41, 42) == (1107, 1207)


def test_rates_that_are_no_whole_picoseconds_add_up() -> None:
    disk = Disk(replace(SMALL, transfer_rate=1337, rotation=133_700))
    end = 0
    for block in range(200):
        begin, end = times(disk, end, block, block + 1)
        assert begin == SMALL.block * block * 1337 // 1000
    assert end == 200 * 100 * 1337 // 1000
