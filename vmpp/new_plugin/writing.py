"""Writes the package of a new plugin."""

from __future__ import annotations

import keyword
import re
import sys
from collections.abc import Mapping
from importlib.metadata import version
from importlib.util import find_spec
from os import PathLike
from pathlib import Path
from typing import Final

from vmpp.errors import VmppError, suggestion
from vmpp.hooks import INTERFACE, PROJECT
from vmpp.machine.plugins import Plugins
from vmpp.new_plugin.kinds import KINDS

_NAME: Final = re.compile(r"[a-z][a-z0-9]*([-_][a-z0-9]+)*")


class NewPluginError(VmppError):
    """Such a plugin cannot be written, or not there."""


def write(kind: str, name: str, directory: str | PathLike[str] | None = None) -> Path:
    """Write the package of a new plugin.

    Args:
        kind: what it offers, one of `KINDS`.
        name: what it is called: lower-case letters, digits, and ``-`` or ``_`` between words. What
            it offers is called so with ``-``, its module with ``_``.
        directory: the new folder; one called *name* in the current one by default.

    Returns:
        The folder.

    Raises:
        NewPluginError: there is no such kind, the name is none or is taken, or there is something
            in the folder.
    """
    found = KINDS.get(kind)
    if found is None:
        raise NewPluginError(
            f"no kind of plugins is called {kind!r}{suggestion(kind, KINDS)} "
            f"(there is: {', '.join(KINDS)})"
        )
    words = _words(kind, name)
    folder = Path(name if directory is None else directory)
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise NewPluginError(f"{folder} is there already; name another with --directory")
        for path, text in found.render(words):
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise NewPluginError(f"{error.filename or folder}: {error.strerror}") from error
    return folder


def _words(kind: str, name: str) -> Mapping[str, str]:
    """Return what is filled into templates. Raises NewPluginError if *name* cannot be."""
    _check(name)
    offer, module = name.replace("_", "-"), name.replace("-", "_")
    _check_free(kind, offer, module)
    words = {
        "kind": kind,
        "offer": offer,
        "module": module,
        "cls": "".join(part.capitalize() for part in module.split("_")),
        "interface": str(INTERFACE),
        "version": version(PROJECT),
        "what": KINDS[kind].what,
    }
    usage = KINDS[kind].usage.replace("$offer", offer).replace("$module", module)
    return {**words, "usage": usage}


def _check(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise NewPluginError(
            f"{name!r} cannot be the name of a plugin: it is lower-case letters and digits, "
            "with '_' or '-' between words, such as my_policy"
        )
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        raise NewPluginError(f"{name!r} is a word of Python's own; take another name")


def _check_free(kind: str, offer: str, module: str) -> None:
    """Refuse names that would stand for something else as well."""
    spec = find_spec(module)
    # A folder that is no package, as the new one may become, is in nobody's way.
    if module in sys.stdlib_module_names or (spec is not None and spec.loader is not None):
        raise NewPluginError(f"there is a module {module!r} already; take another name")
    plugins = Plugins.installed()
    if offer in plugins.names:
        raise NewPluginError(f"a plugin is called {offer!r} already; take another name")
    for row in plugins.listing():
        if (row.kind, row.name) == (kind, offer):
            raise NewPluginError(
                f"plugin {row.source} offers the {kind} {offer!r} already; take another name"
            )
