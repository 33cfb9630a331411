"""Errors of system calls as error classes of MPI."""

from __future__ import annotations

import errno
from typing import Final

from vmpp_mpi._errors import (
    ERR_ACCESS,
    ERR_ARG,
    ERR_BAD_FILE,
    ERR_FILE,
    ERR_FILE_EXISTS,
    ERR_FILE_IN_USE,
    ERR_IO,
    ERR_NO_SPACE,
    ERR_NO_SUCH_FILE,
    ERR_QUOTA,
    ERR_READ_ONLY,
    ERR_UNSUPPORTED_OPERATION,
)

_CLASSES: Final = {
    errno.ENOENT: ERR_NO_SUCH_FILE,
    errno.EEXIST: ERR_FILE_EXISTS,
    errno.EACCES: ERR_ACCESS,
    errno.EPERM: ERR_ACCESS,
    errno.EROFS: ERR_READ_ONLY,
    errno.ENOSPC: ERR_NO_SPACE,
    errno.EDQUOT: ERR_QUOTA,
    errno.EBUSY: ERR_FILE_IN_USE,
    errno.ETXTBSY: ERR_FILE_IN_USE,
    errno.ENAMETOOLONG: ERR_BAD_FILE,
    errno.ENOTDIR: ERR_BAD_FILE,
    errno.EISDIR: ERR_BAD_FILE,
    errno.ELOOP: ERR_BAD_FILE,
    errno.EBADF: ERR_FILE,
    errno.EINVAL: ERR_ARG,
    errno.ESPIPE: ERR_UNSUPPORTED_OPERATION,
    errno.EOPNOTSUPP: ERR_UNSUPPORTED_OPERATION,
}


def error_class(error: OSError) -> int:
    """Return the error class of what a system call raised, `ERR_IO` if none fits better."""
    return _CLASSES.get(error.errno or 0, ERR_IO)
