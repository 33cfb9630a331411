"""Requests and replies survive the wire, and nothing else is taken for one."""

from __future__ import annotations

import typing

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp.process import calls
from vmpp.process.striping import Layout

INTEGERS = st.integers(-(2**63), 2**63 - 1)
SERVERS = st.lists(INTEGERS).map(tuple)
FIELDS = {
    int: INTEGERS,
    str: st.text(),
    bytes: st.binary(),
    bool: st.booleans(),
    tuple[int, int] | None: st.none() | st.tuples(INTEGERS, INTEGERS),
    tuple[int, ...]: SERVERS,
    Layout: st.builds(Layout, INTEGERS, INTEGERS, SERVERS),
    list[calls.Entry]: st.lists(st.builds(calls.Entry, st.binary(), INTEGERS)),
}


def instances(schema):
    hints = typing.get_type_hints(schema)
    return st.builds(schema, **{name: FIELDS[hints[name]] for name in schema.__struct_fields__})


REQUESTS = typing.get_args(calls.AnyCall)
REPLIES = typing.get_args(calls.AnyReply)


@pytest.mark.parametrize("schema", REQUESTS, ids=lambda schema: schema.__name__)
@given(st.data())
def test_a_request_comes_out_as_it_went_in(schema, data):
    request = data.draw(instances(schema))
    assert calls.decode_call(calls.encode(request)) == request


@pytest.mark.parametrize("schema", REPLIES, ids=lambda schema: schema.__name__)
@given(st.data())
def test_a_reply_comes_out_as_it_went_in(schema, data):
    reply = data.draw(instances(schema))
    assert calls.decode_reply(calls.encode(reply)) == reply


def test_every_schema_is_one_of_the_union():
    named = {s for s in vars(calls).values() if isinstance(s, type)}
    assert {s for s in named if issubclass(s, calls.Call)} - {calls.Call} == set(REQUESTS)
    assert {s for s in named if issubclass(s, calls.Reply)} - {calls.Reply} == set(REPLIES)


def test_every_request_names_its_reply():
    for schema in REQUESTS:
        (base,) = schema.__orig_bases__
        assert typing.get_args(base)[0] in REPLIES


@given(st.binary())
def test_garbage_is_refused(data):
    try:
        request = calls.decode_call(data)
    except msgspec.DecodeError:
        return
    assert calls.decode_call(calls.encode(request)) == request


@given(st.lists(INTEGERS, min_size=13, max_size=13))
def test_the_hosts_numbers_do_not_change_the_length_of_a_reply(numbers):
    for reply in (calls.Attributes(*numbers), calls.Space(*numbers[:11])):
        assert len(calls.encode(calls.fill(reply))) == calls.FILLED


def test_a_short_print_is_a_short_message():
    assert len(calls.encode(calls.Write(1, b"hello\n"))) == 11
