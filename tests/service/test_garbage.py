"""Whatever a program sends to a server that answers requests, it is answered, and harms nobody."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from vmpp.process import calls, jobs, places
from vmpp.service import account_calls, requests
from vmpp.service.names import NameServer
from vmpp.service.server import Caller
from vmpp.service.sockets import SocketServer

NO_TEXT = b"\xff\xfe"
"""Bytes that are not UTF-8."""


def spoilt(call: Any) -> bytes:
    """Return a request whose first text is none."""
    good = calls.encode(call)
    assert good.count(b"abcd") == 1
    return good.replace(b"abcd", NO_TEXT * 2)


@pytest.mark.parametrize(
    ("decode", "call"),
    [
        (jobs.decode_call, jobs.LookUp("abcd")),
        (places.decode_call, places.Bind("abcd", 1)),
        (account_calls.decode_call, account_calls.Enter("abcd")),
        (requests.decode_call, requests.Withdraw(7)),
    ],
    ids=lambda value: getattr(value, "__name__", type(value).__name__),
)
def test_text_that_is_none_is_garbage(decode: Any, call: Any) -> None:
    assert decode(calls.encode(call)) == call
    request = spoilt(call) if b"abcd" in calls.encode(call) else b"\x91\xff"
    with pytest.raises(calls.GARBAGE):
        decode(request)


@given(st.binary(max_size=100))
@example(spoilt(jobs.LookUp("abcd")))
def test_the_name_server_answers_garbage(request: bytes) -> None:
    reply = NameServer(1, lambda job: None).serve(Caller(7, 0, 0), request)
    assert isinstance(reply, bytes)


@given(st.binary(max_size=100))
@example(spoilt(places.Bind("abcd", 1)))
def test_the_server_of_sockets_answers_garbage(request: bytes) -> None:
    assert isinstance(SocketServer(1, lambda node: True).serve(Caller(7, 0, 0), request), bytes)
