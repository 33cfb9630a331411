"""The module table of a process: its own modules laid over those that all processes share.

The interpreter has one ``sys.modules``. *Shared* modules, which are the standard library, whatever
is installed, and vmpp itself, stand in it for everyone. A program's *own* modules, found in its own
folders, exist once a process, and stand in it only while that process is installed: a context
switch takes the own modules of one process out and puts those of the next in. Processes that have
imported the same names have the same `NameSet`, and then the switch is a single ``dict.update``.

Shared modules are loaded on the host's side (`as_host`), with no process installed: nothing of the
process that happened to be the first to import a library ends up in it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from importlib import import_module
from importlib.abc import InspectLoader, Loader
from importlib.machinery import (
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    FrozenImporter,
    ModuleSpec,
    PathFinder,
    SourceFileLoader,
)
from importlib.util import cache_from_source, decode_source, find_spec, module_from_spec
from itertools import groupby
from types import CodeType, ModuleType
from typing import TYPE_CHECKING, Any, Final, TypeVar
from weakref import WeakValueDictionary
from zipimport import ZipImportError, zipimporter

from vmpp.engine import current_process
from vmpp.process import randomness
from vmpp.process.host_side import as_host
from vmpp.process.program_files import HOST, FilesLoader, FolderFinder, ProgramFiles
from vmpp.process.zip_files import zip_files

if TYPE_CHECKING:
    from vmpp.process.space import AddressSpace

T = TypeVar("T")

MODULES: Final = sys.modules
"""The interpreter's own table, which C code looks at too."""

_ABSENT: Final = object()

_STARTUP: Final = frozenset(
    (
        *sys.builtin_module_names,
        *("_collections_abc", "_frozen_importlib", "_frozen_importlib_external", "abc", "codecs"),
        *("encodings", "genericpath", "importlib", "io", "os", "posixpath", "ntpath", "site"),
        *("stat", "zipimport"),
    )
)
"""What every interpreter has loaded before it looks at a program: no file can shadow it."""

_COPIED: Final = frozenset(("logging", "runpy", "sched", "unittest"))
"""Libraries that hold so much of a program's state that every process gets copies of its own."""

_COPIED_MODULES: Final = frozenset(
    (
        *("logging", "logging.config", "logging.handlers", "random", "runpy", "sched", "unittest"),
        *(
            f"unittest.{name}"
            for name in (
                *("_log", "async_case", "case", "loader", "main", "mock", "result", "runner"),
                *("signals", "suite", "util"),
            )
        ),
    )
)

PRIVATE: Final[set[str]] = set()
"""Other modules of which every process gets a copy, and those in them: a library asks for it."""

_VMPP: Final = __name__.partition(".")[0]


class NameSet:
    """Which names a process has modules of its own for, and which shared ones it does not see.

    There is one object for equal sets, so that equality is identity.

    Attributes:
        own: the names of the process's own modules.
        hidden: the names of shared modules that it does not see.
        covering: the hidden names in order, as that of the module table shows.
    """

    __slots__ = ("__weakref__", "covering", "hidden", "own")

    _all: Final[WeakValueDictionary[tuple[frozenset[str], frozenset[str]], NameSet]] = (
        WeakValueDictionary()
    )

    def __init__(self, own: frozenset[str], hidden: frozenset[str]) -> None:
        self.own = own
        self.hidden = hidden
        self.covering = tuple(sorted(hidden))

    @classmethod
    def of(cls, own: frozenset[str], hidden: frozenset[str]) -> NameSet:
        """Return the one set of these names."""
        key = (own, hidden)
        found = cls._all.get(key)
        if found is None:
            found = cls._all[key] = cls(own, hidden)
        return found

    def owning(self, name: str) -> NameSet:
        """Return this set with *name* among the process's own."""
        return NameSet.of(self.own | {name}, self.hidden - {name})

    def hiding(self, name: str) -> NameSet:
        """Return this set with *name* among the names that the process does not see."""
        return NameSet.of(self.own - {name}, self.hidden | {name})

    def showing(self, name: str) -> NameSet:
        """Return this set with *name* shared."""
        return NameSet.of(self.own - {name}, self.hidden - {name})


