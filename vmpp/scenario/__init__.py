"""Scenarios: transcripts of a session that are replayed and checked."""
