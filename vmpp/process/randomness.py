"""Randomness as a program draws it: its own a process, and the same in every run with one seed.

What a program asks of the operating system (``os.urandom``, and so ``secrets``, ``uuid.uuid4`` and
``numpy.random.default_rng()``) comes from the process's stream "entropy", the functions of
``random`` have the stream "random", and those of ``numpy.random`` are seeded from "numpy.random".

Out of reach: generators that C libraries seed by themselves (OpenSSL's).
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

from vmpp.engine import NANOSECOND
from vmpp.process.virtual import Functions, Virtual

if TYPE_CHECKING:
    from vmpp.kernel.process import Process

_SEED_BITS: Final = 2496
"""As much as python itself asks the system for."""

_UUID_EPOCH: Final = 0x01B21DD213814000
"""1970 in the calendar of UUIDs, in units of 100 ns since 1582."""

_real_seed = random.Random.seed
_shared_state: Any = getattr(random, "_inst")  # noqa: B009 # the stub does not know it

_FUNCTIONS: Final = tuple(
    name
    for name, value in vars(random).items()
    if getattr(value, "__self__", None) is _shared_state
)
"""The functions of the module ``random`` that have a state."""


def module_of(state: random.Random) -> ModuleType:
    """Return the module ``random`` with *state* behind its functions.

    A program gets this one, and draws from it as fast as it ever did. The functions that are
    replaced in the shared module serve libraries.
    """
    module = ModuleType("random")
    names = module.__dict__
    names.update(vars(random))
    for name in _FUNCTIONS:
        names[name] = getattr(state, name)
    names["_inst"] = state
    return module


def _random_function(name: str) -> Virtual:
    def call(process: Process, *args: Any, **kwargs: Any) -> Any:
        return getattr(process.space.random, name)(*args, **kwargs)

    return call


def _seed(process: Process, self: random.Random, a: Any = None, version: int = 2) -> None:
    if a is None:
        a = process.space.entropy.getrandbits(_SEED_BITS)
    _real_seed(self, a, version)


def _urandom(process: Process, size: int, /) -> bytes:
    if size < 0:
        raise ValueError("negative argument not allowed")
    data: bytes = process.space.entropy.randbytes(size)
    return data


def _getrandom(process: Process, size: int, flags: int = 0) -> bytes:
    del flags
    return _urandom(process, size)


def _uuid1(process: Process, node: int | None = None, clock_seq: int | None = None) -> UUID:
    space = process.space
    process.charge(100 * NANOSECOND)
    stamp = (process.clock + space.program.epoch) // (100 * NANOSECOND) + _UUID_EPOCH
    if clock_seq is None:
        clock_seq = space.entropy.getrandbits(14)
    if node is None:
        node = _getnode(process)
    fields = (
        stamp & 0xFFFFFFFF,
        (stamp >> 32) & 0xFFFF,
        (stamp >> 48) & 0x0FFF,
        (clock_seq >> 8) & 0x3F,
        clock_seq & 0xFF,
        node,
    )
    return UUID(fields=fields, version=1)


def _getnode(process: Process) -> int:
    """Return the node's number as a locally administered hardware address."""
    return 0x02_00_00_00_00_00 + process.nid


TABLE: Final[Functions] = {
    "random": {
        **{name: _random_function(name) for name in _FUNCTIONS},
        "Random.seed": _seed,
        "_urandom": _urandom,
    },
    "os": {"getrandom": _getrandom, "urandom": _urandom},
    "uuid": {"getnode": _getnode, "uuid1": _uuid1},
}
"""Virtual functions by module and name."""


# -- numpy.random ----------------------------------------------------------------------------------


def _numpy_function(name: str) -> Virtual:
    def call(process: Process, *args: Any, **kwargs: Any) -> Any:
        return getattr(process.space.numpy_random, name)(*args, **kwargs)

    return call


def _get_bit_generator(process: Process) -> Any:
    return process.space.numpy_random._bit_generator


def _set_bit_generator(process: Process, bitgen: Any) -> None:
    space = process.space
    space.numpy_random = type(space.numpy_random)(bitgen)


_NUMPY_OTHERS: Final[Mapping[str, Virtual]] = {
    "get_bit_generator": _get_bit_generator,
    "ranf": _numpy_function("random_sample"),
    "sample": _numpy_function("random_sample"),
    "seed": _numpy_function("seed"),
    "set_bit_generator": _set_bit_generator,
}


def numpy_functions(module: ModuleType) -> Iterator[tuple[str, Virtual]]:
    """Yield the functions of *module*, ``numpy.random`` or its ``mtrand``, that have a state."""
    state: Any = getattr(module, "mtrand", module)._rand
    for name, value in list(vars(module).items()):
        if name in _NUMPY_OTHERS:
            yield name, _NUMPY_OTHERS[name]
        elif getattr(value, "__self__", None) is state:
            yield name, _numpy_function(value.__name__)
