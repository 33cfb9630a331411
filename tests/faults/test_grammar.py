"""Faults as people write them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp.hardware import Partition
from vmpp.machine.faults import (
    Drop,
    DropOff,
    FaultError,
    LinkChange,
    NodeCrash,
    ServerChange,
    parse,
)
from vmpp.machine.nodesets import NodeSet

MILLISECOND = 10**9

numbers = st.integers(0, 10**6)
times = st.none() | st.integers(0, 9999).map(lambda ms: ms * MILLISECOND)
ranges = st.tuples(numbers, st.integers(0, 100)).map(lambda pair: (pair[0], sum(pair)))
sets = st.sampled_from(["all", "compute", "service", "io"]).map(NodeSet) | st.lists(
    ranges, min_size=1, max_size=4
).map(lambda found: NodeSet("", tuple(found)))
shares = st.integers(1, 1000).map(lambda tenths: Fraction(tenths, 1000))
faults = st.one_of(
    st.builds(NodeCrash, numbers, times),
    st.builds(LinkChange, numbers, numbers, st.booleans(), st.booleans(), times),
    st.builds(ServerChange, st.from_regex(r"[a-z][a-z0-9_-]*", fullmatch=True), st.booleans()),
    st.builds(Drop, shares, sets, sets, times),
    st.builds(
        lambda share, one, other, begin, length: Drop(
            share, one, other, begin * MILLISECOND, (begin + length) * MILLISECOND
        ),
        shares, sets, sets, st.integers(0, 999), st.integers(1, 999),
    ),
    st.builds(DropOff, times),
)  # fmt: skip


@given(faults)
def test_what_a_fault_is_called_is_how_it_is_written(fault):
    assert parse(str(fault)) == fault


@given(faults, st.sampled_from(["  ", "\t", " \t "]))
def test_neither_case_nor_space_matters(fault, space):
    text = str(fault)
    assert parse(space + text.replace(" ", space) + space) == fault
    if not isinstance(fault, ServerChange):
        head, at, when = text.partition(" at ")
        assert parse(head.upper() + at + when if "between" not in text else text) == fault


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("node 7 crash", NodeCrash(7)),
        ("node 7 crashes at 3ms", NodeCrash(7, 3 * MILLISECOND)),
        ("node 7 crash at 0.003 s", NodeCrash(7, 3 * MILLISECOND)),
        ("link 3-4 down", LinkChange(3, 4, True, False)),
        ("link 3 - 4 up at 1 us", LinkChange(3, 4, True, True, 10**6)),
        ("link 3->4 down at 1us", LinkChange(3, 4, False, False, 10**6)),
        ("link 3 to 4 down", LinkChange(3, 4, False, False)),
        ("link 3-s0 down", LinkChange(3, "s0", True, False)),
        ("link S12->s7 up", LinkChange("s12", "s7", False, True)),
        ("server files stop at 2 s", ServerChange("files", False, 2000 * MILLISECOND)),
        ("server files start", ServerChange("files", True)),
        ("drop 0.5 % from 0..3,8 to all", Drop(
            Fraction(1, 200), NodeSet("", ((0, 3), (8, 8))), NodeSet("all")
        )),
        ("drop 100% from io to 2 between 1 ms and 2ms", Drop(
            Fraction(1), NodeSet("io"), NodeSet("", ((2, 2),)), MILLISECOND, 2 * MILLISECOND
        )),
        ("drop 1% from 1 to 2 at 1 ms", Drop(
            Fraction(1, 100), NodeSet("", ((1, 1),)), NodeSet("", ((2, 2),)), MILLISECOND
        )),
        ("drop 1% from 1 to 2 in 1 ms", Drop(
            Fraction(1, 100), NodeSet("", ((1, 1),)), NodeSet("", ((2, 2),)), MILLISECOND
        )),
        ("drop off at 3 ms", DropOff(3 * MILLISECOND)),
    ],
)  # fmt: skip
def test_ways_to_write_it(text, fault):
    assert parse(text) == fault


@given(faults, st.integers(0, 10**15), st.integers(1, 9999))
def test_how_long_from_now(fault, now, microseconds):
    if fault.time is None:
        later = parse(f"{fault} in {microseconds} us", now)
        assert later.time == now + microseconds * 10**6
        assert replace(later, time=None) == fault


@given(st.text(max_size=40))
def test_whatever_else_is_refused_and_the_ways_to_write_it_named(text):
    with pytest.raises(FaultError, match=r"fault ") as error:
        parse(f"nod {text}")
    for example in ("node 3 crash at 2 ms", "link 3-4 down", "server files stop", "drop 1% from"):
        assert example in str(error.value)


@given(st.sampled_from(["node", "link", "server", "drop"]), st.text(max_size=40))
def test_nothing_but_an_error_of_ones_own_comes_of_garbage(word, text):
    try:
        fault = parse(f"{word} {text}")
    except FaultError:
        return
    assert parse(f"{word} {text}") == fault


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "write it such as"),
        ("node 3 crash at 2", '"2" has no unit'),
        ("node 3 crash at 2 MB", '"2 MB" is not a duration'),
        ("node 3 crash at -1 s", "negative"),
        ("node 3 crash at soon", "not a duration"),
        ("node x crash at 1 s", 'write it such as "node 3 crash at 2 ms"$'),
        ("node 3 melt at 1 s", 'write it such as "node 3 crash at 2 ms"$'),
        ("link 3 down", 'write it such as "link 3-4 down at 2 ms"'),
        ("link 3-4 sideways", 'write it such as "link 3-4 down at 2 ms"'),
        ("server stop", 'write it such as "server files stop at 2 ms"'),
        ("drop 1 from 1 to 2", 'write it such as "drop 1% from 0..7 to all"'),
        ("drop 0% from 1 to 2", "0% is not more than 0% and at most 100%"),
        ("drop 101% from 1 to 2", "101% is not more than 0%"),
        ("drop 1% from here to 2", '"here" is no set of nodes; write numbers and ranges'),
        ("drop 1% from 3..1 to 2", r"3\.\.1 is empty"),
        ("drop 1% from 1 to 2 between 2 ms and 1 ms", '"1 ms" is not after "2 ms"'),
        ("drop 1% from 1 to 2 between 2 ms and", '"2 between 2 ms and" is no set of nodes'),
    ],
)
def test_what_is_wrong_is_said_in_one_line(text, reason):
    with pytest.raises(FaultError, match=reason) as error:
        parse(text)
    assert "\n" not in str(error.value)


PARTITIONS = [Partition.COMPUTE] * 4 + [Partition.SERVICE, Partition.IO]


@pytest.mark.parametrize(
    ("text", "nodes"),
    [
        ("all", {0, 1, 2, 3, 4, 5}),
        ("compute", {0, 1, 2, 3}),
        ("Service", {4}),
        ("io", {5}),
        ("2", {2}),
        (" 0..1 , 5", {0, 1, 5}),
        ("1..3,2..4", {1, 2, 3, 4}),
        ("0..5/2", {0, 2, 4}),
        ("1..4 / 3,0", {0, 1, 4}),
    ],
)
def test_sets_of_nodes(text, nodes):
    assert NodeSet.parse(text).numbers(PARTITIONS) == nodes


def test_a_set_may_name_no_node_that_is_not_there():
    with pytest.raises(ValueError, match="there is no node 6: they are 0 to 5"):
        NodeSet.parse("0..6").numbers(PARTITIONS)
