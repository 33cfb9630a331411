"""Scenarios: transcripts of a session that are replayed and checked.

A scenario is a text file: directives that say on what machine, then ``vmpp> command`` lines, each
followed by the output that it must give. `vmpp.scenario.transcript` has the format,
`vmpp.scenario.replaying` replays it, `vmpp.scenario.recorder` writes it.
"""
