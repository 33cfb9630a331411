"""Processes of other jobs: how they are found, started, and joined to those of this one."""