class ModuleTable:
    """The interpreter's table, and what stands in it at the moment.

    Attributes:
        installed: the address space whose modules stand in the table; None for the host's view.
        beneath: the shared modules that the installed ones cover, by name.
    """

    __slots__ = ("beneath", "installed")

    def __init__(self) -> None:
        self.installed: AddressSpace | None = None
        self.beneath: dict[str, Any] = {}

    def install(self, space: AddressSpace) -> None:
        """Put the modules of *space* in place of those that are there."""
        if self.installed is not None:
            self.uninstall()
        beneath = self.beneath
        for name in space.names.covering:
            if name in MODULES:
                beneath[name] = MODULES.pop(name)
        for name in space.own:
            if name in MODULES:
                beneath[name] = MODULES[name]
        MODULES.update(space.own)
        self.installed = space

    def uninstall(self) -> None:
        """Leave the shared modules alone in the table."""
        space, self.installed = self.installed, None
        if space is None:
            return
        for name in space.own:
            MODULES.pop(name, None)
        MODULES.update(self.beneath)
        self.beneath.clear()

    def set(self, space: AddressSpace, name: str, module: Any) -> None:
        """Give the installed *space* a module of its own, or show it the shared one again."""
        if name not in space.own:
            if MODULES.get(name, _ABSENT) is module:
                return
            if self.beneath.get(name, _ABSENT) is module:
                MODULES[name] = self.beneath.pop(name)
                space.names = space.names.showing(name)
                return
            if name in MODULES:
                self.beneath[name] = MODULES[name]
            space.names = space.names.owning(name)
        space.own[name] = MODULES[name] = module

    def delete(self, space: AddressSpace, name: str) -> Any:
        """Take *name* out of the installed *space*'s view, and return what it was.

        Raises:
            KeyError: the space sees no such module.
        """
        module = MODULES.pop(name)
        if space.own.pop(name, _ABSENT) is _ABSENT:
            self.beneath[name] = module
        space.names = space.names.hiding(name)
        return module


TABLE: Final = ModuleTable()
"""The one table of the interpreter."""

if TYPE_CHECKING:
    _Base = MutableMapping[str, Any]
else:

    class _Base(MutableMapping, dict):
        """A mapping that programs find to be a dictionary."""

        __slots__ = ()


class ModuleView(_Base):
    """``sys.modules`` as a program sees it: what it writes is seen by its own process alone."""

    __slots__ = ()

    def __getitem__(self, name: str) -> Any:
        return MODULES[name]

    def __setitem__(self, name: str, module: Any) -> None:
        TABLE.set(_running(), name, module)

    def __delitem__(self, name: str) -> None:
        TABLE.delete(_running(), name)

    def __iter__(self) -> Iterator[str]:
        return iter(MODULES)

    def __reversed__(self) -> Iterator[str]:
        return reversed(MODULES)

    def __len__(self) -> int:
        return len(MODULES)

    def __contains__(self, name: object) -> bool:
        return name in MODULES

    def __repr__(self) -> str:
        return repr(MODULES)

    def __or__(self, other: Any) -> Any:
        return MODULES | other

    def __ror__(self, other: Any) -> Any:
        return other | MODULES

    def __ior__(self, other: Any) -> Any:
        self.update(other)
        return self

    def get(self, name: str, default: Any = None) -> Any:
        """Return the module *name*, or *default*."""
        return MODULES.get(name, default)

    def copy(self) -> dict[str, Any]:
        """Return a dictionary of the modules."""
        return dict(MODULES)


def _running() -> AddressSpace:
    process = current_process()
    if process is None:
        raise RuntimeError("the module table of a process was changed outside of it")
    space: AddressSpace = process.space
    if TABLE.installed is not space:
        space.install()
    return space


