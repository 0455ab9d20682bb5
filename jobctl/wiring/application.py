"""``jobctl.connect``: the client of an application."""

from __future__ import annotations

import logging
from functools import cache, partial
from pathlib import Path

from jobctl.client import Client
from jobctl.wiring.configuration import Settings, settings, user
from jobctl.wiring.databases import Database
from jobctl.wiring.identity import client_storage
from jobctl.wiring.plugins import pipeline
from jobctl.wiring.tracing import submitter

log = logging.getLogger("jobctl")


def connect(url: str | None = None, *, config: str | Path | None = None) -> Client:
    """A client of the database at ``url``; None: of the one that the command line would use, which may be embedded.

    ``config`` names a settings file to use instead of the usual ones. The connection is opened at the first use. Threads
    may share the client: each has a connection of its own. A job type that is not installed here can be submitted; then
    the worker validates its input.

    Raises ``ConfigError`` for bad settings; the client's methods raise ``StoreUnavailable`` while the database can't be
    reached.
    """
    return client_of(settings({"db": url, "config": config}))


def client_of(chosen: Settings) -> Client:
    """The client of an application with these settings."""
    from jobctl.postgres.caller import caller_queue
    from jobctl.postgres.threads import ThreadedQueue

    queue = ThreadedQueue(partial(Database(chosen, log.info).connect, "jobctl"))
    return Client(
        queue,
        storage=client_storage(chosen, queue),
        load=cache(pipeline),
        user=user(chosen.environment),
        pausing=chosen.values["pausing"],
        retries=chosen.values["max_retries"],
        notify_url=chosen.values["notify_url"],
        unknown_types=True,
        borrow=caller_queue,
        trace=submitter(chosen.environment),
    )
