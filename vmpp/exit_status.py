"""Exit statuses as the shells of Unix have them: those that say what signal has ended something."""

from __future__ import annotations

import signal
from typing import Final

SIGNALLED: Final = 128
"""Added to the number of the signal that ended a process, this is its exit status."""

INTERRUPTED: Final = SIGNALLED + signal.SIGINT
"""Exit status of what ^C has ended."""

ABORTED: Final = SIGNALLED + signal.SIGABRT
"""Exit status of a process that called ``os.abort``."""

KILLED: Final = SIGNALLED + signal.SIGKILL
"""Exit status of what was ended at once."""

CLOSED_PIPE: Final = SIGNALLED + signal.SIGPIPE
"""Exit status of what has an output that nobody reads any more."""

TERMINATED: Final = SIGNALLED + signal.SIGTERM
"""Exit status of what was asked to end, or ended with something else."""
