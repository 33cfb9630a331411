"""What a scenario's machine has from the beginning: other users, and files at home."""

from __future__ import annotations

import os
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from vmpp.scenario.directives import Account, Directives, HomeFile

if TYPE_CHECKING:
    from vmpp.machine.installation import Installation
    from vmpp.service.filesystem.tree import Tree
    from vmpp.service.identity import Credentials


async def furnish(installation: Installation, directives: Directives) -> None:
    """Add users, and the files of the console's user. No virtual time passes.

    Raises:
        AccountError: there cannot be such a user.
        OSError: there cannot be such a file.
    """
    for account in directives.accounts:
        await _add(installation, account)
    owner = installation.store.credentials(directives.user)
    for file in directives.files:
        _write(installation.tree, owner, file)


async def _add(installation: Installation, account: Account) -> None:
    store = installation.store
    for group in account.groups:
        if group not in store.groups():
            store.add_group(group)
    password = account.password
    kept = None if password is None else await installation.passwords.hash(password)
    added = store.add(account.name, password=kept, groups=account.groups)
    installation.homes.make(added, installation.epoch)


def _write(tree: Tree, owner: Credentials, file: HomeFile) -> None:
    path = PurePosixPath(owner.home, file.name)
    for folder in reversed(path.relative_to(owner.home).parents[:-1]):
        name = os.fsencode(owner.home / folder)
        try:
            tree.mkdir(owner, tree.root, name, 0o755)
        except FileExistsError:
            continue
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    opened = tree.open(owner, tree.root, os.fsencode(path), flags, 0o644)
    try:
        opened.write(file.content)
    finally:
        opened.close()
