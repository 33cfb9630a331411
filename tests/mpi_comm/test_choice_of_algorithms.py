"""Which algorithm a collective takes: by rules, those of the machine before the library's."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp_collectives import FAMILIES, Choices, Reduction, read_rules
from vmpp_mpi import MPI

WORLD = MPI.COMM_WORLD
SUMS = Reduction(lambda low, high: None, 8, True)
IN_ORDER = Reduction(lambda low, high: None, 8, False)


class Way:
    """What an operation is chosen for: as much of a channel as choosing needs."""

    def __init__(self, size, table=None):
        self.size = size
        self.chosen = Choices(FAMILIES, read_rules(FAMILIES, table or {})).of(size)


def chosen(operation, size, length, table=None, reduction=SUMS):
    """Return the name of the algorithm that is chosen, and the options it gets."""
    family = FAMILIES[operation]
    run = family.choose(Way(size, table), length, reduction)
    options = getattr(run, "keywords", {})
    run = getattr(run, "func", run)
    return next(name for name, each in family.algorithms.items() if each.run is run), options


def name_of(*arguments, **options):
    return chosen(*arguments, **options)[0]


@given(
    operation=st.sampled_from(sorted(FAMILIES)),
    size=st.integers(2, 5000),
    length=st.integers(0, 1 << 40),
    reduction=st.sampled_from([SUMS, IN_ORDER]),
    data=st.data(),
)
def test_whatever_is_asked_for_what_is_chosen_suits_the_call(
    operation, size, length, reduction, data
):
    family = FAMILIES[operation]
    asked = data.draw(st.sampled_from([None, *family.algorithms]))
    found = name_of(operation, size, length, asked and {operation: asked}, reduction)
    for condition in family.algorithms[found].needs:
        assert condition.ranks is None or condition.ranks(size)
        assert condition.call is None or condition.call(size, length, reduction)


@pytest.mark.parametrize("operation", FAMILIES)
def test_the_library_has_a_rule_for_every_call(operation):
    family = FAMILIES[operation]
    last = family.rules[-1]
    assert last.ranks is last.bytes is None
    assert not family.algorithms[last.algorithm].needs


def test_an_algorithm_that_is_asked_for_is_taken_for_every_call():
    for size, length in ((2, 0), (9, 8), (64, 1 << 20)):
        assert name_of("bcast", size, length, {"bcast": "chain"}) == "chain"


def test_the_first_rule_that_holds_is_taken():
    table = {
        "allreduce": [
            {"ranks": 8, "bytes": 2048, "algorithm": "reduce-bcast"},
            {"bytes": 4096, "algorithm": "ring"},
        ]
    }
    assert name_of("allreduce", 8, 2048, table) == "reduce-bcast"
    assert name_of("allreduce", 9, 2048, table) == "ring"
    assert name_of("allreduce", 8, 4096, table) == "ring"
    # Of what no rule speaks, it is as if there were none.
    assert name_of("allreduce", 8, 4104, table) == name_of("allreduce", 8, 4104) == "rabenseifner"


def test_what_does_not_suit_a_call_is_passed_over():
    table = {"allreduce": "ring"}
    assert name_of("allreduce", 6, 1 << 20, table) == "ring"
    in_order = name_of("allreduce", 6, 1 << 20, table, IN_ORDER)
    assert in_order == name_of("allreduce", 6, 1 << 20, None, IN_ORDER) == "recursive-doubling"
    assert name_of("allgather", 8, 1 << 20, {"allgather": "recursive-doubling"}) != "ring"
    assert name_of("allgather", 6, 1 << 20, {"allgather": "recursive-doubling"}) == "ring"
    assert name_of("allgather", 7, 1 << 20, {"allgather": "neighbour-exchange"}) == "ring"


def test_options_reach_the_algorithm():
    table = {"bcast": [{"algorithm": "k-nomial", "radix": 8}, {"algorithm": "chain"}]}
    assert chosen("bcast", 9, 8, table) == ("k-nomial", {"radix": 8})
    assert chosen("bcast", 9, 8, {"bcast": "k-nomial"}) == ("k-nomial", {})


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"alreduce": "ring"}, "no operation 'alreduce'; did you mean 'allreduce'? (there is: bar"),
        ({"allreduce": "rng"}, "allreduce: no algorithm 'rng'; did you mean 'ring'? (there is: re"),
        ({"bcast": [{"algorithm": "x"}]}, "bcast: no algorithm 'x' (there is: binomial, "),
        (
            {"bcast": [{"algorithm": "linear", "byte": 3}]},
            "bcast: a rule for linear has no 'byte'; did you mean 'bytes'? (there is: algorithm, ",
        ),
        (
            {"bcast": [{"algorithm": "linear", "radix": 3}]},
            "bcast: a rule for linear has no 'radix' (there is: algorithm, ranks, bytes)",
        ),
        ({"bcast": [{"algorithm": "k-nomial", "radix": 1}]}, "bcast: radix is 1, and has to be 2"),
        (
            {"alltoallv": [{"algorithm": "linear", "bytes": 1}]},
            "alltoallv: ranks know different lengths, so no rule goes by bytes",
        ),
    ],
)
def test_what_there_is_not_is_refused_in_one_line(table, said):
    with pytest.raises(ValueError, match=f"^{re.escape(said)}[^\n]*$"):
        read_rules(FAMILIES, table)


@pytest.mark.parametrize(
    ("coll", "messages"),
    [
        ({"barrier": "dissemination"}, 8 * 3),
        ({"barrier": "binomial"}, 2 * 7),
        ({"allreduce": "recursive-doubling"}, 8 * 3),
        ({"allreduce": "ring"}, 8 * 2 * 7),
        ({"bcast": "linear"}, 7),
        ({"bcast": "scatter-ring"}, 7 + 8 * 7),
    ],
)
def test_what_is_chosen_is_what_is_carried_out(ranks, coll, messages):
    def program():
        data = np.zeros(8)
        if "barrier" in coll:
            WORLD.Barrier()
        elif "bcast" in coll:
            WORLD.Bcast(data)
        else:
            WORLD.Allreduce(MPI.IN_PLACE, data)

    ranks(8, program, coll=coll)
    assert ranks.world.sent == messages


def test_every_algorithm_says_in_a_line_what_it_does():
    for family in FAMILIES.values():
        for algorithm in family.algorithms.values():
            assert 20 < len(algorithm.text) < 100
            assert algorithm.text.endswith(".")
