"""Between rows of the database and values of ``core``."""

from __future__ import annotations

from dataclasses import asdict, fields
from operator import attrgetter

from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from jobctl.core.filters import Filters
from jobctl.core.job import Job, NewJob, Progress
from jobctl.core.lifecycle import ControlOutcome, Status
from jobctl.core.rows import ControlRow
from jobctl.postgres import decode

_NEW_JOB = tuple(field.name for field in fields(NewJob))
_values_of_new_job = attrgetter(*_NEW_JOB)


def submitted_row(n: int, job: NewJob) -> dict[str, object]:
    """A new job as ``submit.sql`` reads it; ``n`` is its position."""
    row: dict[str, object] = dict(zip(_NEW_JOB, _values_of_new_job(job), strict=True))
    row["n"] = n
    row["run_after"] = job.run_after.isoformat() if job.run_after else None
    return row


def filter_values(filters: Filters) -> dict[str, object]:
    """The parameters of ``find.sql`` and ``count.sql``."""
    values: dict[str, object] = asdict(filters)
    for name in ("ids", "statuses", "types", "label_keys", "error_types"):
        listed: tuple[object, ...] | None = getattr(filters, name)
        values[name] = None if listed is None else [*listed]
    values["labels"] = None if not filters.labels else Jsonb(dict(filters.labels))
    return values


def job_from(row: DictRow) -> Job:
    """A row of ``find.sql``, whatever its columns contain."""
    problems = tuple(decode.damaged(row))
    fields = decode.readable(row)
    return Job(
        **fields
        | {"status": Status(row["status"]), "progress": Progress.of(fields["progress"]), "undecodable": problems}
    )


def control_row(row: DictRow) -> ControlRow:
    """A row of one of the verbs on jobs, of which not all return every column."""
    return ControlRow(
        row["id"],
        ControlOutcome(row["answer"]),
        Status(row["was"]),
        row["retry_count"],
        row["max_retries"],
        row["concurrency_key"],
        row["pausing"],
        row["cancelling"],
        row.get("freezing", False),
        Progress.of(row.get("progress")),
        row.get("holder"),
        tuple(row.get("paths", ())),
    )
