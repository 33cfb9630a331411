"""Arguments of commands: how each kind of them is read."""
