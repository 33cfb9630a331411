"""SQLite for programs: the library opens files itself, by names that are the host's.

For a program of the host that is what it wants. One that comes from a machine's own file tree must
not reach the host's files by a name that it believes to be of the tree: it has databases in memory.
"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any, Final

from vmpp.process.virtual import Functions

if TYPE_CHECKING:
    from vmpp.kernel.process import Process

_IN_MEMORY: Final = frozenset((":memory:", b":memory:"))

_real_connect = sqlite3.connect


def _connect(process: Process, database: Any, *args: Any, **kwargs: Any) -> Any:
    own = process.space.program.files.owner is not None
    if own and (not isinstance(database, str | bytes) or database not in _IN_MEMORY):
        raise sqlite3.OperationalError(
            "unable to open database file: SQLite would look for it on the host, which is out of "
            "reach; a database ':memory:' can be had"
        )
    return _real_connect(database, *args, **kwargs)


TABLE: Final[Functions] = {
    "sqlite3": {"connect": _connect},
    "sqlite3.dbapi2": {"connect": _connect},
}
"""Virtual functions by module and name."""
