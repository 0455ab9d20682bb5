"""Jobs and lists of anything as fields: JSON, ndjson, csv, tsv, ids, and tables of chosen fields."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

import click

from jobctl.cli.output.display import Display
from jobctl.cli.output.table import table
from jobctl.cli.output.text import echo, escaped, terminal_width, visible
from jobctl.core.errors import UsageError
from jobctl.core.job import PRIORITIES, Job
from jobctl.core.lifecycle import DONE, Status

PRIORITY_NAMES = {value: name for name, value in PRIORITIES.items()}
_INSIDE = {
    "worker": "name host pid",
    "progress": "percent stage substage details current total unit rate_per_s eta_s updated_at idle_s",
    "error": "type message raw",
    "checkpoint": "stage path sha256 created_at can_resume",
    "entity": "type id",
    "result": "location path sha256 size",
}
_FIELDS = (
    "id type type_label title display_name queue priority labels key created_by status waiting_on actions pause_requested frozen pause_support "
    "cancel_requested alive heartbeat_age_s worker progress retry_count max_retries next_retry_at crash_count resume_count "
    "error checkpoint pause_reason cancel_reason paused_at resumed_at created_at run_after started_at completed_at "
    "updated_at wait_s run_s entity result"
)
JOB_FIELDS = (*_FIELDS.split(), *(f"{outer}.{inner}" for outer, names in _INSIDE.items() for inner in names.split()))
"""Every field of a job, dotted where it lies inside another; ``labels.NAME`` besides."""


def stamp(when: datetime | None) -> str | None:
    """RFC 3339, UTC, milliseconds."""
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z") if when else None


def job_object(job: Job, *, parts: Mapping[str, object] | None = None) -> dict[str, object]:
    """A job in JSON, schema v1: every key always there."""
    progress = {
        name: getattr(job.progress, name) for name in type(job.progress).__dataclass_fields__ if name != "pause_support"
    }
    progress |= {"updated_at": stamp(job.progress.moved_at), "idle_s": None if job.idle is None else round(job.idle, 3)}
    started, ended = job.started_at, job.completed_at if job.status in DONE else None
    failed = job.error_type is not None
    return {
        "id": job.id, "type": job.job_type, "type_label": job.type_label, "title": job.title,
        "display_name": job.display_name, "queue": job.queue, "priority": PRIORITY_NAMES[job.priority],
        "labels": job.labels, "key": job.key, "created_by": job.created_by, "status": str(job.status),
        "waiting_on": job.waiting_on, "actions": list(job.actions),
        "pause_requested": job.pause_requested_at is not None, "frozen": job.frozen_at is not None,
        "pause_support": job.progress.pause_support if job.status is Status.PROCESSING else None,
        "cancel_requested": job.cancel_requested_at is not None,
        "alive": job.alive, "heartbeat_age_s": job.heartbeat_age,
        "worker": {name: job.worker[name] for name in ("name", "host", "pid")} if job.worker else None,
        "progress": progress, "retry_count": job.retry_count, "max_retries": job.max_retries,
        "next_retry_at": stamp(job.next_retry_at), "crash_count": job.crash_count, "resume_count": job.resume_count,
        "error": {"type": job.error_type, "message": job.error_message, "raw": job.last_error} if failed else None,
        "checkpoint": {
            "stage": job.checkpoint_stage, "path": job.checkpoint_path, "sha256": job.checkpoint_hash,
            "created_at": stamp(job.checkpoint_at), "can_resume": job.status is Status.PAUSED,
        } if job.checkpoint_path else None,
        "pause_reason": job.pause_reason, "cancel_reason": job.cancel_reason, "paused_at": stamp(job.paused_at),
        "resumed_at": stamp(job.resumed_at), "created_at": stamp(job.created_at), "run_after": stamp(job.run_after),
        "started_at": stamp(started), "completed_at": stamp(ended), "updated_at": stamp(job.updated_at),
        "wait_s": round(max(0.0, ((started or job.now) - job.created_at).total_seconds()), 3),
        "run_s": None if job.run_s is None else round(job.run_s, 3),
        "entity": {"type": job.entity_type, "id": job.entity_id} if job.entity_type else None,
        "result": {
            "location": job.result_location, "path": job.result_path, "sha256": job.result_sha256, "size": job.result_size,
        },
        **(parts or {}),
    }  # fmt: skip


def dumps(value: object) -> str:
    """JSON whose text can't drive a terminal; lossless."""
    return escaped(json.dumps(value, ensure_ascii=False, default=_json))


