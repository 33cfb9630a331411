"""Derived datatypes against the type maps by which the standard defines them.

A type map is a list of (offset, size, number of the byte on the wire); here every constructor makes
it by the rule of its own section, and the datatype is compared with that, byte by byte.
"""

from __future__ import annotations

import itertools
import pickle
from dataclasses import dataclass
from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vmpp_mpi import _constants as constants
from vmpp_mpi._datatype import BYTE, DATATYPE_NULL, Datatype, Layout
from vmpp_mpi._datatype._predefined import CHAR, DOUBLE, DOUBLE_INT, INT, LONG, SHORT, SHORT_INT
from vmpp_mpi._errors import ERR_ARG, ERR_COUNT, ERR_TYPE
from vmpp_mpi._errors import Exception as MPIError


@dataclass
class Map:
    """A type map: (offset, size) of each number, alignment, bounds, and whether these were set."""

    numbers: list[tuple[int, int]]
    align: int
    lb: int
    ub: int
    bounded: bool = False

    @property
    def extent(self):
        return self.ub - self.lb

    def moved(self, by):
        numbers = [(offset + by, size) for offset, size in self.numbers]
        return Map(numbers, self.align, self.lb + by, self.ub + by, self.bounded)

    def bytes(self, count=1):
        return [
            element * self.extent + offset + byte
            for element in range(count)
            for offset, size in self.numbers
            for byte in range(size)
        ]


def together(parts):
    """Several maps as one: what was bounded bounds it, otherwise it is padded as C would."""
    parts = [part for part in parts if part.numbers or part.bounded]
    bounding = [part for part in parts if part.bounded] or parts
    align = max((part.align for part in parts), default=1)
    lb = min((part.lb for part in bounding), default=0)
    ub = max((part.ub for part in bounding), default=0)
    bounded = any(part.bounded for part in parts)
    if not bounded:
        ub += -(ub - lb) % align
    return Map([number for part in parts for number in part.numbers], align, lb, ub, bounded)


def blocks(lengths, displs, olds):
    """The map of ``Create_struct``, of which most others are cases."""
    return together(
        old.moved(displ + index * old.extent)
        for length, displ, old in zip(lengths, displs, olds, strict=True)
        for index in range(length)
    )


def array_part(old, sizes, indices, order):
    """The map of elements at *indices* (per dimension) of an array, with the whole's extent."""
    dims = range(len(sizes)) if order == constants.ORDER_C else reversed(range(len(sizes)))
    slowest_first = list(dims)
    numbers = []
    for place in itertools.product(*(indices[dim] for dim in slowest_first)):
        linear = 0
        for dim, index in zip(slowest_first, place, strict=True):
            linear = linear * sizes[dim] + index
        numbers += old.moved(linear * old.extent).numbers
    return Map(numbers, old.align, 0, prod(sizes) * old.extent, True)


BASES = [
    (BYTE, Map([(0, 1)], 1, 0, 1)),
    (SHORT, Map([(0, 2)], 2, 0, 2)),
    (INT, Map([(0, 4)], 4, 0, 4)),
    (DOUBLE, Map([(0, 8)], 8, 0, 8)),
    (SHORT_INT, Map([(0, 2), (4, 4)], 4, 0, 8)),
    (DOUBLE_INT, Map([(0, 8), (8, 4)], 8, 0, 16)),
]

small = st.integers(0, 3)
steps = st.integers(-4, 5)


def _contiguous(draw, old, model):
    count = draw(small)
    return old.Create_contiguous(count), blocks([count], [0], [model])


def _vector(draw, old, model):
    count, length, stride = draw(small), draw(small), draw(steps)
    displs = [index * stride * model.extent for index in range(count)]
    return old.Create_vector(count, length, stride), blocks(
        [length] * count, displs, [model] * count
    )


def _hvector(draw, old, model):
    count, length, stride = draw(small), draw(small), draw(st.integers(-20, 30))
    displs = [index * stride for index in range(count)]
    return old.Create_hvector(count, length, stride), blocks(
        [length] * count, displs, [model] * count
    )


def _indexed(draw, old, model):
    lengths = draw(st.lists(small, max_size=4))
    displs = [draw(steps) for _ in lengths]
    return old.Create_indexed(lengths, displs), blocks(
        lengths, [displ * model.extent for displ in displs], [model] * len(lengths)
    )


