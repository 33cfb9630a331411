"""What a rank has of an open file, and of the files that it has not opened yet."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from vmpp_mpi._collectives import OwnKind
from vmpp_mpi._constants import MODE_SEQUENTIAL
from vmpp_mpi._errhandler import ERRORS_RETURN
from vmpp_mpi._erring import OnError, told
from vmpp_mpi._errors import ERR_IO, ERR_TRUNCATE, ERR_UNSUPPORTED_OPERATION
from vmpp_mpi._errors import Exception as MPIError
from vmpp_mpi._files._together import at_root, largest
from vmpp_mpi._files._trouble import error_class
from vmpp_mpi._local import local
from vmpp_mpi._state import mpi_state

if TYPE_CHECKING:
    from vmpp_collectives import Channel
    from vmpp_mpi._errhandler import Errhandler
    from vmpp_mpi._files._access import AccessWork
    from vmpp_mpi._files._hints import Hints
    from vmpp_mpi._files._store import Store
    from vmpp_mpi._files._view import View
    from vmpp_mpi._info import Info
    from vmpp_mpi._state import CommState, MPIState


class Handling:
    """What becomes of errors.

    Attributes:
        library: of the rank.
        errhandler: what to do about errors, as the program set it; None means to raise exceptions.
        on_error: called about an error before it is raised, None if nothing is.
        name: what errors are about, for messages.
    """

    __slots__ = ("errhandler", "library", "name", "on_error")

    def __init__(self, library: MPIState, name: str, parent: Handling | None = None) -> None:
        self.library = library
        self.name = name
        self.errhandler: Errhandler | None = None if parent is None else parent.errhandler
        self.on_error: OnError | None = None if parent is None else parent.on_error

    def error(self, code: int, detail: str = "") -> MPIError:
        """Treat an error as the error handler wants it.

        Returns:
            The exception to be raised, if the handler lets the program go on at all.
        """
        return self.handled(MPIError(code, detail))

    def handled(self, error: MPIError) -> MPIError:
        """Treat an *error* that has come up elsewhere, and return it, as `error` does."""
        return told(self, error, ERRORS_RETURN)

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Treat what goes wrong inside, in MPI or in a system call, as the error handler wants it.

        Raises:
            MPIError: something has gone wrong.
        """
        try:
            yield
        except MPIError as error:
            raise self.handled(error) from None
        except OSError as error:
            raise self.handled(failure(error)) from None


def failure(error: OSError) -> MPIError:
    """Return what a system call raised as an error of MPI."""
    reason = error.strerror or str(error)
    name = "" if error.filename is None else f": {os.fsdecode(error.filename)}"
    return MPIError(error_class(error), reason + name)


def no_file() -> Handling:
    """Return what becomes of errors on the running rank that are about no open file."""
    return local("mpi.files", lambda: Handling(mpi_state(), "MPI_FILE_NULL"))


class FileState(Handling):
    """A rank's view of one open file.

    Its methods raise errors of which the error handler has not been told: `guarded` tells it.

    Attributes:
        comm: a communicator of its own, of the ranks that have it open.
        path: as it was opened.
        amode: as it was opened.
        store: the file itself.
        hints: in use.
        view: what of it the rank sees.
        position: of the individual pointer, in elementary datatypes of the view.
        atomic: whether accesses of different ranks are as if one came after the other.
        split: the collective access that has been begun and not ended; None if there is none.
    """

    __slots__ = (
        "_candidates", "amode", "atomic", "comm", "hints", "path", "position", "split", "store",
        "view",
    )  # fmt: skip

    def __init__(
        self, comm: CommState, path: bytes, amode: int, store: Store, hints: Hints, view: View
    ) -> None:
        super().__init__(comm.library, comm.name, no_file())
        self.comm = comm
        self.path = path
        self.amode = amode
        self.store = store
        self.hints = hints
        self.view = view
        self.position = 0
        self.atomic = False
        self.split: tuple[str, AccessWork] | None = None
        self._candidates: Sequence[int] = ()

    def together(self) -> Channel:
        """Return the way to the other ranks for a collective call.

        It is the call's own, so that another call may begin before this one is complete.

        Raises:
            MPIError: `ERR_IO`: a collective access has been begun and not ended.
        """
        self.refuse_split()
        return self.comm.channel.apart(OwnKind.FILE, partial(MPIError, ERR_TRUNCATE))

    def sync(self, channel: Channel, *, wanted: bool = True) -> None:
        """Return when all ranks have called, and the disk has what they have written.

        Args:
            channel: of the collective call that this belongs to.
            wanted: whether the disk needs to have it.
        """
        (written,) = largest(channel, self.store.written)
        if written and wanted:
            at_root(channel, self.store.sync)
        self.store.written = False

    def refuse_split(self) -> None:
        """Refuse a collective call between the beginning and the end of another.

        Raises:
            MPIError: `ERR_IO`.
        """
        if self.split is not None:
            raise MPIError(ERR_IO, f"{self.split[0]} has been begun and not ended")

    def heed(self, info: Info | None) -> None:
        """Take hints; how a striped file is laid out was settled when it was made."""
        layout, hints = self.store.layout, self.hints.updated(info)
        self.hints = hints if layout is None else hints.laid_out(layout)

    def refuse_sequential(self) -> None:
        """Refuse a call that a file accessed sequentially only does not have.

        Raises:
            MPIError: `ERR_UNSUPPORTED_OPERATION`.
        """
        if self.amode & MODE_SEQUENTIAL:
            raise MPIError(ERR_UNSUPPORTED_OPERATION, "the file is open with MODE_SEQUENTIAL")

    @property
    def candidates(self) -> Sequence[int]:
        """The ranks that may access the file on behalf of others: the first of each node."""
        if not self._candidates:
            first: dict[int, int] = {}
            for rank, address in enumerate(self.comm.addresses):
                first.setdefault(address.nid, rank)
            self._candidates = list(first.values())
        return self._candidates
