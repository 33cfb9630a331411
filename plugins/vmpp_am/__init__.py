"""Active messages and one-sided communication, on portals and event handlers."""
