"""What goes wrong when somebody wants a job."""

from __future__ import annotations

from vmpp.errors import VmppError


class LaunchError(VmppError):
    """A job cannot be launched; the message says why and what would."""


class NodesBusyError(LaunchError):
    """Nodes are taken that a job needs; it may have them later."""


class FragmentedError(NodesBusyError):
    """As many nodes are free as a job wants, and yet there is no place for it."""


class NotPermittedError(VmppError):
    """Somebody wants to do with a job what only its owner, or root, may."""
