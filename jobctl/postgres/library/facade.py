"""The library as the layers above use it."""

from jobctl.postgres.library.documents import Documents
from jobctl.postgres.library.vaults import Vaults


class Library(Documents, Vaults):
    """Documents, chunks, connections, annotations of one database, on one SQLAlchemy connection."""
