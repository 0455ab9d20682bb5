"""The tables, a comment a column: what Alembic compares the database with, and what ``library.py`` queries.

Functions and triggers live in the migrations alone: Alembic does not compare them.
"""

from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TIMESTAMP, UUID

from jobctl.core.lifecycle import Status
from jobctl.core.schedule import CatchUp, Overlap

metadata = MetaData(
    schema="jobctl",
    naming_convention={
        "pk": "%(table_name)s_pkey",
        "ix": "%(column_0_label)s_idx",
        "uq": "%(table_name)s_%(column_0_name)s_key",
        "ck": "%(table_name)s_%(constraint_name)s_check",
        "fk": "%(table_name)s_%(column_0_name)s_fkey",
    },
)

CLOCK = "jobctl.clock()"


def _id() -> Column[int]:
    return Column("id", BigInteger, Identity(always=True), primary_key=True, comment="Number people type")


def _when(name: str, comment: str, *, required: bool = False) -> Column[datetime]:
    default = text(CLOCK) if required else None
    return Column(name, TIMESTAMP(timezone=True), nullable=not required, server_default=default, comment=comment)


def _count(name: str, comment: str, default: int = 0) -> Column[int]:
    return Column(name, Integer, nullable=False, server_default=text(str(default)), comment=comment)


def _json(name: str, comment: str, default: str = "'{}'::jsonb") -> Column[object]:
    return Column(name, JSONB, nullable=False, server_default=text(default), comment=comment)


def _text(name: str, comment: str, *, required: bool = False, default: str | None = None) -> Column[str]:
    server_default = text(default) if default is not None else None
    return Column(name, Text, nullable=not required, server_default=server_default, comment=comment)


def _words(*words: str) -> str:
    return ", ".join(f"'{word}'" for word in words)


