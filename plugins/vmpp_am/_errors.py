"""What active messages tell a program that it did wrong."""

from __future__ import annotations

from vmpp.errors import VmppError


class AmError(VmppError):
    """A call of the library cannot be; one line, which names the culprit."""
