"""What noise costs a phase of computing, in theory and by the machine's arithmetic.

A phase of length g begins anywhere in the period T of events of duration d. It is hit with
probability p = min(1, (g + d) / T); one of n ranks with 1 - (1 - p)^n (Tsafrir et al., ICS 2005).
"""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp.hardware import Noise, Periodic
from vmpp_images.noise_theory import expected


def delays(period: int, event: int, length: int) -> list[int]:
    """Return the delay of a phase that begins at each time of a period."""
    events = Periodic(period, event, 17).interruptions(0, Random(0))
    assert events is not None
    noise = Noise([events])
    return [noise.finish(start, length) - start - length for start in range(period)]


PERIODS = st.integers(2, 150).flatmap(
    lambda period: st.tuples(st.just(period), st.integers(1, period - 1), st.integers(1, 200))
)


@given(PERIODS)
def test_a_phase_is_hit_with_probability_p(case: tuple[int, int, int]) -> None:
    period, event, length = case
    hit = sum(delay > 0 for delay in delays(*case))
    # A picosecond in a million makes no difference; here it is one in a hundred.
    assert hit == min(period, length + event - 1)
    assert hit / period == pytest.approx(expected(1, length, period, event)[0], abs=1.001 / period)


@given(PERIODS)
def test_delays_are_distributed_as_the_theory_has_it(case: tuple[int, int, int]) -> None:
    period, event, length = case
    if length + event <= period:
        found = delays(*case)
        for more in range(event):
            assert sum(delay > more for delay in found) == length + event - 1 - more


@pytest.mark.parametrize("ranks", [1, 2, 10, 100, 10_000])
@pytest.mark.parametrize(("period", "event", "length"), [(1000, 25, 400), (1000, 250, 40)])
def test_the_mean_of_the_longest_delay_is_that_of_the_formula(
    ranks: int, period: int, event: int, length: int
) -> None:
    found = sorted(delays(period, event, length))
    # The longest of n independent delays is at most the k-th of N with probability (k / N)^n.
    below = [(place / period) ** ranks for place in range(period + 1)]
    mean = sum(delay * (below[place + 1] - below[place]) for place, delay in enumerate(found))
    assert mean == pytest.approx(expected(ranks, length, period, event)[1], abs=0.6)


def test_the_probability_for_many_ranks_is_that_of_any_of_them() -> None:
    hit, _ = expected(10**5, 0.0, 1.0, 1e-6)
    assert hit == pytest.approx(0.0952, abs=1e-4)
    assert expected(4, 0.1, 1.0, 0.1)[0] == pytest.approx(1 - 0.8**4)


def test_the_delay_saturates_at_the_length_of_an_event() -> None:
    growing = [expected(2**k, 0.001, 0.1, 0.0025)[1] for k in range(16)]
    assert growing == sorted(growing)
    assert growing[-1] == pytest.approx(0.0025, rel=0.01)
    assert growing[8] < 0.0025
