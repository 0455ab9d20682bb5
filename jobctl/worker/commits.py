"""What an attempt needs of the queue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from jobctl.core.attempt import Record, Token
from jobctl.core.job import NewJob, Progress
from jobctl.core.lifecycle import Status
from jobctl.core.rows import Committed


class Commits(Protocol):
    """The methods of the queue that an attempt needs: ``postgres.leases.Leases``, or the recorder of ``jobctl.testing``."""

    def commit_stage(
        self,
        token: Token,
        record: Record,
        *,
        progress: Progress | None = None,
        entity: tuple[str, str] | None = None,
        forget: Sequence[int] = (),
        follow_up: Sequence[NewJob] = (),
        work: Callable[[object], None] | None = None,
    ) -> tuple[Status, bool]: ...
    def committed(self, token: Token, record: Record) -> Committed | None: ...
    def warn(self, token: Token, kind: str, **detail: object) -> None: ...