def _json(value: object) -> object:
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, (bytes, memoryview)):
        return {"bytes": len(value)}
    return str(value)


# -- fields ----------------------------------------------------------------------------------------------------------


def known(state: Display, names: Sequence[str], *, open_ended: Sequence[str] = ()) -> bool:
    """Whether the fields that are wanted exist; False when ``--fields help`` was asked and is answered.

    Below a field of ``open_ended`` any name is good. Raises ``UsageError`` with the nearest name.
    """
    for name in state.fields:
        if name == "help":
            echo("\n".join(names))
            return False
        if name not in names and name.partition(".")[0] not in open_ended:
            raise _unknown(name, names)
    return True


def _unknown(name: str, names: Iterable[str]) -> UsageError:
    import difflib

    near = difflib.get_close_matches(name, list(names), 1)
    return UsageError(
        f"no such field: {name!r}", hint=f"{f'Did you mean {near[0]}? ' if near else ''}--fields help lists them"
    )


def pick(state: Display, value: Mapping[str, object]) -> Mapping[str, object]:
    """Only the fields that were asked for. Raises ``UsageError`` with the nearest name."""
    names = state.fields
    return {name: _dig(value, name) for name in names} if names else value


def _dig(value: object, path: str) -> object:
    here = value
    for part in path.split("."):
        if here is None:
            return None
        if not isinstance(here, Mapping) or part not in here:
            raise _unknown(path, here if isinstance(here, Mapping) else ())
        here = here[part]
    return here


# -- lists -----------------------------------------------------------------------------------------------------------


def emit_one(state: Display, kind: str, **body: object) -> bool:
    """Prints the one object of a command that has no list, where JSON is wanted; returns whether that was so."""
    if not state.json:
        return False
    echo(dumps({"v": 1, "kind": kind, **body}))
    return True


def emit(state: Display, kind: str, name: str, items: Iterable[Mapping[str, object]], **more: object) -> None:
    """A list as fields, in the mode that was asked for; a table when only ``--fields`` was."""
    if state.output == "json":
        listed = [pick(state, item) for item in items]
        echo(dumps({"v": 1, "kind": kind, "count": len(listed), **more, name: listed}))
    elif state.output == "ndjson":
        for item in items:
            echo(dumps(pick(state, item)))
    elif state.output == "id":
        for item in items:
            echo(visible(str(item["id"])))
    else:
        _rows(state, (pick(state, item) for item in items))


def _rows(state: Display, items: Iterable[Mapping[str, object]]) -> None:
    """Lines of csv and tsv as they come; a table, which needs all of them to know its widths."""
    lines = _with_header(state, items)
    if state.output in ("csv", "tsv"):
        for cells in lines:
            click.echo(_line(state, cells))
        return
    found = [[visible(cell) for cell in cells] for cells in lines]
    if found:
        heads = [name.upper() for name in found[0]] if state.header else found[0]
        for line in table(heads, found[1:], limit=terminal_width()):
            echo(line)


def _with_header(state: Display, items: Iterable[Mapping[str, object]]) -> Iterable[list[str]]:
    for place, item in enumerate(items):
        if place == 0 and state.header:
            yield list(item)
        yield [_cell(value) for value in item.values()]


def _cell(value: object) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        return dumps(value)
    # line breaks and tabs are quoted or escaped by the format; nothing else may drive a terminal
    return "".join(part if part in ("\n", "\t") else visible(part) for part in re.split("([\n\t])", value))


def _line(state: Display, cells: Sequence[str]) -> str:
    if state.output == "tsv":
        return "\t".join(c.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n") for c in cells)
    out = io.StringIO()
    csv.writer(out, lineterminator="").writerow(cells)
    return out.getvalue()
