"""Ports, and the names of services: what processes of different jobs meet by.

All of it is kept by the machine's name server.
"""

from __future__ import annotations

from vmpp.process import jobs
from vmpp_mpi._dynamic._system import ask
from vmpp_mpi._errors import ERR_NAME, ERR_PORT, ERR_SERVICE
from vmpp_mpi._info import INFO_NULL, Info
from vmpp_mpi._local import local
from vmpp_mpi._state import mpi_state


def own_ports() -> dict[str, None]:
    """Return the ports that the running process has open, in order."""
    return local("mpi.ports", dict)


def Open_port(info: Info = INFO_NULL) -> str:
    """Return the name of a new port, at which `Intracomm.Accept` waits and others connect.

    Raises:
        MPIError: of class `ERR_PORT`: the machine's name server is not there.
    """
    port = ask(jobs.NAMES, jobs.OpenPort(), ERR_PORT).name
    ports, library = own_ports(), mpi_state()
    if _close_all not in library.endings:
        library.endings += (_close_all,)
    ports[port] = None
    return port


def _close_all() -> None:
    """Close the ports that a process leaves open: nobody could accept there any more."""
    for port in list(own_ports()):
        Close_port(port)


def Close_port(port_name: str) -> None:
    """Close a port.

    Raises:
        MPIError: of class `ERR_PORT`: the job has no such port open.
    """
    ask(jobs.NAMES, jobs.ClosePort(port_name), ERR_PORT)
    own_ports().pop(port_name, None)


def Publish_name(service_name: str, port_name: str, info: Info = INFO_NULL) -> None:
    """Have a port found under the name of a service, by all jobs of the machine.

    Raises:
        MPIError: of class `ERR_SERVICE`: the name is taken.
    """
    ask(jobs.NAMES, jobs.Publish(service_name, port_name), ERR_SERVICE)


def Unpublish_name(service_name: str, port_name: str, info: Info = INFO_NULL) -> None:
    """Take back what the job has published.

    Raises:
        MPIError: of class `ERR_SERVICE`: it has not published this.
    """
    ask(jobs.NAMES, jobs.Unpublish(service_name, port_name), ERR_SERVICE)


def Lookup_name(service_name: str, info: Info = INFO_NULL) -> str:
    """Return the port that is published under the name of a service.

    Raises:
        MPIError: of class `ERR_NAME`: none is.
    """
    return ask(jobs.NAMES, jobs.LookUp(service_name), ERR_NAME).name
