"""From where a claim looks for jobs: from the bottom of each claim target, or only at what can have come since it last was there.

A job that has started leaves its entry in the index until no snapshot needs it any more. While a session keeps an old one,
a claim from the bottom reads every entry of the jobs that have run since. So the bottom is looked at for a bounded share of the time.
"""

from __future__ import annotations

from collections import deque

FULL_SCAN = 2.0
"""Seconds between two looks at the bottom where work does not end."""
COMMIT_LAG = 1.0
"""Seconds that a transaction that submits may last, to be found without a look at the bottom."""
SHARE = 20.0
"""Between two looks at the bottom, times what one takes longer than another look: it gets a twentieth of the time."""
MAX_PAUSE = 10.0
"""Seconds within which a job is found that only a look at the bottom finds, whatever it takes."""


class Looks:
    """When the next look is one at the bottom, and from where the others begin."""

    def __init__(self) -> None:
        self._wanted = True
        self._hinted = False
        self._full_at = self._allowed_at = float("-inf")
        self._complete_at: float | None = None
        self._excesses: deque[float] = deque([0.0], maxlen=2)
        self._usual: float | None = None

    def want(self, *, hinted: bool = False) -> None:
        """Jobs may have come anywhere. ``hinted``: by a notification, nearly always of a submission: that is looked for first."""
        self._hinted = hinted and (self._hinted or not self._wanted)
        self._wanted = True

    def is_full(self, now: float) -> bool:
        """Whether the next look is one at the bottom."""
        quick_first = self._hinted and self._complete_at is not None
        due = (self._wanted and not quick_first) or now - self._full_at >= FULL_SCAN
        return due and now >= self._allowed_at

    def since(self, now: float) -> float | None:
        """Seconds within which the jobs have come that a look not at the bottom is for; None: at any time."""
        return None if self._complete_at is None else max(0.0, now - self._complete_at) + COMMIT_LAG

    def wait(self, now: float) -> float:
        """Seconds until a look at the bottom that is wanted may come, infinite where none is."""
        return max(0.0, self._allowed_at - now) if self._wanted else float("inf")

    def was_full(self, now: float, seconds: float, *, complete: bool) -> None:
        """A look at the bottom, begun at ``now``, took so long. ``complete``: it left nothing that this worker may take."""
        self._wanted = self._hinted = False
        self._full_at = now
        if complete:
            self._complete_at = now
        self._excesses.append(max(0.0, seconds - (seconds if self._usual is None else self._usual)))
        # the lesser of two: a machine that stood still is no reason to wait
        self._allowed_at = now + seconds + min(MAX_PAUSE, SHARE * min(self._excesses))

    def was_quick(self, seconds: float, *, found: bool) -> None:
        """Another look took so long. One that found nothing is followed by one at the bottom."""
        self._hinted = False
        self._wanted = self._wanted or not found
        self._usual = seconds if self._usual is None else 0.9 * self._usual + 0.1 * seconds