VIEW: Final = ModuleView()


class _OwnLoader(FilesLoader):
    """Loads a module of a program, compiled once a job."""

    def __init__(self, name: str, path: str, finder: ProgramFinder, files: ProgramFiles) -> None:
        super().__init__(name, path, files)
        self.finder = finder

    def get_code(self, fullname: str) -> CodeType:
        return self.finder.code(self, fullname, str(self.path))


class _GivenLoader(InspectLoader):
    """Hands out a module that is there already, a shared one or an extension."""

    def __init__(self, module: Any) -> None:
        self.module = module
        self.spec = getattr(module, "__spec__", None)

    def create_module(self, spec: ModuleSpec) -> Any:
        del spec
        return self.module

    def exec_module(self, module: ModuleType) -> None:
        # The import system has put its own description into the module by now.
        if self.spec is not None:
            module.__spec__ = self.spec

    def get_code(self, fullname: str) -> CodeType | None:
        """Return the module's code, for who runs it once more (``runpy``), None if it has none."""
        loader = self._inspected()
        return None if loader is None else as_host(loader.get_code, fullname)

    def get_source(self, fullname: str) -> str | None:
        """Return the module's source, None if it has none."""
        loader = self._inspected()
        return None if loader is None else as_host(loader.get_source, fullname)

    def is_package(self, fullname: str) -> bool:
        """Return whether the module is a package."""
        return hasattr(self.module, "__path__")

    def _inspected(self) -> InspectLoader | None:
        loader = None if self.spec is None else self.spec.loader
        return loader if isinstance(loader, InspectLoader) else None


def _given(name: str, module: Any) -> ModuleSpec:
    return ModuleSpec(name, _GivenLoader(module))


