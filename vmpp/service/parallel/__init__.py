"""The parallel file system's servers on I/O nodes: striped files, moved by portals."""

from vmpp.service.parallel.costs import IoCosts
from vmpp.service.parallel.partition import IOPartition
from vmpp.service.parallel.server import ParallelServer
from vmpp.service.parallel.stripe_files import StripeFiles

__all__ = ["IOPartition", "IoCosts", "ParallelServer", "StripeFiles"]
