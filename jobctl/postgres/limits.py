"""Limits of queues and job types: what is set, and how much of it is used."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from jobctl.core.limits import BURST, Limit, Room
from jobctl.postgres.session import Session

Place = tuple[str, str]
"""Kind and name of what a limit is set for."""


class LimitVerbs(Session):
    """Part of ``Queue``."""

    actor: str

    def limits(self) -> list[Limit]:
        """What is set, by kind and name."""
        return [Limit(**row) for row in self._run("limits")]

    def set_limit(self, limit: Limit) -> None:
        """Sets a limit of a person, whole."""
        self._run(
            "set_limit", kind=limit.kind, name=limit.name, max_running=limit.max_running, rate=limit.rate,
            weight=limit.weight, actor=self.actor,
        )  # fmt: skip

    def remove_limit(self, kind: str, name: str) -> bool:
        """Removes a limit; whether there was one."""
        return bool(self._run("remove_limit", kind=kind, name=name))

    def declare_limits(self, types: Collection[str], declared: Mapping[str, Limit]) -> None:
        """What the code of these job types declares takes the place of what it declared before, and of nothing else."""
        listed = [
            {"name": name, "max_running": limit.max_running, "rate": limit.rate} for name, limit in declared.items()
        ]
        rows = json.dumps(listed)
        self._run("forget_limits", types=list(types), rows=rows)
        self._run("declare_limits", rows=rows, actor=self.actor)

    def rooms(self) -> dict[Place, Room]:
        """How many jobs may start now under each limit."""
        rooms = (Room(**row) for row in self._run("limit_room", burst=BURST))
        return {(room.kind, room.name): room for room in rooms}

    def _lock_limits(self, places: Iterable[Place]) -> None:
        kinds, names = zip(*sorted(places), strict=True)
        self._run("lock_limits", kinds=list(kinds), names=list(names))

    def _spend(self, starts: Counter[Place]) -> None:
        if starts:
            self._run(
                "spend_tokens", burst=BURST, kinds=[kind for kind, _ in starts], names=[name for _, name in starts],
                starts=list(starts.values()),
            )  # fmt: skip
