"""The server `login`: who gets in, who is kept out and for how long, and who may change what."""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
import trio
from hypothesis import example, given
from hypothesis import strategies as st

from vmpp.engine import SECOND
from vmpp.process.calls import Call, Done, Failed
from vmpp.service import account_calls as calls
from vmpp.service.account_store import AccountStore
from vmpp.service.accounts import FIRST_DELAY, LONGEST_DELAY, LoginServer, delay
from vmpp.service.log import EventLog, Kind, ReadLog
from vmpp.service.passwords import CHEAP, HashCost, Passwords
from vmpp.service.server import Caller

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGh0dHBzOi8vcmZjLWVkaXRvci5vcmcvcmZjODAz"


def _says(answer: Any, number: int, words: str) -> bool:
    reply = answer.reply
    return isinstance(reply, Failed) and reply.errno == number and words in reply.text


async def test_whoever_knows_the_password_is_let_in(desk: Any) -> None:
    await desk.add("bob", "tuna")
    answer = await desk.login("bob", "tuna")
    assert answer.late == 0
    assert answer.reply.user.name == "bob"
    assert answer.reply.user.home == "/home/bob"
    number = next(reversed(desk.server.sessions))
    assert desk.server.user(number) == answer.reply.user


async def test_a_wrong_password_and_an_unknown_name_look_alike(desk: Any) -> None:
    await desk.add("bob", "tuna")
    await desk.add("locked", "tuna")
    await desk.add("nopassword")
    root = await desk.enter("root")
    await desk.ask(root, calls.SetLocked("locked", True))
    answers = [
        [await desk.login(name, password) for _ in range(3)]
        for name, password in (
            ("bob", "salmon"),
            ("nobody", "salmon"),
            ("nopassword", ""),
            ("locked", "tuna"),
            ("root", ""),
            ("x" * 5000, "y" * 5000),
        )
    ]
    assert all(answer == answers[0] for answer in answers)
    assert answers[0][0].reply == Failed(errno.EACCES, "login incorrect")


