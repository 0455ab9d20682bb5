"""What every part of the client needs: the queue, the storage, and transactions."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Self

from jobctl.core.errors import JobNotFound
from jobctl.core.pipeline import Pipeline
from jobctl.core.ports import Storage
from jobctl.system import clock

if TYPE_CHECKING:  # a command that prints its help must not pay for the driver
    from jobctl.postgres.caller import CallerConnection
    from jobctl.postgres.queue import Queue


class Base:
    """One client's connections and settings; each part of ``Client`` adds its use cases."""

    def __init__(
        self,
        queue: Queue,
        *,
        storage: Callable[[], Storage],
        load: Callable[[str], Pipeline],
        user: str = "",
        pausing: bool = True,
        retries: Mapping[str, int] | None = None,
        notify_url: str | None = None,
        unknown_types: bool = False,
        borrow: Callable[[CallerConnection, str], Queue] | None = None,
        trace: Callable[[], Mapping[str, str]] = dict,
        sleep: Callable[[float], None] = clock.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.queue = queue
        self._storage = storage
        self._load = load
        self.user = user
        self._pausing = pausing
        self._retries_of = dict(retries or {})
        self._notify_url = notify_url
        self._unknown_types = unknown_types
        self._borrow = borrow
        self._trace = trace
        self._sleep = sleep
        self._monotonic = monotonic
        queue.actor = user

    def close(self) -> None:
        """Closes all its connections; the next call would open another."""
        self.queue.close_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _known(self, ids: Iterable[int], queue: Queue | None = None) -> None:
        wanted = sorted(set(ids))
        missing = set(wanted) - (queue or self.queue).statuses(wanted).keys() if wanted else set()
        if missing:
            raise JobNotFound(f"no such job: {', '.join(map(str, sorted(missing)))}", hint="jobctl list")

    def _remove(self, keys: Iterable[str]) -> None:
        self._storage().delete_all(keys)

    def _transaction(self, dry_run: bool) -> AbstractContextManager[None]:  # noqa: FBT001 - private
        """A transaction that is taken back for a dry run. Otherwise none: each verb is one statement, and holds no lock for the next."""
        return self.queue.transaction(dry_run=True) if dry_run else nullcontext()