jobs = Table(
    "jobs",
    metadata,
    _id(),
    _text("job_type", "Name of the pipeline", required=True),
    _text("status", "Where the job is; moves only along the table in core/lifecycle.py", required=True, default="'pending'"),
    _text("title", "What the job is about, as people know it", required=True, default="''"),
    _text("queue", "Queue the job waits in; a queue can be held as a whole", required=True, default="'default'"),
    Column("priority", SmallInteger, nullable=False, server_default=text("2"), comment="0 lowest to 4 highest"),
    _json("labels", "Labels given at submit, text to text"),
    _text("idempotency_key", "Unique among jobs that are not finished"),
    _text("concurrency_key", "Jobs of one key never run at the same time"),
    _text("waiting_on", "Why a pending job can't be claimed: dependency, key, queue, type; null: claimable"),
    _text("created_by", "User who submitted, or job:N for follow-up work", required=True, default="''"),
    _when("created_at", "When it was submitted", required=True),
    _when("run_after", "Not before this instant", required=True),
    _json("input_data", "Validated input"),
    Column("output_data", JSONB, comment="Result of the last stage, where it is small"),
    _json("metadata", "Label, mode, inputs taken into storage, expected stages"),
    _json("progress", "percent stage substage details current total unit updated_at; at most 2 KiB"),
    _count("retry_count", "Retries after errors, automatic and manual"),
    _count("max_retries", "How many of them are allowed", 3),
    _when("next_retry_at", "When the sweep retries; only in failed"),
    _text("error_type", "transient paywall invalid permanent"),
    _text("error_message", "What went wrong, for people"),
    _text("last_error", "Raw text of the last error"),
    _text("error_trace", "Traceback of the last error"),
    _when("started_at", "First claim"),
    _when("attempt_started_at", "Latest claim"),
    Column(
        "run_s", Double, nullable=False, server_default=text("0"), comment="Seconds that the ended attempts ran, together"
    ),
    _when("completed_at", "When it reached completed, failed or cancelled"),
    _when("updated_at", "Latest change of the row", required=True),
    _when("paused_at", "When it was paused last"),
    _when("resumed_at", "When it was resumed last"),
    _text("pause_reason", "Why it is paused, in words"),
    _count("resume_count", "How often it was resumed"),
    _text("last_checkpoint_path", "Storage key of the newest checkpoint"),
    _text("last_checkpoint_stage", "Stage of the newest checkpoint"),
    _text("checkpoint_hash", "SHA-256 of the newest checkpoint's bytes"),
    _text("entity_type", "What the job is about: document"),
    _text("entity_id", "Its id"),
    _count("lease_seq", "Hand-outs; first half of the token"),
    Column("lease_id", UUID(as_uuid=False), comment="Second half of the token, new at each hand-out"),
    Column("worker_id", BigInteger, comment="Supervisor that holds the lease"),
    _when("lease_expires_at", "After this any worker may rescue the job"),
    _when("heartbeat_at", "Latest beat"),
    _count("crash_count", "Lost leases and dead children since the last success or retry"),
    _when("pause_requested_at", "A pause stands since"),
    _when("cancel_requested_at", "A cancel stands since"),
    _text("cancel_reason", "Why it is cancelled, in words"),
    _text("result_path", "Storage key of the result, where it is large; null again when it was pruned"),
    _text("result_sha256", "SHA-256 of the stored result's bytes"),
    Column("result_size", BigInteger, comment="Number of bytes of the stored result"),
    _when("expires_at", "Cancelled if it has not started by then"),
    CheckConstraint(f"status IN ({_words(*Status)})", name="status"),
    CheckConstraint("priority BETWEEN 0 AND 4", name="priority"),
    CheckConstraint(f"waiting_on IN ({_words('dependency', 'key', 'queue', 'type')})", name="waiting_on"),
    CheckConstraint(f"error_type IN ({_words('transient', 'paywall', 'invalid', 'permanent')})", name="error_type"),
    CheckConstraint("(status = 'processing') = (lease_id IS NOT NULL)", name="lease"),
    CheckConstraint("next_retry_at IS NULL OR status = 'failed'", name="next_retry"),
    CheckConstraint("retry_count >= 0 AND max_retries >= 0 AND crash_count >= 0 AND lease_seq >= 0", name="counters"),
    CheckConstraint("octet_length(title) <= 2048 AND char_length(title) <= 512", name="title"),
    CheckConstraint("octet_length(progress::text) <= 2304", name="progress"),
    CheckConstraint("result_sha256 ~ '^[0-9a-f]{64}$'", name="result_sha256"),
    Index(
        "jobs_claim_idx", "queue", "job_type", text("priority DESC"), "run_after", "id",
        postgresql_where=text("status = 'pending' AND waiting_on IS NULL"),
    ),
    Index(
        "jobs_now_idx", "run_after",
        postgresql_where=text("status = 'pending' AND run_after - created_at <= interval '1 second'"),
    ),
    Index("jobs_processing_idx", "id", postgresql_where=text("status = 'processing'")),
    Index(
        "jobs_due_idx", "next_retry_at", "id",
        postgresql_where=text("status = 'failed' AND next_retry_at IS NOT NULL"),
    ),
    Index(
        "jobs_idempotency_idx", "idempotency_key", unique=True,
        postgresql_where=text("idempotency_key IS NOT NULL AND status IN ('pending', 'processing', 'paused')"),
    ),
    Index(
        "jobs_key_holder_idx", "concurrency_key", unique=True,
        postgresql_where=text(
            "concurrency_key IS NOT NULL AND (status = 'processing' OR (status = 'pending' AND waiting_on IS NULL))"
        ),
    ),
    Index(
        "jobs_key_waiting_idx", "concurrency_key", text("priority DESC"), "run_after", "id",
        postgresql_where=text("status = 'pending' AND waiting_on = 'key'"),
    ),
    Index(
        "jobs_waiting_idx", "waiting_on", "id",
        postgresql_where=text("status = 'pending' AND waiting_on IN ('dependency', 'queue', 'type')"),
    ),
    Index(
        "jobs_expiry_idx", "expires_at", "id",
        postgresql_where=text("expires_at IS NOT NULL AND started_at IS NULL AND status IN ('pending', 'paused')"),
    ),
    Index("jobs_result_idx", "completed_at", "id", postgresql_where=text("result_path IS NOT NULL")),
    Index("jobs_unfinished_idx", "id", postgresql_where=text("status IN ('pending', 'processing', 'paused')")),
    Index("jobs_failed_idx", "id", postgresql_where=text("status = 'failed'")),
    comment="One row a job",
)  # fmt: skip

