"""Parallel files: one file that many ranks read and write, over the machine's file server.

Everything that a rank does with a file is a system call of its process. `_view` says which bytes
of the file an access touches, `_store` moves them, `_collective` has some ranks do that for all,
`_access` is one read or write in whatever form, and `_file` the handle.
"""
