"""Least privilege: the SQL that makes a role that submits, one that works, and one that looks."""

from __future__ import annotations

from jobctl.core.errors import UsageError
from jobctl.postgres.tables import metadata

MOVED = (
    "status waiting_on run_after updated_at started_at attempt_started_at run_s completed_at progress output_data result_path result_sha256 result_size pause_requested_at "
    "pause_reason paused_at resumed_at resume_count cancel_requested_at cancel_reason retry_count crash_count next_retry_at "
    "error_type error_message last_error error_trace last_checkpoint_path last_checkpoint_stage checkpoint_hash lease_id "
    "lease_expires_at"
)
"""What people and sweeps change of a job. Not among it: what a claim writes (lease_seq, worker_id, heartbeat_at), so that
who submits can't take a job; and what a job is (type, input, owner)."""

SUBMITTER = (
    "SELECT ON ALL TABLES IN SCHEMA jobctl",
    "INSERT ON jobctl.jobs, jobctl.job_dependencies, jobctl.events, jobctl.holds, jobctl.annotations",
    f"UPDATE ({', '.join(MOVED.split())}) ON jobctl.jobs",
    "UPDATE (user_validated, starred, note, judged_at) ON jobctl.connections",
    "UPDATE ON jobctl.import_review, jobctl.annotations",
    "UPDATE (draining_at) ON jobctl.workers",
    "DELETE ON jobctl.jobs, jobctl.checkpoints, jobctl.holds",
    "USAGE ON SEQUENCE jobctl.jobs_id_seq",
)
WORKER = (
    "SELECT ON ALL TABLES IN SCHEMA jobctl",
    "INSERT ON jobctl.events",
    "INSERT, UPDATE ON jobctl.jobs",
    "INSERT, UPDATE, DELETE ON {rest}",
    "USAGE ON SEQUENCE jobctl.jobs_id_seq",
)
READER = ("SELECT ON ALL TABLES IN SCHEMA jobctl",)


def statements(prefix: str) -> str:
    """SQL for the owner of the schema; may be run again, and is after an upgrade. Raises ``UsageError`` for a bad name."""
    if not prefix.isascii() or not prefix.replace("_", "a").isalnum():
        raise UsageError(f"{prefix!r} can't begin the name of a role", hint="letters, digits and _")
    rest = ", ".join(f"jobctl.{table.name}" for table in metadata.sorted_tables if table.name not in ("jobs", "events"))
    lines = [
        "-- Three roles without a login, for jobctl. Run as the owner of the schema, and again after each upgrade.",
        f"-- Then, for example: GRANT {prefix}_submitter TO ann;",
    ]
    for kind, grants in (("submitter", SUBMITTER), ("worker", WORKER), ("reader", READER)):
        role = f"{prefix}_{kind}"
        lines += [
            "",
            f"DO $$ BEGIN CREATE ROLE {role} NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;",
            f"REVOKE ALL ON ALL TABLES IN SCHEMA jobctl FROM {role};",
            f"REVOKE ALL ON ALL SEQUENCES IN SCHEMA jobctl FROM {role};",
            f"GRANT USAGE ON SCHEMA jobctl TO {role};",
            *(f"GRANT {grant.format(rest=rest)} TO {role};" for grant in grants),
        ]
    return "\n".join(lines) + "\n"
