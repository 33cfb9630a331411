"""What every topology must do."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from hypothesis import strategies as st

from vmpp.errors import VmppError
from vmpp.hardware import Adaptive, Topology, Wired
from vmpp.hardware.metrics import attached
from vmpp.machine.choices import Choice, ChoiceError
from vmpp.testing.rules import EXAMPLES, NONSENSE, Story, look
from vmpp.testing.subjects import subject

_MOST_NODES = 40
_NO_DIMS = ((), (0,), (-1, 2))


def check_topology(
    topology: str | Callable[..., Topology],
    *,
    dims: Sequence[tuple[int, ...]] = (),
    minimal: bool = True,
    examples: int = EXAMPLES,
) -> None:
    """Check a topology: routes arrive, over as many links as it says, and always the same ones.

    Args:
        topology: what chooses it, as in a machine file, or the factory that a plugin offers.
        dims: dimensions to try it with; those that `grown` makes for up to 40 nodes by default.
        minimal: whether it promises that no way is shorter than its routes.
        examples: how many pairs of nodes are tried.

    Raises:
        RuleBroken: it breaks a rule, which the message says, with the shortest example found.
        VmppError: it has no `grown`, and *dims* are missing.
    """
    checked = subject("topology", topology)
    choice = checked.choice
    grown = choice.related("grown")
    if grown is None and not dims:
        raise VmppError(f"{checked} does not grow; give check_topology dims to try it with")
    _check_refusals(Story(str(checked)), choice)

    def example(story: Story, draw: Callable[..., Any]) -> None:
        if dims:
            chosen = draw(st.sampled_from(sorted(dims)))
        else:
            nodes = draw(st.integers(1, _MOST_NODES))
            chosen = story.ask("grown", grown or (lambda nodes: nodes), nodes)
            story.tell(f"grown({nodes}) is {chosen}")
        made = _made(story, choice, tuple(chosen), 1 if dims else nodes)
        pick = st.integers(0, made.size - 1)
        _check_pair(story, choice, made, draw(pick), draw(pick), minimal=minimal)
        _check_extension(story, choice, made, draw)
        if isinstance(made, Adaptive):
            _check_adapted(story, made, draw(pick), draw(pick), draw)

    look(str(checked), example, examples, blames=NONSENSE)


def _check_refusals(story: Story, choice: Choice) -> None:
    for dims in _NO_DIMS:
        try:
            choice(dims)
        except ChoiceError:
            continue
        raise story.broken(
            "the factory raises ValueError for dimensions that cannot be", f"{dims} were taken"
        )


def _made(story: Story, choice: Choice, dims: tuple[int, ...], nodes: int) -> Topology:
    made: Topology = story.ask("the factory", choice, dims)
    story.tell(f"dims {made.dims}: {made.size} nodes, {made.links} links")
    story.require(tuple(made.dims) == dims, "dims are those that were given", f"{made.dims}")
    story.require(made.size >= nodes, f"there is room for {nodes} nodes", f"there are {made.size}")
    places = [tuple(story.ask("coordinates", made.coordinates, node)) for node in range(made.size)]
    story.require(
        len(set(places)) == made.size and len({len(place) for place in places}) == 1,
        "every node has a place of its own, with as many numbers as all others",
        f"they are at {places}",
    )
    return made


def _check_pair(
    story: Story, choice: Choice, made: Topology, source: int, destination: int, *, minimal: bool
) -> None:
    hops = story.ask("hops", made.hops, source, destination)
    story.tell(f"hops({source}, {destination}) is {hops}")
    story.require(
        isinstance(hops, int) and (hops == 0) == (source == destination) and hops >= 0,
        "hops is a whole number, and 0 to oneself alone",
    )
    route = _checked_route(story, made, "route", source, destination, ())
    story.require(
        len(route) == hops, "a route has as many links as hops says", f"it has {len(route)}"
    )
    again = list(choice(made.dims).route(source, destination))
    story.require(again == route, "a route is always the same", f"another time it was {again}")
    if minimal:
        shortest = _shortest(made, source, destination)
        story.require(
            shortest is None or hops <= shortest,
            "a route is the shortest way",
            f"there is one of {shortest}",
        )


def _checked_route(
    story: Story, made: Any, operation: str, source: int, destination: int, more: tuple[Any, ...]
) -> list[int]:
    """Return the route that *operation* gives, which has to lead from node to node."""
    function = getattr(made, operation)
    route = list(story.ask(operation, function, source, destination, *more))
    story.tell(f"{operation}({source}, {destination}) is {route}")
    known = all(isinstance(link, int) and 0 <= link < made.links for link in route)
    story.require(known, f"links are numbered from 0 to {made.links - 1}")
    story.require(len(set(route)) == len(route), "a route has no link twice")
    ends = _ends(made)
    at, last = source, destination
    if isinstance(made, Wired) and route:
        at, last = attached(made, source)[0], attached(made, destination)[1]
    for link in route:
        if link not in ends:
            if isinstance(made, Wired):
                raise story.broken("a route takes links that there are", f"there is no link {link}")
            return route
        begin, end = ends[link]
        story.require(
            begin == at,
            "a route arrives: each of its links begins where the one before it ends",
            f"link {link} leads from {begin} to {end}, and the message is at {at}",
        )
        at = end
    story.require(at == last, "a route arrives", f"it ends at {at}")
    return route


def _ends(made: Topology) -> Mapping[int, tuple[int, int]]:
    """Return where links lead: what the topology says, or else what its neighbours show."""
    if isinstance(made, Wired):
        found = {link: made.ends(link) for link in range(made.links)}
        return {link: ends for link, ends in found.items() if ends is not None}
    neighbours = (
        (one, other)
        for one in range(made.size)
        for other in range(made.size)
        if made.hops(one, other) == 1
    )
    return {made.route(one, other)[0]: (one, other) for one, other in neighbours}


def _shortest(made: Topology, source: int, destination: int) -> int | None:
    """Return the length of the shortest way that there is; None if no links lead there."""
    first, last = source, destination
    if source == destination:
        return 0
    if isinstance(made, Wired):
        first, last = attached(made, source)[0], attached(made, destination)[1]
    ways: dict[int, list[int]] = {}
    for begin, end in _ends(made).values():
        ways.setdefault(begin, []).append(end)
    distance = {first: 0}
    waiting = deque([first])
    while waiting:
        at = waiting.popleft()
        for there in ways.get(at, ()):
            if there not in distance:
                distance[there] = distance[at] + 1
                waiting.append(there)
    return distance.get(last)


def _check_extension(
    story: Story, choice: Choice, made: Topology, draw: Callable[..., Any]
) -> None:
    extend = choice.related("extended")
    if extend is None:
        return
    nodes = made.size + draw(st.integers(0, _MOST_NODES))
    dims = story.ask("extended", extend, made.dims, nodes)
    story.tell(f"extended({made.dims}, {nodes}) is {dims}")
    larger = story.ask("the factory", choice, tuple(dims))
    one, other = draw(st.integers(0, made.size - 1)), draw(st.integers(0, made.size - 1))
    kept = larger.size >= min(nodes, larger.size) and all(
        tuple(larger.coordinates(node)) == tuple(made.coordinates(node)) for node in (one, other)
    )
    story.require(
        kept and larger.hops(one, other) == made.hops(one, other),
        "in extended dimensions all nodes keep their places and distances",
        f"nodes {one} and {other} do not",
    )


def _check_adapted(
    story: Story, made: Any, source: int, destination: int, draw: Callable[..., Any]
) -> None:
    seed = draw(st.integers(0, 1 << 16))
    turn = draw(st.integers(0, 5))
    story.tell(f"with the load ({seed} * link) % 7 and turn {turn}:")
    load = partial(_load, seed)
    route = _checked_route(story, made, "adapted", source, destination, (load, turn))
    again = list(made.adapted(source, destination, load, turn))
    story.require(again == route, "the same loads make the same way", f"once more it was {again}")


def _load(seed: int, link: int) -> int:
    return seed * link % 7
