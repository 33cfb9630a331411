"""Programs: what a job runs, found and compiled once however many ranks run it."""

from __future__ import annotations

import os
import sys
import sysconfig
import zipfile
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.machinery import (
    BuiltinImporter,
    FrozenImporter,
    ModuleSpec,
    PathFinder,
    SourceFileLoader,
)
from types import CodeType, MappingProxyType
from typing import Any, Final
from zipimport import ZipImportError, zipimporter

from vmpp.engine import SECOND
from vmpp.errors import VmppError
from vmpp.process.imports import NameSet, ProgramFinder
from vmpp.process.program_files import HOST, FilesLoader, FolderFinder, ProgramFiles
from vmpp.process.zip_files import zip_files

EPOCH: Final = 946_684_800 * SECOND
"""What ``time.time()`` is at virtual time 0, in picoseconds: 2000-01-01T00:00:00Z."""


class ProgramError(VmppError):
    """A program that cannot be loaded. The text is one line: what is wrong, and the way out."""


def host_path() -> list[str]:
    """Return the folders of the libraries that programs share with vmpp.

    That is the host's ``sys.path`` as the interpreter made it, without what belongs to whoever
    started it: the script's folder or the current one, and ``PYTHONPATH``.
    """
    path = list(sys.path)
    if path and not sys.flags.safe_path and _is_own(path[0]):
        del path[0]
    personal = {os.path.abspath(entry) for entry in _split(os.environ.get("PYTHONPATH", ""))}
    return [entry for entry in path if entry and (entry not in personal or entry in _INTERPRETER)]


def _is_own(entry: str) -> bool:
    """Return whether *entry* is the folder of the script that the host's interpreter runs."""
    script = getattr(sys.modules.get("__main__"), "__file__", None)
    folders = {os.getcwd()}
    if script is not None:
        folders.add(os.path.dirname(os.path.realpath(script)))
    return entry in folders and entry not in _INTERPRETER


def _split(paths: str) -> list[str]:
    return [path for path in paths.split(os.pathsep) if path]


_INTERPRETER: Final = frozenset(
    folder
    for scheme in ("stdlib", "platstdlib", "purelib", "platlib")
    if (folder := sysconfig.get_path(scheme))
)


