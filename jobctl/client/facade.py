"""The use cases: what people, cron and Python callers do with jobs. The command line is its first customer."""

from __future__ import annotations

from jobctl.client.control import Control
from jobctl.client.editing import Editing
from jobctl.client.operations import Operations
from jobctl.client.results import Results
from jobctl.client.retention import Retention
from jobctl.client.schedules import Scheduling
from jobctl.client.waiting import Waiting


class Client(Scheduling, Editing, Results, Control, Waiting, Retention, Operations):
    """Jobs in one database. Get one from ``jobctl.wiring.connect()``.

    ``load`` returns the Pipeline of a name and raises ``UnknownJobType``; ``retries`` overrules ``max_retries`` of a
    type; without ``pausing`` nobody can pause, and what is paused can still be resumed.
    """
