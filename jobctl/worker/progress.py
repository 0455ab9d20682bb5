"""How far an attempt is: percent from the shares of the stages, a text, counts, rate and time left."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from jobctl.core.job import PROGRESS_CAP, Progress
from jobctl.core.names import counted
from jobctl.core.pipeline import Stage
from jobctl.core.retry import storable
from jobctl.system import clock

SEND_EVERY = 0.2
"""Seconds between two reports to the supervisor."""
WHOLE = 100.0
"""The span of an only stage: its name need not be reported."""
DETAILS_CAP, UNIT_CAP = 400, 60
ESCAPED = 12
"""Bytes that a character has in JSON at most: two escapes."""
WITHOUT_TEXTS = 400
"""Bytes that a progress has at most besides its texts: the names of its fields, and numbers."""
COUNT_CAP = 2**53
"""Counts beyond this are not reported: some JSON readers lose precision."""


def _wall_clock() -> datetime:
    return clock.now()


class ProgressReporter:
    """Sends the newest progress of one attempt, at most once in ``every`` (SEND_EVERY). Percent never decreases.

    ``quiet`` is the time in seconds before the first report: an attempt that ends within it reports nothing.
    """

    def __init__(
        self,
        send: Callable[[Progress], None],
        percent: float = 0.0,
        *,
        quiet: float = 0.0,
        every: float | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = _wall_clock,
    ) -> None:
        self._send = send
        self._monotonic = monotonic
        self._now = now
        self._quiet_until = monotonic() + quiet if quiet else float("-inf")
        self._every = SEND_EVERY if every is None else every
        self._send_at = self._quiet_until
        self._percent = percent
        self._span = (0.0, 100.0)
        self._details: str | None = None
        self._counts: tuple[float, float, str | None] | None = None
        self._began = (0.0, -1.0)  # when the counting began, monotonic, and at which count; below 0: it has not
        self.stage: str | None = None

    def begin(self, stage: Stage, start: float, end: float) -> None:
        """A stage begins; it fills the span from ``start`` to ``end`` percent."""
        moment = self._monotonic()
        self._span = (start, end)
        self._began = (moment, -1.0)
        self._counts = None
        self._percent = max(self._percent, start)
        self.stage, self._details = stage.name, stage.label
        if moment >= self._quiet_until or end - start < WHOLE:  # the supervisor limits the time of a stage by its name
            self._report(moment)

    def count(self, stage: Stage, noun: str, done: int, total: int) -> None:
        """``done`` of ``total`` items of a batched stage are done."""
        if self._began[1] < 0:
            self._began = (self._monotonic(), done)
        self.update(counted(stage.label, noun, done, total), current=done, total=total, unit=noun)

    def update(
        self, details: str, *, current: float | None = None, total: float | None = None, unit: str | None = None
    ) -> None:
        """A text, and counts if there are any. Cheap for a handler: the message is built only when it is sent."""
        if current is not None and total:
            start, end = self._span
            self._percent = max(self._percent, start + (end - start) * min(current / total, 1.0))
            self._counts = (current, total, unit if unit is None else str(unit))
        self._details = details if isinstance(details, str) else str(details)
        moment = self._monotonic()
        if moment >= self._send_at:
            self._report(moment)

    def finish(self) -> None:
        """The last stage is done."""
        self._percent, self._details, self._counts = 100.0, "Done", None

    def snapshot(self) -> Progress:
        """The progress now; a text that does not fit is left out."""
        progress = Progress(
            percent=round(self._percent, 1),
            stage=self.stage,
            details=None if self._details is None else storable(self._details, DETAILS_CAP),
            updated_at=self._now().isoformat(timespec="milliseconds"),
        )
        if self._counts is not None:
            progress = self._with_counts(progress, *self._counts)
        return replace(progress, details=None) if self._too_long(progress) else progress

    def _too_long(self, progress: Progress) -> bool:
        """Whether the progress has more bytes as JSON than its column takes; encoded only where it could."""
        texts = len(progress.details or "") + len(progress.stage or "") + 2 * len(progress.unit or "")
        if texts * ESCAPED + WITHOUT_TEXTS <= PROGRESS_CAP:
            return False
        return len(json.dumps(progress.column(), ensure_ascii=True)) > PROGRESS_CAP

    def _with_counts(self, progress: Progress, current: float, total: float, unit: str | None) -> Progress:
        if not (abs(current) < COUNT_CAP and abs(total) < COUNT_CAP):
            return progress
        noun = unit and storable(unit, UNIT_CAP)
        progress = replace(progress, current=int(current), total=int(total), unit=noun, substage=noun)
        since, first = self._began
        elapsed = self._monotonic() - since
        if first < 0 or current <= first or elapsed < 1.0:
            return progress
        rate = (current - first) / elapsed
        return replace(progress, rate_per_s=round(rate, 3), eta_s=round(max(total - current, 0.0) / rate, 1))

    def _report(self, moment: float) -> None:
        self._send_at = moment + self._every
        self._send(self.snapshot())
