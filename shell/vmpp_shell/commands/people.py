"""Who is who: whoami, who, users, login, logout, passwd, adduser."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from vmpp.errors import VmppError
from vmpp.quantities import DURATION, SIZE
from vmpp_shell.arguments.quantities import SIZE_TYPE
from vmpp_shell.arguments.types import USER
from vmpp_shell.greeting import warn
from vmpp_shell.registry import command
from vmpp_shell.tables import table

if TYPE_CHECKING:
    from vmpp.machine.session import Session
    from vmpp_shell.context import Context


class PasswordError(VmppError):
    """A new password that was not typed twice alike, or that is none."""


@command("whoami", section="people", json=True)
async def whoami(context: Context) -> None:
    """Print who is logged in.

    \b
    Example:
      whoami
    """
    context.show(context.session.user, context.session.user.name)


@command("who", section="people", json=True)
async def who(context: Context) -> None:
    """List who is logged in, from where, and since when.

    \b
    Example:
      who
    """
    found = await context.session.who()
    rows = [(each.user, each.place, DURATION.write(each.since)) for each in found]
    context.show(found, table(("USER", "FROM", "SINCE"), rows, right=(2,)))


@command("users", section="people", json=True)
async def users(context: Context) -> None:
    """List who has an account; root sees quotas as well.

    \b
    Example:
      users
    """
    found = await context.session.users()
    rows = [
        (
            each.name,
            each.uid,
            ",".join(each.groups),
            each.home,
            "" if each.quota_bytes is None else SIZE.write(each.quota_bytes),
            "locked" if each.locked else "",
        )
        for each in found
    ]
    titles = ("USER", "UID", "GROUPS", "HOME", "QUOTA", "STATE")
    context.show(found, table(titles, rows, right=(1,)))


@command("login", section="people")
@click.argument("name", type=USER)
async def login(context: Context, name: str) -> None:
    """Log in as NAME, until 'logout'.

    A password is asked for, unless the one who sits at the machine's console logs in as root.

    \b
    Example:
      login alice
    """
    password = ""
    if not context.session.may_become(name):
        password = await context.terminal.ask("Password: ", hidden=True)
    warn(await context.console.log_in(name, password), context.out)


@command("logout", section="people")
async def logout(context: Context) -> None:
    """End the session; the jobs that run in the background go on.

    Who was logged in before 'login' is back then. If nobody was, the shell is left.

    \b
    Example:
      logout
    """
    if not await context.console.log_out():
        context.interpreter.leaving = True


@command("passwd", section="people")
@click.argument("name", required=False, type=USER)
async def passwd(context: Context, name: str | None) -> None:
    """Change one's password, or as root that of NAME.

    \b
    Example:
      passwd
    """
    session = context.session
    old = ""
    if not session.user.is_root and await _has_password(session):
        old = await context.terminal.ask("Old password: ", hidden=True)
    await session.passwd(await _new_password(context), old, name or "")


async def _has_password(session: Session) -> bool:
    """Return whether there is an old one to ask for; who sits at the console begins without."""
    own = [each for each in await session.users() if each.name == session.user.name]
    return bool(own and own[0].has_password is not False)


async def _new_password(context: Context) -> str:
    password = await context.terminal.ask("New password: ", hidden=True)
    if await context.terminal.ask("Again: ", hidden=True) != password:
        raise PasswordError("the passwords are not alike; nothing has changed")
    return password


@command("adduser", section="people")
@click.option("--group", "-g", "groups", multiple=True, metavar="GROUP",
              help="A further group, as 'programmers', who run programs; repeatable.")  # fmt: skip
@click.option("--quota", type=SIZE_TYPE, metavar="SIZE",
              help="How much their files may take, such as '64 MiB'.")  # fmt: skip
@click.option("--files", type=click.IntRange(1), metavar="N", help="How many files they may have.")
@click.option("--no-password", is_flag=True, help="They log in by public key only.")
@click.argument("name")
async def adduser(
    context: Context,
    name: str,
    groups: tuple[str, ...],
    quota: int | None,
    files: int | None,
    no_password: bool,
) -> None:
    """Add the user NAME, with a home directory; only root may.

    \b
    Example:
      login root
      adduser alice -g programmers --quota '64 MiB'
    """
    if not context.session.user.is_root:
        raise VmppError("only root adds users; 'login root' first")
    password = None if no_password else await _new_password(context)
    await context.session.add_user(
        name, password, groups=groups, quota_bytes=quota, quota_files=files
    )
