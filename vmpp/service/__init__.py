"""Servers of the service and I/O partitions: allocation, launch and files."""

from vmpp.service.allocation import AllocationPolicy, Places
from vmpp.service.coordination import Coordinator
from vmpp.service.errors import LaunchError, NodesBusyError, NotPermittedError
from vmpp.service.launcher import Launcher
from vmpp.service.queueing import QueueingPolicy, Waiting
from vmpp.service.record import JobRecord, Phase, Wishes
from vmpp.service.server import Caller, Service, ServiceProcess

__all__ = [
    "AllocationPolicy",
    "Caller",
    "Coordinator",
    "JobRecord",
    "LaunchError",
    "Launcher",
    "NodesBusyError",
    "NotPermittedError",
    "Phase",
    "Places",
    "QueueingPolicy",
    "Service",
    "ServiceProcess",
    "Waiting",
    "Wishes",
]
