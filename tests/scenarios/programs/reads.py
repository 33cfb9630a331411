"""Prints standard input in upper case."""

import sys

for line in sys.stdin:
    print(line.upper(), end="")
