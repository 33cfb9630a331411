"""Programs in zip files that are not the host's."""

from __future__ import annotations

import errno
import io
import os
import zipfile
from posixpath import dirname

from vmpp.process.program_files import Owner, ProgramFiles

_MAGIC = b"PK"


class ZipFiles:
    """What is in a zip file, as if it were a directory of the same path: `ProgramFiles` for it."""

    def __init__(self, files: ProgramFiles, path: str, archive: zipfile.ZipFile) -> None:
        self.owner: Owner | None = files.owner
        self._files = files
        self._path = path
        self._archive = archive
        self._names = set(archive.namelist())
        # Archives need not name the directories that are in them.
        self._folders = {path}
        for name in self._names:
            parts = name.split("/")[:-1]
            self._folders |= {"/".join((path, *parts[:end])) for end in range(1, len(parts) + 1)}

    def _name(self, path: str) -> str:
        return path.removeprefix(f"{self._path}/")

    def is_file(self, path: str) -> bool:
        """Return whether there is a file."""
        return self._name(path) in self._names and path not in self._folders

    def is_dir(self, path: str) -> bool:
        """Return whether there is a directory."""
        return path in self._folders

    def read(self, path: str) -> bytes:
        """Return what a file holds. Raises OSError."""
        try:
            return self._archive.read(self._name(path))
        except KeyError:
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), path) from None
        except (zipfile.BadZipFile, RuntimeError, NotImplementedError, EOFError) as error:
            raise OSError(errno.EIO, str(error), path) from None

    def stamp(self, path: str) -> tuple[int, int]:
        """Return the time of the last change of the zip file, ns, and the file's size."""
        if not self.is_file(path):
            raise OSError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        changed, _ = self._files.stamp(self._path)
        return changed, self._archive.getinfo(self._name(path)).file_size

    def list(self, path: str) -> list[tuple[str, bool]]:
        """Return the names in a directory, each with whether it is one."""
        depth = path.count("/") + 1
        everything = {f"{self._path}/{name}".rstrip("/") for name in self._names} | self._folders
        inside = [each for each in everything if each.startswith(f"{path}/")]
        names = {each.split("/")[depth] for each in inside}
        return [(name, f"{path}/{name}" in self._folders) for name in sorted(names)]

    def realpath(self, path: str) -> str:
        """Return *path*: there are no links in it."""
        return path

    def absolute(self, path: str, cwd: str) -> str:
        """Return a path of a search path."""
        return self._files.absolute(path, cwd)

    def authorize(self, path: str | None) -> None:
        """Raise ProgramError if the program may not be run."""
        self._files.authorize(path)

    def admits(self, folder: str) -> bool:
        """Return whether a program may have modules of its own from *folder*."""
        return self._files.admits(folder)


def zip_files(files: ProgramFiles, path: str) -> ZipFiles | None:
    """Return what is in the zip file at *path*, or that it leads into; None if there is none."""
    while path.strip("/") and not files.is_dir(path):
        if files.is_file(path):
            return _opened(files, path)
        path = dirname(path)
    return None


def _opened(files: ProgramFiles, path: str) -> ZipFiles | None:
    try:
        data = files.read(path)
        # A zip file may have a line for the shell before it; only the end tells.
        if _MAGIC not in data:
            return None
        return ZipFiles(files, path, zipfile.ZipFile(io.BytesIO(data)))
    except (OSError, zipfile.BadZipFile):
        return None
