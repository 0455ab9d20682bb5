"""The Postgres that is started on demand: found, created, started, left running, stopped."""

from jobctl.postgres.embedded.server import Server, ServerStatus

__all__ = ["Server", "ServerStatus"]
