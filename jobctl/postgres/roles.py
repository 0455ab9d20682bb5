"""Least privilege: the SQL of the roles of ``jobctl db roles`` and of the functions that they may call.

Grants decide about tables and columns, row-level security about rows, checked functions about everything that a submitter
changes. The owner of the schema is subject to none of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from jobctl.core.errors import UsageError
from jobctl.core.lifecycle import Status
from jobctl.postgres.checked import CHECKED, RETAINING, definition
from jobctl.postgres.session import statement
from jobctl.postgres.tables import jobs, metadata

FIXED = (
    "id job_type title queue priority labels idempotency_key concurrency_key created_by created_at input_data "
    "metadata max_retries resume_count resumed_at pause_reason pause_freezes cancel_reason expires_at"
)
"""Columns of jobs that a worker never changes: its definition, and the requests of users."""
CREATED = (
    "id job_type title queue priority labels idempotency_key concurrency_key created_by run_after input_data metadata "
    "max_retries entity_type entity_id expires_at waiting_on"
)
"""Columns that ``submit.sql`` writes."""
NOTED = "job_id kind from_status to_status actor lease_seq detail"
"""Columns of an event without its number and its time."""
NO_PERSON = "actor IN ('', 'sweep') OR actor ~ '^(worker|job|schedule):'"
WORKED_ON = ", ".join(f"'{status}'" for status in (Status.PENDING, Status.PROCESSING, Status.FAILED))
"""Statuses from which a worker may move a job; the others are for users, or final."""

_MOVED = " ".join(column.name for column in jobs.columns if column.name not in FIXED.split())
_NAMES = [table.name for table in metadata.sorted_tables]
OF_JOBS = [table.name for table in metadata.sorted_tables if "job_id" in table.columns]
"""Tables whose rows have the owner of their job."""
LIBRARY = [
    "documents", "chunks", "connections", "annotations", "import_review", "vault_sync", "search_documents",
    "search_passages", "search_terms",
]  # fmt: skip
SCHEMA = ["alembic_version", "compatibility"]
"""What every program reads before anything else."""
APPENDED = ["events", "holds", "job_dependencies", "limits", "storage"]
"""Tables to which a worker adds rows and whose rows it does not change as a whole."""
WRITTEN = [name for name in _NAMES if name not in ("jobs", "schedules", "compatibility", *APPENDED)]


def _listed(names: list[str]) -> str:
    return ", ".join(f"jobctl.{name}" for name in names)


def _columns(names: str) -> str:
    return ", ".join(names.split())


def _calls(verbs: Iterable[str]) -> str:
    return ", ".join(f"jobctl.checked_{verb}(jsonb)" for verb in verbs)


EVERYTHING = "SELECT ON ALL TABLES IN SCHEMA jobctl"
GRANTS: dict[str, tuple[str, ...]] = {
    "submitter": (
        f"SELECT ON jobctl.jobs, jobctl.workers, jobctl.holds, jobctl.limits, jobctl.schedules, jobctl.storage, {_listed(SCHEMA)}, {_listed(OF_JOBS)}",
        f"EXECUTE ON FUNCTION {_calls(CHECKED)}",
    ),
    "worker": (
        EVERYTHING,
        f"INSERT ({_columns(CREATED)}), UPDATE ({_columns(_MOVED)}) ON jobctl.jobs",
        f"INSERT ({_columns(NOTED)}) ON jobctl.events",
        "INSERT ON jobctl.holds, jobctl.job_dependencies, jobctl.storage",
        "INSERT (kind, name, max_running, rate, declared, actor), DELETE, UPDATE (tokens, refilled_at) ON jobctl.limits",
        "UPDATE (next_at, last_at, last_job_id, paused_at, pause_reason) ON jobctl.schedules",
        f"INSERT, UPDATE, DELETE ON {_listed(WRITTEN)}",
        f"EXECUTE ON FUNCTION {_calls(RETAINING)}",
        "USAGE ON SEQUENCE jobctl.jobs_id_seq",
    ),
    "reader": (EVERYTHING,),
    "librarian": (
        f"SELECT ON {_listed(SCHEMA)}, {_listed(LIBRARY)}",
        "UPDATE (user_validated, starred, note, judged_at) ON jobctl.connections",
        "INSERT, UPDATE ON jobctl.annotations",
        "UPDATE ON jobctl.import_review",
    ),
}
"""Role → what it is granted."""

ANY = "USING (true)"
SEEN = ("SELECT", ANY)
MINE = (
    "SELECT",
    "USING (created_by = session_user OR (created_by ~ '^(job|schedule):' AND jobctl.belongs(created_by)))",
)


def _of_jobs(table: str) -> dict[str, tuple[tuple[str, str], ...]]:
    # the subquery sees only the jobs that the policy on jobs shows
    mine = ("SELECT", f"USING (EXISTS (SELECT FROM jobctl.jobs j WHERE j.id = {table}.job_id))")
    written = (SEEN, ("INSERT", f"WITH CHECK ({NO_PERSON})")) if table == "events" else (("ALL", ANY),)
    return {"submitter": (mine,), "worker": written, "reader": (SEEN,)}


POLICIES: dict[str, dict[str, tuple[tuple[str, str], ...]]] = {
    "jobs": {
        "submitter": (MINE,),
        "worker": (
            SEEN,
            ("INSERT", "WITH CHECK (created_by ~ '^(job:[0-9]+$|schedule:)')"),
            ("UPDATE", f"USING (status IN ({WORKED_ON})) WITH CHECK (true)"),
        ),
        "reader": (SEEN,),
    },
    "schedules": {
        "submitter": (("SELECT", "USING (created_by = session_user)"),),
        "worker": (SEEN, ("UPDATE", ANY)),
        "reader": (SEEN,),
    },
    "holds": {
        "submitter": (SEEN,),
        "worker": (SEEN, ("INSERT", f"WITH CHECK ({NO_PERSON})")),
        "reader": (SEEN,),
    },
    "limits": {
        "submitter": (SEEN,),
        "worker": (
            SEEN,
            ("INSERT", "WITH CHECK (declared AND kind = 'type')"),
            ("DELETE", "USING (declared)"),
            ("UPDATE", ANY),
        ),
        "reader": (SEEN,),
    },
    **{name: _of_jobs(name) for name in OF_JOBS},
}
"""Table with row-level security → role → its policies, each a command and a condition."""

OWNED = """\
DO $$
DECLARE
    made regprocedure;
    owner text := (SELECT nspowner::regrole FROM pg_namespace WHERE nspname = 'jobctl');