class ProgramFinder:
    """Finds modules for the ranks of one job, in the order of the process's ``sys.path``.

    A module that is found in one of the program's own folders is the process's own; extension
    modules are, as the interpreter cannot load them twice, shared by the ranks of the job. All else
    is shared. Sources are read once a job: they are part of the program.

    Attributes:
        files: where the program's own files are.
        sources: the files of the program that were loaded so far.
        optimize: what the compiler leaves out of the program's own modules: asserts (1), docstrings
            besides (2).
    """

    __slots__ = (
        "_codes", "_cwd", "_extensions", "_finders", "_found", "_installed", "_interpreter",
        "_libraries", "_own", "_places", "_shared", "files", "optimize", "sources",
    )  # fmt: skip

    def __init__(
        self,
        own: Sequence[str],
        shared: Sequence[str],
        interpreter: frozenset[str],
        files: ProgramFiles = HOST,
        cwd: str = "/",
    ) -> None:
        """Set the finder up.

        Args:
            own: the program's own folders.
            shared: those of the libraries that it shares with others.
            interpreter: those of the interpreter itself.
            files: where its own folders are.
            cwd: where it is started.
        """
        self.files = files
        self._cwd = cwd
        self._own = tuple(entry for entry in own if entry not in interpreter)
        self._libraries = tuple(shared)
        self._shared = frozenset(shared)
        self._interpreter = interpreter
        self._codes: dict[str, tuple[tuple[int, int], CodeType]] = {}
        self._extensions: dict[str, Any] = {}
        self._finders: dict[str, FileFinder | FolderFinder | zipimporter | None] = {}
        self._found: dict[tuple[str, tuple[str, ...]], ModuleSpec] = {}
        # Folders of packages that the host has, of which the program gets copies.
        self._installed: set[str] = set()
        self._places: dict[str, ProgramFiles] = {}
        self.sources: set[str] = set()
        self.optimize = 0

    def remember(self, filename: str, files: ProgramFiles | None = None) -> None:
        """Take *filename*, of *files* or else where the program is, as one of the program's own."""
        self.sources.add(filename)
        self._places[filename] = files or self.files

    def code(self, loader: _OwnLoader, name: str, path: str) -> CodeType:
        """Return the code of the module *name*, compiled if its file is new or has changed."""
        stamp = as_host(loader.files.stamp, path)
        known = self._codes.get(path)
        if known is None or known[0] != stamp:
            compiled = as_host(self._compiled, loader, name, path)
            assert compiled is not None
            known = self._codes[path] = (stamp, compiled)
            self._places[path] = loader.files
            if not any(path.startswith(folder + os.sep) for folder in self._interpreter):
                self.sources.add(path)
        return known[1]

    def compiled(self, path: str, code: CodeType) -> None:
        """Take *code* as that of the file *path* as it is now, instead of compiling it."""
        status = os.stat(path)
        self._codes[path] = ((status.st_mtime_ns, status.st_size), code)

    def lines(self, filename: str) -> list[str] | None:
        """Return the source lines of *filename*; None: the host's interpreter knows best.

        It does of the host's files, and of the libraries that all programs share.
        """
        shared = (*self._shared, *self._interpreter)
        if self.files is HOST or filename.startswith(("<", *(f"{folder}/" for folder in shared))):
            return None
        try:
            files = self._places.get(filename, self.files)
            return decode_source(as_host(files.read, filename)).splitlines(keepends=True)
        except (OSError, SyntaxError, UnicodeDecodeError):
            return []

    def _compiled(self, loader: SourceFileLoader, name: str, path: str) -> CodeType | None:
        if not self.optimize:
            return SourceFileLoader.get_code(loader, name)
        source = loader.get_data(path)
        return compile(source, path, "exec", dont_inherit=True, optimize=self.optimize)

    def invalidate(self) -> None:
        """Forget what the program's folders held."""
        self._found.clear()
        for finder in self._finders.values():
            if finder is not None:
                finder.invalidate_caches()

    def hidden(self) -> frozenset[str]:
        """Return the names of shared modules that the program has modules of its own for.

        They are loaded because vmpp needs them; a fresh interpreter would not have them, and would
        find the program's. So must the program.
        """
        names = {name for entry in self._own for name in _names_in(entry, self.files)}
        candidates = (names & (sys.stdlib_module_names | MODULES.keys())) - _STARTUP - {_VMPP}
        tops = {name for name in candidates if self._is_own(name)}
        inner = {name for name in list(MODULES) if name.partition(".")[0] in tops}
        return (frozenset(tops | inner | PRIVATE) | _COPIED_MODULES) - {"__main__"}

    def _is_own(self, name: str) -> bool:
        spec = self._find_own(name, self._own)
        return spec is not None and spec.loader is not None and not self._is_loaded(name, spec)

    def find(self, space: AddressSpace, name: str, path: Sequence[str] | None) -> ModuleSpec | None:
        """Return how to load the module *name* into *space*, None if there is no such module."""
        parent = name.rpartition(".")[0]
        if name in PRIVATE and parent not in space.own:
            self._installed.update(path or ())
        if parent in space.own or name in PRIVATE:
            return self._find_own(name, tuple(path or ()))
        if name in _COPIED and self._along(name, tuple(space.path)) is None:
            return self._find_own(name, (os.path.dirname(os.__file__),))
        if name == "random" and self._along(name, tuple(space.path)) is None:
            return _given(name, randomness.module_of(space.random))
        if parent or name in _STARTUP or name == _VMPP or FrozenImporter.find_spec(name):
            return self._load_shared(name)
        entries = tuple(space.path)
        spec = self._along(name, entries)
        if spec is None or spec.loader is None:
            # A folder without __init__.py gives way to a module anywhere on the path.
            return self._load_shared(name) or spec
        if self._is_loaded(name, spec):
            return self._load_shared(name)
        return spec

    def _along(self, name: str, entries: tuple[str, ...]) -> ModuleSpec | None:
        """Find *name* along a ``sys.path``; None if a shared folder has it first, or nobody."""
        folder = None
        runs = [(shared, tuple(run)) for shared, run in groupby(entries, self._is_shared)]
        for index, (shared, run) in enumerate(runs):
            if not shared:
                spec = self._find_own(name, run)
                if spec is not None and spec.loader is not None:
                    return spec
                folder = folder or spec
            elif index + 1 < len(runs) and as_host(PathFinder.find_spec, name, list(run)):
                return None
        return folder

    def _is_shared(self, entry: str) -> bool:
        return entry in self._interpreter or (entry in self._shared and entry not in self._own)

    def _is_on_host(self, entry: str) -> bool:
        return self.files is HOST or self._is_shared(entry) or entry in self._installed

    def _is_loaded(self, name: str, spec: ModuleSpec) -> bool:
        """Return whether *spec* is a library that vmpp has loaded from the very same file."""
        module = TABLE.beneath.get(name) or MODULES.get(name)
        if name == _VMPP:
            return True
        if not isinstance(module, ModuleType) or spec.origin is None:
            return False
        folder = os.path.dirname(spec.origin)
        if spec.submodule_search_locations is not None:
            folder = os.path.dirname(folder)
        return folder in self._shared and getattr(module, "__file__", None) == spec.origin

    def _find_own(self, name: str, entries: tuple[str, ...]) -> ModuleSpec | None:
        key = (name, entries)
        known = self._found.get(key)
        if known is None:
            known = as_host(self._search, name, entries)
            if known is None:
                return None
            self._found[key] = known
        return self._fresh(known)

    def _search(self, name: str, entries: tuple[str, ...]) -> ModuleSpec | None:
        portions: list[str] = []
        for entry in entries:
            finder = self._finder(entry)
            spec = None if finder is None else finder.find_spec(name)
            if spec is None:
                continue
            if spec.loader is not None:
                if self._is_on_host(entry):
                    self._installed.update(spec.submodule_search_locations or ())
                return spec
            portions.extend(spec.submodule_search_locations or ())
        if not portions:
            return None
        spec = ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = portions
        return spec

    def _finder(self, entry: str) -> FileFinder | FolderFinder | zipimporter | None:
        if self.files is HOST:
            entry = entry or os.getcwd()
        elif not self._is_on_host(entry):
            entry = self.files.absolute(entry, self._cwd)
        if entry not in self._finders:
            self._finders[entry] = self._make_finder(entry)
        return self._finders[entry]

    def _make_finder(self, entry: str) -> FileFinder | FolderFinder | zipimporter | None:
        files: ProgramFiles = HOST if self._is_on_host(entry) else self.files

        def load(name: str, path: str) -> Loader:
            return _OwnLoader(name, path, self, files)

        if files is not HOST:
            files = zip_files(files, entry) or files
            return FolderFinder(entry, files, load) if files.admits(entry) else None
        if os.path.isfile(entry):
            try:
                return zipimporter(entry)
            except ZipImportError:
                return None
        return FileFinder(
            entry,
            (ExtensionFileLoader, EXTENSION_SUFFIXES),
            (load, SOURCE_SUFFIXES),  # type: ignore[arg-type] # any callable makes loaders
        )

    def _fresh(self, known: ModuleSpec) -> ModuleSpec:
        """Return a copy of *known*: each import keeps its state in a description of its own."""
        if isinstance(known.loader, ExtensionFileLoader):
            return _given(known.name, self._extension(known))
        locations = known.submodule_search_locations
        spec = ModuleSpec(known.name, known.loader, origin=known.origin)
        spec.submodule_search_locations = None if locations is None else list(locations)
        if known.has_location:
            spec.has_location = True
            if known.origin is not None and isinstance(known.loader, SourceFileLoader):
                spec.cached = cache_from_source(known.origin)
        return spec

    def _extension(self, spec: ModuleSpec) -> Any:
        name = spec.name
        if name not in self._extensions:
            self._extensions[name] = as_host(self._load_extension, spec)
        return self._extensions[name]

    @staticmethod
    def _load_extension(spec: ModuleSpec) -> ModuleType:
        loader = spec.loader
        assert loader is not None
        module = module_from_spec(spec)
        loader.exec_module(module)
        return module

    def _load_shared(self, name: str) -> ModuleSpec | None:
        """Load the shared module *name* on the host's side, if there is one."""
        space = TABLE.installed
        TABLE.uninstall()
        try:
            module = as_host(self._import, name)
        finally:
            if space is not None:
                TABLE.install(space)
        if module is _ABSENT:
            return None
        if space is not None and name in MODULES and name not in space.own:
            # The import system prefers the description of a module that came in while it looked,
            # and would load it again. The process sees the module when it has been given it.
            TABLE.delete(space, name)
        return _given(name, module)

    def _import(self, name: str) -> Any:
        """Import a shared module, and for a program that is not the host's from no other place."""
        if self.files is HOST:
            return _import(name)
        before = sys.path[:]
        sys.path[:] = self._libraries
        try:
            return _import(name)
        finally:
            sys.path[:] = before


