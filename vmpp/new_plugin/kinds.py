"""The templates of new plugins: a folder of files for each kind, and one for all of them.

A file ``NAME.txt`` becomes ``NAME``; ``$words`` in names and text are filled in, as
`string.Template` does.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from string import Template
from typing import Final

_COMMON: Final = "common"
_SUFFIX: Final = ".txt"


@dataclass(frozen=True, slots=True)
class PluginKind:
    """A kind of plugins that can be written.

    Attributes:
        name: by which it is asked for; of policies, that by which they are chosen.
        what: what such a plugin offers, in words.
        usage: a command that uses it.
    """

    name: str
    what: str
    usage: str

    def render(self, words: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """Yield the path of every file of a new package and what is in it."""
        root = files(__package__) / "templates"
        for folder in (_COMMON, self.name):
            for path, text in _files(root / folder):
                yield Template(path).substitute(words), Template(text).substitute(words)


def _files(folder: Traversable, prefix: str = "") -> Iterator[tuple[str, str]]:
    for entry in sorted(folder.iterdir(), key=lambda each: each.name):
        if entry.is_dir():
            yield from _files(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith(_SUFFIX):
            yield prefix + entry.name.removesuffix(_SUFFIX), entry.read_text(encoding="utf-8")


_HELLO: Final = "program.py"

KINDS: Final[Mapping[str, PluginKind]] = {
    kind.name: kind
    for kind in (
        PluginKind(
            "pct",
            "a scheduling policy of the PCT: which process of a node runs next",
            f"vmpp run -n 4 --copies 2 --pct $offer {_HELLO}",
        ),
        PluginKind(
            "mode",
            "a CPU mode: which CPU of a node does what",
            f"vmpp run -n 4 --mode $offer {_HELLO}",
        ),
        PluginKind(
            "noise",
            "a noise profile: what a node does besides the application",
            f"vmpp run -n 4 --noise $offer {_HELLO}",
        ),
        PluginKind(
            "topology",
            "a topology: which nodes are neighbours, and the way between any two",
            f"vmpp run -n 4 --topology $offer {_HELLO}",
        ),
        PluginKind(
            "timing",
            "a model of network timing: how long messages take each other's way",
            f"vmpp run -n 4 --network-timing $offer {_HELLO}",
        ),
        PluginKind(
            "allocator",
            "an allocation policy: which free nodes a job gets",
            f"vmpp run -n 4 --allocator $offer {_HELLO}",
        ),
        PluginKind(
            "queue",
            "a queueing policy: which waiting job gets nodes next",
            f"vmpp run -n 4 --queue $offer {_HELLO}",
        ),
        PluginKind(
            "library",
            "a library on portals, which programs import",
            "python -c 'import $module'",
        ),
        PluginKind("image", "a program that is found by its name", "vmpp run -n 4 $offer"),
        PluginKind("machine", "a machine file", f"vmpp run -n 4 --machine $offer {_HELLO}"),
        PluginKind("command", "a command of the shell", "vmpp --ephemeral -c $offer"),
    )
}
"""All of them, by name."""
