"""The parallel library's reductions: sum, product, largest, smallest, and bits, over a subcube."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from vmpp_collectives import Kind, Reduction, allreduce, elementwise, reduce
from vmpp_vertex._cells import get, is_cell, put, value_of
from vmpp_vertex._memory import memory
from vmpp_vertex._node import ANY, Node, Refused, check_type, current


@dataclass(frozen=True, slots=True)
class Element:
    """What a prefix of the reductions' names stands for.

    Attributes:
        code: of `struct` and of views, for scalars and for plain bytes.
        formats: of the vectors that are taken as they are.
    """

    code: str
    formats: str


ELEMENTS: Final = {
    "i": Element("i", "bhilqHILQ"),
    "f": Element("f", "f"),
    "d": Element("d", "d"),
}
UFUNCS: Final = {
    "sum": "add",
    "prod": "multiply",
    "max": "maximum",
    "min": "minimum",
    "and": "bitwise_and",
    "or": "bitwise_or",
    "xor": "bitwise_xor",
}
"""NumPy's functions by the names of the operations."""


_SCALAR: Final = """Reduce one number of each node of a subcube: {operation}.

    Args:
        val: this node's; a cell gets the result, too.
        target: number of the node that gets the result; -1: all of them.
        type: of the messages, the same on all nodes; two reductions may be under way at once if
            they differ in it.
        mask: dimensions along which to reduce, as bits; -1: all, the whole subcube.

    Returns:
        The result, to those who get it; to the others, what they gave.

    Raises:
        ValueError: there is no such target or type, or no such number in the machine.
        VertexError: the nodes do not agree on the operation.
    """
_VECTOR: Final = """Reduce vectors of the nodes of a subcube, element by element: {operation}.

    Args:
        vec: this node's, replaced by the result where that goes: an array, or plain bytes.
        n: elements.
        target, type, mask: as for {scalar}.

    Returns:
        0; negative if there is no such target or type, see `nperror`.

    Raises:
        TypeError: *vec* cannot be written to, or has other elements.
        ValueError: it has fewer.
        VertexError: the nodes do not agree on the operation.
    """


def reductions(prefix: str, operation: str) -> tuple[Callable[..., Any], Callable[..., int]]:
    """Return the reduction of scalars that Vertex calls by prefix and operation, and of vectors."""
    name = prefix + operation
    return (
        _named(_scalar(prefix, operation), name, _SCALAR.format(operation=operation)),
        _named(
            _vector(prefix, operation), name + "n", _VECTOR.format(operation=operation, scalar=name)
        ),
    )


def _scalar(prefix: str, operation: str) -> Callable[..., Any]:
    code = ELEMENTS[prefix].code

    def call(val: Any, target: Any = ANY, type: Any = 0, mask: Any = ANY) -> Any:
        value = get(val) if prefix == "i" else float(value_of(val))
        vector = memoryview(bytearray(_packed(code, value)))
        try:
            gets = _reduce(vector, code, operation, get(target), get(type), get(mask))
        except Refused as refused:
            raise ValueError(f"{prefix}{operation}: {os.strerror(refused.number)}") from None
        result = struct.unpack(code, vector)[0] if gets else value
        if is_cell(val):
            put(val, result)
        return result

    return call


def _vector(prefix: str, operation: str) -> Callable[..., int]:
    def call(vec: Any, n: Any, target: Any = ANY, type: Any = 0, mask: Any = ANY) -> int:
        code = _code(vec, prefix)
        size = struct.calcsize(code)
        data = memory(vec, writable=True)
        nbytes = get(n) * size
        if not 0 <= nbytes <= len(data):
            raise ValueError(f"a vector of {len(data) // size} elements, not {get(n)}")
        result = memoryview(bytearray(data[:nbytes]))
        try:
            gets = _reduce(result, code, operation, get(target), get(type), get(mask))
        except Refused as refused:
            return current().refuse(refused)
        if gets:
            data[:nbytes] = result
        return 0

    return call


def _named(call: Callable[..., Any], name: str, text: str) -> Callable[..., Any]:
    """Return *call* with a name of its own, by which reports on deadlocks know it as well."""
    function: Any = call
    function.__name__ = function.__qualname__ = name
    function.__code__ = function.__code__.replace(co_name=name, co_qualname=name)
    function.__doc__ = text
    return call


def _packed(code: str, value: Any) -> bytes:
    """Return the bytes of a number. Raises ValueError if the machine has no such number."""
    try:
        return struct.pack(code, value)
    except (struct.error, OverflowError) as error:
        raise ValueError(f"{value} is no number of {struct.calcsize(code)} bytes") from error


def _code(vec: Any, prefix: str) -> str:
    """Return the code of the elements of *vec*: its own, or the prefix's for plain bytes."""
    element = ELEMENTS[prefix]
    code = memoryview(vec).format.lstrip("@=<")
    if code in ("B", "c"):
        return element.code
    if len(code) != 1 or code not in element.formats:
        raise TypeError(f"{type(vec).__name__} of elements {code!r}, not {element.code!r}")
    return code


def _reduce(
    vector: memoryview, code: str, operation: str, target: int, kind: int, mask: int
) -> bool:
    """Reduce *vector* over the dimensions of *mask*; return whether this node gets the result.

    Raises:
        Refused: EINVAL: there is no such type; ENXIO: there is no such target.
    """
    node = current()
    check_type(kind)
    mask &= (1 << node.dimension) - 1
    me = node.process.rank
    root = ANY if target == ANY else node.number(me & ~mask | node.number(target) & mask)
    channel, members = node.groups.channel(mask, kind)
    reduction = _reduction(node, code, operation)
    if root == ANY:
        channel.begin(Kind.ALLREDUCE)
        allreduce(channel, vector, reduction)
        return True
    channel.begin(Kind.REDUCE)
    reduce(channel, vector, reduction, members.index(root))
    return root == me


def _reduction(node: Node, code: str, operation: str) -> Reduction:
    """Return how to combine vectors, which takes the process its time."""
    size = struct.calcsize(code)
    letter = "f" if code in "fd" else "i" if code.islower() else "u"
    combine = elementwise(UFUNCS[operation], f"{letter}{size}")
    rate, charge = node.setup.reduce_rate, node.process.charge

    def timed(given: memoryview, result: memoryview) -> None:
        combine(given, result)
        charge(len(result) * rate // 1000)

    return Reduction(timed, size, commutative=True)