class Program:
    """A program with its arguments and environment; one for all the ranks of a job.

    Make it with `script`, `module` or `command`. It does not change, apart from what it remembers
    of the modules that its ranks have imported.

    Attributes:
        name: what it is called in messages.
        image: what the loader sends to the nodes, the source text.
        code: the compiled main module.
        filename: of the main module.
        argv: ``sys.argv`` of a fresh process.
        path: ``sys.path`` of a fresh process.
        environ: the environment of a fresh process, as the operating system has it.
        epoch: what ``time.time()`` is at virtual time 0, in picoseconds.
        flags: what options of the interpreter change in ``sys.flags``, by name.
        finder: finds and compiles the program's own modules.
        files: where the program's own files are.
    """

    __slots__ = (
        "_attributes", "_names", "argv", "code", "cwd", "environ", "epoch", "filename", "files",
        "finder", "flags", "image", "name", "path",
    )  # fmt: skip

    def __init__(
        self,
        name: str,
        filename: str,
        source: bytes,
        folder: str,
        argv: Sequence[str],
        cwd: str,
        environ: Mapping[str, str],
        attributes: Mapping[str, Any],
        epoch: int,
        files: ProgramFiles = HOST,
    ) -> None:
        shared = host_path()
        asked = (files.absolute(entry, cwd) for entry in _split(environ.get("PYTHONPATH", "")))
        own = [folder, *(entry for entry in asked if entry != folder and files.admits(entry))]
        self.name = name
        self.filename = filename
        self.image = source
        self.code = _compile(name, filename, source)
        self.argv = tuple(argv)
        self.cwd = cwd
        self.path = (*own, *(entry for entry in shared if entry not in own))
        self.environ = {os.fsencode(key): os.fsencode(value) for key, value in environ.items()}
        self.epoch = epoch
        self.flags: Mapping[str, int | bool] = {}
        self.files = files
        self.finder = ProgramFinder(own, shared, _INTERPRETER, files, cwd)
        loader = attributes.get("__loader__")
        self.finder.remember(filename, getattr(loader, "files", files))
        self._names: NameSet | None = None
        self._attributes = MappingProxyType(dict(attributes))

    @classmethod
    def script(
        cls,
        path: str,
        args: Sequence[str] = (),
        cwd: str | None = None,
        environ: Mapping[str, str] | None = None,
        epoch: int = EPOCH,
        files: ProgramFiles = HOST,
    ) -> Program:
        """Load the file *path*, or the ``__main__.py`` of a folder or zip file, as python does.

        A relative path counts from *cwd*, the current folder if None; *environ* is the host's if
        None. A program that is not among the host's *files* is given both.

        Raises:
            ProgramError: there is no such file, it cannot be read or must not be run, or is not
                correct Python.
        """
        cwd = os.path.abspath(cwd or os.getcwd())
        full = os.path.join(cwd, path)
        files.authorize(full)
        if files.is_dir(full) or _is_zip(full, files):
            return cls._archive(path, full, args, cwd, environ, epoch, files)
        source = _read(path, full, files)
        loader: type[Any] = SourceFileLoader if files is HOST else FilesLoader
        attributes = {
            "__file__": full,
            "__loader__": loader("__main__", full, *(() if files is HOST else (files,))),
            "__spec__": None,
            "__package__": None,
            "__cached__": None,
        }
        folder = os.path.dirname(files.realpath(full))
        variables = os.environ if environ is None else environ
        return cls(
            path, full, source, folder, (path, *args), cwd, variables, attributes, epoch, files
        )

    @classmethod
    def _archive(
        cls,
        path: str,
        full: str,
        args: Sequence[str],
        cwd: str,
        environ: Mapping[str, str] | None,
        epoch: int,
        files: ProgramFiles,
    ) -> Program:
        if files is not HOST or files.is_dir(full):
            spec = _in_folder("__main__", full, zip_files(files, full) or files)
        else:
            try:
                spec = zipimporter(full).find_spec("__main__")
            except ZipImportError as error:
                raise ProgramError(f"cannot read {path}: {error}") from None
        if spec is None or spec.loader is None:
            raise ProgramError(
                f"{path} holds no __main__.py: give the program's file, or add a __main__.py"
            )
        filename, source = _source_of(path, spec, "__main__")
        variables = os.environ if environ is None else environ
        return cls(
            path, filename, source, full, (path, *args), cwd, variables,
            _attributes_of(spec, filename), epoch, files,
        )  # fmt: skip

    @classmethod
    def module(
        cls,
        name: str,
        args: Sequence[str] = (),
        cwd: str | None = None,
        environ: Mapping[str, str] | None = None,
        epoch: int = EPOCH,
        files: ProgramFiles = HOST,
    ) -> Program:
        """Load the module *name*, or ``name.__main__`` if it is a package, as ``python -m`` does.

        Raises:
            ProgramError: there is no such module, it cannot be run, or is not correct Python.
        """
        files.authorize(None)
        cwd = os.path.abspath(cwd or os.getcwd())
        variables = os.environ if environ is None else environ
        asked = (files.absolute(e, cwd) for e in _split(variables.get("PYTHONPATH", "")))
        spec = _locate(name, [cwd, *asked, *host_path()], files)
        if spec.submodule_search_locations is not None:
            if name.endswith(".__main__"):
                raise ProgramError(f"cannot run a package called {name}: give a module's name")
            inner = f"{name}.__main__"
            found = _search(inner, list(spec.submodule_search_locations), files)
            if found is None:
                raise ProgramError(
                    f"{name} is a package without a __main__ module: name a module in it to run"
                )
            spec = found
        filename, source = _source_of(name, spec, spec.name)
        return cls(
            name, filename, source, cwd, (filename, *args), cwd, variables,
            _attributes_of(spec, filename), epoch, files,
        )  # fmt: skip

    @classmethod
    def command(
        cls,
        source: str,
        args: Sequence[str] = (),
        cwd: str | None = None,
        environ: Mapping[str, str] | None = None,
        epoch: int = EPOCH,
        files: ProgramFiles = HOST,
    ) -> Program:
        """Take the text *source* as a program, as ``python -c`` does.

        Raises:
            ProgramError: it is not correct Python.
        """
        files.authorize(None)
        cwd = os.path.abspath(cwd or os.getcwd())
        variables = os.environ if environ is None else environ
        attributes = {"__loader__": BuiltinImporter, "__spec__": None, "__package__": None}
        return cls(
            "-c", "<string>", source.encode(), cwd, ("-c", *args), cwd, variables, attributes,
            epoch, files,
        )  # fmt: skip

    @property
    def names(self) -> NameSet:
        """The module names of a process that has imported nothing yet; the machine must be up."""
        if self._names is None:
            self._names = NameSet.of(frozenset(("__main__",)), self.finder.hidden())
        return self._names

    def run_with(self, flags: Mapping[str, int | bool]) -> None:
        """Have the ranks find *flags* in ``sys.flags``, and run code that is compiled with them."""
        self.flags = flags
        level = int(flags.get("optimize", 0))
        if level:
            self.code = _compile(self.name, self.filename, self.image, level)
            self.finder.optimize = level

    def main_attributes(self) -> dict[str, Any]:
        """Return what a fresh ``__main__`` module has besides its name."""
        return dict(self._attributes)

    def lines(self, filename: str) -> list[str] | None:
        """Return the source lines of *filename*; None: the host's interpreter knows best."""
        return self.finder.lines(filename)

    def owns(self, filename: str) -> bool:
        """Return whether *filename* is the source of one of the program's own modules."""
        return filename in self.finder.sources


