"""NX, the library of Intel's Paragon, on portals."""
