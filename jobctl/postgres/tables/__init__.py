"""The tables: what Alembic compares the database with, and what the document library queries.

Functions and triggers are in the migrations alone: Alembic does not compare them.
"""

from jobctl.postgres.tables.columns import metadata
from jobctl.postgres.tables.identity import server, storage
from jobctl.postgres.tables.jobs import (
    checkpoints,
    compatibility,
    events,
    holds,
    job_dependencies,
    job_logs,
    jobs,
    notifications,
    retention,
    workers,
)
from jobctl.postgres.tables.library import annotations, chunks, connections, documents, import_review, vault_sync
from jobctl.postgres.tables.limits import limits
from jobctl.postgres.tables.schedules import schedules
from jobctl.postgres.tables.search import search_documents, search_passages, search_terms

__all__ = [
    "annotations",
    "checkpoints",
    "chunks",
    "compatibility",
    "connections",
    "documents",
    "events",
    "holds",
    "import_review",
    "job_dependencies",
    "job_logs",
    "jobs",
    "limits",
    "metadata",
    "notifications",
    "retention",
    "schedules",
    "search_documents",
    "search_passages",
    "search_terms",
    "server",
    "storage",
    "vault_sync",
    "workers",
]
