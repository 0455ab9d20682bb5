"""The use cases: what people, cron and Python callers do with jobs. The command line is its first customer."""

from __future__ import annotations

from jobctl.client.control import Control
from jobctl.client.editing import Editing
from jobctl.client.operations import Operations
from jobctl.client.results import Results
from jobctl.client.retention import Retention
from jobctl.client.schedules import Scheduling
from jobctl.client.waiting import Waiting
from jobctl.client.watching import Watching


class Client(Scheduling, Editing, Results, Control, Waiting, Watching, Retention, Operations):
    """Jobs in one database. Get one from ``jobctl.connect()``; it is its own context manager.

    ``load`` returns the Pipeline of a name and raises ``UnknownJobType``; with ``unknown_types`` jobs of such a type are
    created without validating their input. ``retries`` overrules ``max_retries`` of a type; ``notify_url`` is the URL to
    notify for jobs that name none; ``trace`` returns the trace context of who submits; ``borrow`` returns a queue on a connection of the caller, for a user; without
    ``pausing`` no job can be paused; a paused one can still be resumed.
    """
