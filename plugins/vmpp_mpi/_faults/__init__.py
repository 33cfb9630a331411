"""Fault tolerance: what a process knows of failures, and how those that are left agree."""
