"""Notifications of a worker: the table, the webhook and the command, as configured."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

from jobctl.wiring.configuration import Settings
from jobctl.wiring.databases import Database
from jobctl.wiring.setting_table import SETTINGS

if TYPE_CHECKING:
    from jobctl.worker.notifier import Notifier

LINGER, LINGER_STOPPED = 15.0, 2.0
"""Seconds for which a worker that ends still sends what is due: when its work is done, and when it was asked to stop."""


def notifier(settings: Settings) -> Notifier:
    """What sends the notifications of a worker. It starts no embedded server: without one nothing is due."""
    from jobctl.postgres.outbox import Outbox
    from jobctl.worker.notifier import Notifier
    from jobctl.worker.notify_command import run_command
    from jobctl.worker.webhook import Webhook

    database = Database(settings, lambda _: None, starts=False, newer=True)
    table = Outbox(partial(database.connect, "jobctl worker notifier"), actor="sweep")
    webhook = Webhook(secret=settings.values["notify_secret"], private=settings.values["notify_private"])
    command = settings.values["notify_command"]
    return Notifier(table, webhook.deliver, partial(run_command, command) if command else None)


def for_children(values: Mapping[str, object]) -> dict[str, object]:
    """The settings that handlers may see: none that is secret."""
    return {name: value for name, value in values.items() if SETTINGS[name].show != "secret"}
