"""What a machine is made of: the description that a machine file gives, checked.

A machine file is TOML, with one table for each part of the machine. Every constant of the machine
is in it, and its documentation is in `vmpp.machine.tables`; `parameters` gives that as data. What a
file leaves out is as in the machine `default`.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import prod
from os import PathLike, fspath, sep
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, get_args, get_type_hints

import msgspec

from vmpp.errors import VmppError, nearest, suggestion
from vmpp.machine.choices import ChoiceError, bound
from vmpp.machine.kinds import KINDS
from vmpp.machine.nodesets import compute_nodes
from vmpp.machine.offers import lacking
from vmpp.machine.tables import (
    AmTable,
    DiskTable,
    IoTable,
    KernelTable,
    LoaderTable,
    MpiTable,
    NetworkTable,
    NodeTable,
    NoiseTable,
    NxTable,
    PctTable,
    ServiceTable,
    Table,
    TopologyTable,
    VertexTable,
)
from vmpp.parameters import Is, quoted
from vmpp.quantities import DURATION, SIZE

if TYPE_CHECKING:
    from vmpp.machine.plugins import Plugins


class MachineFileError(VmppError):
    """A machine file cannot be read, or says what cannot be."""


class UnknownMachineError(VmppError):
    """No machine has this name."""


class MachineTooSmallError(VmppError):
    """A program wants more processes than the machine has compute nodes."""


class MachineDescription(Table, frozen=True, kw_only=True):
    """A whole machine: one attribute for each table, and what it is called."""

    name: Annotated[str, Is("what the machine is called; its file's name if left out")] = "default"
    title: Annotated[str, Is("one line for `vmpp machines`")] = ""
    sources: Annotated[str, Is("where the constants come from")] = ""
    tools: Annotated[tuple[str, ...], Is("what libraries watch of programs: check, profile")] = ()
    topology: TopologyTable = TopologyTable()
    network: NetworkTable = NetworkTable()
    node: NodeTable = NodeTable()
    noise: tuple[NoiseTable, ...] = ()
    kernel: KernelTable = KernelTable()
    pct: PctTable = PctTable()
    service: ServiceTable = ServiceTable()
    servers: Annotated[
        dict[str, int],
        Is("service nodes of servers by name, counted from 0; in turn if left out", 0, 4095),
    ] = msgspec.field(default_factory=dict)
    io: IoTable = IoTable()
    disk: DiskTable = DiskTable()
    loader: LoaderTable = LoaderTable()
    mpi: MpiTable = MpiTable()
    nx: NxTable = NxTable()
    vertex: VertexTable = VertexTable()
    am: AmTable = AmTable()

    @property
    def grows(self) -> bool:
        """Whether the machine has no size of its own."""
        return not self.topology.dims

    @property
    def nodes(self) -> int:
        """Nodes of all partitions; 0 while the machine `grows`."""
        return self.topology.nodes or (0 if self.grows else prod(self.topology.dims))

    @property
    def compute_nodes(self) -> int:
        """Nodes of the compute partition; 0 while the machine `grows`."""
        return 0 if self.grows else self.nodes - self.service.nodes - self.service.io_nodes

    def with_tools(self, names: Sequence[str]) -> MachineDescription:
        """Return this machine with more tools, by name, switched on."""
        tools = tuple(dict.fromkeys((*self.tools, *names)))
        return msgspec.structs.replace(self, tools=tools) if names else self

    def with_collectives(self, choices: Mapping[str, object]) -> MachineDescription:
        """Return this machine with other algorithms for some collective operations.

        Args:
            choices: for each operation an algorithm, or rules, as in ``[mpi.collectives]``.

        Raises:
            MachineFileError: one is neither.
        """
        if not choices:
            return self
        try:
            checked = {name: _check_choice(name, value) for name, value in choices.items()}
            # An algorithm's name has to be a word here as well.
            table = msgspec.convert({"collectives": checked}, MpiTable).collectives
        except (ValueError, msgspec.ValidationError) as error:
            raise MachineFileError(f"collectives: {_located(str(error))}") from error
        mpi = msgspec.structs.replace(self.mpi, collectives={**self.mpi.collectives, **table})
        return msgspec.structs.replace(self, mpi=mpi)

    def with_settings(self, settings: Mapping[str, str]) -> MachineDescription:
        """Return this machine with other values of some keys.

        Args:
            settings: values as texts, by table and key: ``{"nx.mbf": "1 MiB"}``. A size may be a
                number of bytes.

        Raises:
            MachineFileError: there is no such key, or it cannot have such a value.
        """
        changed: Any = self
        for name, text in settings.items():
            table, _, key = name.partition(".")
            inner = _tables().get(table)
            what = None if inner is None or inner.repeats else _keys(inner.table).get(key)
            if what is None:
                raise MachineFileError(f"there is no key {name} in a machine's description")
            switch = isinstance(getattr(getattr(changed, table), key), bool)
            try:
                value: object = text == "true" if switch else _read(what, text)
            except ValueError as error:
                raise MachineFileError(f"{name}: {error}") from error
            told = msgspec.structs.replace(getattr(changed, table), **{key: value})
            changed = msgspec.structs.replace(changed, **{table: told})
        return changed  # type: ignore[no-any-return]

    def sized(self, nprocs: int, plugins: Plugins) -> MachineDescription:
        """Return this machine with its dimensions fixed, with compute nodes for *nprocs* processes.

        Raises:
            MachineTooSmallError: it does not grow and has too few.
            ValueError: *nprocs* is not positive.
        """
        if nprocs < 1:
            raise ValueError(f"a job has at least one process, not {nprocs}")
        if not self.grows:
            if nprocs > self.compute_nodes:
                raise MachineTooSmallError(
                    f"machine {self.name!r} has {self.compute_nodes} compute nodes, not {nprocs}; "
                    "take fewer processes, or the machine 'default', which grows"
                )
            return self
        wanted = nprocs + self.service.nodes + self.service.io_nodes
        dims = bound("topology", self.topology.kind, plugins.topologies).grown(wanted)
        if dims is None:
            raise MachineFileError(
                f"machine {self.name!r} grows, and the topology {self.topology.kind!r} does not; "
                "give it dims"
            )
        topology = msgspec.structs.replace(self.topology, dims=dims)
        return msgspec.structs.replace(self, topology=topology)


def _read(what: Is, text: str) -> object:
    """Return what a text on a command line stands for, where a size may be a number of bytes."""
    return what.read(f"{text} B" if what.unit is SIZE and text.isdecimal() else text)


def load(machine: str | PathLike[str], plugins: Plugins) -> MachineDescription:
    """Return the machine called *machine*, or that of the machine file *machine*.

    A name that ends in ``.toml`` or has a folder in it is a file.

    Raises:
        UnknownMachineError: there is none of this name.
        MachineFileError: the file cannot be read, or something in it is wrong.
    """
    asked = fspath(machine)
    if asked.endswith(".toml") or sep in asked:
        path = Path(asked)
    elif asked in plugins.machines:
        path = plugins.machines[asked]
    else:
        raise UnknownMachineError(
            f"no machine is called {asked!r}{lacking(asked, plugins.machines)}; "
            "or give a file NAME.toml"
        )
    description = decode(_text(path), str(path))
    _check_names(description, plugins, str(path))
    return description


def decode(text: str, file: str) -> MachineDescription:
    """Return the machine that the machine file *text* describes; *file* is its name.

    Raises:
        MachineFileError: as `load` says, apart from the names of policies, which only plugins know.
    """
    try:
        raw = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MachineFileError(f"{file}: not TOML: {error}") from error
    raw.setdefault("name", Path(file).stem)
    checked = _checked(raw, MachineDescription, file, "")
    try:
        description = msgspec.convert(checked, MachineDescription)
    except msgspec.ValidationError as error:
        raise MachineFileError(f"{file}: {_located(str(error))}") from error
    _check_size(description, file)
    _check_noise(description, file)
    _check_disk(description, file)
    return description


@dataclass(frozen=True, slots=True)
class Parameter:
    """The documentation of one key: its table and name, default, bounds and meaning.

    Attributes:
        counted: the unit that the value is kept in, empty for a plain number or a name.
    """

    table: str
    key: str
    default: str
    low: str
    high: str
    counted: str
    text: str


def parameters() -> Iterator[Parameter]:
    """Yield the documentation of every key of a machine file, in order."""
    yield from _parameters(MachineDescription(), "")


def _parameters(table: Table, name: str) -> Iterator[Parameter]:
    inner = []
    for key, what in _keys(type(table)).items():
        if what is None:
            inner.append(key)
        else:
            yield _parameter(name, key, what, _written(what, getattr(table, key)))
    for key in inner:
        if _tables()[key].repeats:
            yield from _parameters_of_each(_tables()[key])
        else:
            yield from _parameters(getattr(table, key), key)


def _parameters_of_each(inner: _Inner) -> Iterator[Parameter]:
    """Yield the documentation of the keys of a table that there may be any number of."""
    for field in msgspec.structs.fields(inner.table):
        what = _keys(inner.table)[field.name]
        assert what is not None
        given = not field.required and field.default is not None
        default = _written(what, field.default) if given else "(none)"
        yield _parameter(f"[{inner.name}]", field.name, what, default)


def _written(what: Is, value: object) -> str:
    return str(list(value)) if isinstance(value, tuple) else what.write(value)


def _parameter(table: str, key: str, what: Is, default: str) -> Parameter:
    return Parameter(
        table=table,
        key=key,
        default=default,
        low="" if what.low is None else str(what.low),
        high="" if what.high is None else str(what.high),
        counted=what.unit.counted if what.unit else "",
        text=what.text,
    )


@cache
def _keys(table: type[Table]) -> Mapping[str, Is | None]:
    """Return the keys of *table* with what they are; None for one that is a table itself."""
    hints = get_type_hints(table, include_extras=True)
    return {
        field: next((each for each in get_args(hints[field]) if isinstance(each, Is)), None)
        for field in table.__struct_fields__
    }


@cache
def _required(table: type[Table]) -> tuple[str, ...]:
    """Return the keys of *table* that have no default."""
    return tuple(field.name for field in msgspec.structs.fields(table) if field.required)


@dataclass(frozen=True, slots=True)
class _Inner:
    """A table of a machine file: what it is called, its keys, and whether there can be several."""

    name: str
    table: type[Table]
    repeats: bool

    def __str__(self) -> str:
        return f"[[{self.name}]]" if self.repeats else f"[{self.name}]"


@cache
def _tables() -> Mapping[str, _Inner]:
    hints = get_type_hints(MachineDescription)
    found = {}
    for key, what in _keys(MachineDescription).items():
        if what is None:
            each = get_args(hints[key])
            found[key] = _Inner(key, each[0] if each else hints[key], bool(each))
    return found


def _checked(
    raw: Mapping[str, Any], table: type[Table], file: str, where: str
) -> Mapping[str, object]:
    """Return *raw* with its quantities counted, after a look at every key.

    This goes before msgspec, whose messages cannot name the nearest key, or a unit that lacks.
    """
    checked: dict[str, object] = {}
    keys = _keys(table)
    for key, value in raw.items():
        if key not in keys:
            raise MachineFileError(f"{file}: {where}{_wrong_key(key, keys, where)}")
        what = keys[key]
        try:
            checked[key] = (
                _checked_inner(value, _tables()[key], file)
                if what is None
                else _check_value(what, value)
            )
        except ValueError as error:
            raise MachineFileError(f"{file}: {where}{key}: {error}") from error
    for key in _required(table):
        if key not in checked:
            raise MachineFileError(f"{file}: {where}{key} is missing")
    return checked


def _checked_inner(value: object, inner: _Inner, file: str) -> object:
    """Return the table, or tables, of a key."""
    if not inner.repeats:
        if not isinstance(value, dict):
            raise ValueError(f"is a table; write {inner}")
        return _checked(value, inner.table, file, f"{inner} ")
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise ValueError(f"is a list of tables; write {inner}")
    return [
        _checked(each, inner.table, file, f"{inner} {number}: ")
        for number, each in enumerate(value, 1)
    ]


def _check_value(what: Is, value: object) -> object:
    if isinstance(value, list):
        return [what.check(each) for each in value]
    if isinstance(value, dict) and what.low is not None:
        return {key: _named(key, what, each) for key, each in value.items()}
    if isinstance(value, dict) and what.unit is None:
        return {key: _check_choice(key, each) for key, each in value.items()}
    return what.check(value)


def _named(key: str, what: Is, value: object) -> object:
    try:
        return what.check(value)
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from None


def _check_choice(key: str, value: object) -> object:
    """Return the algorithm chosen for an operation, or the rules to choose it by."""
    if isinstance(value, str):
        return value
    if not isinstance(value, (list, tuple)) or not all(isinstance(rule, Mapping) for rule in value):
        raise ValueError(f"{key}: {quoted(value)} is neither an algorithm nor a list of rules")
    for rule in value:
        if not isinstance(rule.get("algorithm"), str):
            raise ValueError(f"{key}: a rule names no algorithm")
    return [
        {
            limit: each if limit == "algorithm" else _check_limit(f"{key}: {limit}", each)
            for limit, each in rule.items()
        }
        for rule in value
    ]


def _check_limit(key: str, value: object) -> int:
    """Return the limit of a rule: a size if it has a unit, a count if it has none."""
    try:
        counted = SIZE.read(value) if isinstance(value, str) else value
        if not isinstance(counted, int) or isinstance(counted, bool) or counted < 0:
            raise ValueError(f'{quoted(value)} is neither a size such as "8 KiB" nor a count')
    except ValueError as error:
        raise ValueError(f"{key}: {error}") from error
    return counted


def _wrong_key(key: str, keys: Mapping[str, object], where: str) -> str:
    """Return what is wrong with a key, and where it or the nearest right one belongs."""
    has = "has no key" if where else "a machine has no key or table"
    if nearest(key, keys) is None:
        for inner in _tables().values():
            if key in _keys(inner.table):
                return f"{has} {key!r}; it belongs in {inner}"
    return f"{has} {key!r}" + (suggestion(key, keys) or f" (it has: {', '.join(keys)})")


def _located(message: str) -> str:
    """Turn msgspec's ``... - at `$.topology.dims``` round, to begin with the table and key."""
    text, found, path = message.partition(" - at `$.")
    if not found:
        return message
    text = text.replace("`object`", "`table`")
    *tables, key = path.rstrip("`").split(".")
    where = "".join(_REPEATED.sub(_counted_from_1, f"[{table}] ") for table in tables)
    return f"{where}{key}: {text[:1].lower()}{text[1:]}"


