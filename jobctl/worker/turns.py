"""Whose turn it is among queues: each gets a share of the starts by its weight, however many jobs the others have.

Stride scheduling: a queue's count of starts, divided by its weight, decides; the lowest comes first.
C. A. Waldspurger, W. E. Weihl: Stride Scheduling, MIT/LCS/TM-528, 1995.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping


class Turns:
    """The queues that have work, with what each has been served."""

    def __init__(self) -> None:
        self._served: dict[str, float] = {}
        self._weights: dict[str, int] = {}

    def set(self, queues: Iterable[str], weights: Mapping[str, int]) -> None:
        """The queues that have work now. One that has just got some neither catches up nor waits for the others."""
        served = {queue: self._served[queue] for queue in queues if queue in self._served}
        least = min(served.values(), default=0.0)
        self._served = {queue: served.get(queue, least) - least for queue in queues}
        self._weights = dict(weights)

    def served(self, queue: str) -> float:
        """Starts for its weight, beyond those of the queue that has had the fewest."""
        return self._served.get(queue, 0.0)

    def weight(self, queue: str) -> int:
        """Turns of a queue for each turn of one without a weight."""
        return self._weights.get(queue, 1)

    def started(self, queue: str) -> None:
        """A job of this queue was taken."""
        self._served[queue] = self.served(queue) + 1 / self.weight(queue)
