"""Finds the plugins, and gathers what they offer into typed mappings.

Whatever is wrong with a plugin, a machine boots without it: `Plugins.problems` says what is left
out and why, and so does the error of whoever asks for something that is not there.
"""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from importlib.metadata import Distribution, EntryPoint, entry_points
from itertools import groupby
from pathlib import Path
from types import FrameType, ModuleType
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from pluggy import PluginManager, PluginValidationError

from vmpp import hooks
from vmpp.errors import PluginError, VmppError, note_plugin, one_line, plugin_of, suggestion
from vmpp.machine.offer_kinds import KINDS
from vmpp.machine.offers import UNKNOWN, Offer, Offers, Problem, Source

if TYPE_CHECKING:
    from click import Command

    from vmpp.process.library import Algorithm, Library
    from vmpp.scenario.interpreter import InterpreterFactory

__all__ = ["Offer", "Offers", "PluginError", "PluginWarning", "Plugins", "Problem", "Source"]

_ALGORITHMS: Final = "vmpp_algorithms"


@dataclass(frozen=True, slots=True)
class _Gathered:
    """What all plugins offer, and what is wrong with some of it."""

    offers: Mapping[str, Offers[Any]]
    rows: Mapping[str, Sequence[Offer]]
    algorithms: tuple[Algorithm, ...]
    problems: tuple[Problem, ...]


class PluginWarning(UserWarning):
    """Something that a plugin offers is left out."""


