"""The state of ``warnings`` as a process has it: filters, and what shows a warning.

A process begins with the filters of a fresh interpreter, ``PYTHONWARNINGS`` and ``-W`` among them,
whatever the host has set since. The C half of
``warnings`` takes its state from the module's attributes, which are the process's own; the Python
functions that reach for the module's globals instead are replaced.
"""

from __future__ import annotations

import os
import re
import sys
import warnings
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from vmpp.process.virtual import Functions

if TYPE_CHECKING:
    from vmpp.kernel.process import Process
    from vmpp.process.space import AddressSpace

_module: Any = warnings

_real_showwarning = _module._showwarning_orig
_real_formatwarning = _module._formatwarning_orig


def default_filters(space: AddressSpace) -> list[Any]:
    """Return the filters that an interpreter begins with."""
    ignored = (DeprecationWarning, PendingDeprecationWarning, ImportWarning, ResourceWarning)
    usual: list[Any] = [
        ("default", None, DeprecationWarning, "__main__", 0),
        *(("ignore", None, category, None, 0) for category in ignored),
    ]
    asked: list[Any] = []
    variable = os.fsdecode(space.program.environ.get(b"PYTHONWARNINGS", b""))
    own = [option for option in variable.split(",") if option]
    for option in dict.fromkeys([*sys.warnoptions, *own]):
        # One that is wrong is passed over: the host's interpreter has complained about it.
        with suppress(_module._OptionError, ValueError):
            asked.insert(0, _filter(option))
    return list(dict.fromkeys(asked + usual))


def _filter(option: str) -> tuple[Any, ...]:
    """Return the filter that ``-W option`` sets; `warnings` itself would add it to the host's."""
    fields = [field.strip() for field in option.split(":")]
    action, message, category, module, line = fields + [""] * (5 - len(fields))
    return (
        _module._getaction(action),
        re.compile(re.escape(message), re.IGNORECASE) if message else None,
        _module._getcategory(category),
        re.compile(re.escape(module) + r"\Z") if module else None,
        int(line or 0),
    )


def default_show(space: AddressSpace) -> Any:
    """Return the original of ``warnings.showwarning``."""
    del space
    return _real_showwarning


def default_format(space: AddressSpace) -> Any:
    """Return the original of ``warnings.formatwarning``."""
    del space
    return _real_formatwarning


def default_show_message(space: AddressSpace) -> Any:
    """Return what stands for ``warnings._showwarnmsg_impl``, which the host may have replaced."""
    del space
    return _write


def _write(message: Any) -> None:
    file = sys.stderr if message.file is None else message.file
    form = _module.formatwarning
    if form is _real_formatwarning:
        text = _module._formatwarnmsg_impl(message)
    else:
        place = (message.filename, message.lineno, message.line)
        text = form(message.message, message.category, *place)
    if file is not None:
        with suppress(OSError):
            file.write(text)


def no_warnings(space: AddressSpace) -> dict[Any, Any]:
    """Return the register of warnings to be shown only once."""
    del space
    return {}


def _add_filter(process: Process, *item: Any, append: bool) -> None:
    del process
    filters = _module.filters
    if append:
        if item not in filters:
            filters.append(item)
    else:
        filters[:] = [item, *(other for other in filters if other != item)]
    _module._filters_mutated()


def _reset(process: Process) -> None:
    del process
    _module.filters = []
    _module._filters_mutated()


def _show(process: Process, message: Any) -> None:
    """Show *message* by what the program has put in place for that."""
    del process
    show = _module.showwarning
    if show is _real_showwarning:
        _module._showwarnmsg_impl(message)
    else:
        if not callable(show):
            raise TypeError("warnings.showwarning() must be set to a function or method")
        place = (message.filename, message.lineno, message.file, message.line)
        show(message.message, message.category, *place)


TABLE: Final[Functions] = {
    "warnings": {"_add_filter": _add_filter, "_showwarnmsg": _show, "resetwarnings": _reset},
}
"""Virtual functions by module and name."""
