"""The verbs about what the titles of jobs take from the library."""

from __future__ import annotations

from jobctl.postgres.session import Session


class TitleVerbs(Session):
    """Part of ``Queue``. A login that may not read the library is told nothing, and a transaction goes on."""

    _reads_library: bool | None = None

    def document_title(self, document_id: int) -> str | None:
        """The title of a document of the library."""
        rows = self._run("document_title", document_id=document_id) if self._may_read_library() else []
        return str(rows[0]["title"]) if rows else None

    def document_count(self) -> int | None:
        """The number of documents in the library."""
        return int(self._run("document_count")[0]["count"]) if self._may_read_library() else None

    def _may_read_library(self) -> bool:
        if self._reads_library is None:
            self._reads_library = bool(self._run("reads_library")[0]["may"])
        return self._reads_library
