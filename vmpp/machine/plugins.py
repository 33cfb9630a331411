"""Finds the plugins, and gathers what they offer into typed mappings."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pluggy import PluginManager, PluginValidationError

from vmpp import hooks
from vmpp.errors import PluginError, note_plugin, one_line, suggestion

if TYPE_CHECKING:
    from click import Command

    from vmpp.process.library import Algorithm, Library
    from vmpp.scenario.interpreter import InterpreterFactory

__all__ = ["Offer", "PluginError", "Plugins", "Source"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Source:
    """Where a plugin came from."""

    plugin: str
    module: str
    distribution: str
    version: str

    def __str__(self) -> str:
        return f"{self.plugin!r} of {self.distribution} {self.version}".rstrip()


@dataclass(frozen=True, slots=True)
class Offer:
    """One row of ``vmpp plugins``: a thing of some *kind* called *name*, and who offers it."""

    kind: str
    name: str
    source: Source


class Plugins:
    """The plugins of this interpreter.

    `installed` finds those that distributions declare; a test registers modules of its own.

    Attributes:
        manager: pluggy's, for whoever calls a hook that tells (``manager.hook.vmpp_job_started``).
    """

    def __init__(self) -> None:
        self.manager = PluginManager(hooks.PROJECT)
        self.manager.add_hookspecs(hooks)
        self._sources: dict[str, Source] = {}
        self._offers: dict[str, list[Offer]] = {}

    @classmethod
    def installed(cls) -> Plugins:
        """Load every plugin that an installed distribution declares.

        The order is that of the entry points' names, not that of any folder.

        Raises:
            PluginError: one cannot be imported, has a hook that does not exist, or takes a name
                that another plugin has.
        """
        plugins = cls()
        for entry in sorted(entry_points(group=hooks.PROJECT), key=_entry_order):
            plugins.register(_imported(entry), _source(entry))
        plugins.check()
        return plugins

    def register(self, module: object, source: Source) -> None:
        """Add one plugin; `check` must follow the last of them.

        Raises:
            PluginError: another plugin has the same name, or a hook has the wrong parameters.
        """
        other = self._sources.get(source.plugin)
        if other is not None:
            raise PluginError(f"two plugins have one name: {other} and {source}; uninstall one")
        self._sources[source.plugin] = source
        try:
            self.manager.register(module, source.plugin)
        except (PluginValidationError, ValueError) as error:
            raise PluginError(f"plugin {source}: {one_line(error)}") from error
        note_plugin(source.module.partition(":")[0], str(source))
        self._forget()

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the plugins, sorted."""
        return tuple(sorted(self._sources))

    def _forget(self) -> None:
        """Forget what has been gathered: there is more now."""
        for name, value in vars(type(self)).items():
            if isinstance(value, cached_property):
                vars(self).pop(name, None)
        self._offers.clear()

    def check(self) -> None:
        """Refuse a hook that does not exist, and a name that two plugins offer.

        Raises:
            PluginError: as said; it names the plugins.
        """
        known = set(vars(self.manager.hook))
        specified = {name for name in known if getattr(self.manager.hook, name).has_spec()}
        for name in sorted(known - specified):
            for hook in getattr(self.manager.hook, name).get_hookimpls():
                if not hook.optionalhook:
                    raise PluginError(
                        f"plugin {self._sources[hook.plugin_name]} implements {name}, which is no "
                        f"hook{suggestion(name, specified)}"
                    )
        self.listing()

    @cached_property
    def topologies(self) -> Mapping[str, hooks.TopologyFactory]:
        """Topologies by name."""
        return self._gather("topology", "vmpp_topologies")

    @cached_property
    def networks(self) -> Mapping[str, hooks.NetworkFactory]:
        """Network timings by name."""
        return self._gather("timing", "vmpp_networks")

    @cached_property
    def policies(self) -> Mapping[str, hooks.SchedulingFactory]:
        """Factories of the PCT's scheduling policies by name."""
        return self._gather("pct", "vmpp_policies")

    @cached_property
    def cpu_modes(self) -> Mapping[str, hooks.CpuModeFactory]:
        """Factories of CPU modes by name."""
        return self._gather("mode", "vmpp_cpu_modes")

    @cached_property
    def noise(self) -> Mapping[str, hooks.NoiseFactory]:
        """Factories of what nodes do besides the application, by name."""
        return self._gather("noise", "vmpp_noise")

    @cached_property
    def allocators(self) -> Mapping[str, hooks.AllocatorFactory]:
        """Factories of allocation policies by name."""
        return self._gather("allocator", "vmpp_allocators")

    @cached_property
    def queueing(self) -> Mapping[str, hooks.QueueingFactory]:
        """Factories of queueing policies by name."""
        return self._gather("queue", "vmpp_queueing")

    @cached_property
    def libraries(self) -> Mapping[str, Library]:
        """User-space libraries by name."""
        return self._gather("library", "vmpp_libraries")

    @cached_property
    def algorithms(self) -> tuple[Algorithm, ...]:
        """Algorithms of collective operations, in the order in which their plugins tell of them."""
        implementations = self.manager.hook.vmpp_algorithms.get_hookimpls()
        return tuple(
            algorithm
            for each in sorted(implementations, key=lambda each: each.plugin_name)
            for algorithm in self._ask(
                self._sources[each.plugin_name], "vmpp_algorithms", each.function, tuple
            )
        )

    @cached_property
    def images(self) -> Mapping[str, Path]:
        """Paths of the programs that are found by name."""
        images: Mapping[str, str] = self._gather("image", "vmpp_images")
        return {name: Path(path) for name, path in images.items()}

    @cached_property
    def machines(self) -> Mapping[str, Path]:
        """Paths of the machine files by the machines' names."""
        return self._gather("machine", "vmpp_machine_files", _machine_files)

    @cached_property
    def commands(self) -> Mapping[str, Command]:
        """Commands of the shell by name."""
        return self._gather("command", "vmpp_commands", _commands)

    @cached_property
    def interpreters(self) -> Mapping[str, InterpreterFactory]:
        """What carries out the commands of scenarios, by name."""
        return self._gather("interpreter", "vmpp_interpreters")

    def listing(self) -> list[Offer]:
        """Return all that the plugins offer, by kind and name."""
        gathered = (
            self.policies, self.cpu_modes, self.noise, self.topologies, self.networks,
            self.allocators, self.queueing, self.libraries, self.images, self.machines,
            self.commands, self.interpreters,
        )  # fmt: skip
        assert len(gathered) == len(self._offers)
        return [offer for offers in self._offers.values() for offer in offers]

    def _gather(
        self, kind: str, hook: str, read: Callable[[Any], Mapping[str, Any]] = dict
    ) -> Mapping[str, Any]:
        """Call *hook* of each plugin, in order of their names, and join what they offer."""
        gathered: dict[str, Any] = {}
        offers: dict[str, Offer] = {}
        implementations = getattr(self.manager.hook, hook).get_hookimpls()
        for implementation in sorted(implementations, key=lambda each: each.plugin_name):
            source = self._sources[implementation.plugin_name]
            for name, value in self._ask(source, hook, implementation.function, read).items():
                if name in offers:
                    raise PluginError(
                        f"two plugins offer the {kind} {name!r}: {offers[name].source} and {source}"
                        "; uninstall one"
                    )
                gathered[name] = value
                offers[name] = Offer(kind, name, source)
        self._offers[kind] = [offers[name] for name in sorted(offers)]
        return {name: gathered[name] for name in sorted(gathered)}

    @staticmethod
    def _ask(
        source: Source,
        hook: str,
        function: Callable[[], Any],
        read: Callable[[Any], T],
    ) -> T:
        try:
            return read(function())
        except Exception as error:
            raise PluginError(f"plugin {source}: {hook} failed: {one_line(error)}") from error


def _entry_order(entry: EntryPoint) -> tuple[str, str]:
    return entry.name, entry.value


def _source(entry: EntryPoint) -> Source:
    distribution = entry.dist
    name, version = (distribution.name, distribution.version) if distribution else ("unknown", "")
    return Source(entry.name, entry.value, name, version)


def _imported(entry: EntryPoint) -> object:
    # Anything can go wrong while a stranger's module is imported, and all of it is the plugin's.
    try:
        return entry.load()
    except Exception as error:
        raise PluginError(
            f"plugin {_source(entry)} cannot be imported: {one_line(error)}"
        ) from error


def _machine_files(folders: Iterable[Any]) -> Mapping[str, Path]:
    machines: dict[str, Path] = {}
    for path in (path for folder in folders for path in sorted(Path(folder).glob("*.toml"))):
        if path.stem in machines:
            raise ValueError(f"{machines[path.stem]} and {path} describe one machine")
        machines[path.stem] = path
    return machines


def _commands(commands: Iterable[Command]) -> Mapping[str, Command]:
    return {str(each.name): each for each in commands}
