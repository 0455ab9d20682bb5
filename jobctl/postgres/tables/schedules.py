"""The table of schedules, a comment a column."""

from sqlalchemy import BigInteger, CheckConstraint, Column, Double, Index, Table, Text, text
from sqlalchemy.dialects.postgresql import TIMESTAMP

from jobctl.core.schedule import CatchUp, Overlap
from jobctl.postgres.tables.columns import instant, json, metadata, quoted, string

schedules = Table(
    "schedules",
    metadata,
    Column("name", Text, primary_key=True, comment="Name people type"),
    string("cron", "Cron expression; null: an interval"),
    Column("every_s", Double, comment="Seconds from one instant to the next; null: a cron expression"),
    string("tz", "Time zone of the cron expression", required=True, default="'UTC'"),
    json("job", "The job that is submitted: the fields of a submit"),
    string("catch_up", "Missed instants: skip latest all", required=True, default="'latest'"),
    string("overlap", "While the previous job has not ended: skip queue", required=True, default="'skip'"),
    string("created_by", "User who added it", required=True, default="''"),
    instant("created_at", "When it was added; intervals are counted from here", required=True),
    instant("paused_at", "When it was paused; null: it is active"),
    string("pause_reason", "Why it is paused, in words"),
    Column("next_at", TIMESTAMP(timezone=True), nullable=False, comment="Next instant"),
    instant("last_at", "Latest instant that was handled"),
    Column("last_job_id", BigInteger, comment="Latest job that was submitted"),
    CheckConstraint("char_length(name) BETWEEN 1 AND 100", name="name"),
    CheckConstraint("(cron IS NULL) <> (every_s IS NULL)", name="timing"),
    CheckConstraint(f"catch_up IN ({quoted(*CatchUp)})", name="catch_up"),
    CheckConstraint(f"overlap IN ({quoted(*Overlap)})", name="overlap"),
    CheckConstraint("octet_length(job::text) <= 262144", name="job"),
    Index("schedules_due_idx", "next_at", postgresql_where=text("paused_at IS NULL")),
    comment="One row a schedule",
)
