"""NX, as programs import it. Written by ``python -m vmpp_nx.stub`` from the table of calls."""

from collections.abc import Callable
from typing import Any

from vmpp_nx._complaints import ErrorNumber
from vmpp_nx._information import MessageInformation

__all__ = [
    "ECFPS",
    "EIMODE",
    "EMIXIO",
    "ENFPS",
    "ENOCFS",
    "EQBADFIL",
    "EQBADNODE",
    "EQBLEN",
    "EQDIM",
    "EQESIZE",
    "EQHND",
    "EQLEN",
    "EQMEM",
    "EQMID",
    "EQMSGLONG",
    "EQMSGSHORT",
    "EQNOACT",
    "EQNODE",
    "EQNOMID",
    "EQNOPROC",
    "EQNOSET",
    "EQPARAM",
    "EQPATH",
    "EQPBUF",
    "EQPCCODE",
    "EQPCNODE",
    "EQPCPID",
    "EQPFIL",
    "EQPID",
    "EQPRIV",
    "EQSET",
    "EQTIME",
    "EQTYPE",
    "EQUSEPID",
    "ERDEOF",
    "ESETIO",
    "FORCE_TYPE",
    "HWHZ",
    "INVALID_PTYPE",
    "_cprobe",
    "_cprobex",
    "_crecv",
    "_crecvx",
    "_csend",
    "_csendrecv",
    "_dclock",
    "_flushmsg",
    "_ginv",
    "_gray",
    "_hrecv",
    "_hrecvx",
    "_hsend",
    "_hsendrecv",
    "_hsendx",
    "_hwclock",
    "_infocount",
    "_infonode",
    "_infopid",
    "_infoptype",
    "_infotype",
    "_iprobe",
    "_iprobex",
    "_irecv",
    "_irecvx",
    "_isend",
    "_isendrecv",
    "_led",
    "_masktrap",
    "_mclock",
    "_msgcancel",
    "_msgdone",
    "_msgignore",
    "_msgmerge",
    "_msgwait",
    "_myhost",
    "_mynode",
    "_mypart",
    "_mypid",
    "_myptype",
    "_nodedim",
    "_numnodes",
    "_nx_errno",
    "_nx_perror",
    "_setpid",
    "_setptype",
    "cprobe",
    "cprobex",
    "crecv",
    "crecvx",
    "csend",
    "csendrecv",
    "dclock",
    "errno",
    "flushmsg",
    "ginv",
    "gray",
    "hrecv",
    "hrecvx",
    "hsend",
    "hsendrecv",
    "hsendx",
    "hwclock",
    "infocount",
    "infonode",
    "infopid",
    "infoptype",
    "infotype",
    "iprobe",
    "iprobex",
    "irecv",
    "irecvx",
    "isend",
    "isendrecv",
    "led",
    "masktrap",
    "mclock",
    "msgcancel",
    "msgdone",
    "msgignore",
    "msginfo",
    "msgmerge",
    "msgwait",
    "myhost",
    "mynode",
    "mypart",
    "mypid",
    "myptype",
    "nodedim",
    "numnodes",
    "nx_errno",
    "nx_perror",
    "setpid",
    "setptype",
]

ECFPS: int
EIMODE: int
EMIXIO: int
ENFPS: int
ENOCFS: int
EQBADFIL: int
EQBADNODE: int
EQBLEN: int
EQDIM: int
EQESIZE: int
EQHND: int
EQLEN: int
EQMEM: int
EQMID: int
EQMSGLONG: int
EQMSGSHORT: int
EQNOACT: int
EQNODE: int
EQNOMID: int
EQNOPROC: int
EQNOSET: int
EQPARAM: int
EQPATH: int
EQPBUF: int
EQPCCODE: int
EQPCNODE: int
EQPCPID: int
EQPFIL: int
EQPID: int
EQPRIV: int
EQSET: int
EQTIME: int
EQTYPE: int
EQUSEPID: int
ERDEOF: int
ESETIO: int
FORCE_TYPE: int
HWHZ: int
INVALID_PTYPE: int
errno: ErrorNumber
msginfo: MessageInformation

