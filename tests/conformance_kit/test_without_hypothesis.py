"""The kit says what it needs."""

from __future__ import annotations

import sys

import pytest

from vmpp import VmppError


def test_without_hypothesis_the_kit_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [*sys.modules]:
        if name.startswith("vmpp.testing"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "hypothesis", None)
    with pytest.raises(VmppError, match=r"hypothesis, which is not installed; pip install 'vmpp"):
        import vmpp.testing  # noqa: F401
