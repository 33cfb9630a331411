"""Columns as users of Slurm ask for them: ``%.18i %.9P`` of squeue, ``JobID,State%20`` of sacct."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Final, TypeVar

from vmpp.errors import VmppError, suggestion
from vmpp_shell.views.listing import Column

Row = TypeVar("Row")

_LETTER: Final = re.compile(r"%(\.?)(\d*)([A-Za-z])")
_NAME: Final = re.compile(r"\s*(\w+)\s*(?:%(-?)(\d+)\s*)?")

_WIDEST: Final = 1000
"""How wide a column can be made."""


class FormatError(VmppError):
    """Columns that there are not; the message names what there is."""


def by_letters(text: str, known: Mapping[str, Column[Row]]) -> list[Column[Row]]:
    """Return the columns that a format such as ``%.18i %.9P %j`` names.

    A number is the width, and a dot before it sets the column flush right. What is between two
    columns is not kept, but a space.

    Raises:
        FormatError: it names one that is not *known*, or none.
    """
    columns = []
    for right, width, letter in _LETTER.findall(text):
        column = known.get(letter)
        if column is None:
            raise FormatError(
                f"there is no column %{letter}; there are "
                + ", ".join(f"%{each} {known[each].title}" for each in sorted(known, key=str.lower))
            )
        if width:
            column = replace(column, right=bool(right), width=_width(width))
        columns.append(column)
    if not columns:
        raise FormatError(f'"{text}" names no column; write it such as "%i %j %u %T"')
    return columns


def by_names(text: str, known: Mapping[str, Column[Row]]) -> list[Column[Row]]:
    """Return the columns that a list such as ``JobID,JobName%20,State%-12`` names.

    A number is the width, and a minus before it sets the column flush left.

    Raises:
        FormatError: it names one that is not *known*, or none.
    """
    columns = []
    titles = {column.title.lower(): column for column in known.values()}
    for part in text.split(","):
        found = _NAME.fullmatch(part)
        if found is None:
            raise FormatError(f'"{text}": "{part.strip()}" is no column; write such as JobID%20')
        name, left, width = found.groups()
        column = titles.get(name.lower())
        if column is None:
            near = suggestion(name, (each.title for each in known.values()))
            raise FormatError(f"there is no column {name!r}{near or '; --helpformat lists them'}")
        if width:
            column = replace(column, right=not left, width=_width(width))
        columns.append(column)
    return columns


def _width(digits: str) -> int:
    if len(digits) > len(str(_WIDEST)) or int(digits) > _WIDEST:
        raise FormatError(f"a column is {_WIDEST} characters wide at the most, not {digits}")
    return int(digits)
