"""Buffers: what a program gives as one, the memory behind it, and the bytes of a message."""
