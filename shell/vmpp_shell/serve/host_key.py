"""The key by which SSH clients know this machine again: made once, kept with its state."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from tempfile import mkstemp
from typing import Final

import asyncssh

from vmpp.errors import VmppError

ALGORITHM: Final = "ssh-ed25519"


class HostKeyError(VmppError):
    """The host key is there, but cannot be used."""


def host_key(path: Path) -> asyncssh.SSHKey:
    """Return the host key that is kept in the file *path*, made if there is none.

    The file is readable by its owner only, before there is anything in it, and is there whole or
    not at all.

    Raises:
        HostKeyError: somebody else may read the file, or there is no private key in it.
        OSError: it cannot be read or made.
    """
    if not path.exists():
        _make(path)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise HostKeyError(f"others may read the host key: say 'chmod 600 {path}'")
    try:
        return asyncssh.read_private_key(path)
    except asyncssh.KeyImportError:
        raise HostKeyError(
            f"there is no private key in {path}: remove it, and a new one is made; "
            "clients will ask whether that is right"
        ) from None


def _make(path: Path) -> None:
    key = asyncssh.generate_private_key(ALGORITHM, comment="vmpp")
    # Files of mkstemp are made with mode 0600.
    descriptor, name = mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with open(descriptor, "wb") as file:
            file.write(key.export_private_key())
            file.flush()
            os.fsync(file.fileno())
        # A link, unlike a renaming, leaves alone what another server has made meanwhile.
        os.link(name, path)
    except FileExistsError:
        pass
    finally:
        os.unlink(name)