schedules = Table(
    "schedules",
    metadata,
    Column("name", Text, primary_key=True, comment="Name people type"),
    _text("cron", "Cron expression; null: an interval"),
    Column("every_s", Double, comment="Seconds from one instant to the next; null: a cron expression"),
    _text("tz", "Time zone of the cron expression", required=True, default="'UTC'"),
    _json("job", "The job that is submitted: the fields of a submit"),
    _text("catch_up", "Missed instants: skip latest all", required=True, default="'latest'"),
    _text("overlap", "While the previous job has not ended: skip queue", required=True, default="'skip'"),
    _text("created_by", "User who added it", required=True, default="''"),
    _when("created_at", "When it was added; intervals are counted from here", required=True),
    _when("paused_at", "When it was paused; null: it is active"),
    _text("pause_reason", "Why it is paused, in words"),
    Column("next_at", TIMESTAMP(timezone=True), nullable=False, comment="Next instant"),
    _when("last_at", "Latest instant that was handled"),
    Column("last_job_id", BigInteger, comment="Latest job that was submitted"),
    CheckConstraint("char_length(name) BETWEEN 1 AND 100", name="name"),
    CheckConstraint("(cron IS NULL) <> (every_s IS NULL)", name="timing"),
    CheckConstraint(f"catch_up IN ({_words(*CatchUp)})", name="catch_up"),
    CheckConstraint(f"overlap IN ({_words(*Overlap)})", name="overlap"),
    CheckConstraint("octet_length(job::text) <= 262144", name="job"),
    Index("schedules_due_idx", "next_at", postgresql_where=text("paused_at IS NULL")),
    comment="One row a schedule",
)

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("job_id", BigInteger, ForeignKey(jobs.c.id, ondelete="CASCADE"), primary_key=True, comment="Job"),
    Column("seq", Integer, primary_key=True, comment="Order within the job"),
    Column("lease_seq", Integer, primary_key=True, comment="Hand-out that wrote it"),
    _text("stage", "Stage whose result, or part of it, this is", required=True),
    _count("done", "Items of the stage done with this segment"),
    Column("complete", Boolean, nullable=False, comment="Whether the stage ended with this segment"),
    _text("path", "Storage key of the bytes", required=True),
    _text("sha256", "SHA-256 of the exact bytes, 64 hex digits", required=True),
    Column("size", BigInteger, nullable=False, comment="Number of bytes"),
    Column("pause_safe", Boolean, nullable=False, comment="Whether the job may stop here"),
    _when("created_at", "When it was committed", required=True),
    CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),
    comment="One row a durable stage result or part of one",
)

events = Table(
    "events",
    metadata,
    _id(),
    Column("job_id", BigInteger, nullable=False, comment="Job; kept when the job is deleted"),
    _when("at", "When", required=True),
    _text("kind", "Name of the move, or request, checkpoint, warning", required=True),
    _text("from_status", "Status before, where the status changed"),
    _text("to_status", "Status after, where the status changed"),
    _text("actor", "User, worker:N or sweep", required=True, default="''"),
    Column("lease_seq", Integer, comment="Hand-out it belongs to"),
    _json("detail", "What else is worth knowing"),
    Index("events_job_idx", "job_id", "id"),
    comment="Append-only history: one row for every change of status",
)

job_logs = Table(
    "job_logs",
    metadata,
    _id(),
    Column("job_id", BigInteger, ForeignKey(jobs.c.id, ondelete="CASCADE"), nullable=False, comment="Job"),
    Column("attempt", Integer, nullable=False, comment="lease_seq of the attempt"),
    _when("at", "When", required=True),
    _text("level", "debug info warning error", required=True, default="'info'"),
    _text("stage", "Stage that was running"),
    _text("text", "The line, sanitised", required=True),
    Index("job_logs_job_idx", "job_id", "id"),
    comment="What handlers logged, printed or wrote to stderr; bounded per job",
)

