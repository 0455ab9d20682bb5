"""doctor: is everything in order, and what to do where it is not."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import click

from jobctl.cli import exits
from jobctl.cli.app import State, command, pass_state
from jobctl.cli.output.fields import emit, emit_one
from jobctl.cli.output.text import echo, visible
from jobctl.core.errors import ConfigError, JobctlError, MissingExtra
from jobctl.core.filters import Filters
from jobctl.core.installing import install_command
from jobctl.core.names import plural, span
from jobctl.core.server import LIMITS, Health
from jobctl.system import clock
from jobctl.wiring import Settings

BACK = 2.0
"""Seconds that what the database wrote may lie in its future, where its clock is adjusted."""
FORGOTTEN = 10.0
"""Seconds that a session may do nothing in a transaction with locks on our tables."""
CLOCKS = 5.0
"""Seconds between the clock here and the database's that are worth a word."""
LONG = 300.0
"""Seconds of a transaction after which dead rows pile up behind it."""
LEAST = 1 << 30
"""Bytes that should be free where the storage is."""
Found = tuple[str, str | None]
"""What was found, and what to do about it; None: nothing."""


@command(examples=["jobctl doctor", "jobctl doctor --json", "jobctl doctor --document book.pdf"])
@click.option(
    "--document",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Report on a document instead: title, outline, what is left out, first passages. Nothing is stored.",
)
@pass_state
def doctor(state: State, document: Path | None) -> int:
    """Check settings, database, storage, workers and queue, and say what to do where something is wrong.

    ok: as it should be; note: works, but needs attention; BAD: does not work. The exit code is that of the first
    thing that is bad.
    """
    if document is not None:
        return _report(state, document)
    checks: list[dict[str, Any]] = []
    code = 0
    for name, look in _checks(state):
        try:
            detail, hint = look()
            checks.append({"id": name, "ok": True, "note": hint is not None, "detail": detail, "hint": hint})
        except JobctlError as error:
            checks.append({"id": name, "ok": False, "note": False, "detail": str(error), "hint": error.hint})
            code = code or exits.of_error(error)
            if name in ("settings", "database"):
                break  # the rest stands on these
    if state.for_people:
        for item in checks:
            word = "BAD " if not item["ok"] else "note" if item["note"] else "ok  "
            click.echo(visible(f"{word}  {item['id']:<12} {item['detail']}"))
            if item["hint"]:
                click.echo(visible(f"      {'':<12} {item['hint']}"))
    else:
        emit(state, "check_list", "checks", checks)
    return code


def _report(state: State, document: Path) -> int:
    from jobctl import wiring
    from jobctl.cli.output.document import report_lines, report_object

    found = wiring.preview(state.settings(), document)
    if not emit_one(state, "document_report", **report_object(found)):
        for line in report_lines(found):
            echo(visible(line))
    return 0


def _checks(state: State) -> list[tuple[str, Callable[[], Found]]]:
    @cache
    def health() -> Health:
        found: Health = state.connect().health()
        return found

    return [
        ("settings", lambda: _settings(state)),
        ("database", lambda: _database(state)),
        ("session", lambda: _session(state)),
        ("clock", lambda: _clock(state, health())),
        ("hints", lambda: _hints(state)),
        ("storage", lambda: _storage(state)),
        ("search", lambda: _search(state)),
        ("job types", lambda: _job_types(state.settings())),
        ("workers", lambda: _workers(state, health())),
        ("queue", lambda: _queue(health())),
        ("schedules", lambda: _schedules(state)),
        ("transactions", lambda: _transactions(health())),
        ("locks", lambda: _locks(state)),
    ]


def _schedules(state: State) -> Found:
    active = [found for found in state.connect().schedules.list() if found.paused_at is None]
    unserved = [found for found in active if not found.served]
    if not unserved:
        return f"{len(active)} active", None
    names = ", ".join(visible(found.name) for found in unserved)
    return (
        f"no running worker takes the jobs of {names}",
        "jobctl worker run, with the queue and the type of the schedule",
    )


def _settings(state: State) -> Found:
    settings = state.settings()
    ignored = "; ".join(map(str, settings.ignored))
    return f"home {settings.home}", f"Ignored: {ignored}" if ignored else None


def _database(state: State) -> Found:
    from jobctl import wiring

    state.connect().count(Filters())
    facts = wiring.Database(state.settings(), state.notice).status()
    return f"Postgres {facts['server_version']}, schema {facts['schema']}, {facts['url']}", None


