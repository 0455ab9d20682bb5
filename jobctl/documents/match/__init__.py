"""Passages found again: in another text, and in a new generation of the same document."""

from jobctl.documents.match.anchor import lost_annotation, save
from jobctl.documents.match.highlights import (
    Book,
    Decision,
    Highlight,
    accept,
    arrived,
    decide,
    known_rows,
    wait,
    which,
    withdraw,
)
from jobctl.documents.match.locate import FoldedText, Placement, fold

__all__ = [
    "Book",
    "Decision",
    "FoldedText",
    "Highlight",
    "Placement",
    "accept",
    "arrived",
    "decide",
    "fold",
    "known_rows",
    "lost_annotation",
    "save",
    "wait",
    "which",
    "withdraw",
]
