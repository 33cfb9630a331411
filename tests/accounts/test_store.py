"""Users and groups: what they can be called, and what is kept of them."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vmpp.service.account_store import (
    PROGRAMMERS,
    WHEEL,
    AccountError,
    AccountStore,
    check_key,
    is_name,
    name_for,
)
from vmpp.service.database import DatabaseError


@given(st.from_regex(r"[a-z_][a-z0-9_-]{0,31}", fullmatch=True))
def test_names_that_useradd_takes_are_taken(name: str) -> None:
    assert is_name(name)


@given(st.text(max_size=40))
def test_any_other_text_is_no_name(text: str) -> None:
    good = bool(text) and len(text) <= 32 and re.match("[a-z_]", text) is not None
    assert is_name(text) == (good and set(text) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-"))


@given(st.text())
def test_whatever_the_host_calls_somebody_they_get_a_name(text: str) -> None:
    name = name_for(text)
    assert is_name(name)
    assert name == text or not is_name(text)


@pytest.mark.parametrize("name", ["", "Bob", "../bob", "bob\n", "-bob", "b" * 33, "bob smith", "ö"])
def test_nobody_is_added_who_has_no_name(name: str) -> None:
    store = AccountStore()
    before = store.users()
    with pytest.raises(AccountError, match="cannot be a name"):
        store.add(name)
    with pytest.raises(AccountError, match="cannot be a name"):
        store.add_group(name)
    assert store.users() == before


def test_a_new_machine_has_root_and_the_user_at_its_console() -> None:
    store = AccountStore(console="alice")
    assert [(user.name, user.uid, user.home) for user in store.users()] == [
        ("root", 0, "/root"),
        ("alice", 1000, "/home/alice"),
    ]
    assert all(user.password is None for user in store.users())
    alice = store.credentials("alice")
    assert (alice.uid, alice.gid, alice.groups) == (1000, 1000, (10, 100, 1000))
    groups = store.groups()
    assert groups[PROGRAMMERS] == (100, ("root", "alice"))
    assert groups[WHEEL] == (10, ("root", "alice"))
    assert store.console == "alice"


def test_where_root_runs_vmpp_root_sits_at_the_console() -> None:
    store = AccountStore(console="root")
    assert [user.name for user in store.users()] == ["root"]
    assert store.console == "root"


def test_accounts_outlive_a_boot_and_the_console_keeps_its_user(tmp_path: Path) -> None:
    path = str(tmp_path / "accounts.sqlite")
    first = AccountStore(path, console="alice")
    bob = first.add("bob", groups=[PROGRAMMERS], quota_bytes=1 << 20)
    first.close()
    second = AccountStore(path, console="somebody-else")
    assert second.console == "alice"
    assert second.credentials("bob") == bob
    assert second.get("bob").quota_bytes == 1 << 20
    second.close()


def test_a_number_is_never_given_to_anybody_else(tmp_path: Path) -> None:
    path = str(tmp_path / "accounts.sqlite")
    store = AccountStore(path, console="alice")
    gone = store.add("bob").uid
    store.remove("bob")
    assert store.find("bob") is None
    assert "bob" not in store.groups()
    store.close()
    again = AccountStore(path)
    assert again.add("bob").uid > gone
    again.close()


def test_a_user_who_cannot_be_added_whole_is_not_added_at_all() -> None:
    store = AccountStore()
    with pytest.raises(AccountError, match="no group 'wizards'"):
        store.add("bob", groups=[PROGRAMMERS, "wizards"])
    assert store.find("bob") is None
    assert "bob" not in store.groups()


def test_a_taken_name_is_refused_to_users_and_groups() -> None:
    store = AccountStore()
    store.add("bob")
    with pytest.raises(AccountError, match="user 'bob' already"):
        store.add("bob")
    with pytest.raises(AccountError, match="group 'bob' already"):
        store.add_group("bob")
    with pytest.raises(AccountError, match="group 'wheel' already"):
        store.add("wheel")


def test_members_come_and_go() -> None:
    store = AccountStore()
    store.add("bob")
    store.add_group("crew")
    store.join("crew", "bob")
    store.join("crew", "bob")
    crew, members = store.groups()["crew"]
    assert members == ("bob",)
    assert crew in store.credentials("bob").groups
    store.leave("crew", "bob")
    assert crew not in store.credentials("bob").groups
    with pytest.raises(AccountError, match="no member"):
        store.leave("crew", "bob")
    store.remove_group("crew")
    with pytest.raises(AccountError, match="no group"):
        store.join("crew", "bob")


@pytest.mark.parametrize("name", ["root", "alice"])
def test_those_whom_the_machine_needs_stay(name: str) -> None:
    store = AccountStore(console="alice")
    with pytest.raises(AccountError, match="cannot be removed"):
        store.remove(name)
    for group in (PROGRAMMERS, WHEEL, name):
        with pytest.raises(AccountError, match="cannot be removed"):
            store.remove_group(group)


def test_a_user_whose_group_others_are_in_stays() -> None:
    store = AccountStore()
    store.add("bob")
    store.add("eve", groups=["bob"])
    with pytest.raises(AccountError, match="other members"):
        store.remove("bob")
    store.leave("bob", "eve")
    store.remove("bob")


def test_a_user_has_as_many_keys_as_they_like() -> None:
    store = AccountStore(console="alice")
    store.add_key("alice", "ssh-ed25519 AAAA", "laptop")
    store.add_key("alice", "ssh-ed25519 BBBB", "desk")
    store.add_key("alice", "ssh-ed25519 AAAA", "old laptop")
    assert store.keys("alice") == [
        ("ssh-ed25519 AAAA", "old laptop"),
        ("ssh-ed25519 BBBB", "desk"),
    ]
    store.remove_key("alice", "ssh-ed25519 BBBB")
    with pytest.raises(AccountError, match="no such key"):
        store.remove_key("alice", "ssh-ed25519 BBBB")
    assert store.keys("root") == []


def test_only_so_many_names_of_failed_logins_are_remembered() -> None:
    store = AccountStore()
    assert [store.failed("bob", 5), store.failed("bob", 7)] == [1, 2]
    for attempt in range(1500):
        store.failed(f"guess-{attempt}", 10 + attempt)
    assert store.succeeded("bob") == (0, None)
    assert store.succeeded("guess-1499") == (1, 1509)


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "accounts.sqlite"
    path.write_text("something else entirely\n" * 100)
    with pytest.raises(DatabaseError, match=r"accounts\.sqlite: file is not a database"):
        AccountStore(str(path))


@given(st.from_regex(r"[a-z0-9@.-]{1,40}", fullmatch=True), st.binary(min_size=1, max_size=600))
def test_keys_are_taken_as_openssh_writes_them(kind: str, data: bytes) -> None:
    blob = len(kind).to_bytes(4, "big") + kind.encode() + data
    line = f"{kind} {base64.b64encode(blob).decode()}"
    assert check_key(line) == (line, "")
    assert check_key(f" {line}  on my laptop\n") == (line, "on my laptop")


@given(st.text(max_size=100))
def test_any_other_text_is_no_key(text: str) -> None:
    with pytest.raises(AccountError, match="no public key") as error:
        check_key(text)
    assert "\n" not in str(error.value)


def test_a_comment_has_one_line() -> None:
    line = "x AAAAAXhB"
    assert check_key(line) == (line, "")
    for comment in ("two\nlines", "\x1b[31mred", "long" * 100):
        with pytest.raises(AccountError, match="comment"):
            check_key(f"{line} {comment}")
