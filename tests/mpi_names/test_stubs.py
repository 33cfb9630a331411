"""The names of ``mpi4py.MPI`` and their signatures, held against mpi4py's own stubs."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from vmpp_mpi import MPI

OF_C = frozenset(("__pyx_capi__", "_addressof"))
"""Names of the stubs that are about a C library's objects in memory, of which there are none."""


class Parameter(NamedTuple):
    """A parameter of a function; *default* is its source, None if there is none."""

    name: str
    kind: str
    default: str | None


class Member(NamedTuple):
    """What a stub says of a name: kind, and the parameters if it can be called."""

    kind: str
    parameters: tuple[Parameter, ...] = ()


def _parameters(arguments: ast.arguments) -> Iterator[Parameter]:
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(positional) - len(arguments.defaults)) + arguments.defaults
    for place, (argument, default) in enumerate(zip(positional, defaults, strict=True)):
        first = place < len(arguments.posonlyargs)
        kind = "POSITIONAL_ONLY" if first else "POSITIONAL_OR_KEYWORD"
        yield Parameter(argument.arg, kind, None if default is None else ast.unparse(default))
    if arguments.vararg:
        yield Parameter(arguments.vararg.arg, "VAR_POSITIONAL", None)
    for argument, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        shown = None if default is None else ast.unparse(default)
        yield Parameter(argument.arg, "KEYWORD_ONLY", shown)
    if arguments.kwarg:
        yield Parameter(arguments.kwarg.arg, "VAR_KEYWORD", None)


def _members(body: list[ast.stmt]) -> Iterator[tuple[str, Member]]:
    """Yield the names that a stub's module or class defines, overloaded functions left out."""
    for node in body:
        if isinstance(node, ast.FunctionDef):
            decorators = {ast.unparse(each) for each in node.decorator_list}
            if "overload" in decorators:
                continue
            kinds = decorators & {"classmethod", "staticmethod", "property"}
            kind = kinds.pop() if kinds else "function"
            yield node.name, Member(kind, tuple(_parameters(node.args)))
        elif isinstance(node, ast.AnnAssign):
            yield ast.unparse(node.target), Member("value")
        elif isinstance(node, ast.Assign):
            yield ast.unparse(node.targets[0]), Member("value")
        elif isinstance(node, ast.ClassDef):
            yield node.name, Member("class")


def _stubs() -> dict[str, Member]:
    """Return all names of the stubs, members of classes as ``Class.member``."""
    found = find_spec("mpi4py")
    assert found is not None
    assert found.origin is not None
    tree = ast.parse(Path(found.origin).with_name("MPI.pyi").read_text("utf-8"))
    names = dict(_members(tree.body))
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            names |= {f"{node.name}.{name}": member for name, member in _members(node.body)}
    return names


STUBS = {name: member for name, member in _stubs().items() if name not in OF_C}
PUBLIC = [name for name in STUBS if not name.rpartition(".")[2].startswith("_")]
CALLABLE = [
    name
    for name in STUBS
    if STUBS[name].kind in {"function", "classmethod", "staticmethod"}
    and not name.rpartition(".")[2].startswith("__")
]


def _found(name: str) -> Any:
    """Return what *name* refers to, as the class has it rather than bound."""
    owner, dot, member = name.partition(".")
    there = getattr(MPI, owner)
    return inspect.getattr_static(there, member) if dot else there


def test_the_stubs_have_as_many_names_as_mpi4py_4_1():
    members = [name for name in PUBLIC if "." in name]
    assert len(PUBLIC) - len(members) >= 370
    assert len(members) >= 449
    assert len({name.partition(".")[0] for name in members}) >= 20


@pytest.mark.parametrize("name", STUBS)
def test_every_name_is_there(name):
    _found(name)


def test_there_are_no_names_that_mpi4py_has_not():
    offered = {name for name in dir(MPI) if not name.startswith("_")}
    assert offered <= {name for name in PUBLIC if "." not in name}


def test_a_star_import_brings_every_name():
    brought: dict[str, Any] = {}
    exec("from vmpp_mpi.MPI import *", brought)
    assert brought.keys() >= {name for name in PUBLIC if "." not in name}


@pytest.mark.parametrize("name", CALLABLE)
def test_signatures_are_those_of_the_stubs(name):
    stub, found = STUBS[name], _found(name)
    wrapper = {"classmethod": classmethod, "staticmethod": staticmethod}.get(stub.kind)
    if wrapper is not None:
        assert isinstance(found, wrapper)
        found = found.__func__
    ours = inspect.signature(found).parameters.values()
    theirs = stub.parameters
    assert [(each.name, each.kind.name) for each in ours] == [
        (each.name, each.kind) for each in theirs
    ]
    for mine, their in zip(ours, theirs, strict=True):
        if their.default is None:
            assert mine.default is inspect.Parameter.empty
        elif their.default != "...":
            assert mine.default == eval(their.default, vars(MPI)), mine.name


@pytest.mark.parametrize(
    "name", [name for name in STUBS if "." in name and STUBS[name].kind in {"value", "property"}]
)
def test_attributes_of_objects_are_properties_or_other_names(name):
    found = _found(name)
    owner = getattr(MPI, name.partition(".")[0])
    assert hasattr(type(found), "__get__") or name == "Pickle.PROTOCOL" or callable(found)
    assert inspect.getdoc(found) or getattr(owner, "__doc__", None)


@pytest.mark.parametrize("name", [name for name in STUBS if name in PUBLIC])
def test_whatever_can_be_called_says_what_it_is_for(name):
    if STUBS[name].kind != "value":
        assert inspect.getdoc(_found(name))


@pytest.mark.parametrize("name", [name for name in CALLABLE if name in PUBLIC])
def test_docstrings_begin_with_the_call(name):
    found = _found(name)
    doc = getattr(found, "__func__", found).__doc__
    call, blank, summary, *_ = [*doc.split("\n"), "", ""]
    parameters = [each.name for each in STUBS[name].parameters if each.kind.startswith("POS")]
    assert call.startswith(getattr(found, "__func__", found).__name__ + "(")
    assert not parameters or f"({parameters[0]}" in call
    assert blank == ""
    assert summary[0].isupper()
    assert summary.endswith(".")


def test_a_docstring_names_constants_as_a_program_does():
    doc = MPI.File.Open.__func__.__doc__
    assert doc.startswith("Open(cls, comm, filename, amode=2, info=INFO_NULL)\n\n")
