"""Requests: operations under way of every kind, and messages taken out by a probe."""
