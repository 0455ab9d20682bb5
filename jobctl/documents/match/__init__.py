"""Passages found again: in another text, and in a new generation of the same document."""

from jobctl.documents.match.anchor import lost_annotation, save
from jobctl.documents.match.place import FoldedText, Placement, fold

__all__ = ["FoldedText", "Placement", "fold", "lost_annotation", "save"]
