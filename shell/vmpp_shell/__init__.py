"""The ``vmpp>`` prompt: login sessions, their commands, tables and live views."""
