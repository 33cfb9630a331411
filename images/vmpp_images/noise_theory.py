"""What noise costs ranks that compute and then wait for each other, in theory.

Events have the length d and recur every T, on each rank when they like. Phases of length g begin
anywhere. So one rank is hit with probability p = min(1, (g + d) / T), and one of n with 1 - (1 -
p)^n (Tsafrir, Etsion, Feitelson and Kirkpatrick, 'System noise, OS clock ticks, and fine-grained
parallel applications', ICS 2005). A delay is longer than x with probability (g + d - x) / T, as
long as there is one event at most; the longest of n is the integral over x of 1 - (1 - that)^n.
"""

from __future__ import annotations


def expected(ranks: int, length: float, period: float, event: float) -> tuple[float, float]:
    """Return the probability that a phase is hit, and the mean delay, in seconds."""
    hit = min(1.0, (length + event) / period)
    quiet = max(0.0, 1 - length / period)
    delay = event - period / (ranks + 1) * (quiet ** (ranks + 1) - (1 - hit) ** (ranks + 1))
    return 1 - (1 - hit) ** ranks, delay
