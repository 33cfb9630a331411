"""Vertex, the library of nCUBE's machines, on portals."""
