"""The match list of posted receives: who takes a message, however many there are."""

from __future__ import annotations

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from vmpp.portals import Header, PortalTable
from vmpp_nx import _postings
from vmpp_nx._bits import type_bits
from vmpp_nx._mailbox import CATCH_ALLS, Mailbox
from vmpp_nx._messages import Messages
from vmpp_nx._parameters import Parameters

KINDS = st.sampled_from([0, 1, 2, 30, 31, 2 * 10**9 - 1])
SELECTORS = st.one_of(KINDS, st.sampled_from([-1, -(2**31) + 5, -(2**31) + (1 << 29) + 1]))
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("post"), SELECTORS, st.integers(-1, 1)),
        st.tuples(st.just("message"), KINDS, st.integers(0, 1)),
        st.tuples(st.just("withdraw"), st.integers(0, 30), st.just(0)),
    ),
    max_size=60,
)


def receivers(entries, place, hops, bits, rank):
    """Return the entry that takes a message, walking from *place* on, and how many were seen."""
    while place >= CATCH_ALLS:
        entry = entries[place]
        hops += 1
        fits = entry.active and not (entry.bits ^ bits) & entry.mask
        if fits and entry.rank in (-1, rank):
            if entry.descriptor.next_free == 0:
                return place, hops
            place = entry.next_invalid
        else:
            place = entry.next_no_match
    return None, hops


@given(STEPS)
def test_an_index_finds_what_a_walk_finds(steps):
    process = SimpleNamespace(table=PortalTable(), size=2, group=1, rank=0, admitted=frozenset())
    mailbox = Mailbox(process, Parameters())
    postings = _postings.Postings(mailbox)
    selecting = SimpleNamespace(
        own_ptype=lambda: 0, selectors={}, size=2, application=None, _process=process
    )
    selecting.selection = lambda *arguments: Messages.selection(selecting, *arguments)
    many, _postings._MANY = _postings._MANY, 5
    try:
        posted = []
        for what, first, second in steps:
            if what == "post":
                wanted = Messages.wanted(selecting, first, second)
                posted.append(postings.post(wanted, None))
            elif what == "withdraw" and posted:
                postings.withdraw(posted.pop(first % len(posted)))
            elif what == "message":
                entries, ahead = mailbox.list.entries, mailbox.list.ahead
                bits = type_bits(first)
                walked = receivers(entries, mailbox.list.head, 0, bits, second)
                if ahead is not None:
                    assert receivers(entries, *ahead(bits), bits, second) == walked
                if walked[0] is not None:
                    entries[walked[0]].descriptor.next_free = 1
                    entries[walked[0]].descriptor.blocks[0].header = Header
        assert postings.posted == sum(len(posting.places) for posting in posted)
    finally:
        _postings._MANY = many


def test_more_than_an_index_is_worth(run):
    run(
        """
        count = 300
        if me == 1:
            buffers = [bytearray(2) for _ in range(count)]
            mids = [irecvx(i % 7, b, 2, 0, -1, msginfo) for i, b in enumerate(buffers)]
            csend(9, None, 0, 0, 0)
            crecv(8, None, 0)
            for mid in mids:
                msgwait(mid)
            assert [int.from_bytes(b, "big") for b in buffers] == list(range(count))
            crecv(8, None, 0)
        else:
            crecv(9, None, 0)
            for kind in (3, 1, 0, 6, 2, 5, 4):
                for number in range(kind, count, 7):
                    csend(kind, number.to_bytes(2, "big"), 2, 1, 0)
            csend(8, None, 0, 1, 0)
            csend(8, None, 0, 1, 0)
        """
    )
