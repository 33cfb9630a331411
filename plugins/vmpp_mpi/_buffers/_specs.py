"""What the bytes of a message are, and where in the program's memory they belong.

For elements that lie without gaps the bytes are a view of the program's own memory. For others they
are a packed copy: what was received into it has to be put in place by ``deliver``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from vmpp_mpi._datatype import Datatype, Layout
from vmpp_mpi._work import charge_copy


class Spec:
    """The bytes of a message, and the elements they are.

    Attributes:
        data: format ``B``, one-dimensional: exactly the bytes to send or to receive into.
        count: number of elements.
        datatype: type of an element.
        nbytes: length of data, which is count times the size of the datatype.
        base: None when data is the program's own memory; else its memory, of which data is a packed
            copy.
    """

    __slots__ = ("base", "count", "data", "datatype", "nbytes")

    def __init__(self, data: memoryview, count: int, datatype: Datatype) -> None:
        self.data = data
        self.count = count
        self.datatype = datatype
        self.nbytes = len(data)
        self.base: memoryview | None = None

    @staticmethod
    def of(
        memory: memoryview, origin: int, count: int, datatype: Datatype, load: bool = True
    ) -> Spec:
        """Return the bytes of elements, which have to lie in *memory*.

        Args:
            memory: format ``B``.
            origin: where in memory the first element's origin is.
            count: number of elements.
            datatype: type of an element.
            load: whether a packed copy has the elements from the start; needs no copy without it.
        """
        view = datatype._get().view(memory, count, origin)
        if view is not None:
            return Spec(view, count, datatype)
        return PackedSpec(memory, origin, count, datatype, load)

    def load(self) -> None:
        """Put what the program has in its memory by now into `data`; see `deliver`."""

    def deliver(self, nbytes: int | None = None) -> None:
        """Put what was received into `data` where the program wants it.

        Does nothing where it is there already.

        Args:
            nbytes: how many bytes arrived; all by default.
        """


class PackedSpec(Spec):
    """The bytes of elements with gaps: a packed copy, made when somebody asks for it.

    Packing and unpacking take the process as long as its node needs to copy so many bytes.

    Attributes:
        origin: where in base the first element's origin is.
    """

    __slots__ = ("_layout", "_load", "_packed", "origin")

    base: memoryview

    def __init__(
        self, memory: memoryview, origin: int, count: int, datatype: Datatype, load: bool
    ) -> None:
        # Not the datatype alone: that may be freed while the message is under way.
        self._layout: Layout = datatype._get()
        self.base, self.origin = memory, origin
        self.count, self.datatype = count, datatype
        self.nbytes = count * self._layout.size
        self._load = load
        self._packed: memoryview | None = None

    @property
    def data(self) -> memoryview:
        """As `Spec.data`."""
        packed = self._packed
        if packed is None:
            layout = self._layout
            if self._load:
                packed = layout.pack(self.base, self.count, self.origin)
                charge_copy(self.nbytes)
            else:
                packed = layout.room(self.count)
            self._packed = packed
        return packed

    @data.setter
    def data(self, packed: memoryview) -> None:
        self._packed = packed

    def load(self) -> None:
        """Put what the program has in its memory by now into `data`."""
        if self._load:
            self._packed = None

    def deliver(self, nbytes: int | None = None) -> None:
        """Put what was received where the program wants it."""
        data = self.data[:nbytes]
        self._layout.unpack(data, self.base, self.origin)
        charge_copy(len(data))


class VSpec:
    """The bytes of a message in blocks of different sizes, one for each rank.

    Attributes:
        counts: number of elements in each block.
        datatype: type of an element.
    """

    __slots__ = ("_specs", "_views", "counts", "datatype")

    def __init__(self, views: Sequence[memoryview], counts: list[int], datatype: Datatype) -> None:
        self._views = views
        self._specs: Sequence[Spec] = ()
        self.counts = counts
        self.datatype = datatype

    @classmethod
    def of(cls, specs: Sequence[Spec], counts: list[int], datatype: Datatype) -> Self:
        """Return the blocks that *specs* are, of which some are packed copies."""
        made = cls((), counts, datatype)
        made._specs = specs
        return made

    def blocks(self) -> Sequence[memoryview]:
        """Return the bytes of each block."""
        return [spec.data for spec in self._specs] if self._specs else self._views

    def load(self) -> None:
        """Put what the program has in its memory by now into the blocks; see `Spec.load`."""
        for spec in self._specs:
            spec.load()

    def deliver(self) -> None:
        """Put what was received into the blocks where the program wants it; see `Spec.deliver`."""
        for spec in self._specs:
            spec.deliver()


class WSpec:
    """The bytes of a message in blocks with a datatype each, one for each rank.

    Attributes:
        blocks: one `Spec` for each rank.
    """

    __slots__ = ("blocks",)

    def __init__(self, blocks: list[Spec]) -> None:
        self.blocks = blocks

    def load(self) -> None:
        """Put what the program has in its memory by now into the blocks; see `Spec.load`."""
        for block in self.blocks:
            block.load()

    def deliver(self) -> None:
        """Put what was received where the program wants it; see `Spec.deliver`."""
        for block in self.blocks:
            block.deliver()
