"""An application on nodes of its own, whose controlling process goes first if it is killed."""

from time import sleep

from nx import mynode, nx_initve, nx_nfork, nx_waitall

nx_initve("", 3, "", None, None)
if nx_nfork(None, -1, 0, None):
    nx_waitall()
else:
    sleep(5)
    print("node", mynode(), "is through")