BEGIN  -- they run with the rights of the owner of the schema, even if a superuser created them
    FOR made IN SELECT oid FROM pg_proc WHERE pronamespace = 'jobctl'::regnamespace AND prosecdef LOOP
        EXECUTE format('ALTER FUNCTION %s OWNER TO %s', made, owner);
    END LOOP;
END $$;
"""


def statements(prefix: str) -> str:
    """SQL for the owner of the schema; may be run again, and is after an upgrade. Raises ``UsageError`` for a bad name."""
    if not prefix.isascii() or not prefix.replace("_", "a").isalnum() or prefix[:1].isdigit() or len(prefix) > 40:
        raise UsageError(
            f"{prefix!r} can't begin the name of a role", hint="up to 40 letters, digits and _, a letter first"
        )
    prefix = prefix.lower()
    return "\n".join(
        [
            "-- Four roles without a login, for jobctl. Run as the owner of the schema, and again after each upgrade.",
            f"-- Then, for example: GRANT {prefix}_submitter TO ann;",
            "BEGIN;",
            "SET LOCAL client_min_messages = warning;",
            functions(),
            *(line for kind in GRANTS for line in _role(prefix, kind)),
            *(line for table in POLICIES for line in _security(prefix, table)),
            "COMMIT;",
            "",
        ]
    )


def functions() -> str:
    """SQL of the functions for any language and of those that they call. An upgrade of the schema installs them.

    Without the roles they are for the owner of the schema alone.
    """
    api = (Path(__file__).parent / "api.sql").read_text(encoding="utf-8")
    verbs = [*CHECKED, *RETAINING]
    made = [definition(verb, statement(verb)) for verb in verbs]
    closed = [f"REVOKE ALL ON FUNCTION jobctl.checked_{verb}(jsonb) FROM PUBLIC;" for verb in verbs]
    return "\n".join(["", *made, *closed, api, OWNED])


def _role(prefix: str, kind: str) -> list[str]:
    role = f"{prefix}_{kind}"
    return [
        f"DO $$ BEGIN CREATE ROLE {role} NOLOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$;",
        *(
            f"REVOKE ALL ON ALL {things} IN SCHEMA jobctl FROM {role};"
            for things in ("TABLES", "SEQUENCES", "FUNCTIONS")
        ),
        f"GRANT USAGE ON SCHEMA jobctl TO {role};",
        *(f"GRANT {grant} TO {role};" for grant in GRANTS[kind]),
        "",
    ]


def _security(prefix: str, table: str) -> list[str]:
    lines = [f"ALTER TABLE jobctl.{table} ENABLE ROW LEVEL SECURITY;"]
    for kind, policies in POLICIES[table].items():
        for number, (command, condition) in enumerate(policies, 1):
            name = f"{prefix}_{kind}_{number}"
            lines += [
                f"DROP POLICY IF EXISTS {name} ON jobctl.{table};",
                f"CREATE POLICY {name} ON jobctl.{table} FOR {command} TO {prefix}_{kind} {condition};",
            ]
    return lines