class Plugins:
    """The plugins of this interpreter.

    `installed` finds those that distributions declare; a test registers modules of its own.

    Attributes:
        manager: pluggy's.
    """

    def __init__(self) -> None:
        self.manager = PluginManager(hooks.PROJECT)
        self.manager.add_hookspecs(hooks)
        self._sources: dict[str, Source] = {}
        self._by_hand: set[Source] = set()
        self._left_out: list[Problem] = []
        self._refused: list[Problem] = []

    @classmethod
    def installed(cls) -> Plugins:
        """Load the plugins that installed distributions declare, but for those that cannot be.

        The order is that of the entry points' names, not that of any folder. Of two plugins of one
        name that which came with vmpp is loaded, and neither if none of them did.
        """
        plugins = cls()
        entries = sorted(entry_points(group=hooks.PROJECT), key=_entry_order)
        for _, same in groupby(entries, key=lambda entry: entry.name):
            for entry in plugins._one_of(list(same)):
                plugins._load(entry)
        return plugins

    @classmethod
    def given(cls, plugins: Plugins | None) -> Plugins:
        """Return *plugins*, or those that are installed, with a warning of each problem."""
        if plugins is not None:
            return plugins
        found = cls.installed()
        for problem in found.problems:
            warnings.warn(str(problem), PluginWarning, stacklevel=3)
        return found

    @classmethod
    def with_modules(cls, *modules: ModuleType) -> Plugins:
        """Return the plugins that are installed, and *modules* that are not.

        Raises:
            PluginError: as `register` and `check`.
        """
        plugins = cls.installed()
        for module in modules:
            name = module.__name__
            plugins.register(module, Source(name, name, "no distribution", ""))
        plugins.check()
        return plugins

    def register(self, module: object, source: Source) -> None:
        """Add one plugin by hand; `check` must follow the last of them.

        Raises:
            PluginError: another plugin has the same name, this one is for another version of the
                interface, or it has a hook that does not exist or has other parameters.
        """
        other = self._sources.get(source.plugin)
        if other is not None:
            raise PluginError(f"two plugins have one name: {other} and {source}; uninstall one")
        problem = self._add(module, source)
        if problem is not None:
            raise problem.error()
        self._by_hand.add(source)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the plugins, sorted."""
        return tuple(sorted(self._sources))

    @property
    def problems(self) -> tuple[Problem, ...]:
        """What is left out, and why."""
        return self._gathered.problems

    def check(self) -> None:
        """Refuse what is wrong with a plugin that was registered by hand.

        Raises:
            PluginError: one of its hooks fails, or it offers what another plugin does, or what is
                no such thing.
        """
        for problem in self.problems:
            if problem.source in self._by_hand:
                raise problem.error()

    def refuse(self, kind: str, name: str, why: str, way_out: str) -> None:
        """Leave out something that a plugin offers, as whoever is to use it cannot."""
        source = self.source(kind, name)
        what = f"the {kind} {name!r} of plugin {source}"
        self._refused.append(Problem(what, why, way_out, source, frozenset({kind}), name))
        self._forget()

    def source(self, kind: str, name: str) -> Source:
        """Return which plugin offers something. Raises KeyError if none does."""
        for row in self._gathered.rows[kind]:
            if row.name == name:
                return row.source
        raise KeyError(name)

    def tell(self, hook: str, **arguments: Any) -> None:
        """Call a *hook* that tells plugins of an event.

        Raises:
            PluginError: one of them raised an error.
        """
        caller = getattr(self.manager.hook, hook)
        try:
            caller(**arguments)
        except VmppError:
            raise
        except Exception as error:
            codes = {each.function.__code__: each.plugin_name for each in caller.get_hookimpls()}
            frames = (frame.f_code for frame, _ in traceback.walk_tb(error.__traceback__))
            name = next((codes[code] for code in frames if code in codes), None)
            if name is None:
                raise
            source = self._sources[name]
            raise PluginError(
                f"plugin {source}: {hook} raised {one_line(error)}; mend it, or {source.riddance}"
            ) from error

    def blame(self, error: BaseException) -> PluginError | None:
        """Return what to say of an *error* that a stranger's plugin has raised, with its name.

        Returns:
            None if it is another's: that of a plugin that came with vmpp, or of somebody who has
            called the plugin without vmpp.
        """
        if not isinstance(error, Exception) or isinstance(error, VmppError):
            return None
        calls = [
            (frame, line, self._owner(frame.f_globals.get("__name__") or ""))
            for frame, line in traceback.walk_tb(error.__traceback__)
        ]
        owned = [place for place, (_, _, source) in enumerate(calls) if source is not None]
        if not owned or not owned[0]:
            return None
        frame, line, source = calls[owned[-1]]
        if source is None or source.ships or not _is_mechanism(calls[owned[0] - 1][0]):
            return None
        where = f"{Path(frame.f_code.co_filename).name}, line {line}"
        what = f"{frame.f_code.co_qualname} raised {one_line(error)}"
        return PluginError(f"plugin {source}: {what} ({where})")

    def _owner(self, module: str) -> Source | None:
        """Return the plugin that *module* belongs to: the one nearest to it."""
        owner = plugin_of(module).removeprefix("plugin ")
        return next((each for each in self._sources.values() if str(each) == owner), None)

    # -- what they offer -----------------------------------------------------------------------

    @property
    def policies(self) -> Offers[hooks.SchedulingFactory]:
        """Factories of the PCT's scheduling policies by name."""
        return self._gathered.offers["pct"]

    @property
    def cpu_modes(self) -> Offers[hooks.CpuModeFactory]:
        """Factories of CPU modes by name."""
        return self._gathered.offers["mode"]

    @property
    def noise(self) -> Offers[hooks.NoiseFactory]:
        """Factories of what nodes do besides the application, by name."""
        return self._gathered.offers["noise"]

    @property
    def topologies(self) -> Offers[hooks.TopologyFactory]:
        """Topologies by name."""
        return self._gathered.offers["topology"]

    @property
    def networks(self) -> Offers[hooks.NetworkFactory]:
        """Network timings by name."""
        return self._gathered.offers["timing"]

    @property
    def allocators(self) -> Offers[hooks.AllocatorFactory]:
        """Factories of allocation policies by name."""
        return self._gathered.offers["allocator"]

    @property
    def queueing(self) -> Offers[hooks.QueueingFactory]:
        """Factories of queueing policies by name."""
        return self._gathered.offers["queue"]

    @property
    def libraries(self) -> Offers[Library]:
        """User-space libraries by name."""
        return self._gathered.offers["library"]

    @property
    def algorithms(self) -> tuple[Algorithm, ...]:
        """Algorithms of collective operations, in the order in which their plugins tell of them."""
        return self._gathered.algorithms

    @property
    def images(self) -> Offers[Path]:
        """Paths of the programs that are found by name."""
        return self._gathered.offers["image"]

    @property
    def machines(self) -> Offers[Path]:
        """Paths of the machine files by the machines' names."""
        return self._gathered.offers["machine"]

    @property
    def commands(self) -> Offers[Command]:
        """Commands of the shell by name."""
        return self._gathered.offers["command"]

    @property
    def interpreters(self) -> Offers[InterpreterFactory]:
        """What carries out the commands of scenarios, by name."""
        return self._gathered.offers["interpreter"]

    def listing(self) -> list[Offer]:
        """Return all that the plugins offer, by kind and name."""
        return [offer for offers in self._gathered.rows.values() for offer in offers]

    # -- loading -------------------------------------------------------------------------------

    def _one_of(self, entries: Sequence[EntryPoint]) -> Sequence[EntryPoint]:
        """Return the one of *entries*, all of one name, that is loaded, or none of them."""
        if len(entries) == 1:
            return entries
        sources = [_source(entry) for entry in entries]
        good = [entry for entry, source in zip(entries, sources, strict=True) if source.ships]
        both = " and ".join(map(str, sources))
        for source in sources:
            if not (good and source.ships):
                what, why = f"plugin {source}", f"two plugins have one name: {both}"
                self._leave_out(what, why, source, f"rename one, or {source.riddance}")
        return good

    def _load(self, entry: EntryPoint) -> None:
        """Import a plugin and add it, or take note of why that cannot be."""
        source = _source(entry)
        # Anything can go wrong while a stranger's module is imported, all of it the plugin's fault.
        try:
            module = entry.load()
        except (Exception, SystemExit) as error:
            why = f"it cannot be imported: {one_line(error)}"
            self._leave_out(f"plugin {source}", why, source, f"mend it, or {source.riddance}")
            return
        problem = self._add(module, source)
        if problem is not None:
            self._left_out.append(problem)

    def _leave_out(self, what: str, why: str, source: Source, way_out: str) -> None:
        self._left_out.append(Problem(what, why, way_out, source))

    def _add(self, module: object, source: Source) -> Problem | None:
        """Add a plugin; return what is wrong with it instead if something is."""
        why = self._unfit(module)
        if why is None:
            try:
                self.manager.register(module, source.plugin)
            except (PluginValidationError, ValueError) as error:
                why = one_line(error)
        if why is None:
            why = self._no_hook(source.plugin)
        if why is not None:
            if self.manager.has_plugin(source.plugin):
                self.manager.unregister(name=source.plugin)
            way_out = f"mend it, or {source.riddance}"
            return Problem(f"plugin {source}", why, way_out, source, _kinds_of(module))
        self._sources[source.plugin] = source
        note_plugin(source.module.partition(":")[0], str(source))
        self._forget()
        return None

    @staticmethod
    def _unfit(module: object) -> str | None:
        """Return why a plugin is for another version of vmpp; None if it is not."""
        version = getattr(module, "VMPP_INTERFACE", hooks.INTERFACE)
        if version == hooks.INTERFACE:
            return None
        return (
            f"it is written for version {version!r} of the interface of plugins, "
            f"and this vmpp has version {hooks.INTERFACE}"
        )

    def _no_hook(self, plugin: str) -> str | None:
        """Return which hook of a plugin does not exist; None if they all do."""
        callers = vars(self.manager.hook)
        specified = [name for name, caller in callers.items() if caller.has_spec()]
        for name in sorted(set(callers) - set(specified)):
            for each in callers[name].get_hookimpls():
                if each.plugin_name == plugin and not each.optionalhook:
                    return f"it implements {name}, which is no hook{suggestion(name, specified)}"
        return None

    # -- gathering -----------------------------------------------------------------------------

    def _forget(self) -> None:
        """Forget what has been gathered: there is more or less now."""
        vars(self).pop("_gathered", None)

    @cached_property
    def _gathered(self) -> _Gathered:
        told: dict[str, Told] = {}
        for plugin in self.names:
            answer = self._ask(plugin)
            if isinstance(answer, Problem):
                del self._sources[plugin]
                self.manager.unregister(name=plugin)
                self._left_out.append(answer)
            else:
                told[plugin] = answer
        problems = [*self._left_out, *self._refused]
        offers: dict[str, Offers[Any]] = {}
        rows: dict[str, list[Offer]] = {}
        for kind in KINDS:
            chosen, wrong = self._joined(kind.name, told)
            problems += wrong
            values = {name: value for name, (_, value) in chosen.items()}
            offers[kind.name] = Offers(kind.name, values)
            rows[kind.name] = [Offer(kind.name, name, each) for name, (each, _) in chosen.items()]
            if kind.name == "library":
                problems += _clashing_modules(chosen.values())
        for each in offers.values():
            each.problems = tuple(problems)
        algorithms = [each for answer in told.values() for each in answer[_ALGORITHMS].values()]
        return _Gathered(offers, rows, tuple(algorithms), tuple(problems))

    def _ask(self, plugin: str) -> Told | Problem:
        """Return what a plugin offers, by kind, or what is wrong with it."""
        told: dict[str, Mapping[Any, Any]] = {kind: {} for kind, _ in _READERS.values()}
        for hook, (kind, read) in _READERS.items():
            try:
                for each in getattr(self.manager.hook, hook).get_hookimpls():
                    if each.plugin_name == plugin:
                        told[kind] = read(each.function())
            except Exception as error:
                source = self._sources[plugin]
                why, way_out = f"{hook} failed: {one_line(error)}", f"mend it, or {source.riddance}"
                kinds = _kinds_of(self.manager.get_plugin(plugin))
                return Problem(f"plugin {source}", why, way_out, source, kinds)
        return told

    def _joined(
        self, kind: str, told: Mapping[str, Told]
    ) -> tuple[dict[str, Offered], list[Problem]]:
        """Join what plugins offer of one kind, sorted by name, and say what is wrong with it."""
        offered: dict[str, list[Offered]] = {}
        for plugin, kinds in told.items():
            for name, value in kinds[kind].items():
                offered.setdefault(name, []).append((self._sources[plugin], value))
        chosen: dict[str, Offered] = {}
        problems: list[Problem] = []
        for name in sorted(offered):
            one, wrong = _one_offer(kind, name, offered[name])
            problems += wrong
            if one is not None and not any(each.is_of(kind, name) for each in self._refused):
                chosen[name] = one
        return chosen, problems


