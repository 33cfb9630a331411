"""The process control thread: loading, scheduling, memory and faults of a node."""

from vmpp.pct.control import CONTROL_PORTAL, LOST_PORTAL, Control, ControlMessage, send_control
from vmpp.pct.dispatcher import Dispatcher
from vmpp.pct.loading import Loader, LoadError, Outcome, above, below, children, parent
from vmpp.pct.observing import DispatchObserver
from vmpp.pct.scheduling import SchedulingPolicy
from vmpp.pct.thread import ProcessControlThread

__all__ = [
    "CONTROL_PORTAL",
    "LOST_PORTAL",
    "Control",
    "ControlMessage",
    "DispatchObserver",
    "Dispatcher",
    "LoadError",
    "Loader",
    "Outcome",
    "ProcessControlThread",
    "SchedulingPolicy",
    "above",
    "below",
    "children",
    "parent",
    "send_control",
]
