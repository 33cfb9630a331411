"""The state of a machine: the folder on the host in which its accounts and files outlive a boot.

    version         number of this layout
    lock            held by the vmpp that uses the state, with its process id
    accounts.sqlite users, groups, public keys and failed logins
    accounting.sqlite
                    one row for each job
    log.sqlite      what has happened
    policies.json   what has been chosen for all boots to come
    partitions.json partitions of the compute nodes
    tree/           names and contents of the machine's files
    pfs/            names of striped files, and what each I/O node has of them
    history/        what each user has typed at the console's prompt
    host_key        by which the machine proves over SSH that it is itself

One vmpp at a time uses a state.
"""

from __future__ import annotations

import fcntl
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from os import PathLike
from pathlib import Path
from typing import Final

from platformdirs import user_data_path

from vmpp.errors import VmppError
from vmpp.service.account_store import check_name, name_for
from vmpp.service.database import MEMORY
from vmpp.service.identity import host_user

LAYOUT: Final = 1
"""Number of the layout of a state's folder."""

_WAY_OUT: Final = "take another with --state DIR, or none with --ephemeral"


class StateError(VmppError):
    """A folder cannot be the state of a machine; the message says why."""


class StateInUseError(StateError):
    """Another vmpp uses the state."""


class State:
    """Where a machine keeps what outlives a boot, or that it keeps nothing.

    Made by `named`, `at` or `ephemeral`; `open` is what `vmpp.boot` does with it.

    Attributes:
        user: at the first boot, name of the user who sits at the machine's console.
        keeps: whether anything is kept.
    """

    def __init__(self, folder: Path | None, user: str | None = None) -> None:
        """Say where the state is; None: nowhere. Raises AccountError: *user* cannot be a name."""
        self.user = name_for(host_user().name) if user is None else check_name(user)
        self.keeps = folder is not None
        self._folder = folder
        self._opened: Path | None = None

    @classmethod
    def named(cls, machine: str, *, user: str | None = None) -> State:
        """Return the state of the *machine* of that name, among the user's data on the host.

        Args:
            user: name of the console's user at the first boot; that of who runs vmpp if left out.
        """
        name = re.sub(r"[^A-Za-z0-9._-]", "_", machine).lstrip(".") or "_"
        return cls(user_data_path("vmpp") / "machines" / name, user)

    @classmethod
    def at(cls, folder: str | PathLike[str], *, user: str | None = None) -> State:
        """Return the state in *folder*, which is made if it is not there."""
        return cls(Path(os.path.abspath(folder)), user)

    @classmethod
    def ephemeral(cls, *, user: str | None = None) -> State:
        """Return a state that begins empty and goes with the machine."""
        return cls(None, user)

    @property
    def folder(self) -> Path:
        """The folder of the state, while it is open; of an ephemeral one, one that goes with it."""
        if self._opened is None:
            raise RuntimeError("this state is not open")
        return self._opened

    @property
    def tree(self) -> Path | None:
        """The folder in which the machine's files are kept; None: nowhere."""
        return self.folder / "tree" if self.keeps else None

    @property
    def striped(self) -> Path | None:
        """The folder in which the files of the I/O nodes are kept; None: nowhere."""
        return self.folder / "pfs" if self.keeps else None

    @property
    def host_key(self) -> Path:
        """The file of the key by which the machine proves over SSH that it is itself."""
        return self.folder / "host_key"

    @property
    def policies(self) -> Path | None:
        """The file of what has been chosen for all boots to come; None: nothing is kept."""
        return self.folder / "policies.json" if self.keeps else None

    @property
    def partitions(self) -> Path | None:
        """The file of the partitions of its nodes that users have made; None: nothing is kept."""
        return self.folder / "partitions.json" if self.keeps else None

    def database(self, name: str) -> str:
        """Return the path of the database *name*; none is kept of an ephemeral state."""
        return str(self.folder / f"{name}.sqlite") if self.keeps else MEMORY

    @contextmanager
    def open(self) -> Iterator[State]:
        """Use the state, alone, until the block ends.

        Raises:
            StateInUseError: another vmpp does.
            StateError: the folder cannot be made, or holds something else.
        """
        if self._opened is not None:
            raise StateInUseError(f"{self} is in use; {_WAY_OUT}")
        with ExitStack() as stack:
            if self._folder is None:
                made = tempfile.TemporaryDirectory(prefix="vmpp-", ignore_cleanup_errors=True)
                self._opened = Path(stack.enter_context(made))
            else:
                stack.enter_context(_taken(self._folder))
                self._opened = self._folder
            try:
                yield self
            finally:
                self._opened = None

    def __str__(self) -> str:
        """Return where the state is, in words."""
        return "this ephemeral state" if self._folder is None else str(self._folder)


@contextmanager
def _taken(folder: Path) -> Iterator[None]:
    """Have a folder as a state, and nobody else have it. Raises as `State.open`."""
    with ExitStack() as stack:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _check_layout(folder)
            stack.enter_context(_locked(folder))
            if not (folder / "version").exists():
                # It may have been made for everybody to look into, before it was a state.
                folder.chmod(0o700)
            (folder / "version").write_text(f"{LAYOUT}\n")
        except OSError as error:
            raise StateError(f"{error.filename or folder}: {error.strerror}; {_WAY_OUT}") from error
        yield


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold the lock of a state. Raises StateInUseError: another vmpp holds it."""
    fd = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    with open(fd, "r+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = file.read().strip() or "unknown"
            raise StateInUseError(
                f"{folder} is in use by another vmpp (process {holder}); {_WAY_OUT}"
            ) from None
        file.truncate()
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def _check_layout(folder: Path) -> None:
    """Refuse a folder that is the state of no machine, or of a newer one. Raises StateError."""
    path = folder / "version"
    if not path.exists():
        if {entry.name for entry in folder.iterdir()} - {"lock"}:
            raise StateError(f"{folder} is not the state of a machine; name an empty or new folder")
        return
    found = path.read_text().strip()
    # Nobody is there who could have been killed while writing it but the one who made the folder.
    if found not in {str(LAYOUT), ""}:
        raise StateError(
            f"{folder} has layout {found[:20]!r}, and this vmpp knows {LAYOUT}; {_WAY_OUT}"
        )
