"""``python -m vmpp`` is the command ``vmpp``."""

from vmpp_shell.app import main

main()
