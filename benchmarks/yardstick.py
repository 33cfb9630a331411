"""The yardstick: a ring of messages between bare SimPy processes.

A message is a timeout of its sender, a put into a `Store` and a get by its receiver. There is no
machine, no library and no matching: what is left is the price of simulating in Python at all.

    python -m benchmarks.yardstick RANKS ROUNDS
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Generator

from simpy import Environment, Event, Store


def member(
    environment: Environment, inbox: Store, right: Store, rounds: int
) -> Generator[Event, object, None]:
    """Send a message to the right and receive one from the left, *rounds* times."""
    for _ in range(rounds):
        yield environment.timeout(1)
        yield right.put(b"8 bytes.")
        yield inbox.get()


def ring(ranks: int, rounds: int) -> float:
    """Return the CPU seconds that *rounds* messages of each of *ranks* members take."""
    environment = Environment()
    inboxes = [Store(environment) for _ in range(ranks)]
    for rank, inbox in enumerate(inboxes):
        environment.process(member(environment, inbox, inboxes[(rank + 1) % ranks], rounds))
    begin = time.process_time()
    environment.run()
    return time.process_time() - begin


if __name__ == "__main__":
    print(json.dumps({"cpu_s": ring(int(sys.argv[1]), int(sys.argv[2]))}))
