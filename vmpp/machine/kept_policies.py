"""What has been chosen for all boots to come, kept with a machine's state."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from vmpp.errors import VmppError


class KeptPolicyError(VmppError):
    """What is kept cannot be read, or cannot be had any more."""


class KeptPolicies:
    """The policies that a machine boots with instead of its file's.

    Attributes:
        chosen: texts that choose them, by what they decide; kinds that this vmpp does not know, as
            another one has, are left alone.
    """

    def __init__(self, path: Path | None) -> None:
        """Read them from a file; None: nothing is kept, and they go with this object.

        Raises:
            KeptPolicyError: the file is damaged.
        """
        self._path = path
        self.chosen: Mapping[str, str] = {}
        if path is None or not path.exists():
            return
        try:
            self.chosen = msgspec.json.decode(path.read_bytes(), type=dict[str, str])
        except (OSError, msgspec.DecodeError) as error:
            raise KeptPolicyError(
                f"{path} cannot be read ({error}); without it the machine boots as its file says"
            ) from None

    def keep(self, kind: str, text: str | None) -> None:
        """Have *text* chosen from the next boot on; None: what the machine's file says.

        Raises:
            KeptPolicyError: it cannot be written.
        """
        others = {name: other for name, other in self.chosen.items() if name != kind}
        self.chosen = others if text is None else {**others, kind: text}
        if self._path is None:
            return
        fresh = self._path.with_suffix(".new")
        try:
            fresh.write_bytes(msgspec.json.encode(self.chosen, order="sorted"))
            os.replace(fresh, self._path)
        except OSError as error:
            raise KeptPolicyError(f"{self._path}: {error.strerror}") from None
