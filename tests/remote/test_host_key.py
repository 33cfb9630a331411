"""The host key: one for each machine, which nobody else may read."""

from __future__ import annotations

import stat
from pathlib import Path

import asyncssh
import pytest

from vmpp_shell.serve.host_key import HostKeyError, host_key


def test_made_at_the_first_start_and_the_same_from_then_on(tmp_path: Path) -> None:
    first = host_key(tmp_path / "key")
    assert first.get_algorithm() == "ssh-ed25519"
    assert host_key(tmp_path / "key").public_data == first.public_data


def test_readable_by_its_owner_only(tmp_path: Path) -> None:
    host_key(tmp_path / "key")
    assert [each.name for each in tmp_path.iterdir()] == ["key"]
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600


def test_openssh_reads_it(tmp_path: Path) -> None:
    key = host_key(tmp_path / "key")
    text = (tmp_path / "key").read_text()
    assert text.startswith("-----BEGIN OPENSSH PRIVATE KEY-----")
    assert asyncssh.import_private_key(text).get_fingerprint() == key.get_fingerprint()


def test_machines_have_keys_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert (
        host_key(tmp_path / "a" / "key").public_data != host_key(tmp_path / "b" / "key").public_data
    )


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622])
def test_refused_if_others_may_read_or_change_it(tmp_path: Path, mode: int) -> None:
    host_key(tmp_path / "key")
    (tmp_path / "key").chmod(mode)
    with pytest.raises(HostKeyError, match=r"others may read .*chmod 600"):
        host_key(tmp_path / "key")


@pytest.mark.parametrize("contents", ["", "no key", "-----BEGIN OPENSSH PRIVATE KEY-----\n"])
def test_refused_if_it_is_none(tmp_path: Path, contents: str) -> None:
    (tmp_path / "key").write_text(contents)
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(HostKeyError, match=r"no private key .* remove it"):
        host_key(tmp_path / "key")
