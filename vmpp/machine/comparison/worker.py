"""The process that one run of a comparison has to itself: ``python -m`` this module.

It reads the options of the run from standard input and writes the trial to standard output. What
else writes there, a library of the host's, say, comes out on standard error.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

# Who compares ends this process on ^C; it need not say where that struck it.
signal.signal(signal.SIGINT, signal.SIG_IGN)

from vmpp.machine.comparison.trial import carry_out, packed, unpacked  # noqa: E402

LOOK_SECONDS = 1.0
"""Host time between two looks at whether whoever compares is still there."""


def _end_with(parent: int) -> None:
    """End this process when *parent* has ended: nobody waits for it any more."""
    while os.getppid() == parent:
        time.sleep(LOOK_SECONDS)
    os._exit(1)


def main() -> None:
    """Carry one trial out."""
    threading.Thread(target=_end_with, args=[os.getppid()], daemon=True).start()
    answer = os.dup(1)
    os.dup2(2, 1)
    trial = carry_out(unpacked(sys.stdin.buffer.read()))
    with open(answer, "wb") as file:
        file.write(packed(trial))


if __name__ == "__main__":
    main()
