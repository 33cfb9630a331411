"""How files are striped over I/O nodes, and how far they reach."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

from vmpp.process import calls
from vmpp.service.file_session import FileSession


def _of_open_file(session: FileSession, call: calls.Extend | calls.Append) -> NoReturn:
    session.file(call.handle)
    raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))


def _of_path(session: FileSession, call: calls.SetStripes | calls.GetStripes) -> NoReturn:
    session.view.stat(session.at(call.at, call.path), call.path, True)
    raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))


ANSWERS: Final[Mapping[type[Any], Callable[..., Any]]] = {
    calls.Extend: _of_open_file,
    calls.Append: _of_open_file,
    calls.SetStripes: _of_path,
    calls.GetStripes: _of_path,
}
"""Which function answers which request."""
