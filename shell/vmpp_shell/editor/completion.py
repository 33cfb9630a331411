"""What the word at the end of a line may become."""

from __future__ import annotations

import os
import stat
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

import click

from vmpp.errors import VmppError
from vmpp.machine.choices import settings
from vmpp.machine.describing import summary
from vmpp.machine.faults import WORDS as FAULT_WORDS
from vmpp.machine.kinds import KINDS
from vmpp.machine.nodesets import WORDS as NODE_WORDS
from vmpp.service.node_partitions import COMPUTE
from vmpp.service.status import NodeState
from vmpp_shell.arguments.signals import NAMES as SIGNALS
from vmpp_shell.arguments.types import POLICY
from vmpp_shell.registry import ShellCommand
from vmpp_shell.syntax import SyntaxMistake, Word, quote, tokens

if TYPE_CHECKING:
    from vmpp_shell.interpreter import Interpreter


@dataclass(frozen=True, slots=True)
class Candidate:
    """What the word may become.

    Attributes:
        text: to be typed instead of the word.
        start: where the word begins, counted from the cursor: 0 or negative.
        shown: what a menu shows.
        meaning: said beside it.
    """

    text: str
    start: int
    shown: str
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class _Choice:
    """One word that is possible, before anybody looks at what has been typed of it."""

    word: str
    meaning: str = ""
    shown: str = ""


async def candidates(interpreter: Interpreter, line: str) -> list[Candidate]:
    """Return what the last word of *line* may become: the cursor stands at its end.

    Completion is a help: where something cannot be asked for, there is nothing to complete.
    """
    try:
        words, typed, start = _split(line)
    except SyntaxMistake:
        return []
    try:
        choices = await _choices(interpreter, words, typed)
    except (VmppError, OSError):
        return []
    return [
        Candidate(_typed(each.word), start, each.shown or each.word, each.meaning)
        for each in choices
        if each.word.startswith(typed)
    ]


def _typed(word: str) -> str:
    """Return *word* as it is typed, with a space behind it unless more of it may follow."""
    if word.endswith(("/", ",", "=")):
        return quote(word)
    return (word if word.startswith(("-", "$")) else quote(word)) + " "


def _split(line: str) -> tuple[list[str], str, int]:
    """Return the words before the last one, of its command; the last; and where it begins."""
    found = tokens(line)
    last = found[-1] if found else None
    typed, start = "", 0
    if isinstance(last, Word) and last.end == len(line):
        typed, start = _plain(last), last.start - len(line)
        found.pop()
    words: list[str] = []
    for token in found:
        if isinstance(token, Word):
            words.append(_plain(token))
        elif token in {"<", ">", ">>", "2>", "2>>"}:
            words.append(token)
        else:
            words = ["|"] if token == "|" else []
    return words, typed, start


def _plain(word: Word) -> str:
    return "".join(("$" if part.variable else "") + part.text for part in word.parts)


async def _choices(interpreter: Interpreter, words: list[str], typed: str) -> Iterable[_Choice]:
    if typed.startswith("$"):
        return [_Choice(f"${name}") for name in sorted(interpreter.variables)]
    if words[:1] == ["|"]:
        return []
    if words and words[-1] in {"<", ">", ">>", "2>", "2>>"}:
        return await _paths(interpreter, typed)
    command, arguments = _innermost(interpreter, words)
    if command is None:
        return await _commands(interpreter, typed) if not words else []
    parameter = _parameter(command, arguments, typed)
    if parameter is None:
        return _options(command)
    if parameter.type is POLICY:
        kind = next((word for word in arguments if word in KINDS), "")
        return _policies(interpreter, kind, typed)
    return await _values(interpreter, parameter, typed)


def _innermost(interpreter: Interpreter, words: list[str]) -> tuple[ShellCommand | None, list[str]]:
    """Return the command that *words* call, and its arguments; ``time`` calls another one."""
    words = [word for word in words if word not in {"<", ">", ">>"}]
    while len(words) > 1 and words[0] == "time":
        words = words[1:]
    command = interpreter.commands.get(words[0]) if words else None
    return command, words[1:]


def _parameter(command: ShellCommand, arguments: list[str], typed: str) -> click.Parameter | None:
    """Return what the next word after *arguments* is for; None: the name of an option."""
    options = {
        name: param
        for param in command.params
        if isinstance(param, click.Option)
        for name in (*param.opts, *param.secondary_opts)
    }
    positional = [param for param in command.params if isinstance(param, click.Argument)]
    place = 0
    wanted: click.Option | None = None
    for word in arguments:
        option = options.get(word)
        if wanted is not None:
            wanted = None
        elif option is not None:
            wanted = None if option.is_flag or option.count else option
        elif not word.startswith("-") or place:
            place += 1
    if wanted is not None:
        return wanted
    if (typed.startswith("-") and not place) or not positional:
        return None
    if place < len(positional):
        return positional[place]
    return positional[-1] if positional[-1].nargs == -1 else None


def _options(command: ShellCommand) -> list[_Choice]:
    return [
        _Choice(max(param.opts, key=len), _summary(param.help or ""))
        for param in command.params
        if isinstance(param, click.Option) and not param.hidden
    ] + [_Choice("--help", "Explain the command")]


def _summary(text: str) -> str:
    """Return the first sentence of *text*, without its full stop."""
    return text.partition(". ")[0].removesuffix(".")


async def _values(
    interpreter: Interpreter, parameter: click.Parameter, typed: str
) -> Iterable[_Choice]:
    if isinstance(parameter.type, click.Choice):
        return [_Choice(str(each)) for each in parameter.type.choices]
    complete = _COMPLETIONS.get(parameter.type.name)
    return [] if complete is None else await complete(interpreter, typed)