Told: TypeAlias = Mapping[str, Mapping[Any, Any]]
"""What one plugin offers, by kind and name."""

Offered: TypeAlias = tuple[Source, Any]
"""Something that is offered, and by whom."""

_FAULTS: Final = {kind.name: kind.fault for kind in KINDS}
_READERS: Final[Mapping[str, tuple[str, Callable[[Any], Mapping[Any, Any]]]]] = {
    **{kind.hook: (kind.name, kind.read) for kind in KINDS},
    _ALGORITHMS: (_ALGORITHMS, lambda returned: dict(enumerate(returned))),
}
"""The kind of what a hook hands over, and what reads it, by hook."""


def _one_offer(
    kind: str, name: str, offered: Sequence[Offered]
) -> tuple[Offered | None, list[Problem]]:
    """Return the one of what is *offered* under one name that is there, and what is wrong."""
    kinds = frozenset({kind})
    problems: list[Problem] = []
    sound: list[Offered] = []
    for source, value in offered:
        fault = _FAULTS[kind](value)
        if fault:
            what, way_out = f"the {kind} {name!r} of plugin {source}", f"mend {source.plugin!r}"
            problems.append(Problem(what, fault, way_out, source, kinds, name))
        else:
            sound.append((source, value))
    if len(sound) < 2:
        return (sound[0] if sound else None), problems
    own = next((each for each in sound if each[0].ships), None)
    return own, [*problems, *_clash(kind, name, [source for source, _ in sound])]


