"""What vmpp says to the person who runs it, as opposed to what a program inside a machine sees."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


class VmppError(Exception):
    """Base of every error that a user can cause and mend.

    Its string is one line which names the culprit and, where there is one, the way out. The
    command line prints it after ``vmpp: error:``; from Python it is raised. A defect of vmpp itself
    is never one of these.
    """


def nearest(word: str, choices: Iterable[str]) -> str | None:
    """Return the one of *choices* that *word* was most likely meant to be, or None."""
    # Sorted, so that of two that are equally near the same one is named each time.
    known = {choice.lower(): choice for choice in sorted(choices, reverse=True)}
    close = get_close_matches(word.lower(), sorted(known), n=1, cutoff=0.6)
    return known[close[0]] if close else None


def suggestion(word: str, choices: Iterable[str]) -> str:
    """Return ``; did you mean 'x'?`` for the nearest of *choices*, or nothing."""
    found = nearest(word, choices)
    return "" if found is None else f"; did you mean {found!r}?"


class PluginError(VmppError):
    """A plugin cannot be used, or breaks a rule of its interface; the message names both.

    Mechanism that asks a policy raises what `broken` and `raised` return:

        try:
            place = policy.choose(ready, now)
        except Exception as error:
            raise raised(policy, "choose", error) from error
        if place is not None and not 0 <= place < len(ready):
            answer = f"returned {place} for {len(ready)} ready processes"
            raise broken(policy, "choose", answer, "it may return the index of one, or None")
    """


_PLUGINS: dict[str, str] = {}


def note_plugin(module: str, plugin: str) -> None:
    """Take note that what *module*, and the package that it is in, defines is of *plugin*."""
    _PLUGINS[module] = plugin
    _PLUGINS.setdefault(module.partition(".")[0], plugin)


def plugin_of(module: str) -> str:
    """Return which plugin *module* belongs to, in words; nothing if it is no plugin's."""
    while module:
        if module in _PLUGINS:
            return f"plugin {_PLUGINS[module]}"
        module = module.rpartition(".")[0]
    return ""


def broken(thing: object, operation: str, what: str, rule: str) -> PluginError:
    """Return the error for a rule that a plugin has broken.

    Args:
        thing: what the plugin made, or the factory.
        operation: which of its operations; empty: to make it.
        what: this did: "returned 7 nodes".
        rule: what it may do: "it returns as many as are wanted".
    """
    return PluginError(f"{_operation(thing, operation)} {what}; {rule}")


def raised(thing: object, operation: str, error: BaseException) -> PluginError:
    """Return the error for an *operation* of something that a plugin made which has raised one.

    An error that a plugin raises as a `PluginError` itself stays what it says.
    """
    if isinstance(error, PluginError):
        return error
    return PluginError(f"{_operation(thing, operation)} raised {one_line(error)}")


def one_line(error: BaseException) -> str:
    """Return the type of *error* and what it says, in one line."""
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def _operation(thing: object, operation: str) -> str:
    kind = thing if isinstance(thing, type) or callable(thing) else type(thing)
    module = getattr(kind, "__module__", "") or ""
    name = getattr(kind, "__qualname__", type(thing).__qualname__)
    owner = plugin_of(module)
    what = f"{name}.{operation}" if operation else name
    return f"{owner}: {what}" if owner else f"{module}.{what}"