def cprobe(typesel: int) -> None: ...
def _cprobe(typesel: int) -> int: ...
def cprobex(typesel: int, nodesel: int, ptypesel: int, info: Any) -> None: ...
def _cprobex(typesel: int, nodesel: int, ptypesel: int, info: Any) -> int: ...
def crecv(typesel: int, buf: Any, count: int) -> None: ...
def _crecv(typesel: int, buf: Any, count: int) -> int: ...
def crecvx(typesel: int, buf: Any, count: int, nodesel: int, ptypesel: int, info: Any) -> None: ...
def _crecvx(typesel: int, buf: Any, count: int, nodesel: int, ptypesel: int, info: Any) -> int: ...
def csend(type: int, buf: Any, count: int, node: int, ptype: int) -> None: ...
def _csend(type: int, buf: Any, count: int, node: int, ptype: int) -> int: ...
def csendrecv(
    type: int, sbuf: Any, scount: int, node: int, ptype: int, typesel: int, rbuf: Any, rcount: int
) -> int: ...
def _csendrecv(
    type: int, sbuf: Any, scount: int, node: int, ptype: int, typesel: int, rbuf: Any, rcount: int
) -> int: ...
def dclock() -> float: ...
def _dclock() -> float: ...
def flushmsg(typesel: int, node: int, pid: int) -> None: ...
def _flushmsg(typesel: int, node: int, pid: int) -> int: ...
def ginv(code: int) -> int: ...
def _ginv(code: int) -> int: ...
def gray(number: int) -> int: ...
def _gray(number: int) -> int: ...
def hrecv(typesel: int, buf: Any, count: int, handler: Callable[..., object]) -> None: ...
def _hrecv(typesel: int, buf: Any, count: int, handler: Callable[..., object]) -> int: ...
def hrecvx(
    typesel: int,
    buf: Any,
    count: int,
    nodesel: int,
    ptypesel: int,
    xhandler: Callable[..., object],
    hparam: Any,
) -> None: ...
def _hrecvx(
    typesel: int,
    buf: Any,
    count: int,
    nodesel: int,
    ptypesel: int,
    xhandler: Callable[..., object],
    hparam: Any,
) -> int: ...
def hsend(
    type: int, buf: Any, count: int, node: int, ptype: int, handler: Callable[..., object]
) -> None: ...
def _hsend(
    type: int, buf: Any, count: int, node: int, ptype: int, handler: Callable[..., object]
) -> int: ...
def hsendrecv(
    type: int,
    sbuf: Any,
    scount: int,
    node: int,
    ptype: int,
    typesel: int,
    rbuf: Any,
    rcount: int,
    handler: Callable[..., object],
) -> None: ...
def _hsendrecv(
    type: int,
    sbuf: Any,
    scount: int,
    node: int,
    ptype: int,
    typesel: int,
    rbuf: Any,
    rcount: int,
    handler: Callable[..., object],
) -> int: ...
def hsendx(
    type: int,
    buf: Any,
    count: int,
    node: int,
    ptype: int,
    xhandler: Callable[..., object],
    hparam: Any,
) -> None: ...
def _hsendx(
    type: int,
    buf: Any,
    count: int,
    node: int,
    ptype: int,
    xhandler: Callable[..., object],
    hparam: Any,
) -> int: ...
def hwclock(ticks: Any) -> None: ...
def _hwclock(ticks: Any) -> int: ...
def infocount() -> int: ...
def _infocount() -> int: ...
def infonode() -> int: ...
def _infonode() -> int: ...
def infopid() -> int: ...
def _infopid() -> int: ...
def infoptype() -> int: ...
def _infoptype() -> int: ...
def infotype() -> int: ...
def _infotype() -> int: ...
def iprobe(typesel: int) -> int: ...
def _iprobe(typesel: int) -> int: ...
def iprobex(typesel: int, nodesel: int, ptypesel: int, info: Any) -> int: ...
def _iprobex(typesel: int, nodesel: int, ptypesel: int, info: Any) -> int: ...
def irecv(typesel: int, buf: Any, count: int) -> int: ...
def _irecv(typesel: int, buf: Any, count: int) -> int: ...
def irecvx(typesel: int, buf: Any, count: int, nodesel: int, ptypesel: int, info: Any) -> int: ...
def _irecvx(typesel: int, buf: Any, count: int, nodesel: int, ptypesel: int, info: Any) -> int: ...
def isend(type: int, buf: Any, count: int, node: int, ptype: int) -> int: ...
def _isend(type: int, buf: Any, count: int, node: int, ptype: int) -> int: ...
def isendrecv(
    type: int, sbuf: Any, scount: int, node: int, ptype: int, typesel: int, rbuf: Any, rcount: int
) -> int: ...
def _isendrecv(
    type: int, sbuf: Any, scount: int, node: int, ptype: int, typesel: int, rbuf: Any, rcount: int
) -> int: ...
def led(lit: int) -> None: ...
def _led(lit: int) -> int: ...
def masktrap(masked: int) -> int: ...
def _masktrap(masked: int) -> int: ...
def mclock() -> int: ...
def _mclock() -> int: ...
def msgcancel(mid: int) -> None: ...
def _msgcancel(mid: int) -> int: ...
def msgdone(mid: int) -> int: ...
def _msgdone(mid: int) -> int: ...
def msgignore(mid: int) -> None: ...
def _msgignore(mid: int) -> int: ...
def msgmerge(mid1: int, mid2: int) -> int: ...
def _msgmerge(mid1: int, mid2: int) -> int: ...
def msgwait(mid: int) -> None: ...
def _msgwait(mid: int) -> int: ...
def myhost() -> int: ...
def _myhost() -> int: ...
def mynode() -> int: ...
def _mynode() -> int: ...
def mypart(rows: Any, cols: Any) -> int: ...
def _mypart(rows: Any, cols: Any) -> int: ...
def mypid() -> int: ...
def _mypid() -> int: ...
def myptype() -> int: ...
def _myptype() -> int: ...
def nodedim() -> int: ...
def _nodedim() -> int: ...
def numnodes() -> int: ...
def _numnodes() -> int: ...
def nx_errno() -> int: ...
def _nx_errno() -> int: ...
def nx_perror(text: str) -> None: ...
def _nx_perror(text: str) -> int: ...
def setpid(ptype: int) -> None: ...
def _setpid(ptype: int) -> int: ...
def setptype(ptype: int) -> None: ...
def _setptype(ptype: int) -> int: ...
