"""One-sided communication: windows of memory that processes access without its owner's taking part.

An access is a portal write or read of the target's exposed memory where one descriptor can express
it, and else a request to an event handler in the target's user space (`_wire` has the portals and
the messages). `_origin` and `_target` are the two sides of a process, `_operations` says which way
each operation goes, `_epochs` what may be called when, and `_win` is what programs see.
"""
