"""Name spaces: which files the processes of a job see, and with whose rights."""

from __future__ import annotations

from typing import Any, Protocol

from vmpp.process import calls
from vmpp.service.filesystem.open_file import OpenFile
from vmpp.service.filesystem.volume import Striping

At = OpenFile | None
"""Where a relative path starts: an open directory; None: the current one."""


class View(Protocol):
    """What one process sees: a name space, its current directory and its mask of permissions.

    The methods are the system calls that they are named after, and raise `OSError` as those do.
    """

    @property
    def owner(self) -> tuple[int, int]:
        """Numbers of the user and the group whose rights the process has."""
        ...

    def begin(self, time: int) -> None:
        """Say at what virtual time, in ps, what is asked from now on takes effect."""
        ...

    def open(self, at: At, path: bytes, flags: int, mode: int) -> tuple[OpenFile, int]:
        """Open a file without waiting for anybody; return it and its ``st_mode``."""
        ...

    def is_pipe(self, at: At, path: bytes) -> bool:
        """Return whether *path* is a named pipe."""
        ...

    # -- attributes --------------------------------------------------------------------------------

    def stat(self, at: At, path: bytes, follow: bool) -> calls.Attributes:
        """Return what is known of a file."""
        ...

    def fstat(self, file: OpenFile) -> calls.Attributes:
        """Return what is known of an open file."""
        ...

    def access(self, at: At, path: bytes, mode: int, effective: bool, follow: bool) -> bool:
        """Return whether a file may be used as *mode* says."""
        ...

    def chmod(self, at: At, path: bytes, mode: int, follow: bool) -> None:
        """Change permissions."""
        ...

    def fchmod(self, file: OpenFile, mode: int) -> None:
        """Change permissions of an open file."""
        ...

    def chown(self, at: At, path: bytes, uid: int, gid: int, follow: bool) -> None:
        """Change the owner."""
        ...

    def fchown(self, file: OpenFile, uid: int, gid: int) -> None:
        """Change the owner of an open file."""
        ...

    def utime(self, at: At, path: bytes, times: tuple[int, int] | None, follow: bool) -> None:
        """Set the times."""
        ...

    def futime(self, file: OpenFile, times: tuple[int, int] | None) -> None:
        """Set the times of an open file."""
        ...

    def truncate(self, path: bytes, size: int) -> Any:
        """Cut or extend a file; return None, or the `Work` that it takes."""
        ...

    def striping(self, at: At, path: bytes) -> calls.Striped:
        """Tell how a file is striped, or files are that are made in a directory."""
        ...

    def set_striping(self, at: At, path: bytes, mode: int, wanted: Striping) -> None:
        """Make an empty file that is striped in some way, or say how those of a directory are."""
        ...

    def statvfs(self, path: bytes) -> calls.Space:
        """Tell about the file system that a file is on."""
        ...

    def fstatvfs(self, file: OpenFile) -> calls.Space:
        """Tell about the file system that an open file is on."""
        ...

    def umask(self, mask: int) -> int:
        """Set the mask and return the one before."""
        ...

    def quota(self, uid: int) -> calls.Limits:
        """Return what a user has, and may have; `calls.BOUNDLESS` is who asks."""
        ...

    # -- names and directories ---------------------------------------------------------------------

    def mkdir(self, at: At, path: bytes, mode: int) -> None:
        """Make a directory."""
        ...

    def rmdir(self, at: At, path: bytes) -> None:
        """Remove a directory."""
        ...

    def unlink(self, at: At, path: bytes) -> None:
        """Remove a name."""
        ...

    def rename(self, at: At, path: bytes, to_at: At, to: bytes) -> None:
        """Give a file another name."""
        ...

    def link(self, at: At, path: bytes, to_at: At, to: bytes, follow: bool) -> None:
        """Give a file a second name."""
        ...

    def symlink(self, at: At, path: bytes, target: bytes) -> None:
        """Make a symbolic link."""
        ...

    def readlink(self, at: At, path: bytes) -> bytes:
        """Return what a symbolic link says."""
        ...

    def listdir(self, at: At, path: bytes, after: bytes) -> calls.Entries:
        """List a directory."""
        ...

    def flistdir(self, file: OpenFile, after: bytes) -> calls.Entries:
        """List an open directory."""
        ...

    def chdir(self, path: bytes) -> None:
        """Make a directory the current one."""
        ...

    def fchdir(self, file: OpenFile) -> None:
        """Make an open directory the current one."""
        ...

    def getcwd(self) -> bytes:
        """Return the path of the current directory."""
        ...


class Space(Protocol):
    """Makes the views of a job's processes."""

    def start(self, directory: str | None) -> Any:
        """Return the place *directory*, or the usual one if None, for `view`."""
        ...

    def view(self, start: Any) -> View:
        """Return what a process sees that starts at a place."""
        ...

    def close(self) -> None:
        """Have nothing more to do with it; files that are open in it have been closed."""
        ...
