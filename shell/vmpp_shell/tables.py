"""The plain tables that commands print."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from vmpp_shell.printable import printable

if TYPE_CHECKING:
    from rich.table import Table


def table(
    titles: Sequence[str],
    rows: Iterable[Sequence[Any]],
    *,
    right: Sequence[int] = (),
    header: bool = True,
) -> Table:
    """Return a table without lines; the columns numbered in *right* are set flush right."""
    from rich.table import Table  # noqa: PLC0415 - rich takes a while
    from rich.text import Text  # noqa: PLC0415

    made = Table(
        box=None, header_style="bold", pad_edge=False, padding=(0, 2, 0, 0), show_header=header
    )
    for number, title in enumerate(titles):
        made.add_column(title, justify="right" if number in right else "left", overflow="fold")
    for row in rows:
        made.add_row(
            *(cell if isinstance(cell, Text) else Text(printable(str(cell))) for cell in row)
        )
    return made
