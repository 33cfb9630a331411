"""Collective operations as published algorithms, which message libraries share."""