_REPEATED: Final = re.compile(r"\[(\w+)\[(\d+)\]\]")


def _counted_from_1(found: re.Match[str]) -> str:
    return f"[[{found[1]}]] {int(found[2]) + 1}:"


def _check_size(description: MachineDescription, file: str) -> None:
    """Refuse a machine without room for one compute node, or with more nodes than places."""
    topology = description.topology
    places = "no fixed number of" if description.grows else prod(topology.dims)
    if topology.nodes and (isinstance(places, str) or topology.nodes > places):
        raise MachineFileError(
            f"{file}: [topology] nodes: {topology.nodes} nodes, but dims has {places} places"
        )
    if not description.grows and description.compute_nodes < 1:
        raise MachineFileError(
            f"{file}: [service] nodes: no compute node is left of {description.nodes} nodes"
        )


def _check_disk(description: MachineDescription, file: str) -> None:
    """Check that a longer seek takes no less time. Raises MachineFileError."""
    least, most = description.disk.seek_min, description.disk.seek_max
    if most < least:
        raise MachineFileError(
            f"{file}: [disk] seek_max: {DURATION.write(most)} is less than seek_min, "
            f"{DURATION.write(least)}"
        )


def _check_names(description: MachineDescription, plugins: Plugins, file: str) -> None:
    """Refuse what no plugin offers, and dimensions that the topology refuses."""
    topology = description.topology
    for name, kind in KINDS.items():
        try:
            choice = bound(name, kind.of(description), kind.offered(plugins))
            if name == "noise":
                # It needs nothing of a machine to say whether its parameters go together.
                choice()
        except ChoiceError as error:
            raise MachineFileError(f"{file}: [{kind.table}] {kind.key}: {error}") from error
    if not description.grows:
        try:
            bound("topology", topology.kind, plugins.topologies)(topology.dims)
        except ChoiceError as error:
            raise MachineFileError(f"{file}: [topology] dims: {error.__cause__}") from error


def _check_noise(description: MachineDescription, file: str) -> None:
    """Refuse sources of noise that cannot be, or on nodes that there are not."""
    for number, table in enumerate(description.noise, 1):
        try:
            table.source  # noqa: B018 - making it checks it
            last = max(compute_nodes(table.nodes) or (0,))
        except ValueError as error:
            raise MachineFileError(f"{file}: [[noise]] {number}: {error}") from error
        if not description.grows and last >= description.compute_nodes:
            raise MachineFileError(
                f"{file}: [[noise]] {number}: nodes: there is no compute node {last}: they are 0 "
                f"to {description.compute_nodes - 1}"
            )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise MachineFileError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise MachineFileError(f"{path}: not UTF-8 text") from error
