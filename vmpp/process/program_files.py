"""Where the files of a program are: on the host, or in the file tree of a machine.

A program and its modules are read before it runs, and while it runs as it imports them, on the
host's side: they take no virtual time, and their names, permissions and contents are those of
whatever the program's files are on.
"""

from __future__ import annotations

import os
from importlib.machinery import SOURCE_SUFFIXES, ModuleSpec, SourceFileLoader
from posixpath import dirname
from typing import Any, NamedTuple, Protocol

from vmpp.process.host_side import as_host


class Owner(NamedTuple):
    """Who a process is, as ``os.getuid`` and its kin tell it.

    Attributes:
        name: the login name.
        uid: number of the user.
        gid: number of the user's own group.
        groups: numbers of all the user's groups.
        home: the home directory.
    """

    name: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    home: str


class ProgramFiles(Protocol):
    """The files that programs are made of. Paths are absolute.

    Attributes:
        owner: who the program's processes are; None: the host user who runs vmpp.
    """

    owner: Owner | None

    def is_file(self, path: str) -> bool:
        """Return whether there is a file."""
        ...

    def is_dir(self, path: str) -> bool:
        """Return whether there is a directory."""
        ...

    def read(self, path: str) -> bytes:
        """Return what a file holds. Raises OSError."""
        ...

    def stamp(self, path: str) -> tuple[int, int]:
        """Return the time of a file's last change, ns, and its size. Raises OSError."""
        ...

    def list(self, path: str) -> list[tuple[str, bool]]:
        """Return the names in a directory, each with whether it is one. Raises OSError."""
        ...

    def realpath(self, path: str) -> str:
        """Return a path without symbolic links."""
        ...

    def absolute(self, path: str, cwd: str) -> str:
        """Return a path of a search path that *path* says in the working directory *cwd*."""
        ...

    def authorize(self, path: str | None) -> None:
        """Raise ProgramError if the program at *path* may not be run; None: one of no file."""
        ...

    def admits(self, folder: str) -> bool:
        """Return whether a program may have modules of its own from *folder*."""
        ...


class HostFiles:
    """The host's files, as the user who runs vmpp has them."""

    owner: Owner | None = None

    def is_file(self, path: str) -> bool:
        """Return whether there is a file."""
        return os.path.isfile(path)

    def is_dir(self, path: str) -> bool:
        """Return whether there is a directory."""
        return os.path.isdir(path)

    def read(self, path: str) -> bytes:
        """Return what a file holds."""
        with open(path, "rb") as file:
            return file.read()

    def stamp(self, path: str) -> tuple[int, int]:
        """Return the time of a file's last change, ns, and its size."""
        status = os.stat(path)
        return status.st_mtime_ns, status.st_size

    def list(self, path: str) -> list[tuple[str, bool]]:
        """Return the names in a directory, each with whether it is one."""
        with os.scandir(path) as scan:
            return [(entry.name, entry.is_dir()) for entry in scan]

    def realpath(self, path: str) -> str:
        """Return a path without symbolic links."""
        return os.path.realpath(path)

    def absolute(self, path: str, cwd: str) -> str:
        """Return a path; one that is relative starts where vmpp was started."""
        del cwd
        return os.path.abspath(path)

    def authorize(self, path: str | None) -> None:
        """Do nothing: whoever runs vmpp may run anything."""

    def admits(self, folder: str) -> bool:
        """Return True."""
        del folder
        return True


HOST: HostFiles = HostFiles()
"""The host's files."""


class FilesLoader(SourceFileLoader):
    """Loads a module from wherever a program's files are; writes nothing there."""

    def __init__(self, name: str, path: str, files: ProgramFiles) -> None:
        super().__init__(name, path)
        self.files = files

    def get_data(self, path: str) -> bytes:
        return as_host(self.files.read, path)

    def path_stats(self, path: str) -> dict[str, Any]:
        mtime, size = as_host(self.files.stamp, path)
        return {"mtime": mtime / 1e9, "size": size}

    def set_data(self, path: str, data: Any, *, _mode: int = 0o666) -> None:
        del path, data


class FolderFinder:
    """Finds modules in one folder that is not the host's, as `importlib`'s ``FileFinder`` does.

    Extension modules are not among them: C code runs only from what is installed on the host.
    """

    def __init__(self, folder: str, files: ProgramFiles, load: Any = None) -> None:
        """Look in *folder*; *load* makes the loader of a module, by name and path."""
        self._folder = folder
        self._files = files
        self._load = load or (lambda name, path: FilesLoader(name, path, files))

    def find_spec(self, name: str) -> ModuleSpec | None:
        """Return how to load a module; without a loader if it is a folder with no code in it."""
        base = f"{self._folder.rstrip('/')}/{name.rpartition('.')[2]}"
        for suffix in SOURCE_SUFFIXES:
            for path in (f"{base}/__init__{suffix}", base + suffix):
                if self._files.is_file(path):
                    return self._found(name, path, dirname(path) == base)
        if not self._files.is_dir(base):
            return None
        spec = ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = [base]
        return spec

    def _found(self, name: str, path: str, is_package: bool) -> ModuleSpec:
        spec = ModuleSpec(name, self._load(name, path), origin=path, is_package=is_package)
        spec.has_location = True
        if is_package:
            spec.submodule_search_locations = [dirname(path)]
        return spec

    def invalidate_caches(self) -> None:
        """Do nothing: nothing is remembered."""
