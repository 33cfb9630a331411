"""How the machine looks: status records in, what rich can draw out. Nothing here asks anybody."""
