"""The tables of jobs and their workers, a comment a column."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, UUID

from jobctl.core.lifecycle import Status
from jobctl.postgres.tables.columns import count, identity, instant, json, metadata, quoted, string

jobs = Table(
    "jobs",
    metadata,
    identity(),
    string("job_type", "Name of the pipeline", required=True),
    string("status", "Where the job is; moves only along the table in core/lifecycle.py", required=True, default="'pending'"),
    string("title", "What the job is about, as people know it", required=True, default="''"),
    string("queue", "Queue the job waits in; a queue can be held as a whole", required=True, default="'default'"),
    Column("priority", SmallInteger, nullable=False, server_default=text("2"), comment="0 lowest to 4 highest"),
    json("labels", "Labels given at submit, text to text"),
    string("idempotency_key", "Unique among jobs that are not finished"),
    string("concurrency_key", "Jobs of one key never run at the same time"),
    string("waiting_on", "Why a pending job can't be claimed: dependency, key, queue, type; null: claimable"),
    string("created_by", "User who submitted, or job:N for follow-up work", required=True, default="''"),
    instant("created_at", "When it was submitted", required=True),
    instant("run_after", "Not before this instant", required=True),
    json("input_data", "Validated input"),
    Column("output_data", JSONB, comment="Result of the last stage, where it is small"),
    json("metadata", "Label, mode, inputs taken into storage, expected stages"),
    json("progress", "percent stage substage details current total unit updated_at; at most 2 KiB"),
    count("retry_count", "Retries after errors, automatic and manual"),
    count("max_retries", "How many of them are allowed", 3),
    instant("next_retry_at", "When the sweep retries; only in failed"),
    string("error_type", "transient paywall invalid permanent"),
    string("error_message", "What went wrong, for people"),
    string("last_error", "Raw text of the last error"),
    string("error_trace", "Traceback of the last error"),
    instant("started_at", "First claim"),
    instant("attempt_started_at", "Latest claim"),
    Column(
        "run_s", Double, nullable=False, server_default=text("0"), comment="Seconds that the ended attempts ran, together"
    ),
    instant("completed_at", "When it reached completed, failed or cancelled"),
    instant("updated_at", "Latest change of the row", required=True),
    instant("paused_at", "When it was paused last"),
    instant("resumed_at", "When it was resumed last"),
    string("pause_reason", "Why it is paused, in words"),
    count("resume_count", "How often it was resumed"),
    string("last_checkpoint_path", "Storage key of the newest checkpoint"),
    string("last_checkpoint_stage", "Stage of the newest checkpoint"),
    string("checkpoint_hash", "SHA-256 of the newest checkpoint's bytes"),
    string("entity_type", "What the job is about: document"),
    string("entity_id", "Its id"),
    count("lease_seq", "Hand-outs; first half of the token"),
    Column("lease_id", UUID(as_uuid=False), comment="Second half of the token, new at each hand-out"),
    Column("worker_id", BigInteger, comment="Supervisor that holds the lease"),
    instant("lease_expires_at", "After this any worker may rescue the job"),
    instant("heartbeat_at", "Latest beat"),
    count("crash_count", "Lost leases and dead children since the last success or retry"),
    instant("pause_requested_at", "A pause stands since"),
    instant("cancel_requested_at", "A cancel stands since"),
    string("cancel_reason", "Why it is cancelled, in words"),
    string("result_path", "Storage key of the result, where it is large; null again when it was pruned"),
    string("result_sha256", "SHA-256 of the stored result's bytes"),
    Column("result_size", BigInteger, comment="Number of bytes of the stored result"),
    instant("expires_at", "Cancelled if it has not started by then"),
    Column(
        "pause_freezes", Boolean, nullable=False, server_default=text("false"),
        comment="The pause that stands stops the processes of the job where they are",
    ),
    instant("frozen_at", "Since when the processes of the job are stopped"),
    CheckConstraint(f"status IN ({quoted(*Status)})", name="status"),
    CheckConstraint("priority BETWEEN 0 AND 4", name="priority"),
    CheckConstraint(f"waiting_on IN ({quoted('dependency', 'key', 'queue', 'type')})", name="waiting_on"),
    CheckConstraint(f"error_type IN ({quoted('transient', 'paywall', 'invalid', 'permanent')})", name="error_type"),
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
    Index("jobs_ended_idx", "completed_at", "id", postgresql_where=text("status IN ('completed', 'failed', 'cancelled')")),
    Index("jobs_labels_idx", "labels", postgresql_using="gin", postgresql_where=text("labels <> '{}'::jsonb")),
    Index("jobs_unfinished_idx", "id", postgresql_where=text("status IN ('pending', 'processing', 'paused')")),
    Index("jobs_failed_idx", "id", postgresql_where=text("status = 'failed'")),
    comment="One row a job",
)  # fmt: skip

checkpoints = Table(
    "checkpoints",
    metadata,
    Column("job_id", BigInteger, ForeignKey(jobs.c.id, ondelete="CASCADE"), primary_key=True, comment="Job"),
    Column("seq", Integer, primary_key=True, comment="Order within the job"),
    Column("lease_seq", Integer, primary_key=True, comment="Hand-out that wrote it"),
    string("stage", "Stage whose result, or part of it, this is", required=True),
    count("done", "Items of the stage done with this segment"),
    Column("complete", Boolean, nullable=False, comment="Whether the stage ended with this segment"),
    string("path", "Storage key of the bytes", required=True),
    string("sha256", "SHA-256 of the exact bytes, 64 hex digits", required=True),
    Column("size", BigInteger, nullable=False, comment="Number of bytes"),
    Column("pause_safe", Boolean, nullable=False, comment="Whether the job may stop here"),
    instant("created_at", "When it was committed", required=True),
    CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),
    comment="One row a durable stage result or part of one",
)

events = Table(
    "events",
    metadata,
    identity(),
    Column("job_id", BigInteger, nullable=False, comment="Job; kept when the job is deleted"),
    instant("at", "When", required=True),
    string("kind", "Name of the move, or request, checkpoint, warning", required=True),
    string("from_status", "Status before, where the status changed"),
    string("to_status", "Status after, where the status changed"),
    string("actor", "User, worker:N or sweep", required=True, default="''"),
    Column("lease_seq", Integer, comment="Hand-out it belongs to"),
    json("detail", "What else is worth knowing"),
    Index("events_job_idx", "job_id", "id"),
    Index("events_deleted_idx", "at", "job_id", postgresql_where=text("kind = 'delete'")),
    Index(
        "events_failures_idx",
        "id",
        postgresql_where=text("kind IN ('fail', 'abandon') OR (kind = 'pause' AND detail ? 'error_type')"),
    ),
    comment="Append-only history: one row for every change of status",
)

job_logs = Table(
    "job_logs",
    metadata,
    identity(),
    Column("job_id", BigInteger, ForeignKey(jobs.c.id, ondelete="CASCADE"), nullable=False, comment="Job"),
    Column("attempt", Integer, nullable=False, comment="lease_seq of the attempt"),
    instant("at", "When", required=True),
    string("level", "debug info warning error", required=True, default="'info'"),
    string("stage", "Stage that was running"),
    string("text", "The line, sanitised", required=True),
    Index("job_logs_job_idx", "job_id", "id"),
    comment="What handlers logged, printed or wrote to stderr; bounded per job",
)

workers = Table(
    "workers",
    metadata,
    identity(),
    string("name", "Name of the supervisor", required=True),
    string("host", "Host it runs on", required=True),
    Column("pid", Integer, nullable=False, comment="Process id on that host"),
    string("version", "jobctl version", required=True),
    count("capacity", "Jobs it runs at once", 1),
    json("job_types", "Job types it serves", "'[]'::jsonb"),
    json("queues", "Queues it serves; empty: all", "'[]'::jsonb"),
    instant("started_at", "When it started", required=True),
    instant("heartbeat_at", "Latest beat", required=True),
    instant("draining_at", "Since when it takes no new jobs"),
    instant("stopped_at", "When it said goodbye"),
    Column(
        "lease_s",
        Double,
        nullable=False,
        server_default=text("30"),
        comment="Seconds that its leases last without a beat",
    ),
    string("revision", "Newest revision of the schema that its program has; null: before 0010"),
    string("boot_id", "Boot of the machine it runs on; null: unknown"),
    string("pid_namespace", "Namespace in which its process id holds"),
    string("process_start", "Start of its process, in clock ticks since the boot"),
    string("storage_away", "Why it can not use the storage; null: it can"),
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
    instant("since", "When it was held", required=True),
    string("reason", "Why, in words", required=True, default="''"),
    string("actor", "Who", required=True, default="''"),
    CheckConstraint(f"kind IN ({quoted('queue', 'type')})", name="kind"),
    comment="Queues and job types that are held as a whole",
)

notifications = Table(
    "notifications",
    metadata,
    identity(),
    Column("job_id", BigInteger, nullable=False, comment="Job; kept when the job is deleted"),
    string("url", "Where to send it", required=True),
    string("host", "Host and port of the URL: one delivery at a time to each", required=True),
    json("event", "What is sent: the job as it ended"),
    count("tries", "Deliveries that were begun"),
    instant("next_try_at", "When it is due; while it is being delivered, when another worker may try", required=True),
    string("last_error", "Why the last delivery failed"),
    instant("created_at", "When the job ended", required=True),
    Index("notifications_due_idx", "next_try_at", "id"),
    comment="Notifications that are not delivered yet",
)

retention = Table(
    "retention",
    metadata,
    Column(
        "only_row", Boolean, primary_key=True, server_default=text("true"), comment="Always true: the table has one row"
    ),
    Column(
        "position",
        BigInteger,
        nullable=False,
        server_default=text("0"),
        comment="Highest id of a job that was examined in this pass",
    ),
    instant("next_at", "When a worker goes on; while one does, when another may", required=True),
    CheckConstraint("only_row", name="only_row"),
    comment="The one row of the removal of ended jobs",
)

compatibility = Table(
    "compatibility",
    metadata,
    Column(
        "only_row", Boolean, primary_key=True, server_default=text("true"), comment="Always true: the table has one row"
    ),
    string("serves", "Newest revision of the oldest program that can work with this schema", required=True),
    CheckConstraint("only_row", name="only_row"),
    comment="The one row about the programs that can work with this schema",
)
