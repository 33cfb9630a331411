"""Waits for so many milliseconds."""

import sys
import time

time.sleep(float(sys.argv[1]) * 1e-3)