def _attributes_of(spec: ModuleSpec, filename: str) -> dict[str, Any]:
    return {
        "__file__": filename,
        "__loader__": spec.loader,
        "__spec__": spec,
        "__package__": spec.parent,
        "__cached__": spec.cached,
    }


def _locate(name: str, path: list[str], files: ProgramFiles) -> ModuleSpec:
    """Find the module *name* without running any code, that of its packages included."""
    parts = name.split(".")
    spec = None
    for last in range(1, len(parts) + 1):
        prefix = ".".join(parts[:last])
        spec = _search(prefix, path, files, top=last == 1)
        if spec is None:
            raise ProgramError(
                f"no module called {prefix}: run in the folder that holds it, or set PYTHONPATH"
            )
        if last < len(parts):
            if spec.submodule_search_locations is None:
                raise ProgramError(
                    f"{prefix} is a module and has no {'.'.join(parts[last:])} in it"
                )
            path = list(spec.submodule_search_locations)
    assert spec is not None
    return spec


def _in_folder(name: str, folder: str, files: ProgramFiles) -> ModuleSpec | None:
    if files is HOST:
        return PathFinder.find_spec(name, [folder])
    return FolderFinder(folder, files).find_spec(name)


def _search(
    name: str, path: list[str], files: ProgramFiles, top: bool = False
) -> ModuleSpec | None:
    spec = None
    if top:
        spec = BuiltinImporter.find_spec(name) or FrozenImporter.find_spec(name)
    if files is not HOST and spec is None:
        shared = set(host_path())
        own = [_in_folder(name, entry, files) for entry in path if not _is_below(entry, shared)]
        spec = next((found for found in own if found is not None and found.loader), None)
        path = [entry for entry in path if _is_below(entry, shared)]
    spec = spec or PathFinder.find_spec(name, path)
    if spec is None:
        # Editable installations find their modules by finders of their own.
        for finder in sys.meta_path:
            if finder in (BuiltinImporter, FrozenImporter, PathFinder):
                continue
            spec = finder.find_spec(name, None if top else path)
            if spec is not None:
                break
    return spec


def _is_below(entry: str, folders: set[str]) -> bool:
    """Return whether *entry* is one of *folders*, or in one."""
    return entry in folders or any(entry.startswith(folder + os.sep) for folder in folders)


def _source_of(culprit: str, spec: ModuleSpec, name: str) -> tuple[str, bytes]:
    """Return the filename and the source of the module that *spec* describes."""
    loader: Any = spec.loader
    filename = spec.origin
    if spec.has_location and filename is not None and hasattr(loader, "get_source"):
        try:
            source = loader.get_source(name)
        except (OSError, ImportError, SyntaxError, UnicodeDecodeError) as error:
            raise ProgramError(f"cannot read {culprit}: {_reason(error)}") from None
        if source is not None:
            return filename, source.encode()
    raise ProgramError(f"{culprit} has no Python source to run: give a module written in Python")


def _is_zip(path: str, files: ProgramFiles) -> bool:
    if files is HOST:
        return os.path.isfile(path) and zipfile.is_zipfile(path)
    return zip_files(files, path) is not None


def _read(path: str, full: str, files: ProgramFiles) -> bytes:
    try:
        return files.read(full)
    except FileNotFoundError:
        raise ProgramError(f"no such program: {path}: check the name and the folder") from None
    except OSError as error:
        raise ProgramError(f"cannot read {path}: {_reason(error)}") from None


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).splitlines()[0]


@lru_cache(maxsize=64)
def _compile(name: str, filename: str, source: bytes, optimize: int = -1) -> CodeType:
    try:
        return compile(source, filename, "exec", dont_inherit=True, optimize=optimize)
    except SyntaxError as error:
        where = f", line {error.lineno}" if error.lineno else ""
        text = f": {error.text.strip()}" if error.text and error.text.strip() else ""
        raise ProgramError(f"{name}{where} is not correct Python, {error.msg}{text}") from None
    except ValueError as error:
        raise ProgramError(f"{name} is not Python source: {error}") from None
