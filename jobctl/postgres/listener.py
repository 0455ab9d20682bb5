"""Hints from the database: LISTEN on a connection of its own."""

from __future__ import annotations

import psycopg

from jobctl.core.errors import StoreUnavailable, first_line
from jobctl.postgres.session import Connect


class Listener:
    """Hints from the database on a connection of their own. Losing it costs speed, never truth."""

    CHANNELS = ("jobctl_ready", "jobctl_control")

    def __init__(self, connect: Connect) -> None:
        try:
            self._connection = connect()
            for channel in self.CHANNELS:
                self._connection.execute(f"LISTEN {channel}")
        except psycopg.Error as error:
            raise StoreUnavailable(f"can't listen: {first_line(error)}") from error

    def fileno(self) -> int:
        """For ``select``: readable when a hint is there."""
        return self._connection.fileno()

    def hints(self) -> list[tuple[str, str]]:
        """(channel, payload) of what came; raises ``StoreUnavailable`` when the connection is gone."""
        try:
            return [(note.channel, note.payload) for note in self._connection.notifies(timeout=0)]
        except psycopg.Error as error:
            self.close()
            raise StoreUnavailable("the listening connection is gone") from error

    def close(self) -> None:
        """Ends the connection."""
        self._connection.close()
