"""What a watch reads of jobs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from jobctl.core.job import Progress
from jobctl.core.lifecycle import Status
from jobctl.core.rows import Event
from jobctl.core.watching import Glance
from jobctl.postgres.session import Session


class Watched(Session):
    """Statements of a watch."""

    def glances(self, ids: Sequence[int]) -> list[Glance]:
        """Those of these jobs that exist, as a watch compares them."""
        return [
            Glance(**row | {"status": Status(row["status"]), "progress": Progress.of(row["progress"])})
            for row in self._run("glances", ids=list(ids))
        ]

    def events_since(self, seen: Mapping[int, int]) -> list[Event]:
        """History of jobs, of each (job id → event number) after the event that was seen last."""
        return [Event(**row) for row in self._run("events_since", ids=list(seen), seen=list(seen.values()))]
