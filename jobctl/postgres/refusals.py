"""Errors of the database as the library reports them: the same as those of the queue."""

from __future__ import annotations

import psycopg

from jobctl.core.errors import ConfigError, JobctlError, StoreUnavailable, first_line


def translated(error: BaseException) -> JobctlError | None:
    """A database that can't be reached, or refuses; None for any other error."""
    if isinstance(error, psycopg.errors.InsufficientPrivilege):
        reason = error.diag.message_primary
        return ConfigError(f"the database refuses: {reason}", hint="jobctl db roles prints the grants")
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        return StoreUnavailable(f"the database can't be reached: {first_line(error)}", hint="Try again.")
    return None
