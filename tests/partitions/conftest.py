"""Shells, as those of the shell's own tests."""

from tests.shell.conftest import shell

__all__ = ["shell"]
