"""The process control thread: loading, scheduling, memory and faults of a node."""

from vmpp.pct.control import CONTROL_PORTAL, LOST_PORTAL, Control, ControlMessage, send_control
from vmpp.pct.coroutines import Coprocessor, Coroutine
from vmpp.pct.dispatcher import Dispatcher
from vmpp.pct.loading import Loader, LoadError, Outcome, above, below, children, parent
from vmpp.pct.observing import DispatchObserver
from vmpp.pct.profile import Profile, kernel_time
from vmpp.pct.scheduling import SchedulingPolicy
from vmpp.pct.strobes import StrobeCosts
from vmpp.pct.thread import POLICY_FAULT, ProcessControlThread

__all__ = [
    "CONTROL_PORTAL",
    "LOST_PORTAL",
    "POLICY_FAULT",
    "Control",
    "ControlMessage",
    "Coprocessor",
    "Coroutine",
    "DispatchObserver",
    "Dispatcher",
    "LoadError",
    "Loader",
    "Outcome",
    "ProcessControlThread",
    "Profile",
    "SchedulingPolicy",
    "StrobeCosts",
    "above",
    "below",
    "children",
    "kernel_time",
    "parent",
    "send_control",
]
