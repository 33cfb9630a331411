"""The calls of communicators, by family: classes that a communicator's handle is made of."""
