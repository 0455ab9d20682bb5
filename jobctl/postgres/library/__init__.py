"""The document library: SQLAlchemy Core on the connection that the queue's statements run on."""

from jobctl.postgres.library.borrowed import Libraries
from jobctl.postgres.library.facade import Library

__all__ = ["Libraries", "Library"]
