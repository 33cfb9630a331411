"""Waits for a signal, and for what its handler sends."""

import signal

from nx import crecv, csend, handler, mynode


def told(number: int) -> None:
    """Send oneself what the program waits for."""
    csend(1, bytes([number]), 1, mynode(), 0)


handler(signal.SIGUSR1, told)
number = bytearray(1)
crecv(1, number, 1)
print(f"node {mynode()} got {signal.Signals(number[0]).name}")
