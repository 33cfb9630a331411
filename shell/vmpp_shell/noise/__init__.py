"""The report on noise that programs have measured: what recurs in it, and a picture."""