def _hindexed(draw, old, model):
    lengths = draw(st.lists(small, max_size=4))
    displs = [draw(st.integers(-20, 30)) for _ in lengths]
    return old.Create_hindexed(lengths, displs), blocks(lengths, displs, [model] * len(lengths))


def _indexed_block(draw, old, model):
    length, displs = draw(small), draw(st.lists(steps, max_size=5))
    return old.Create_indexed_block(length, displs), blocks(
        [length] * len(displs), [displ * model.extent for displ in displs], [model] * len(displs)
    )


def _hindexed_block(draw, old, model):
    length, displs = draw(small), draw(st.lists(st.integers(-20, 30), max_size=5))
    return old.Create_hindexed_block(length, displs), blocks(
        [length] * len(displs), displs, [model] * len(displs)
    )


def _struct(draw, old, model):
    parts = [(old, model), *draw(st.lists(st.sampled_from(BASES), max_size=3))]
    lengths = [draw(small) for _ in parts]
    displs = [draw(st.integers(-20, 40)) for _ in parts]
    made = Datatype.Create_struct(lengths, displs, [datatype for datatype, _ in parts])
    return made, blocks(lengths, displs, [model for _, model in parts])


def _subarray(draw, old, model):
    sizes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=3))
    subsizes = [draw(st.integers(1, size)) for size in sizes]
    starts = [draw(st.integers(0, size - sub)) for size, sub in zip(sizes, subsizes, strict=True)]
    order = draw(st.sampled_from([constants.ORDER_C, constants.ORDER_FORTRAN]))
    indices = [range(start, start + sub) for start, sub in zip(starts, subsizes, strict=True)]
    return old.Create_subarray(sizes, subsizes, starts, order), array_part(
        model, sizes, indices, order
    )


def _resized(draw, old, model):
    lb, extent = draw(st.integers(-9, 9)), draw(st.integers(-9, 40))
    return old.Create_resized(lb, extent), Map(model.numbers, model.align, lb, lb + extent, True)


def _dup(draw, old, model):
    return old.Dup(), model


CONSTRUCTORS = [
    _contiguous, _vector, _hvector, _indexed, _hindexed, _indexed_block, _hindexed_block, _struct,
    _subarray, _resized, _dup,
]  # fmt: skip


@st.composite
def datatypes(draw):
    """A datatype made by up to three constructors, one of the other, and its type map."""
    made = draw(st.sampled_from(BASES))
    for constructor in draw(st.lists(st.sampled_from(CONSTRUCTORS), max_size=3)):
        made = constructor(draw, *made)
    return made


@settings(deadline=None)
@given(datatypes())
def test_size_and_bounds_are_those_of_the_type_map(made):
    datatype, model = made
    offsets = model.bytes()
    assert datatype.Get_size() == len(offsets)
    assert datatype.Get_extent() == (model.lb, model.extent)
    true_lb = min(offsets, default=0)
    assert datatype.Get_true_extent() == (true_lb, max(offsets, default=-1) + 1 - true_lb)
    assert (datatype.size, datatype.lb, datatype.extent) == (
        len(offsets), model.lb, model.extent,
    )  # fmt: skip
    assert datatype.ub == datatype.lb + datatype.extent
    assert datatype.true_ub == datatype.true_lb + datatype.true_extent


def memory_for(layout, count):
    """Memory in which every byte differs from its neighbours, and where the origin is in it."""
    low, high = layout.bounds(count)
    return memoryview(bytearray((7 * place) % 251 for place in range(high - low))), -low


@settings(deadline=None)
@given(datatypes(), st.integers(0, 4))
def test_packing_takes_the_bytes_of_the_type_map_in_order(made, count):
    datatype, model = made
    layout = datatype._get()
    memory, origin = memory_for(layout, count)
    offsets = model.bytes(count)
    assert bytes(layout.pack(memory, count, origin)) == bytes(
        memory[origin + offset] for offset in offsets
    )
    runs = layout.runs(count)
    assert [run + byte for run, length in runs for byte in range(length)] == offsets
    assert all(run + length != after for (run, length), (after, _) in itertools.pairwise(runs))


@settings(deadline=None)
@given(datatypes(), st.integers(0, 3), st.data())
def test_unpacking_writes_what_arrived_and_nothing_else(made, count, data):
    datatype, model = made
    offsets = model.bytes(count)
    if len(set(offsets)) < len(offsets):
        return  # elements that overlap are no place to receive into
    layout = datatype._get()
    arrived = bytes(data.draw(st.binary(max_size=len(offsets))))
    memory, origin = memory_for(layout, count)
    expected = bytearray(memory)
    for byte, offset in zip(arrived, offsets, strict=False):
        expected[origin + offset] = byte
    layout.unpack(memoryview(arrived), memory, origin)
    assert bytes(memory) == bytes(expected)


