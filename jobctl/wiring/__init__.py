"""The composition root: the only package that imports from all others below it; it names each concrete class once.

Imports are inside the functions on purpose: a command that lists jobs must not load SQLAlchemy, pydantic or the
handlers, and these modules decide which of them a command needs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache, partial

from jobctl.client import Client
from jobctl.core.pipeline import Pipeline
from jobctl.system.environment import variables
from jobctl.wiring.child import request, run_child
from jobctl.wiring.configuration import Settings, display_value, settings, user
from jobctl.wiring.databases import Database, notifications_arrive, roles
from jobctl.wiring.documents import decide, library, restore_connections
from jobctl.wiring.identity import adopt, client_storage, prove
from jobctl.wiring.plugins import job_types, pipeline, pipelines, plugin, storage, storage_location
from jobctl.wiring.previews import preview
from jobctl.wiring.retaining import retention_rules
from jobctl.wiring.searching import index_state, search
from jobctl.wiring.tracing import submitter
from jobctl.wiring.workers import WorkerOptions, local_worker_main, run_worker, start_local_worker, worker_name


def connect(
    config: Settings, *, report: Callable[[str], None] = lambda _: None, load: Callable[[str], Pipeline] | None = None
) -> Client:
    """A client of the configured database; starts the embedded server if needed.

    ``load`` replaces the installed and declared job types.
    """
    from jobctl.postgres.queue import Queue

    queue = Queue(partial(Database(config, report).connect, "jobctl"))
    return Client(
        queue,
        storage=client_storage(config, queue),
        load=load or cache(partial(pipeline, settings=config)),
        user=user(variables),
        pausing=config.values["pausing"],
        retries=config.values["max_retries"],
        notify_url=config.values["notify_url"],
        trace=submitter(config.environment),
    )


__all__ = [
    "Database",
    "Settings",
    "WorkerOptions",
    "adopt",
    "connect",
    "decide",
    "display_value",
    "index_state",
    "job_types",
    "library",
    "local_worker_main",
    "notifications_arrive",
    "pipeline",
    "pipelines",
    "plugin",
    "preview",
    "prove",
    "request",
    "restore_connections",
    "retention_rules",
    "roles",
    "run_child",
    "run_worker",
    "search",
    "settings",
    "start_local_worker",
    "storage",
    "storage_location",
    "user",
    "worker_name",
]
