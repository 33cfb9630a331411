"""The head of a scenario: on what machine, for whom, and with what files it is replayed."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Final

from vmpp.errors import suggestion
from vmpp.machine.kinds import PolicyError, check_kind


@dataclass(frozen=True, slots=True)
class Account:
    """A user that the machine has from the beginning, besides root and the console's user.

    Attributes:
        name: of the user.
        groups: that the user is in, besides a group of the same name.
        password: what the user logs in with; None for a user that cannot log in.
    """

    name: str
    groups: tuple[str, ...] = ()
    password: str | None = None


@dataclass(frozen=True, slots=True)
class HomeFile:
    """A file that the home directory of the console's user has from the beginning.

    Attributes:
        name: in the home directory, with ``/`` between folders.
        content: what is in it.
        source: what it is called on the host, from the scenario's folder.
    """

    name: str
    content: bytes
    source: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Directives:
    """What the head of a scenario says.

    Attributes:
        folder: the one that the scenario is in, on the host: ``/host`` on the machine.
        machine: the name of a machine, or the path of a machine file.
        nodes: compute nodes to boot, for a machine that grows; None: as many as usual.
        seed: of everything that is random.
        user: name of the console's user, who is logged in at the beginning.
        accounts: other users.
        plugins: names of those that must be installed.
        policies: what chooses policies, by what they decide, instead of the machine's own.
        level: multiprogramming level; None: the machine's own.
        files: what is in the user's home directory.
        width: columns of the terminal.
        timeout: seconds on the host after which a command has hung.
    """

    folder: Path = Path()
    machine: str = "default"
    nodes: int | None = None
    seed: int = 0
    user: str = "user"
    accounts: tuple[Account, ...] = ()
    plugins: tuple[str, ...] = ()
    policies: Mapping[str, str] = field(default_factory=dict)
    files: tuple[HomeFile, ...] = ()
    width: int = 80
    timeout: float = 60.0
    level: int | None = None

    def directed(self, key: str, value: str) -> Directives:
        """Return these directives with one more, ``key: value``.

        Raises:
            ValueError: there is no such directive, or it cannot have this value; the message says
                so in one line.
        """
        direct = KEYS.get(key)
        if direct is None:
            known = suggestion(key, KEYS) or f" (there is: {', '.join(KEYS)})"
            raise ValueError(f"{key!r} is no directive{known}")
        if not value:
            raise ValueError(f"{key} says nothing: write '{key}: {_EXAMPLES[key]}'")
        return direct(self, value)


def head(directives: Directives) -> list[str]:
    """Return the lines of a head that says what *directives* say, of those that a recorder knows.

    The default of what always matters, machine and seed, is written out as well.
    """
    usual = Directives()
    lines = [f"machine: {directives.machine}", f"seed: {directives.seed}"]
    if directives.nodes is not None:
        lines.append(f"nodes: {directives.nodes}")
    if directives.user != usual.user:
        lines.append(f"user: {directives.user}")
    for account in directives.accounts:
        secret = [] if account.password is None else [f"password={account.password}"]
        lines.append("account: " + shlex.join([account.name, *account.groups, *secret]))
    if directives.plugins:
        lines.append("plugins: " + " ".join(directives.plugins))
    lines += [f"policy: {kind}={name}" for kind, name in directives.policies.items()]
    if directives.level is not None:
        lines.append(f"level: {directives.level}")
    lines += ["file: " + _file_line(file) for file in directives.files]
    if directives.width != usual.width:
        lines.append(f"width: {directives.width}")
    if directives.timeout != usual.timeout:
        lines.append(f"timeout: {str(directives.timeout).removesuffix('.0')}")
    return lines


def _file_line(file: HomeFile) -> str:
    named = [] if file.name == PurePosixPath(file.source).name else ["as", file.name]
    return shlex.join([file.source or file.name, *named])


def _machine(given: Directives, value: str) -> Directives:
    if value.endswith(".toml"):
        value = str(_beside(given, value))
    return replace(given, machine=value)


def _beside(given: Directives, name: str) -> Path:
    path = given.folder / name
    if not path.exists():
        there = [each.name for each in path.parent.iterdir()] if path.parent.is_dir() else []
        raise ValueError(f"there is no {name!r} beside the scenario{suggestion(path.name, there)}")
    return path


def _nodes(given: Directives, value: str) -> Directives:
    return replace(given, nodes=_number(value, "nodes", 1))


def _level(given: Directives, value: str) -> Directives:
    return replace(given, level=_number(value, "level", 1))


def _seed(given: Directives, value: str) -> Directives:
    return replace(given, seed=_number(value, "seed", None))


def _width(given: Directives, value: str) -> Directives:
    return replace(given, width=_number(value, "width", 20))


def _number(value: str, key: str, low: int | None) -> int:
    try:
        number = int(value)
    except ValueError:
        raise ValueError(f"{key} is a whole number, not {value!r}") from None
    if low is not None and number < low:
        raise ValueError(f"{key} is at least {low}, not {number}")
    return number


def _timeout(given: Directives, value: str) -> Directives:
    try:
        seconds = float(value.removesuffix("s"))
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise ValueError(f"timeout is a number of seconds above 0, not {value!r}")
    return replace(given, timeout=seconds)


def _user(given: Directives, value: str) -> Directives:
    return replace(given, user=_name(value, "user"))


def _name(value: str, what: str) -> str:
    if not value.replace("-", "_").isidentifier() or not value.isascii():
        raise ValueError(f"a {what}'s name is a word such as 'alice', not {value!r}")
    return value


def _account(given: Directives, value: str) -> Directives:
    name, *rest = _words(value)
    password = None
    groups = []
    for word in rest:
        option, equals, secret = word.partition("=")
        if not equals:
            groups.append(_name(word, "group"))
        elif option == "password":
            password = secret
        else:
            raise ValueError(
                f"an account has no {option!r}{suggestion(option, ['password'])} "
                f"(write 'account: {_EXAMPLES['account']}')"
            )
    account = Account(_name(name, "user"), tuple(groups), password)
    if account.name in {given.user, "root"} or any(
        each.name == account.name for each in given.accounts
    ):
        raise ValueError(f"there is a user {account.name!r} already")
    return replace(given, accounts=(*given.accounts, account))


def _words(value: str) -> list[str]:
    try:
        return shlex.split(value)
    except ValueError as error:
        raise ValueError(f"{value!r}: {str(error).lower()}") from None


def _plugins(given: Directives, value: str) -> Directives:
    return replace(given, plugins=(*given.plugins, *value.replace(",", " ").split()))


def _policy(given: Directives, value: str) -> Directives:
    policies = dict(given.policies)
    for choice in value.replace(",", " ").split():
        kind, equals, name = choice.partition("=")
        if not (kind and equals and name):
            raise ValueError(f"{choice!r} chooses nothing: write 'policy: {_EXAMPLES['policy']}'")
        try:
            check_kind(kind)
        except PolicyError as error:
            raise ValueError(str(error)) from None
        policies[kind] = name
    return replace(given, policies=policies)


def _file(given: Directives, value: str) -> Directives:
    words = _words(value)
    name = ""
    if len(words) == 3 and words[1] == "as":
        name = words.pop()
        words.pop()
    added = [
        file for word in words for file in _home_files(_beside(given, word), word, name)
    ]  # fmt: skip
    return replace(given, files=(*given.files, *added))


def _home_files(path: Path, source: str, name: str) -> Iterator[HomeFile]:
    """Yield the file *path*, or the files in the folder *path*."""
    inside = PurePosixPath(name or path.name)
    if inside.is_absolute() or ".." in inside.parts:
        raise ValueError(f"{str(inside)!r} is not in the home directory")
    if path.is_dir():
        for each in sorted(path.iterdir()):
            yield from _home_files(each, f"{source}/{each.name}", str(inside / each.name))
        return
    try:
        yield HomeFile(str(inside), path.read_bytes(), source)
    except OSError as error:
        raise ValueError(f"{source} cannot be read: {error.strerror}") from None


KEYS: Final[Mapping[str, Callable[[Directives, str], Directives]]] = {
    "machine": _machine,
    "nodes": _nodes,
    "seed": _seed,
    "user": _user,
    "account": _account,
    "plugins": _plugins,
    "policy": _policy,
    "level": _level,
    "file": _file,
    "width": _width,
    "timeout": _timeout,
}
"""What reads each directive."""

_EXAMPLES: Final[Mapping[str, str]] = {
    "machine": "paragon",
    "nodes": "16",
    "seed": "1",
    "user": "alice",
    "account": "bob programmers password=secret",
    "plugins": "mpi queue",
    "policy": "pct=rr:2ms",
    "level": "2",
    "file": "ring.py",
    "width": "80",
    "timeout": "60",
}