def _session(state: State) -> Found:
    effective = state.connect().effective()
    if not effective.missing:
        return effective.sentence, None
    found = ", ".join(f"{name} is {value}" for name, value in effective.missing.items())
    wanted = " ".join(f"ALTER ROLE … SET {name} = '{LIMITS[name]}';" for name in effective.missing)
    return f"{found}: a pooler dropped what jobctl asks for", f"Set it on the server: {wanted}"


def _clock(state: State, health: Health) -> Found:
    if health.ahead_s > BACK:
        raise ConfigError(
            f"the database's clock was set back: rows are dated up to {span(health.ahead_s)} in the future",
            hint="Set it right. Until then leases and heartbeats from before count as expired, and retries and delays are late.",
        )
    before = clock.now().timestamp()
    there = state.connect().health().server_time.timestamp()
    apart = there - (before + clock.now().timestamp()) / 2
    if abs(apart) < CLOCKS:
        return "same as the database's", None
    ahead = "behind" if apart > 0 else "ahead of"
    return (
        f"this machine is {span(abs(apart))} {ahead} the database",
        "Times in logs here are wrong by that; S3 refuses requests when a clock is 15 minutes off.",
    )


def _hints(state: State) -> Found:
    from jobctl import wiring

    if wiring.notifications_arrive(state.settings(), state.notice):
        return "arrive: idle workers start a job at once", None
    return "do not arrive (PgBouncer in transaction mode?): workers poll", "jobctl worker run --no-listen"


def _storage(state: State) -> Found:
    """Raises ``StorageUnavailable`` where it is not the storage of the database, or can't be read and written."""
    from jobctl import wiring

    root = wiring.prove(state.settings(), state.connect())
    folder = Path(root)
    while not folder.is_dir() and folder != folder.parent:  # a storage that was plugged in may be no folder
        folder = folder.parent
    free = LEAST if "://" in root else shutil.disk_usage(folder).free
    return root, f"{free >> 20:,} MB are free there; jobctl prune makes room" if free < LEAST else None


def _search(state: State) -> Found:
    from jobctl import wiring

    try:
        size, graph = wiring.index_state(state.connect())
    except ConfigError:
        return "not visible for this login", None
    held = f"{plural(size.passages, 'passage')} in the index"
    if size.missing:
        return f"{held}, {plural(size.missing, 'document')} not yet", "jobctl db upgrade"
    if not graph:
        return (
            f"{held}; vectors are compared exactly, in blocks: no pgvector",
            "Only slower, in a large library. pgvector is used where the server has it when the schema is made.",
        )
    return f"{held}; vectors by pgvector", None


def _job_types(settings: Settings) -> Found:
    """Raises ``ConfigError`` for a job type whose package is broken; a missing optional part is not an error."""
    from jobctl import wiring

    working, broken = wiring.pipelines(settings)
    for error in broken.values():
        if not isinstance(error, MissingExtra):
            raise error
    missing = sorted({error.extra for error in broken.values() if isinstance(error, MissingExtra)})
    names = ", ".join(working) or "none"
    if missing:
        return f"{names}; {plural(len(broken), 'type')} not installed", install_command(*missing)
    return names, None


def _workers(state: State, health: Health) -> Found:
    away = [worker for worker in state.connect().workers() if worker.storage_away and not worker.silent]
    if away:
        reasons = "; ".join(f"{visible(worker.name)}: {visible(worker.storage_away or '')}" for worker in away)
        return f"{health.alive} alive; {len(away)} of them can't use the storage: {reasons}", "jobctl worker list"
    if health.unserved:
        types = ", ".join(health.unserved)
        return f"{health.alive} alive; no worker for due jobs of type {types}", "jobctl worker run"
    return f"{health.alive} alive" if health.alive else "none alive, none needed", None


def _queue(health: Health) -> Found:
    if health.stale or health.overdue:
        what = f"{plural(health.stale, 'job')} whose lease ran out, {plural(health.overdue, 'overdue retry')}"
        return what, "jobctl retry --due; a running worker does it too"
    if health.paused:
        return f"paused: {', '.join(health.paused)}", "jobctl queue resume NAME"
    return "nothing is stuck, nothing is paused", None


def _transactions(health: Health) -> Found:
    oldest = health.oldest_transaction_s
    if oldest < LONG:
        return "none is long", None
    return f"one is open for {span(oldest)}: dead rows pile up", "SELECT * FROM pg_stat_activity ORDER BY xact_start"


def _locks(state: State) -> Found:
    blockers = state.connect().blockers(idle=FORGOTTEN)
    if not blockers:
        return "no session keeps others waiting", None
    return "; ".join(blocker.sentence for blocker in blockers), blockers[0].way_out
