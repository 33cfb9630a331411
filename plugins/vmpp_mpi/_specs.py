"""What the bytes of a message are, and where in the program's memory they belong.

For elements that lie without gaps the bytes are a view of the program's own memory. For others they
are a packed copy: what was received into it has to be put in place by ``deliver``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

from vmpp_mpi._datatype import Datatype, Layout


class Spec:
    """The bytes of a message, and the elements they are.

    Attributes:
        data: format ``B``, one-dimensional: exactly the bytes to send or to receive into.
        count: number of elements.
        datatype: type of an element.
        nbytes: length of data, which is count times the size of the datatype.
        base: None when data is the program's own memory; else its memory, of which data is a packed
            copy.
        origin: where in base the first element's origin is.
    """

    __slots__ = ("_layout", "base", "count", "data", "datatype", "nbytes", "origin")

    _layout: Layout
    origin: int

    def __init__(self, data: memoryview, count: int, datatype: Datatype) -> None:
        self.data = data
        self.count = count
        self.datatype = datatype
        self.nbytes = len(data)
        self.base: memoryview | None = None

    @classmethod
    def of(
        cls, memory: memoryview, origin: int, count: int, datatype: Datatype, load: bool = True
    ) -> Self:
        """Return the bytes of elements, which have to lie in *memory*.

        Args:
            memory: format ``B``.
            origin: where in memory the first element's origin is.
            count: number of elements.
            datatype: type of an element.
            load: whether a packed copy has the elements from the start; needs no copy without it.
        """
        layout = datatype._get()
        view = layout.view(memory, count, origin)
        if view is not None:
            return cls(view, count, datatype)
        if load:
            made = cls(layout.pack(memory, count, origin), count, datatype)
        else:
            made = cls(layout.room(count), count, datatype)
        # Not the datatype again: that may be freed while the message is under way.
        made._layout = layout
        made.base, made.origin = memory, origin
        return made

    def load(self) -> None:
        """Put what the program has in its memory by now into `data`; see `deliver`."""
        if self.base is not None:
            self.data = self._layout.pack(self.base, self.count, self.origin)

    def deliver(self, nbytes: int | None = None) -> None:
        """Put what was received into `data` where the program wants it.

        Does nothing where it is there already.

        Args:
            nbytes: how many bytes arrived; all by default.
        """
        if self.base is not None:
            self._layout.unpack(self.data[:nbytes], self.base, self.origin)


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