@settings(deadline=None)
@given(datatypes())
def test_a_layout_can_be_sent_to_another_rank(made):
    layout = made[0]._get()
    other = Layout.loads(layout.dumps())
    assert other is not layout
    assert other.runs(2) == layout.runs(2)
    assert (other.lb, other.extent, other.signature) == (
        layout.lb, layout.extent, layout.signature,
    )  # fmt: skip
    assert other.basic is layout.basic


@settings(deadline=None)
@given(datatypes())
def test_a_datatype_is_made_again_of_what_made_it(made):
    datatype = made[0]
    again = pickle.loads(pickle.dumps(datatype._get().recipe.params))
    assert again == datatype._get().recipe.params
    function, arguments = (None, None)
    if not datatype.is_predefined:
        function, arguments = datatype.__reduce__()
        copy = function(*arguments[:3])
        assert copy.Get_contents()[:3] == datatype.Get_contents()[:3]
        assert copy.envelope == datatype.envelope
        assert copy._get().runs() == datatype._get().runs()
        assert copy.Get_extent() == datatype.Get_extent()


@pytest.mark.parametrize("order", [constants.ORDER_C, constants.ORDER_FORTRAN])
@pytest.mark.parametrize("distribution", list(itertools.product("NBC", repeat=2)))
@pytest.mark.parametrize("darg", [constants.DISTRIBUTE_DFLT_DARG, 2, 3])
def test_the_parts_of_a_distributed_array_are_those_dealt_out(order, distribution, darg):
    gsizes = [7, 5]
    psizes = [1 if kind == "N" else 2 + dim for dim, kind in enumerate(distribution)]
    size = prod(psizes)
    kinds = {
        "N": constants.DISTRIBUTE_NONE,
        "B": constants.DISTRIBUTE_BLOCK,
        "C": constants.DISTRIBUTE_CYCLIC,
    }
    dargs = [
        constants.DISTRIBUTE_DFLT_DARG if kind == "B" and darg * psize < gsize else darg
        for kind, gsize, psize in zip(distribution, gsizes, psizes, strict=True)
    ]
    seen = []
    for rank in range(size):
        made = INT.Create_darray(
            size, rank, gsizes, [kinds[kind] for kind in distribution], dargs, psizes, order
        )
        coords = divmod(rank, psizes[1])
        indices = [
            [
                index
                for index in range(gsizes[dim])
                if kind == "N" or index // _block(kind, dargs[dim], gsizes[dim], psizes[dim])
                % psizes[dim] == coords[dim]
            ]
            for dim, kind in enumerate(distribution)
        ]  # fmt: skip
        model = array_part(BASES[2][1], gsizes, indices, order)
        runs = made._get().runs()
        assert [run + byte for run, length in runs for byte in range(length)] == model.bytes()
        assert made.Get_extent() == (0, 4 * prod(gsizes))
        seen += model.bytes()
    assert sorted(seen) == list(range(4 * prod(gsizes)))


