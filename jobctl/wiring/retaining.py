"""What is kept for how long, as configured, and the thread of a worker that removes the rest."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from jobctl.core.retention import Rules, ages
from jobctl.wiring.configuration import Settings
from jobctl.wiring.databases import Database
from jobctl.wiring.identity import proven_storage

if TYPE_CHECKING:
    from jobctl.worker.retention import RetentionThread

DAY = 86_400.0


def retention_rules(settings: Settings) -> Rules:
    """The settings ``keep_…``. Raises ``ConfigError``."""
    values = settings.values
    return Rules(
        jobs=ages(values["keep_jobs"]),
        checkpoints=values["keep_checkpoints_days"] * DAY,
        results=values["keep_results_days"] * DAY,
        history=values["keep_history_days"] * DAY,
    )


def retention(settings: Settings) -> RetentionThread:
    """The thread of a worker. It starts no embedded server: without one nothing is due."""
    from jobctl.postgres.retention import RetentionQueue
    from jobctl.worker.retention import RetentionThread

    database = Database(settings, lambda _: None, starts=False, newer=True)
    table = RetentionQueue(partial(database.connect, "jobctl worker retention"))
    return RetentionThread(table, partial(proven_storage, settings, lambda: table), retention_rules(settings))
