"""What programs get besides the calls."""

from __future__ import annotations

from typing import Any, Final

from vmpp_nx._bits import FORCE_TYPE
from vmpp_nx._clock import HWHZ
from vmpp_nx._complaints import errno
from vmpp_nx._control import _attributes, _partitions
from vmpp_nx._errors import CODES
from vmpp_nx._files._modes import M_ASYNC, M_GLOBAL, M_LOG, M_RECORD, M_SYNC, M_UNIX
from vmpp_nx._files._positions import SIZE_CUR, SIZE_END, SIZE_SET
from vmpp_nx._files._sizes import esize_t
from vmpp_nx._files._status import estat_t, estatfs_t, pfsmntinfo, statpfs_t
from vmpp_nx._information import msginfo
from vmpp_nx._messages import INVALID_PTYPE

CONSTANTS: Final[dict[str, Any]] = {
    "INVALID_PTYPE": INVALID_PTYPE,
    "FORCE_TYPE": FORCE_TYPE,
    "HWHZ": HWHZ,
    "msginfo": msginfo,
    "errno": errno,
    "M_UNIX": M_UNIX,
    "M_LOG": M_LOG,
    "M_SYNC": M_SYNC,
    "M_RECORD": M_RECORD,
    "M_GLOBAL": M_GLOBAL,
    "M_ASYNC": M_ASYNC,
    **_attributes.CONSTANTS,
    **_partitions.CONSTANTS,
    "SIZE_SET": SIZE_SET,
    "SIZE_CUR": SIZE_CUR,
    "SIZE_END": SIZE_END,
    "esize_t": esize_t,
    "estat_t": estat_t,
    "estatfs_t": estatfs_t,
    "statpfs_t": statpfs_t,
    "pfsmntinfo": pfsmntinfo,
    **CODES,
}
"""By name."""