def _block(kind, darg, gsize, psize):
    if darg == constants.DISTRIBUTE_DFLT_DARG:
        return -(-gsize // psize) if kind == "B" else 1
    return darg


def test_many_irregular_runs_are_copied_as_a_few_are():
    rng = np.random.default_rng(5)
    displs = rng.permutation(4000)[:1500].tolist()
    lengths = rng.integers(1, 3, 1500).tolist()
    ends = sorted(range(1500), key=displs.__getitem__)
    for before, after in itertools.pairwise(ends):
        lengths[before] = min(lengths[before], displs[after] - displs[before])
    array = np.arange(2 * 4002, dtype="i4")
    for datatype in (
        INT.Create_indexed(lengths, displs).Create_resized(0, 4 * 4002),
        INT.Create_indexed(lengths, displs).Create_resized(0, -4 * 4002),
    ):
        layout = datatype._get()
        origin = 0 if datatype.extent > 0 else 4 * 4002
        places = [
            displ + index + element * datatype.extent // 4 + origin // 4
            for element in range(2)
            for displ, length in zip(displs, lengths, strict=True)
            for index in range(length)
        ]
        packed = layout.pack(memoryview(array).cast("B"), 2, origin)
        assert packed.cast("i").tolist() == array[places].tolist()
        back = np.zeros_like(array)
        layout.unpack(packed, memoryview(back).cast("B"), origin)
        expected = np.zeros_like(array)
        expected[places] = array[places]
        assert (back == expected).all()


def test_a_column_of_an_array_is_one_piece():
    assert len(DOUBLE.Create_vector(1000, 1, 500)._get().pieces) == 1
    assert len(DOUBLE.Create_indexed_block(2, range(0, 900, 3))._get().pieces) == 1
    assert len(INT.Create_subarray([9, 9, 9], [3, 3, 3], [1, 1, 1])._get().pieces) == 1


def test_datatypes_without_gaps_share_the_programs_memory():
    row = DOUBLE.Create_subarray([4, 5], [1, 5], [2, 0])
    assert INT.Create_contiguous(4)._get().contiguous
    assert INT.Create_vector(3, 2, 2)._get().contiguous
    assert not row._get().contiguous
    memory = bytearray(160)
    packed = row._get().pack(memoryview(memory), 1)
    memory[80] = 5
    assert packed[0] == 5
    assert len(packed) == 40


def test_counts_beyond_32_bits_are_plain_numbers():
    huge = BYTE.Create_contiguous(1 << 40).Create_vector(1 << 10, 1, 2)
    assert huge.size == 1 << 50
    assert huge.extent == ((1 << 11) - 1) << 40
    assert huge.decode()[2] == {"count": 1 << 10, "blocklength": 1, "stride": 2}


@pytest.mark.parametrize(
    ("make", "envelope", "contents"),
    [
        (lambda: INT.Create_contiguous(3), (0, 0, 1, 1), ([], [], [3])),
        (lambda: INT.Create_vector(3, 2, 5), (0, 0, 3, 1), ([], [], [3, 2, 5])),
        (lambda: INT.Create_hvector(3, 2, 5), (0, 0, 3, 1), ([], [], [3, 2, 5])),
        (lambda: INT.Create_indexed([1, 2], [3, 4]), (0, 0, 5, 1), ([], [], [2, 1, 2, 3, 4])),
        (lambda: INT.Create_hindexed([1, 2], [3, 4]), (0, 0, 5, 1), ([], [], [2, 1, 2, 3, 4])),
        (lambda: INT.Create_indexed_block(7, [3, 4]), (0, 0, 4, 1), ([], [], [2, 7, 3, 4])),
        (lambda: INT.Create_hindexed_block(7, [3, 4]), (0, 0, 4, 1), ([], [], [2, 7, 3, 4])),
        (
            lambda: Datatype.Create_struct([1, 2], [0, 8], [INT, DOUBLE]),
            (0, 0, 5, 2),
            ([], [], [2, 1, 2, 0, 8]),
        ),
        (
            lambda: INT.Create_subarray([4, 5], [2, 3], [1, 0]),
            (2, 0, 6, 1),
            ([2, constants.ORDER_C], [], [4, 5, 2, 3, 1, 0]),
        ),
        (
            lambda: INT.Create_darray(4, 3, [8], [constants.DISTRIBUTE_CYCLIC], [2], [4]),
            (7, 0, 1, 1),
            ([4, 3, 1, constants.DISTRIBUTE_CYCLIC, 2, 4, constants.ORDER_C], [], [8]),
        ),
        (lambda: INT.Create_resized(-4, 16), (0, 0, 2, 1), ([], [], [-4, 16])),
        (lambda: Datatype.Create_f90_integer(9), (1, 0, 0, 0), ([9], [], [])),
        (lambda: Datatype.Create_f90_real(6, 30), (2, 0, 0, 0), ([6, 30], [], [])),
    ],
)
def test_the_contents_are_the_arguments(make, envelope, contents):
    made = make()
    assert made.envelope[:4] == envelope
    assert made.contents[:3] == contents
    assert len(made.contents[3]) == envelope[3]


def test_the_datatypes_of_the_contents_are_the_programs_to_free():
    inner = INT.Create_contiguous(2).Commit()
    outer = inner.Create_vector(2, 1, 3)
    base, combiner, _ = outer.decode()
    assert combiner == "VECTOR"
    assert base != inner
    assert base.decode() == (INT, "CONTIGUOUS", {"count": 2})
    base.Free()
    inner.Free()
    assert outer.size == 16
    assert outer.decode()[0].size == 8


def test_numbers_of_fortran_are_chosen_by_precision():
    assert [Datatype.Create_f90_integer(digits).size for digits in (2, 4, 9, 18)] == [1, 2, 4, 8]
    assert Datatype.Create_f90_real(6, 37).typestr == "f4"
    assert Datatype.Create_f90_real(constants.UNDEFINED, 300).typestr == "f8"
    assert Datatype.Create_f90_complex(15, constants.UNDEFINED).typestr == "c16"
    one, two = Datatype.Create_f90_real(6, 30), Datatype.Create_f90_real(6, 30)
    assert one == two
    assert one.is_predefined
    assert not one.is_named
    assert one.tocode() == "f4"
    with pytest.raises(MPIError) as error:
        one.Free()
    assert error.value == ERR_TYPE
    for call in (
        lambda: Datatype.Create_f90_integer(19),
        lambda: Datatype.Create_f90_real(40, 10),
        lambda: Datatype.Create_f90_real(constants.UNDEFINED, constants.UNDEFINED),
    ):
        with pytest.raises(MPIError) as error:
            call()
        assert error.value == ERR_ARG


def test_pairs_of_a_value_and_an_index():
    assert Datatype.Get_value_index(DOUBLE, INT) == DOUBLE_INT
    assert Datatype.Get_value_index(SHORT, DOUBLE) == DATATYPE_NULL
    assert Datatype.Get_value_index(INT.Dup(), INT) == DATATYPE_NULL
    assert Datatype.Get_value_index(SHORT, LONG) == DATATYPE_NULL
    with pytest.raises(MPIError) as error:
        Datatype.Get_value_index(DATATYPE_NULL, INT)
    assert error.value == ERR_TYPE


@pytest.mark.parametrize(
    ("call", "error"),
    [
        (lambda: INT.Create_contiguous(-1), ERR_COUNT),
        (lambda: INT.Create_vector(2, -1, 3), ERR_COUNT),
        (lambda: INT.Create_indexed([1, -1], [0, 3]), ERR_COUNT),
        (lambda: INT.Create_subarray([], [], []), ERR_ARG),
        (lambda: INT.Create_subarray([4], [3], [2]), ERR_ARG),
        (lambda: INT.Create_subarray([4], [3], [0], 17), ERR_ARG),
        (lambda: INT.Create_darray(4, 4, [8], [2], [-1], [4]), ERR_ARG),
        (lambda: INT.Create_darray(4, 0, [8], [2], [1], [4]), ERR_ARG),
        (lambda: INT.Create_darray(4, 0, [8], [1], [-1], [4]), ERR_ARG),
        (lambda: INT.Create_darray(4, 0, [8], [9], [-1], [4]), ERR_ARG),
        (lambda: INT.Create_darray(5, 0, [8], [2], [-1], [4]), ERR_ARG),
        (lambda: DATATYPE_NULL.Create_contiguous(1), ERR_TYPE),
        (lambda: Datatype.Create_struct([1], [0], [DATATYPE_NULL]), ERR_TYPE),
    ],
)
def test_arguments_that_make_no_datatype_are_refused(call, error):
    with pytest.raises(MPIError) as raised:
        call()
    assert raised.value.Get_error_class() == error


def test_sequences_of_wrong_length_are_refused():
    for call in (
        lambda: INT.Create_indexed([1, 1], [0]),
        lambda: Datatype.Create_struct([1], [0], [INT, INT]),
        lambda: INT.Create_subarray([4, 4], [1, 1], [0]),
    ):
        with pytest.raises(ValueError, match="expecting"):
            call()
    with pytest.raises(TypeError):
        Datatype.Create_struct([1], [0], [None])


def test_a_bound_that_was_set_bounds_what_is_made_of_it():
    row = INT.Create_resized(-4, 32)
    assert Datatype.Create_struct([1, 1], [0, 100], [row, INT]).Get_extent() == (-4, 32)
    assert row.Create_contiguous(3).Get_extent() == (-4, 96)


def test_a_structure_is_as_long_as_its_alignment_asks():
    made = Datatype.Create_struct([1, 1], [0, 8], [DOUBLE, CHAR])
    assert (made.size, made.extent, made.true_extent) == (9, 16, 9)


def test_datatypes_of_a_class_of_the_programs_own_stay_of_it():
    class Mine(Datatype):
        """A program's own."""

    assert type(Mine(INT).Create_contiguous(2)) is Mine
    assert type(Mine.Create_struct([1], [0], [INT])) is Mine
    assert type(Mine(INT).Dup()) is Mine
    assert type(Mine.Create_f90_integer(4)) is Mine
