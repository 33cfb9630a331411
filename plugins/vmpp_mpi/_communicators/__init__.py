"""Communicators of one group and of two: how they are made, and what tells them apart."""
