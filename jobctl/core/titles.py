"""What the title of a job takes from the library."""

from __future__ import annotations

from typing import Protocol


class LibraryTitles(Protocol):
    """Asked when a job is submitted; None: not there, or not for this login."""

    def document_title(self, document_id: int) -> str | None: ...
    def document_count(self) -> int | None: ...
