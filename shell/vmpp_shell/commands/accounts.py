"""Accounts, beside adduser and passwd: deluser, usermod, groups and the like, keys; and the log."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from vmpp.quantities import DURATION as WRITTEN
from vmpp.quantities import size
from vmpp.service.log import Kind
from vmpp_shell.arguments.quantities import DURATION_TYPE
from vmpp_shell.arguments.types import PATH, USER
from vmpp_shell.registry import command
from vmpp_shell.tables import table

if TYPE_CHECKING:
    from vmpp_shell.context import Context

_KEY_TYPES = ("ssh-", "ecdsa-", "sk-")
"""What public keys begin with; anything else is the name of a file with one in it."""


@command("deluser", section="people")
@click.argument("name", type=USER)
async def deluser(context: Context, name: str) -> None:
    """Remove the user NAME, who must not be logged in; only root may.

    Their files stay, and belong to a number that nobody is given again.

    \b
    Example:
      deluser bob
    """
    await context.session.remove_user(name)


@command("usermod", section="people")
@click.option("--add", "-a", "added", multiple=True, metavar="GROUP",
              help="Make NAME a member of GROUP; repeatable.")  # fmt: skip
@click.option("--remove", "-r", "removed", multiple=True, metavar="GROUP",
              help="Let NAME be a member of GROUP no more; repeatable.")  # fmt: skip
@click.option("--lock/--unlock", "locked", default=None,
              help="Keep NAME out, by password and key, or let them in again.")  # fmt: skip
@click.option("--quota", metavar="SIZE", help="How much their files may take; 'none' for no limit.")
@click.option("--files", metavar="N", help="How many files they may have; 'none' for no limit.")
@click.argument("name", type=USER)
async def usermod(
    context: Context,
    name: str,
    added: tuple[str, ...],
    removed: tuple[str, ...],
    locked: bool | None,
    quota: str | None,
    files: str | None,
) -> None:
    """Change the groups, quota or lock of the user NAME; only root may.

    Groups count from when NAME next logs in.

    \b
    Example:
      usermod bob --add programmers --quota '64 MiB'
      usermod bob --lock
    """
    session = context.session
    limits = _limit("--quota", quota, size), _limit("--files", files, _count)
    for group in added:
        await session.set_member(group, name, True)
    for group in removed:
        await session.set_member(group, name, False)
    if locked is not None:
        await session.set_locked(name, locked)
    if quota is not None or files is not None:
        kept = {user.name: (user.quota_bytes, user.quota_files) for user in await session.users()}
        old = kept.get(name, (None, None))
        await session.set_quota(
            name,
            old[0] if quota is None else limits[0],
            old[1] if files is None else limits[1],
        )


def _count(text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValueError(f"{text!r} is no number") from None


def _limit(option: str, text: str | None, read: Callable[[str], int]) -> int | None:
    """Return a limit; raises click.BadParameter for what is none."""
    if text is None or text == "none":
        return None
    try:
        found = read(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint=option) from None
    if found < 0:
        raise click.BadParameter(f"{text} is negative", param_hint=option)
    return found


@command("groups", section="people", json=True)
async def groups(context: Context) -> None:
    """List the groups and who is in them.

    \b
    Example:
      groups
    """
    found = await context.session.groups()
    rows = [(each.name, each.gid, " ".join(each.members)) for each in found]
    context.show(found, table(("GROUP", "GID", "MEMBERS"), rows, right=(1,)))


@command("addgroup", section="people")
@click.argument("name")
async def addgroup(context: Context, name: str) -> None:
    """Add the group NAME; only root may.

    \b
    Example:
      addgroup crew
    """
    await context.session.add_group(name)


@command("delgroup", section="people")
@click.argument("name")
async def delgroup(context: Context, name: str) -> None:
    """Remove the group NAME; only root may. What is the group's stays, with its number.

    \b
    Example:
      delgroup crew
    """
    await context.session.remove_group(name)


@command("keys", section="people", json=True)
@click.option("--add", "added", metavar="KEY", type=PATH,
              help="Let one log in by KEY, a public key or a file with one in it.")  # fmt: skip
@click.option("--remove", "removed", metavar="N", type=click.IntRange(1),
              help="Take the key numbered N away.")  # fmt: skip
@click.argument("name", required=False, type=USER)
async def keys(context: Context, name: str | None, added: str | None, removed: int | None) -> None:
    """List the public keys that one can log in by over SSH; or, to root, those of NAME.

    \b
    Example:
      keys --add /host/id_ed25519.pub
      keys --remove 1
    """
    session = context.session
    if added is not None:
        text = added
        if not added.startswith(_KEY_TYPES):
            text = (await session.files.read(added)).decode(errors="replace")
        await session.add_key(text, name or "")
        return
    found = await session.keys(name or "")
    if removed is None:
        rows = [
            (number, key.split(" ")[0], f"...{key[-16:]}", comment)
            for number, (key, comment) in enumerate(found, 1)
        ]
        data = [{"key": key, "comment": comment} for key, comment in found]
        context.show(data, table(("N", "TYPE", "KEY", "COMMENT"), rows, right=(0,)))
        return
    if removed > len(found):
        raise click.BadParameter(f"there is no key {removed}", param_hint="--remove")
    await session.remove_key(found[removed - 1][0], name or "")


@command("log", section="people", json=True)
@click.option("--kind", "-k", "kinds", multiple=True, type=click.Choice([k.value for k in Kind]),
              metavar="KIND",
              help=f"Only what is of this kind: {', '.join(Kind)}; repeatable.")  # fmt: skip
@click.option("--user", "-u", default="", type=USER, help="Only what this user has done.")
@click.option("--since", type=DURATION_TYPE, metavar="TIME", help="Only from this virtual time on.")
@click.option("--until", type=DURATION_TYPE, metavar="TIME", help="Only before this virtual time.")
@click.option("--last", "-n", type=click.IntRange(1), metavar="N", help="Only the last N.")
async def log(
    context: Context,
    kinds: tuple[str, ...],
    user: str,
    since: int | None,
    until: int | None,
    last: int | None,
) -> None:
    """Show what has happened on the machine; only root may.

    \b
    Example:
      log --kind failure --kind login
      log -n 10
    """
    found = await context.session.log(
        kinds=[Kind(kind) for kind in kinds], user=user, since=since, until=until
    )
    shown = found[-last:] if last else found
    rows = [(WRITTEN.write(each.time), each.kind, each.user, each.text) for each in shown]
    data = [
        {"time": each.time, "kind": each.kind, "user": each.user, "text": each.text}
        for each in shown
    ]
    context.show(data, table(("TIME", "KIND", "USER", ""), rows, right=(0,)))