workers = Table(
    "workers",
    metadata,
    _id(),
    _text("name", "Name of the supervisor", required=True),
    _text("host", "Host it runs on", required=True),
    Column("pid", Integer, nullable=False, comment="Process id on that host"),
    _text("version", "jobctl version", required=True),
    _count("capacity", "Jobs it runs at once", 1),
    _json("job_types", "Job types it serves", "'[]'::jsonb"),
    _json("queues", "Queues it serves; empty: all", "'[]'::jsonb"),
    _when("started_at", "When it started", required=True),
    _when("heartbeat_at", "Latest beat", required=True),
    _when("draining_at", "Since when it takes no new jobs"),
    _when("stopped_at", "When it said goodbye"),
    Column(
        "lease_s",
        Double,
        nullable=False,
        server_default=text("30"),
        comment="Seconds that its leases last without a beat",
    ),
    comment="One row a supervisor process",
)

job_dependencies = Table(
    "job_dependencies",
    metadata,
    Column(
        "job_id", BigInteger, ForeignKey(jobs.c.id, ondelete="CASCADE"), primary_key=True, comment="The one that waits"
    ),
    Column("depends_on", BigInteger, primary_key=True, comment="Must be completed first"),
    Index("job_dependencies_on_idx", "depends_on"),
    comment="Jobs that wait for other jobs",
)

holds = Table(
    "holds",
    metadata,
    Column("kind", Text, primary_key=True, comment="queue or type"),
    Column("name", Text, primary_key=True, comment="Which one"),
    _when("since", "When it was held", required=True),
    _text("reason", "Why, in words", required=True, default="''"),
    _text("actor", "Who", required=True, default="''"),
    CheckConstraint(f"kind IN ({_words('queue', 'type')})", name="kind"),
    comment="Queues and job types that are held as a whole",
)

documents = Table(
    "documents",
    metadata,
    _id(),
    Column("uid", UUID(as_uuid=False), nullable=False, unique=True, comment="The same in every library and archive"),
    _text("title", "Title", required=True),
    _text("author", "Author"),
    _text("source_type", "pdf epub docx html markdown text", required=True),
    _text("source_name", "File name it was submitted under"),
    _text("source_url", "Address it was fetched from"),
    _text("source_sha256", "SHA-256 of the source"),
    _text("source_key", "Storage key of the source"),
    _text("language", "Two-letter code"),
    Column("page_count", Integer, comment="Pages, where the format has them"),
    _count("word_count", "Words of the Markdown"),
    _json("outline", "Headings: level, title, start", "'[]'::jsonb"),
    _json("frontmatter", "Properties of a note that are not ours"),
    _text("markdown_key", "Storage key of the Markdown", required=True),
    _text("markdown_sha256", "SHA-256 of the Markdown", required=True),
    _text("engine", "Embedding engine of the current chunks", required=True),
    _count("generation", "Generation of the current chunks", 1),
    _when("created_at", "When it came into the library", required=True),
    _when("updated_at", "Latest change", required=True),
    _when("connected_at", "When its connections were detected last"),
    Index("documents_sha256_idx", "source_sha256"),
    comment="The library: one row a document",
)

chunks = Table(
    "chunks",
    metadata,
    _id(),
    Column(
        "document_id", BigInteger, ForeignKey(documents.c.id, ondelete="CASCADE"), nullable=False, comment="Document"
    ),
    Column("generation", Integer, nullable=False, comment="Generation it belongs to"),
    Column("index", Integer, nullable=False, comment="Order in the document, from 0"),
    _text("text", "markdown[start_offset:end_offset]", required=True),
    Column("start_offset", Integer, nullable=False, comment="First code point"),
    Column("end_offset", Integer, nullable=False, comment="Code point after the last"),
    _json("heading_path", "Headings it stands under, outermost first", "'[]'::jsonb"),
    Column("page_start", Integer, comment="First page, from 1"),
    Column("page_end", Integer, comment="Last page"),
    _count("token_count", "Tokens, estimated"),
    _json("themes", "Key phrases, best first", "'[]'::jsonb"),
    _text("summary", "Lead sentence", required=True, default="''"),
    Column("importance", Double, nullable=False, server_default=text("0"), comment="Centrality, 0 to 1"),
    Column("polarity", Double, nullable=False, server_default=text("0"), comment="-1 to 1"),
    _text("engine", "Embedding engine of the vector", required=True),
    Column("vector", LargeBinary, nullable=False, comment="Little-endian float32; empty: no vector"),
    UniqueConstraint("document_id", "index", name="chunks_document_index_key"),
    CheckConstraint("start_offset >= 0 AND end_offset > start_offset", name="offsets"),
    comment="Passages of documents, the unit of search and connection",
)

