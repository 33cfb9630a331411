"""Whatever is written, read and cut in whatever order, servers have what a simple model has."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from vmpp.process import striping
from vmpp.process.striping import Cut, Layout
from vmpp.service.parallel import IoCosts

from .conftest import Site

SMALL = IoCosts(request=1000, buffers=65536, cache=40_000, write_behind=10_000, read_ahead=20_000)

RUNS = st.lists(
    st.tuples(st.integers(0, 9000), st.one_of(st.integers(0, 40), st.integers(0, 5000))),
    min_size=1,
    max_size=4,
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), RUNS),
        st.tuples(st.just("read"), RUNS),
        st.tuples(st.just("cut"), st.integers(0, 12_000)),
    ),
    max_size=8,
)


class Model:
    """What each server has of a file, as bytes."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.parts = [bytearray() for _ in layout.servers]

    def write(self, data: bytes, runs: list[tuple[int, int, int]]) -> None:
        for place, part in enumerate(self.parts):
            for offset, length, begin in runs:
                for at, there, size in self.layout.parts(place, offset, length):
                    part.extend(bytes(max(0, at + size - len(part))))
                    part[at : at + size] = data[begin + there - offset :][:size]

    def read(self, buffer: bytearray, runs: list[tuple[int, int, int]]) -> None:
        for place, part in enumerate(self.parts):
            for offset, length, begin in runs:
                for at, there, size in self.layout.parts(place, offset, length):
                    found = part[at : at + size]
                    start = begin + there - offset
                    buffer[start : start + len(found)] = found

    def cut(self, size: int) -> None:
        for place, part in enumerate(self.parts):
            del part[self.layout.part_length(place, size) :]


def placed(runs: list[tuple[int, int]]) -> list[tuple[int, int, int]]:
    """Return runs one after the other in a buffer."""
    found, place = [], 0
    for offset, length in runs:
        found.append((offset, length, place))
        place += length
    return found


@settings(max_examples=40)
@given(st.integers(1, 3), st.sampled_from([512, 700, 4096]), STEPS)
def test_servers_have_what_the_model_has(
    servers: int, unit: int, steps: list[tuple[str, Any]]
) -> None:
    here = Site(servers, 1, jobs=[0], costs=SMALL)
    layout = here.layout(unit=unit)
    model = Model(layout)

    def program(client: Any) -> None:
        for number, (what, how) in enumerate(steps):
            if what == "cut":
                model.cut(how)
                for server in range(servers):
                    client.post(server, striping.encode(Cut(layout, how)))
                assert not any(each.error for each in client.reports(servers))
                continue
            runs = placed(how)
            size = sum(length for _, length, _ in runs)
            if what == "write":
                data = bytes((number * 50 + place) % 251 for place in range(size))
                reports = client.write(layout, data, *runs)
                model.write(data, runs)
            else:
                found, expected = bytearray(b"?" * size), bytearray(b"?" * size)
                reports, _ = client.read(layout, *runs, into=found)
                model.read(expected, runs)
                assert found == expected
            assert not any(each.error for each in reports)
            for each in reports:
                assert each.end in {
                    layout.end(place, len(part)) for place, part in enumerate(model.parts)
                }

    here.run(program)
    sizes = [here.io.files.sizes(node).get(1, 0) for node in range(servers)]
    assert sizes == [len(part) for part in model.parts]
    here.io.close()