def _clash(kind: str, name: str, sources: Sequence[Source]) -> list[Problem]:
    """Return what is wrong with *sources* that offer one thing: none has it, but what ships."""
    both = " and ".join(map(str, sources))
    own = next((source for source in sources if source.ships), None)
    return [
        Problem(
            f"the {kind} {name!r} of plugin {source}",
            f"two plugins offer it: {both}",
            f"rename one, or {source.riddance}",
            source,
            frozenset({kind}),
            name,
        )
        for source in sources
        if source is not own
    ]


def _clashing_modules(libraries: Iterable[Offered]) -> list[Problem]:
    """Return the modules that several libraries offer."""
    offered: dict[str, list[Source]] = {}
    for source, library in libraries:
        for module in library.modules:
            offered.setdefault(module, []).append(source)
    clashes = ((module, found) for module, found in offered.items() if len(found) > 1)
    return [
        each
        for module, found in clashes
        for each in _clash("module", module, sorted(found, key=str))
    ]


def _kinds_of(module: object) -> frozenset[str]:
    """Return the kinds of what a plugin offers, by the hooks that it implements."""
    marks = (getattr(module, hook, None) for hook in _READERS)
    return frozenset(
        kind
        for (kind, _), function in zip(_READERS.values(), marks, strict=True)
        if callable(function)
    )


def _is_mechanism(frame: FrameType) -> bool:
    """Return whether it is vmpp itself that runs in *frame*."""
    module: str = frame.f_globals.get("__name__") or ""
    return module.partition(".")[0] == hooks.PROJECT


def _entry_order(entry: EntryPoint) -> tuple[str, str, str]:
    return entry.name, entry.value, str(_source(entry))


def _source(entry: EntryPoint) -> Source:
    name, version = _name_and_version(entry.dist) if entry.dist else (UNKNOWN, "")
    return Source(entry.name, entry.value, name, version)


@lru_cache(maxsize=64)
def _name_and_version(distribution: Distribution) -> tuple[str, str]:
    # A distribution reads its files each time that it is asked, and may declare many plugins.
    return distribution.name, distribution.version
