"""The commands that ship: every module here is searched for them."""
