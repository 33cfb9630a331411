"""``python -m vmpp`` is the command ``vmpp``."""

from vmpp.machine.cli import main

main()
