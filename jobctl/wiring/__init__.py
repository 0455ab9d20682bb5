"""The staircase: the only place that knows two rooms, and names each concrete class once.

Imports stand inside the functions on purpose: a command that lists jobs must not pay for SQLAlchemy, pydantic or the
handlers, and which of them is needed is what these modules decide.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache, partial

from jobctl.client import Client
from jobctl.core.pipeline import Pipeline
from jobctl.wiring.configuration import Settings, settings, shown, user
from jobctl.wiring.databases import Database, hints_arrive, roles
from jobctl.wiring.documents import decide, library, restore_connections, search
from jobctl.wiring.plugins import job_types, pipeline, pipelines, plugin, storage, where_bytes_are
from jobctl.wiring.workers import WorkerOptions, request, run_child, run_here, run_worker, work_here


def connect(
    held: Settings, *, say: Callable[[str], None] = lambda _: None, load: Callable[[str], Pipeline] | None = None
) -> Client:
    """A client of the configured database; starts the embedded server if there is need.

    ``load`` stands in for the installed job types.
    """
    from jobctl.postgres.queue import Queue

    queue = Queue(partial(Database(held, say).connect, "jobctl"))
    return Client(
        queue,
        storage=partial(storage, held),
        load=load or cache(pipeline),
        user=user(os.environ),
        pausing=held["pausing"],
        retries=held["max_retries"],
    )


__all__ = [
    "Database", "Settings", "WorkerOptions", "connect", "decide", "hints_arrive", "job_types", "library", "pipeline", "pipelines",
    "plugin", "request", "restore_connections", "roles", "run_child", "run_here", "run_worker", "search", "settings", "shown", "storage",
    "user", "where_bytes_are", "work_here",
]  # fmt: skip
