"""doctor: is everything in order, and what to do where it is not."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from jobctl.cli import exits
from jobctl.cli.app import State, command, pass_state
from jobctl.cli.output.fields import emit
from jobctl.cli.output.text import visible
from jobctl.core.errors import ConfigError, JobctlError
from jobctl.core.job import Filters
from jobctl.core.names import span

CLOCKS = 5.0
"""Seconds between the clock here and the database's that are worth a word."""
LONG = 300.0
"""Seconds of a transaction after which dead rows pile up behind it."""
LEAST = 1 << 30
"""Bytes that should be free where the storage is."""
Found = tuple[str, str | None]
"""What was found, and what to do about it; None: nothing."""


@command(examples=["jobctl doctor", "jobctl doctor --json"])
@pass_state
def doctor(state: State) -> int:
    """Check settings, database, storage, workers and queue, and say what to do where something is wrong.

    ok: as it should be; note: works, and somebody should look; BAD: does not work. The exit code is that of the first
    thing that is bad.
    """
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


def _checks(state: State) -> list[tuple[str, Callable[[], Found]]]:
    from jobctl import wiring

    facts: dict[str, Any] = {}

    def health() -> dict[str, Any]:
        if not facts:
            facts.update(state.connect().queue.run("health")[0])
        return facts

    return [
        ("settings", lambda: (f"home {state.settings().home}", None)),
        ("database", lambda: _database(state)),
        ("clock", lambda: _clock(state)),
        ("hints", lambda: _hints(state)),
        ("storage", lambda: _storage(wiring.storage(state.settings()))),
        ("job types", lambda: (", ".join(wiring.pipelines()), None)),
        ("workers", lambda: _workers(health())),
        ("queue", lambda: _queue(health())),
        ("transactions", lambda: _transactions(health())),
    ]


def _database(state: State) -> Found:
    from jobctl import wiring

    state.connect().count(Filters())
    facts = wiring.Database(state.settings(), state.say).status()
    return f"Postgres {facts['server_version']}, schema {facts['schema']}, {facts['url']}", None


def _clock(state: State) -> Found:
    before = time.time()
    there = state.connect().queue.run("health")[0]["server_time"].timestamp()
    apart = there - (before + time.time()) / 2
    if abs(apart) < CLOCKS:
        return "as the database's", None
    ahead = "behind" if apart > 0 else "ahead of"
    return f"this machine is {span(abs(apart))} {ahead} the database", "Nothing depends on it but times in logs here."


def _hints(state: State) -> Found:
    from jobctl import wiring

    if wiring.hints_arrive(state.settings(), state.say):
        return "arrive: idle workers start a job at once", None
    return "do not arrive (PgBouncer in transaction mode?): workers poll", "jobctl worker run --no-listen"


def _storage(place: Any) -> Found:
    place.put("probe/doctor", b"ok")
    if place.get("probe/doctor", max_bytes=16) != b"ok":
        raise ConfigError("the storage does not give back what was put into it", hint=str(getattr(place, "root", "")))
    place.delete("probe/doctor")
    root = str(getattr(place, "root", place))
    folder = Path(root)
    while not folder.is_dir() and folder != folder.parent:  # an empty storage is no folder yet
        folder = folder.parent
    free = LEAST if "://" in root else shutil.disk_usage(folder).free
    return root, f"{free >> 20:,} MB are free there; jobctl prune makes room" if free < LEAST else None


def _workers(facts: dict[str, Any]) -> Found:
    if facts["unserved"]:
        types = ", ".join(facts["unserved"])
        return f"{facts['alive']} alive; nobody works on jobs that are due: {types}", "jobctl worker run"
    return f"{facts['alive']} alive" if facts["alive"] else "none alive, none needed", None


def _queue(facts: dict[str, Any]) -> Found:
    if facts["stale"] or facts["overdue"]:
        what = f"{facts['stale']} jobs whose lease ran out, {facts['overdue']} retries that are overdue"
        return what, "jobctl retry --due; a running worker does it too"
    if facts["held"]:
        return f"held: {', '.join(facts['held'])}", "jobctl queue resume NAME, when that is meant to end"
    return "nothing is stuck, nothing is held", None


def _transactions(facts: dict[str, Any]) -> Found:
    oldest = facts["oldest_transaction_s"]
    if oldest < LONG:
        return "none is long", None
    return f"one is open for {span(oldest)}: dead rows pile up", "SELECT * FROM pg_stat_activity ORDER BY xact_start"
