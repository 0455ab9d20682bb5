"""Reading documents: what a file is, and one extractor a format (entry points ``jobctl.extractors``)."""

from __future__ import annotations

from jobctl.documents.extract.detect import FORMATS, detect

__all__ = ["FORMATS", "detect"]