connections = Table(
    "connections",
    metadata,
    _id(),
    Column("source_chunk", BigInteger, ForeignKey(chunks.c.id, ondelete="CASCADE"), nullable=False, comment="From"),
    Column("target_chunk", BigInteger, ForeignKey(chunks.c.id, ondelete="CASCADE"), nullable=False, comment="To"),
    _text("type", "Name of the engine that found it", required=True),
    Column("strength", Double, nullable=False, comment="0 to 1"),
    _json("evidence", "Why: scores, sentences, shared phrases"),
    _text("engine", "Engine and version, with its threshold", required=True),
    Column("user_validated", Boolean, comment="true confirmed, false rejected, null not judged"),
    Column("starred", Boolean, nullable=False, server_default=text("false"), comment="Marked by a person"),
    _text("note", "A person's remark"),
    _when("judged_at", "When a person judged it"),
    _when("created_at", "When it was found", required=True),
    UniqueConstraint("source_chunk", "target_chunk", "type", name="connections_pair_key"),
    CheckConstraint("source_chunk <> target_chunk", name="self"),
    CheckConstraint("strength BETWEEN 0 AND 1", name="strength"),
    Index("connections_target_idx", "target_chunk"),
    comment="Relations between chunks of different documents",
)

annotations = Table(
    "annotations",
    metadata,
    _id(),
    Column("uid", UUID(as_uuid=False), nullable=False, unique=True, comment="The same in every library and archive"),
    Column(
        "document_id", BigInteger, ForeignKey(documents.c.id, ondelete="CASCADE"), nullable=False, comment="Document"
    ),
    Column("start_offset", Integer, comment="First code point in the Markdown; null: place lost, see review"),
    Column("end_offset", Integer, comment="Code point after the last"),
    _text("text", "The passage", required=True),
    _text("note", "A person's remark"),
    _text("colour", "Colour"),
    _json("tags", "Tags", "'[]'::jsonb"),
    _text("origin", "user readwise obsidian import", required=True, default="'user'"),
    _text("origin_id", "Id where it came from"),
    _when("created_at", "When it was made", required=True),
    _when("updated_at", "Latest change", required=True),
    UniqueConstraint("document_id", "origin", "origin_id", name="annotations_origin_key"),
    Index("annotations_document_idx", "document_id", "start_offset"),
    comment="Highlights and notes of a person",
)

import_review = Table(
    "import_review",
    metadata,
    _id(),
    _text("source", "readwise obsidian reanchor", required=True),
    _text("source_id", "Id where it came from", required=True),
    Column("document_id", BigInteger, ForeignKey(documents.c.id, ondelete="CASCADE"), comment="Document, where known"),
    _json("payload", "What is to be placed"),
    _json("suggestion", "Best place: start, end, score, runner-up"),
    _text("reason", "Why a person has to look", required=True, default="''"),
    _text("status", "waiting open accepted rejected", required=True, default="'open'"),
    _when("created_at", "When it came in", required=True),
    _when("reviewed_at", "When a person decided"),
    UniqueConstraint("source", "source_id", name="import_review_source_key"),
    CheckConstraint(f"status IN ({_words('waiting', 'open', 'accepted', 'rejected')})", name="status"),
    Index("import_review_document_idx", "document_id"),
    comment="Imports that a person has to judge, or that wait for their document",
)

vault_sync = Table(
    "vault_sync",
    metadata,
    Column(
        "document_id", BigInteger, ForeignKey(documents.c.id, ondelete="CASCADE"), primary_key=True, comment="Document"
    ),
    Column("vault", Text, primary_key=True, comment="Resolved path of the vault"),
    _text("note_path", "Path of the note in the vault", required=True),
    _text("note_hash", "SHA-256 of the note as last written or read", required=True),
    _text("library_hash", "SHA-256 of what the library had then", required=True),
    _text("body", "The Markdown both sides agreed on", required=True, default="''"),
    _when("synced_at", "When", required=True),
    _when("missing_since", "The note is gone: a tombstone to confirm"),
    comment="What a vault and the library agreed on last",
)
