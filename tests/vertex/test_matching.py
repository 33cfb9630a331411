"""What receives find, against a list; and what the node buffer keeps, against a count of bytes."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from vmpp.engine import MICROSECOND, current_process
from vmpp_vertex.vertex import ngetp, nlost, nrange, nread, nreadp, nrelp, ntest, nwrite

ANY = -1
TURN = 10 * MICROSECOND
HEADER = 64

types = st.integers(0, 5) | st.sampled_from([0x7FFF, 0x8000, 0xFFFF])
sources = st.integers(0, 2)
wanted = st.tuples(st.just("look"), sources | st.just(ANY), types | st.just(ANY))
ranges = st.tuples(st.just("range"), types, types)
messages = st.lists(st.tuples(sources, types), max_size=8)


@given(messages, st.lists(wanted | ranges, max_size=10))
def test_receives_take_the_oldest_that_matches(nodes, sent, asked):
    def sends(me):
        def program():
            for number, (source, type) in enumerate(sent):
                if source == me:
                    sleep_until(number * TURN)
                    nwrite(bytes([number]), 1, 3, type)

        return program

    def takes():
        sleep_until(len(sent) * TURN)
        return look(asked)

    expected = Model(sent).look(asked)
    assert nodes(4, sends(0), sends(1), sends(2), takes)[3] == expected


def sleep_until(when):
    process = current_process()
    process.sleep(max(0, when - process.clock))


def look(asked):
    """Return what is found of what is *asked*, by ntest and then, if it is there, by nread."""
    found = []
    for what, first, second in asked:
        if what == "range":
            found.append(nrange(first, second))
            continue
        length, source, type = ntest(first, second)
        if length >= 0:
            buf = bytearray(1)
            assert nread(buf, 1, first, second) == (length, source, type)
            found.append((source, type, buf[0]))
        else:
            found.append(None)
    return found


class Model:
    """The messages in a list."""

    def __init__(self, sent):
        self.waiting = [(source, type, number) for number, (source, type) in enumerate(sent)]
        self.range = 0, 0x7FFF

    def look(self, asked):
        return [getattr(self, "_" + what)(first, second) for what, first, second in asked]

    def _range(self, low, high):
        if low > high:
            return -1
        self.range = low, high
        return 0

    def _look(self, source, type):
        low, high = self.range if type == ANY else (type, type)
        for message in self.waiting:
            if source in (ANY, message[0]) and low <= message[1] <= high:
                self.waiting.remove(message)
                return message
        return None


lengths = st.integers(0, 300)
steps = st.lists(
    st.tuples(st.just("write"), lengths)
    | st.tuples(st.just("piece"), lengths)
    | st.tuples(st.sampled_from(["read", "readp", "release"]), st.just(0)),
    max_size=25,
)


@given(steps)
def test_the_node_buffer_keeps_what_it_has_room_for(nodes, asked):
    size = 1000

    def program():
        pieces, found = [], []
        for what, length in asked:
            if what == "write":
                nwrite(bytes(length), length, 0, 1)
            elif what == "piece":
                piece = ngetp(length)
                pieces += [] if piece is None else [piece]
            elif what == "release" and pieces:
                nrelp(pieces.pop(0))
            elif ntest(-1, -1)[0] >= 0:
                if what == "read":
                    nread(bytearray(300), 300)
                elif what == "readp":
                    pieces.append(nreadp(None, 300)[1])
            ntest(-1, -1)  # so that what is under way arrives
            found.append((ntest(-1, -1)[0], nlost(), len(pieces)))
        return found

    assert nodes(1, program, buffer=size) == {0: kept(asked, size)}


def kept(asked, size):
    """Return, step by step: length of the oldest message, messages lost, pieces held."""
    waiting, pieces, lost, found = [], [], 0, []
    for what, length in asked:
        room = size - sum(HEADER + each for each in waiting + pieces)
        if what == "write" and HEADER + length > room:
            lost += 1
        elif what == "write":
            waiting.append(length)
        elif what == "piece" and HEADER + length <= room:
            pieces.append(length)
        elif what == "release" and pieces:
            pieces.pop(0)
        elif what == "read" and waiting:
            waiting.pop(0)
        elif what == "readp" and waiting:
            pieces.append(waiting.pop(0))
        found.append((waiting[0] if waiting else -1, lost, len(pieces)))
    return found
