"""The tables that the command line prints."""

from __future__ import annotations

import signal
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table
from rich.text import Text

from vmpp.machine.describing import Described
from vmpp.machine.describing import parameters as described
from vmpp.machine.description import load, parameters
from vmpp.machine.kinds import KINDS
from vmpp.machine.plugins import Offer, Plugins, Problem
from vmpp.quantities import DURATION

if TYPE_CHECKING:
    from vmpp.machine.run import Phase
    from vmpp.machine.topologies import Network
    from vmpp.service.status import RankStatus

Row = tuple[str, ...]


def machines() -> Table:
    """Return the machines that can be named, with what they are."""
    found = Plugins.installed()
    return _table(
        ("Machine", "Compute nodes", "Topology", "What it is"),
        (
            (
                name,
                "grows" if each.grows else f"{each.compute_nodes:,}",
                f"{each.topology.kind} {' x '.join(map(str, each.topology.dims))}".rstrip(),
                each.title,
            )
            for name, each in [(name, load(name, found)) for name in found.machines]
        ),
        right=(1,),
    )


def keys() -> Table:
    """Return every key of a machine file, with default, bounds and meaning."""
    return _table(
        ("Table", "Key", "Default", "Bounds", "What it is"),
        (
            (
                f"[{each.table}]" if each.table else "",
                each.key,
                each.default,
                f"{each.low} .. {each.high}" if each.low else "",
                each.text,
            )
            for each in parameters()
        ),
    )


def plugins(found: Plugins) -> Table:
    """Return what plugins offer, where each comes from, and what parameters policies have."""
    return _table(
        ("Kind", "Name", "Plugin", "Distribution", "Module", "Parameters"),
        (
            (
                offer.kind,
                offer.name,
                offer.source.plugin,
                f"{offer.source.distribution} {offer.source.version}",
                offer.source.module,
                ", ".join(map(str, settable(offer, found))),
            )
            for offer in found.listing()
        ),
    )


def settable(offer: Offer, found: Plugins) -> list[Described]:
    """Return the parameters of what is offered that a choice may set; only policies have any."""
    kind = KINDS.get(offer.kind)
    return [] if kind is None else described(kind.offered(found)[offer.name])


def problems(found: Iterable[Problem]) -> Table:
    """Return what is left out because something is wrong with a plugin."""
    return _table(
        ("Left out", "What is wrong", "Way out"),
        ((problem.what, problem.why, problem.way_out) for problem in found),
    )


def algorithms() -> Table:
    """Return the algorithms that collective operations can be carried out by."""
    return _table(
        ("Operation", "Algorithm", "Default", "What it does", "Needs"),
        (
            (each.operation, each.name, each.default, each.text, each.needs)
            for each in Plugins.installed().algorithms
        ),
    )


def topologies(networks: Iterable[Network]) -> Table:
    """Return what networks amount to; what is not in closed form is marked as a bound, or lacks."""
    return _table(
        ("Topology", "Dimensions", "Nodes", "Switches", "Links", "Degree", "Diameter",
         "Average distance", "Bisection", "Routing"),
        (
            (
                each.choice,
                " x ".join(map(str, each.dims)),
                f"{each.metrics.nodes:,}",
                _known(each.metrics.switches),
                f"{each.metrics.links:,}",
                _known(each.metrics.degree),
                str(each.metrics.diameter),
                f"{float(each.metrics.average):.3f}",
                _known(each.metrics.bisection, "" if each.metrics.exact else "<= "),
                "deterministic, adaptive" if each.adaptive else "deterministic",
            )
            for each in networks
        ),
        right=(2, 3, 4, 5, 6, 7, 8),
    )  # fmt: skip


def _known(number: int | None, before: str = "") -> str:
    return "?" if number is None else f"{before}{number:,}"


def phases(passed: Iterable[Phase]) -> Table:
    """Return the phases of a run, in virtual time and on the host."""
    return _table(
        ("Phase", "Virtual time", "Host time"),
        ((each.name, DURATION.write(each.virtual_ps), f"{each.host_s:.3f} s") for each in passed),
        right=(1, 2),
    )


def policies(chosen: Mapping[str, str]) -> Table:
    """Return what chose the policies of a run, by what they decide."""
    return _table(
        ("Kind", "Policy", "Decides"),
        ((kind, text, KINDS[kind].text) for kind, text in chosen.items()),
    )


def completion(ranks: Iterable[RankStatus]) -> Table:
    """Return how ranks have ended: the completion table of Cplant's ``yod``."""
    return _table(
        ("Rank", "Node", "SPID", "Elapsed", "Exit", "Signal"),
        (
            (
                str(each.rank),
                str(each.node),
                str(each.pid),
                DURATION.write(each.elapsed),
                "" if each.exit is None else str(each.exit),
                signal.Signals(each.signal).name if each.signal else "",
            )
            for each in ranks
        ),
        right=(0, 1, 2, 3, 4),
    )


def show(table: Table, *, err: bool = False) -> None:
    """Print *table* on standard output or error, coloured and folded to fit if it is a terminal."""
    console = Console(stderr=err)
    if not console.is_terminal:
        # Nothing is folded for a file or a pipe: a row is a line, for grep and awk.
        console.width = console.measure(table, options=console.options.update(width=1000)).maximum
    console.print(table)


def _table(titles: Row, rows: Iterable[Row], right: tuple[int, ...] = ()) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0))
    for column, title in enumerate(titles):
        table.add_column(title, justify="right" if column in right else "left")
    for row in rows:
        table.add_row(*map(Text, row))
    return table