def _import(name: str) -> Any:
    try:
        import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            return _ABSENT
        raise
    return MODULES[name]


def _names_in(folder: str, files: ProgramFiles = HOST) -> Iterator[str]:
    """Yield the names of the top-level modules in *folder*."""
    try:
        entries = files.list(folder)
    except OSError:
        return
    for entry, is_folder in entries:
        name, dot, suffix = entry.partition(".")
        if (not dot and is_folder) or f".{suffix}" in (*SOURCE_SUFFIXES, *EXTENSION_SUFFIXES):
            yield name


def modules_in(name: str) -> Iterator[str]:
    """Yield the names of the module *name* and of all that are in it, without loading them."""
    spec = find_spec(name)
    if spec is None:
        return
    yield name
    for folder in spec.submodule_search_locations or ():
        for inner in sorted(set(_names_in(folder)) - {"__init__", "__pycache__"}):
            yield from modules_in(f"{name}.{inner}")


class ImportHook:
    """The finder that comes first while a machine is up.

    For a process it asks the finder of the process's program. For the host it sees to it that
    modules which have something to replace are patched as soon as they are loaded.

    Attributes:
        provided: modules that stand in for others, by full name: what makes each.
        awaited: what to call with a module of that name once it is loaded.
    """

    __slots__ = ("awaited", "provided")

    def __init__(
        self,
        provided: Mapping[str, Callable[[], ModuleType]],
        awaited: Mapping[str, Callable[[ModuleType], object]],
    ) -> None:
        self.provided = dict(provided)
        self.awaited = dict(awaited)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find the module *fullname* for whoever runs; part of the import system's protocol."""
        process = current_process()
        if process is not None:
            space: AddressSpace = process.space
            if TABLE.installed is not space:
                space.install()
            return space.program.finder.find(space, fullname, path)
        provider = self.provided.get(fullname)
        if provider is not None:
            return _given(fullname, provider())
        if fullname in self.awaited:
            return self._watch(fullname, path, target)
        return None

    def invalidate_caches(self) -> None:
        """Forget what folders held; part of the import system's protocol."""
        process = current_process()
        if process is not None:
            process.space.program.finder.invalidate()

    def _watch(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None
    ) -> ModuleSpec | None:
        for finder in sys.meta_path:
            if finder is self:
                continue
            spec: ModuleSpec | None = finder.find_spec(name, path, target)
            if spec is not None:
                if spec.loader is not None:
                    spec.loader = _WatchingLoader(spec.loader, self.awaited[name])
                return spec
        return None


class _WatchingLoader(Loader):
    """Loads a module by another loader, and tells when it is done."""

    def __init__(self, loader: Any, loaded: Callable[[ModuleType], object]) -> None:
        self.loader = loader
        self.loaded = loaded

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        module: ModuleType | None = self.loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        spec = module.__spec__
        if spec is not None:
            spec.loader = self.loader
        module.__loader__ = self.loader
        self.loader.exec_module(module)
        self.loaded(module)