async def test_failed_logins_are_answered_later_and_later_and_told_of(desk: Any) -> None:
    await desk.add("bob", "tuna")
    late = []
    for attempt in range(9):
        desk.now = attempt * 100 * SECOND
        late.append((await desk.login("bob", "salmon")).late // SECOND)
    assert late == [1, 2, 4, 8, 16, 32, 64, 64, 64]
    welcome = (await desk.login("bob", "tuna")).reply
    assert (welcome.failures, welcome.last_failure) == (9, 800 * SECOND)
    again = (await desk.login("bob", "tuna")).reply
    assert (again.failures, again.last_failure) == (0, None)
    assert (await desk.login("bob", "salmon")).late == FIRST_DELAY


@given(st.integers(1, 10**6))
def test_the_delay_grows_and_is_bounded(failures: int) -> None:
    assert FIRST_DELAY <= delay(failures) <= delay(failures + 1) <= LONGEST_DELAY


async def test_nobody_enters_without_a_password_whom_the_machine_does_not_vouch_for(
    desk: Any,
) -> None:
    assert _says(await desk.ask(7, calls.Enter("root")), errno.EPERM, "vouches")
    desk.server.admit(8, "ssh")
    assert _says(await desk.ask(8, calls.Enter("root")), errno.EPERM, "vouches")
    desk.server.admit(9, "ssh", "carol")
    assert _says(await desk.ask(9, calls.Enter("root")), errno.EPERM, "vouches")
    assert isinstance((await desk.ask(9, calls.Enter("carol"))).reply, calls.Welcome)


async def test_a_program_cannot_log_in(desk: Any) -> None:
    await desk.add("bob", "tuna")
    assert _says(await desk.ask(7, calls.Login("bob", "tuna")), errno.EPERM, "programs")


async def test_a_password_can_be_verified_before_anybody_comes_in(desk: Any) -> None:
    await desk.add("bob", "tuna")
    desk.server.admit(900, "ssh", "bob")
    assert (await desk.ask(900, calls.Verify("bob", "salmon"))).late == FIRST_DELAY
    assert (await desk.ask(900, calls.Verify("bob", "tuna"))).reply == Done()
    assert desk.server.user(900) is None
    assert (await desk.ask(900, calls.Enter("bob"))).reply.failures == 1
    assert _says(await desk.ask(7, calls.Verify("bob", "tuna")), errno.EPERM, "programs")


async def test_who_has_logged_out_or_gone_is_nobody(desk: Any) -> None:
    first, second = await desk.enter("carol"), await desk.enter("carol")
    assert (await desk.ask(first, calls.Logout())).reply == Done()
    desk.server.forget(second)
    for number in (first, second):
        assert _says(await desk.ask(number, calls.Who()), errno.EPERM, "logged in")
        assert desk.server.user(number) is None
    assert desk.server.sessions == {}


async def test_a_locked_account_is_closed_to_keys_as_well(desk: Any) -> None:
    await desk.add("bob", "tuna")
    root = await desk.enter("root")
    await desk.ask(root, calls.SetLocked("bob", True))
    desk.server.admit(500, "ssh", "bob")
    assert _says(await desk.ask(500, calls.Enter("bob")), errno.EACCES, "incorrect")
    await desk.ask(root, calls.SetLocked("bob", False))
    assert isinstance((await desk.ask(500, calls.Enter("bob"))).reply, calls.Welcome)


async def test_one_changes_ones_password_with_the_old_one(desk: Any) -> None:
    await desk.add("bob", "tuna")
    bob = await desk.enter("bob")
    wrong = await desk.ask(bob, calls.Passwd("", "salmon", "cod"))
    assert _says(wrong, errno.EACCES, "old password")
    assert wrong.late == FIRST_DELAY
    assert (await desk.ask(bob, calls.Passwd("", "tuna", "cod"))).reply == Done()
    assert _says(await desk.login("bob", "tuna"), errno.EACCES, "incorrect")
    assert isinstance((await desk.login("bob", "cod")).reply, calls.Welcome)


async def test_whoever_has_no_password_gives_themselves_one(desk: Any) -> None:
    carol = await desk.enter("carol")
    assert (await desk.ask(carol, calls.Passwd("", "", "cod"))).reply == Done()
    assert isinstance((await desk.login("carol", "cod")).reply, calls.Welcome)


async def test_only_root_changes_the_passwords_of_others(desk: Any) -> None:
    await desk.add("bob", "tuna")
    carol = await desk.enter("carol")
    refused = await desk.ask(carol, calls.Passwd("bob", "tuna", "cod"))
    assert _says(refused, errno.EPERM, "only root")
    root = await desk.enter("root")
    assert (await desk.ask(root, calls.Passwd("bob", "", "cod"))).reply == Done()
    assert isinstance((await desk.login("bob", "cod")).reply, calls.Welcome)


@pytest.mark.parametrize("password", ["", "x" * 2000])
async def test_a_password_has_a_length(desk: Any, password: str) -> None:
    carol = await desk.enter("carol")
    answer = await desk.ask(carol, calls.Passwd("", "", password))
    assert _says(answer, errno.EINVAL, "a password")


@pytest.mark.parametrize(
    "call",
    [
        calls.AddUser("eve", None, (), None, None),
        calls.RemoveUser("bob"),
        calls.SetLocked("bob", True),
        calls.SetQuota("bob", 1, 1),
        calls.AddGroup("crew"),
        calls.RemoveGroup("bob"),
        calls.SetMember("wheel", "bob", True),
    ],
    ids=lambda call: type(call).__name__,
)
async def test_only_root_changes_accounts(desk: Any, call: Call[Any]) -> None:
    await desk.add("bob")
    bob = await desk.enter("bob")
    users, groups = desk.store.users(), desk.store.groups()
    assert _says(await desk.ask(bob, call), errno.EPERM, "only root")
    assert (desk.store.users(), desk.store.groups()) == (users, groups)


async def test_root_adds_users_with_groups_and_quotas_and_removes_them(desk: Any) -> None:
    root = await desk.enter("root")
    added = await desk.ask(root, calls.AddUser("bob", "tuna", ("programmers",), 1 << 20, 50))
    assert added.reply.user == desk.store.credentials("bob")
    assert 100 in added.reply.user.groups
    account = desk.store.get("bob")
    assert (account.quota_bytes, account.quota_files) == (1 << 20, 50)
    bob = await desk.enter("bob")
    assert _says(await desk.ask(root, calls.RemoveUser("bob")), errno.EINVAL, "logged in")
    await desk.ask(bob, calls.Logout())
    assert (await desk.ask(root, calls.RemoveUser("bob"))).reply == Done()
    assert _says(await desk.login("bob", "tuna"), errno.EACCES, "incorrect")


async def test_of_others_one_sees_no_more_than_who_they_are(desk: Any) -> None:
    await desk.add("bob", "tuna", "programmers")
    bob = await desk.enter("bob")
    seen = {user.name: user for user in (await desk.ask(bob, calls.Users())).reply.users}
    assert list(seen) == ["root", "carol", "bob"]
    assert seen["carol"].has_password is None
    assert seen["bob"].has_password is True
    assert seen["bob"].groups == ("bob", "programmers")
    root = await desk.enter("root")
    told = (await desk.ask(root, calls.Users())).reply.users
    assert [user.has_password for user in told] == [False, False, True]


async def test_everybody_sees_who_is_in(desk: Any) -> None:
    await desk.enter("root")
    desk.now = 7
    carol = await desk.enter("carol")
    sessions = (await desk.ask(carol, calls.Who())).reply.sessions
    assert [(each.user, each.place, each.since) for each in sessions] == [
        ("root", "console", 0),
        ("carol", "console", 7),
    ]


async def test_keys_are_their_owners_business_and_roots(desk: Any) -> None:
    await desk.add("bob")
    bob, carol, root = [await desk.enter(name) for name in ("bob", "carol", "root")]
    assert (await desk.ask(bob, calls.AddKey("", f"{KEY} laptop"))).reply == Done()
    assert _says(await desk.ask(bob, calls.AddKey("", "my key")), errno.EINVAL, "no public key")
    assert _says(await desk.ask(carol, calls.Keys("bob")), errno.EINVAL, "only root")
    assert _says(await desk.ask(carol, calls.AddKey("bob", KEY)), errno.EINVAL, "only root")
    assert _says(await desk.ask(carol, calls.RemoveKey("bob", KEY)), errno.EINVAL, "only root")
    assert (await desk.ask(root, calls.Keys("bob"))).reply.keys == [(KEY, "laptop")]
    assert (await desk.ask(bob, calls.RemoveKey("", f"{KEY} other"))).reply == Done()


async def test_requests_take_effect_in_the_order_of_their_arrival(desk: Any) -> None:
    """However long the host takes to hash, a login sees the password that was set before it."""
    await desk.add("bob", "tuna")
    root = await desk.enter("root")
    desk.server.admit(900, "ssh")
    ordered = [
        desk.server.serve(Caller(root, -1, 0), msgspec.msgpack.encode(call))
        for call in (calls.Passwd("bob", "", "cod"), calls.Passwd("bob", "", "eel"))
    ]
    ordered.append(
        desk.server.serve(Caller(900, -1, 1), msgspec.msgpack.encode(calls.Login("bob", "eel")))
    )
    ordered.append(desk.server.serve(Caller(root, -1, 2), msgspec.msgpack.encode(calls.Who())))
    replies: dict[int, bytes] = {}

    async def take(place: int, answer: Any) -> None:
        replies[place] = await answer

    async with trio.open_nursery() as nursery:
        for place, answer in reversed(list(enumerate(ordered))):
            nursery.start_soon(take, place, answer)
    assert isinstance(calls.decode_reply(replies[2]), calls.Welcome)
    assert [each.user for each in calls.decode_reply(replies[3]).sessions][-1] == "bob"
    # Nobody is waited for any more.
    answer = desk.server.serve(Caller(root, -1, 3), msgspec.msgpack.encode(calls.Who()))
    assert isinstance(answer, bytes)


async def test_a_hash_of_another_cost_is_replaced_at_the_next_login(
    desks: Callable[..., Any],
) -> None:
    desk = desks()
    await desk.add("bob", "tuna")
    before = desk.store.get("bob").password
    desk.server._passwords = Passwords(HashCost(CHEAP.passes + 1, CHEAP.memory, CHEAP.lanes))
    assert isinstance((await desk.login("bob", "tuna")).reply, calls.Welcome)
    after = desk.store.get("bob").password
    assert after != before
    assert "t=2" in after


async def test_a_password_is_kept_as_an_argon2id_hash_only(desk: Any) -> None:
    await desk.add("bob", "tuna")
    assert desk.store.get("bob").password.startswith("$argon2id$")
    assert Passwords().outdated(desk.store.get("bob").password)


async def test_comings_goings_and_changes_are_in_the_log(desk: Any) -> None:
    await desk.add("bob", "tuna")
    desk.now = 5
    await desk.login("bob", "salmon")
    events = desk.log.read(ReadLog()).events
    assert [(event.time, event.kind, event.user, event.text) for event in events] == [
        (0, Kind.LOGIN, "root", "from console"),
        (0, Kind.ACCOUNT, "root", "added user bob (1001)"),
        (5, Kind.FAILURE, "bob", "from ssh"),
    ]


@given(st.binary(max_size=200))
@example(b"\x92\x02\xa4\x00\x00\x00\x80")
def test_garbage_is_no_request(request: bytes) -> None:
    server = LoginServer(AccountStore(), Passwords(CHEAP), EventLog(), 1)
    answer = server.serve(Caller(7, -1, 0), request)
    if isinstance(answer, bytes):
        assert isinstance(calls.decode_reply(answer), Failed)
    else:
        assert isinstance(calls.decode_call(request), calls.Login)
        answer.close()  # type: ignore[attr-defined]
