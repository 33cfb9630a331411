"""Topologies: which processes of a communicator are neighbours, and where they are placed."""
