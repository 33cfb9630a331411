"""The server `log`: what has happened, for root."""

from __future__ import annotations

import errno
from pathlib import Path
from typing import Any

from vmpp.process.calls import encode
from vmpp.service.identity import Credentials
from vmpp.service.log import PAGE, EventLog, Kind, LogServer, ReadLog, decode_reply
from vmpp.service.server import Caller

SESSIONS = {50: Credentials("root", 0, 0), 51: Credentials("alice", 1000, 1000)}


def ask(log: EventLog, number: int, wanted: ReadLog) -> Any:
    """Ask the server as the session *number*."""
    reply = LogServer(log, SESSIONS.get, 1000).serve(Caller(number, -1, 0), encode(wanted))
    return decode_reply(reply)


def test_events_are_told_in_the_order_in_which_they_were_noted() -> None:
    log = EventLog()
    log.note(0, Kind.BOOT, text="default")
    log.note(30, Kind.LOGIN, "alice", "from console")
    log.note(30, Kind.LAUNCH, "alice", "job 1: ring.py")
    assert [event.kind for event in ask(log, 50, ReadLog()).events] == ["boot", "login", "launch"]
    (event,) = ask(log, 50, ReadLog(kinds=(Kind.LOGIN,))).events
    assert (event.time, event.user, event.text) == (30, "alice", "from console")
    assert len(ask(log, 50, ReadLog(user="alice")).events) == 2
    assert len(ask(log, 50, ReadLog(until=30)).events) == 1
    assert len(ask(log, 50, ReadLog(since=30)).events) == 2
    assert log.latest() == 30


def test_only_root_reads_it() -> None:
    log = EventLog()
    for number in (51, 0, 7):
        assert ask(log, number, ReadLog()).errno == errno.EPERM


def test_it_comes_in_pages() -> None:
    log = EventLog()
    for time in range(PAGE + 1):
        log.note(time, Kind.FAULT)
    first = ask(log, 50, ReadLog())
    assert (len(first.events), first.more) == (PAGE, True)
    rest = ask(log, 50, ReadLog(after=first.events[-1].number))
    assert ([event.time for event in rest.events], rest.more) == ([PAGE], False)


def test_it_outlives_a_boot(tmp_path: Path) -> None:
    path = str(tmp_path / "log.sqlite")
    first = EventLog(path)
    first.note(5, Kind.BOOT)
    first.close()
    second = EventLog(path)
    second.note(7, Kind.BOOT)
    assert [event.number for event in second.read(ReadLog()).events] == [1, 2]
    second.close()


def test_garbage_is_no_request() -> None:
    reply = LogServer(EventLog(), SESSIONS.get, 1).serve(Caller(50, -1, 0), b"\xc1")
    assert decode_reply(reply).errno == errno.EBADMSG
