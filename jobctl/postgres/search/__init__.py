"""The index that search and connections read: written with a document, in its transaction. Needs no SQLAlchemy."""

from jobctl.postgres.search.reading import Index
from jobctl.postgres.search.writing import fill, write

__all__ = ["Index", "fill", "write"]
