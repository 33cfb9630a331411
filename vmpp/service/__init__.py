"""Servers of the service and I/O partitions: allocation, launch and files."""

from vmpp.service.allocation import AllocationPolicy
from vmpp.service.launcher import JobRecord, Launcher, LaunchError, Phase
from vmpp.service.server import Caller, Service, ServiceProcess

__all__ = [
    "AllocationPolicy",
    "Caller",
    "JobRecord",
    "LaunchError",
    "Launcher",
    "Phase",
    "Service",
    "ServiceProcess",
]