async def _commands(interpreter: Interpreter, typed: str) -> Iterable[_Choice]:
    return [
        _Choice(name, command.get_short_help_str(60))
        for name, command in interpreter.commands.items()
    ]


async def _paths(interpreter: Interpreter, typed: str) -> list[_Choice]:
    """Return the names in the folder that *typed* leads to; folders end in ``/``."""
    folder, slash, prefix = typed.rpartition("/")
    above = folder + slash
    entries = await interpreter.console.session.files.entries(above or ".")
    named = [(os.fsdecode(entry.name), entry.kind == stat.S_IFDIR) for entry in entries]
    return [
        _Choice(f"{above}{name}{'/' * is_folder}", shown=f"{name}{'/' * is_folder}")
        for name, is_folder in named
        if prefix.startswith(".") or not name.startswith(".")
    ]


async def _folders(interpreter: Interpreter, typed: str) -> Iterable[_Choice]:
    return [each for each in await _paths(interpreter, typed) if each.word.endswith("/")]


async def _host_paths(interpreter: Interpreter, typed: str) -> Iterable[_Choice]:
    """Return names in a folder of the host, for whoever may see them."""
    if not interpreter.console.local:
        return []
    folder, slash, prefix = typed.rpartition("/")
    above = folder + slash
    with os.scandir(above or ".") as scan:
        named = sorted((entry.name, entry.is_dir()) for entry in scan)
    return [
        _Choice(f"{above}{name}{'/' * is_folder}", shown=f"{name}{'/' * is_folder}")
        for name, is_folder in named
        if prefix.startswith(".") or not name.startswith(".")
    ]


async def _programs(interpreter: Interpreter, typed: str) -> Iterable[_Choice]:
    images = [_Choice(name, "image") for name in interpreter.console.plugins.images]
    return [
        *(images if "/" not in typed else []),
        *(each for each in await _paths(interpreter, typed) if each.word.endswith((".py", "/"))),
    ]


async def _jobs(interpreter: Interpreter, typed: str) -> Iterable[_Choice]:
    console = interpreter.console
    user = console.session.user
    return [
        _Choice(str(job.id), job.command)
        for job in console.machine.jobs()
        if user.is_root or job.uid == user.uid
    ]


async def _nodes(interpreter: Interpreter, typed: str) -> Iterable[_Choice]:
    """Return the free nodes that may follow what has been typed of a list."""
    before, comma, _ = typed.rpartition(",")
    nodes = interpreter.console.machine.nodes()
    free = [n.number for n in nodes if n.partition == "compute" and n.state == NodeState.FREE]
    return [_Choice(f"{before}{comma}{number}", "free") for number in free[:_MOST]]


async def _signals(interpreter: Interpreter, typed: str) -> Iterable[_Choice]:
    return [_Choice(name) for name in SIGNALS]


async def _users(interpreter: Interpreter, typed: str) -> Iterable[_Choice]:
    return [_Choice(each.name) for each in await interpreter.console.session.users()]


async def _machines(interpreter: Interpreter, typed: str) -> Iterable[_Choice]:
    return [_Choice(name) for name in interpreter.console.plugins.machines]


async def _variables(interpreter: Interpreter, typed: str) -> Iterable[_Choice]:
    return [_Choice(name) for name in sorted(interpreter.variables)]


def _policies(interpreter: Interpreter, kind: str, typed: str) -> Iterable[_Choice]:
    """Return the policies of a kind; and behind a colon, the parameters of the one before it."""
    if kind not in KINDS:
        return []
    offered = KINDS[kind].offered(interpreter.console.plugins)
    before, colon, _ = typed.rpartition(":")
    if not colon:
        return [_Choice(name, summary(factory)) for name, factory in offered.items()]
    policy, *given = before.split(":")
    names = {argument.partition("=")[0] for argument in given}
    return [
        _Choice(f"{before}:{each.name}=", each.what.text, f"{each.name}=")
        for each in settings(cast("Callable[..., Any]", offered.get(policy)))
        if each.name not in names
    ]


def _of_kind(kind: str) -> Callable[[Interpreter, str], Awaitable[Iterable[_Choice]]]:
    async def policies(interpreter: Interpreter, typed: str) -> Iterable[_Choice]:
        return _policies(interpreter, kind, typed)

    return policies


_MOST: Final = 64
"""Nodes that are offered at the most: the list would be longer than the terminal is high."""


async def _faults(interpreter: Interpreter, typed: str) -> Iterable[_Choice]:
    return [
        *(_Choice(word) for word in FAULT_WORDS),
        *(_Choice(name, "server") for name in sorted(interpreter.console.machine.services.servers)),
    ]


async def _partitions(interpreter: Interpreter, typed: str) -> Iterable[_Choice]:
    found = await interpreter.console.session.partitions(".", deep=True)
    inner = f"{COMPUTE}."
    return [
        _Choice(each.partition.name if typed.startswith(".") else each.partition.name[len(inner) :])
        for each in found
        if typed.startswith(".") or each.partition.name.startswith(inner)
    ]


async def _node_sets(interpreter: Interpreter, typed: str) -> Iterable[_Choice]:
    return [_Choice(word) for word in NODE_WORDS]


_COMPLETIONS: Final[dict[str, Callable[[Interpreter, str], Awaitable[Iterable[_Choice]]]]] = {
    "command": _commands,
    "fault": _faults,
    "node-set": _node_sets,
    "folder": _folders,
    "host-path": _host_paths,
    "job": _jobs,
    "machine": _machines,
    "nodes": _nodes,
    "partition": _partitions,
    "path": _paths,
    "program": _programs,
    "signal": _signals,
    "user": _users,
    "variable": _variables,
    **{f"policy-{kind}": _of_kind(kind) for kind in KINDS},
}
