"""Highlights from Readwise and from e-readers: files in three formats, and the API of Readwise."""

from jobctl.documents.readwise.api import Api
from jobctl.documents.readwise.books import Highlight, ReadwiseBook, near
from jobctl.documents.readwise.files import books, read

__all__ = ["Api", "Highlight", "ReadwiseBook", "books", "near", "read"]
