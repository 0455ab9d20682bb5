"""watch: a live view on a terminal, plain lines elsewhere, events as NDJSON. With ids it returns their outcome."""

from __future__ import annotations

import math
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import click

from jobctl.cli.frame import Duration, State, command, pass_state
from jobctl.cli.paint import Screen
from jobctl.cli.render import (
    card,
    dumps,
    eta,
    job_lines,
    job_object,
    mark,
    progress_words,
    stamp,
    state_words,
    what_comes,
)
from jobctl.cli.selectors import filters, numbers, selectors, split
from jobctl.cli.text import cut, visible, width
from jobctl.cli.wait import outcome_code
from jobctl.core.errors import StoreUnavailable
from jobctl.core.job import Filters, Job
from jobctl.core.lifecycle import ACTIVE, DONE, Status

FRAME = 0.25
"""Seconds between two looks: at most four frames a second."""
SAY_AFTER = 3.0
"""Seconds that a job may wait before it is said what for."""
STEP = 5.0
"""Points of progress between two plain lines of one job."""
MOST = 500
VERBS = {"p": "pause", "r": "resume", "c": "cancel"}
HELP = "q quit  j/k select  p pause  r resume  c cancel  Enter detail"


@command()
@click.argument("ids", nargs=-1, metavar="[ID…]")
@selectors
@click.option("--timeout", type=Duration(), help="Give up after this. Exit code 124.")
@click.option("--plain", is_flag=True, help="Lines even on a terminal.")
@pass_state
def watch(state: State, ids: tuple[str, ...], timeout: float | None, plain: bool, **values: Any) -> int:
    """Follow jobs live. With ids it ends with them and returns their outcome; without, Ctrl-C ends it."""
    where, _ = split(values)
    wanted = numbers(state, ids) if ids else None
    return follow(state, wanted, where, timeout=timeout, plain=plain)


def follow(
    state: State,
    ids: Sequence[int] | None,
    where: dict[str, Any],
    *,
    timeout: float | None = None,
    plain: bool = False,
    alive: Callable[[], bool] | None = None,
    report_to_stderr: bool = False,
) -> int:
    """Follows until the jobs have ended. ``alive``: also until this says no (``submit --run`` and its worker)."""
    source = Source(state, ids, where)
    source.jobs()  # an unknown id is an error before anything is painted
    ender = Ender(ids, timeout, alive)
    interactive = sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"
    try:
        if state.output in ("json", "ndjson") and not report_to_stderr:
            return Events(source, ender).run()
        if interactive and not plain and not report_to_stderr:
            return Live(state, source, ender).run()
        return Lines(state, source, ender, to_stderr=report_to_stderr).run()
    except KeyboardInterrupt:
        _say_left(state, source, here=alive is not None)
        return 130


def _say_left(state: State, source: Source, *, here: bool) -> None:
    running = [job for job in source.last if job.status in (Status.PENDING, Status.PROCESSING)]
    if here:
        state.say("Stopped; what was done so far is kept. Continue with: jobctl worker run --drain")
    elif running:
        state.say(f"Stopped watching; {len(running)} jobs go on (jobctl cancel … stops them)")


class Source:
    """The jobs that are watched; keeps the last picture while the database is away."""

    def __init__(self, state: State, ids: Sequence[int] | None, where: dict[str, Any]) -> None:
        self.state = state
        self.ids = ids
        self._filters = filters(where, ids)
        self._narrow = any(where.values()) or ids is not None
        self.last: list[Job] = []
        self.away_since: float | None = None

    def jobs(self) -> list[Job]:
        """The present picture, unfinished first."""
        client = self.state.connect()
        try:
            if self.ids is not None and not self.last:
                for job_id in self.ids:
                    client.get(job_id, full=False)
            found = self._look(client)
        except StoreUnavailable:
            if not self.last and self.away_since is None:
                raise
            self.away_since = self.away_since or time.monotonic()
            return self.last
        self.away_since = None
        self.last = found
        return found

    def _look(self, client: Any) -> list[Job]:
        if self._narrow:
            return _ordered(client.find(self._filters, limit=MOST))
        busy = client.find(Filters(statuses=tuple(ACTIVE)), limit=MOST)
        return _ordered(
            busy + client.find(Filters(statuses=tuple(DONE)), limit=max(20, MOST - len(busy)), sort="updated")
        )


def _ordered(jobs: list[Job]) -> list[Job]:
    order = {status: place for place, status in enumerate((Status.PROCESSING, Status.PENDING, Status.PAUSED))}
    return sorted(jobs, key=lambda job: (order.get(job.status, 3), job.id if job.status in order else -job.id))


class Ender:
    """When a watch is over, and with which code."""

    def __init__(self, ids: Sequence[int] | None, timeout: float | None, alive: Callable[[], bool] | None) -> None:
        self._ids = ids
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._alive = alive

    def code(self, jobs: Sequence[Job]) -> int | None:
        """The exit code when it is over, None while it goes on."""
        if self._ids is not None:
            reasons = [_reason(job) for job in jobs if job.id in self._ids]
            worker_left = self._alive is not None and not self._alive()
            if all(reasons) and (self._alive is None or worker_left):
                return outcome_code([reason for reason in reasons if reason])
            if worker_left:
                return 20  # paused, or waiting for something that nobody here works on
        if self._deadline is not None and time.monotonic() >= self._deadline:
            return 124
        return None


def _reason(job: Job) -> str | None:
    if job.status is Status.FAILED:
        return None if job.next_retry_at else str(job.status)
    if job.status is Status.CANCELLED:
        return str(job.status)
    return "reached" if job.status is Status.COMPLETED else None


class Lines:
    """Append-only: a line a change of status, of stage, or every five points."""

    def __init__(self, state: State, source: Source, ender: Ender, *, to_stderr: bool) -> None:
        self._state = state
        self._source = source
        self._ender = ender
        self._err = to_stderr
        self._seen: dict[int, tuple[str, str | None, float]] = {}
        self._rewrites = to_stderr and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._open_line = False
        self._waiting: dict[int, float] = {}

    def run(self) -> int:
        """Until it is over."""
        if self._source.ids is not None and not self._err:
            self._group()
        while True:
            jobs = self._source.jobs()
            for job in reversed(jobs):
                self._tell(job)
            code = self._ender.code(jobs)
            if code is not None:
                self._close_line()
                return code
            time.sleep(FRAME)

    def _group(self) -> None:
        if os.environ.get("GITHUB_ACTIONS") == "true" and len(self._source.last) == 1:
            click.echo(f"::group::{visible(self._source.last[0].display_name)}")

    def _tell(self, job: Job) -> None:
        now = (state_words(job), job.progress.stage, job.progress.percent)
        before = self._seen.get(job.id)
        changed = before is None or before[:2] != now[:2] or now[2] - before[2] >= STEP
        if self._err:
            self._explain_wait(job)
        if before is None and job.status in DONE and self._source.ids is None:
            self._seen[job.id] = now
            return
        if self._rewrites and job.status is Status.PROCESSING:
            self._rewrite(job)
        elif changed:
            self._close_line()
            click.echo(plain_line(job), err=self._err)
            if job.status is Status.FAILED and os.environ.get("GITHUB_ACTIONS") == "true":
                click.echo(
                    f"::error title={_ci(job.display_name)}::{_ci(job.error_message or str(job.status))}", err=self._err
                )
        if changed:
            self._seen[job.id] = now

    def _explain_wait(self, job: Job) -> None:
        """Somebody waits here for a job that does not start: say once what it waits for."""
        if job.status is not Status.PENDING:
            self._waiting.pop(job.id, None)
        elif time.monotonic() - self._waiting.setdefault(job.id, time.monotonic()) > SAY_AFTER:
            self._waiting[job.id] = math.inf
            self._close_line()
            for line in self._state.connect().why(job.id):
                click.echo(visible(f"  {line}"), err=True)

    def _rewrite(self, job: Job) -> None:
        """On a terminal one line is written over and over."""
        columns = os.get_terminal_size(sys.stderr.fileno()).columns or 80
        left = f"  {eta(job)} left" if eta(job) else ""
        text = f"{mark(job)[0]} {visible(job.display_name)}  {progress_words(job, bar=True)}  {visible(job.progress.details or '')}{left}"
        sys.stderr.write(f"\r{cut(text, columns - 1)}\x1b[K")
        sys.stderr.flush()
        self._open_line = True

    def _close_line(self) -> None:
        if self._open_line:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._open_line = False


def plain_line(job: Job) -> str:
    """``22:40:01Z 7 processing 65% Embedding chunk 234 of 500``."""
    clock = datetime.now(UTC).strftime("%H:%M:%SZ")
    done = job.status in (Status.COMPLETED, Status.CANCELLED)
    words = "" if done else what_comes(job)
    message = job.error_message if job.status is Status.FAILED and job.error_message else words
    percent = f" {job.progress.percent:.0f}%" if job.status is Status.PROCESSING else ""
    return visible(f"{clock} {job.id} {state_words(job)}{percent} {job.display_name}{': ' if message else ''}{message}")


def _ci(text: str) -> str:
    return visible(text).replace("%", "%25").replace("::", ": :")


class Events:
    """NDJSON: a hello, a snapshot a job, then changes; a summary always last."""

    def __init__(self, source: Source, ender: Ender) -> None:
        self._source = source
        self._ender = ender
        self._seq = 0
        self._seen: dict[int, Job] = {}

    def run(self) -> int:
        """Until it is over."""
        self._send("hello", schema=1, ids=self._source.ids)
        code: int | None = 130
        jobs = self._source.last
        try:
            while True:
                jobs = self._source.jobs()
                for job in jobs:
                    self._compare(job)
                code = self._ender.code(jobs)
                if code is not None:
                    return code
                time.sleep(FRAME)
        except KeyboardInterrupt:
            return 130
        finally:
            counts = Counter(str(job.status) for job in jobs)
            self._send("summary", counts=dict(counts), exit=130 if code is None else code)

    def _compare(self, job: Job) -> None:
        before = self._seen.get(job.id)
        self._seen[job.id] = job
        if before is None:
            self._send("job", id=job.id, job=job_object(job))
        elif before.status is not job.status:
            self._send(
                "status", id=job.id, **{"from": str(before.status), "to": str(job.status)}, reason=job.error_message
            )
            if job.next_retry_at and job.status is Status.FAILED:
                self._send("retry_scheduled", id=job.id, at=stamp(job.next_retry_at))
        elif before.progress != job.progress:
            self._send("progress", id=job.id, progress=job_object(job)["progress"])
        elif before.alive != job.alive and job.status is Status.PROCESSING:
            self._send("alive" if job.alive else "stale", id=job.id)

    def _send(self, event: str, **more: Any) -> None:
        click.echo(dumps({"v": 1, "seq": self._seq, "ts": stamp(datetime.now(UTC)), "event": event, **more}))
        sys.stdout.flush()
        self._seq += 1


class Live:
    """The terminal view: header, jobs, footer; keys act on the selected job."""

    def __init__(self, state: State, source: Source, ender: Ender) -> None:
        self._state = state
        self._source = source
        self._ender = ender
        self._selected = 0
        self._detail = False
        self._message = ""
        self._confirm: int | None = None

    def run(self) -> int:
        """Until it is over or somebody quits; leaves the last table on the main screen."""
        code: int | None = None
        with Screen() as screen:
            while code is None:
                jobs = self._source.jobs()
                self._selected = max(0, min(self._selected, len(jobs) - 1))
                screen.paint(self._frame(jobs, *screen.size))
                code = self._ender.code(jobs)
                key = screen.key(FRAME) if code is None else None
                if key and not self._press(key, jobs):
                    code = 0 if self._source.ids is None else 130
        for line in job_lines(self._state, self._source.last[:20]):
            click.echo(line)
        if code == 130:
            _say_left(self._state, self._source, here=False)
        return code

    def _frame(self, jobs: list[Job], columns: int, rows: int) -> list[str]:
        header = self._header(jobs, columns)
        if self._detail and jobs:
            body = [cut(line, columns) for line in card(self._state, jobs[self._selected])]
        else:
            body = self._body(jobs, columns, rows - 3)
        footer = cut(self._message or HELP, columns)
        return [header, "", *body[: rows - 3], *[""] * max(0, rows - 3 - len(body)), footer]

    def _header(self, jobs: list[Job], columns: int) -> str:
        counts = Counter(state_words(job) for job in jobs)
        words = "  ".join(f"{count} {name}" for name, count in counts.items()) or "no jobs"
        away = self._source.away_since
        clock = (
            f"reconnecting ({time.monotonic() - away:.0f} s)"
            if away
            else datetime.now().astimezone().strftime("%H:%M:%S")
        )
        left = cut(f"jobctl  {words}", max(0, columns - width(clock) - 2))
        return f"{left}{' ' * max(1, columns - width(left) - width(clock))}{clock}"

    def _body(self, jobs: list[Job], columns: int, room: int) -> list[str]:
        if not jobs:
            return ["no jobs yet; submit one: jobctl submit FILE"]
        fits = max(1, room - 2)
        first = max(0, min(self._selected - fits // 2, len(jobs) - fits))
        shown = jobs[first : first + fits]
        lines = job_lines(self._state, shown, limit=columns - 1)
        marked = [f"{'>' if place - 1 == self._selected - first else ' '}{line}" for place, line in enumerate(lines)]
        marked[0] = f" {lines[0]}"
        hidden = len(jobs) - len(shown)
        return [*marked, f" … {hidden} more"] if hidden > 0 else marked

    def _press(self, key: str, jobs: list[Job]) -> bool:
        """What a key does; False ends the watch."""
        confirming, self._confirm, self._message = self._confirm, None, ""
        if confirming is not None:
            if key == "y":
                self._act("cancel", confirming)
            return True
        if key == "q":
            return False
        if key in ("j", "k"):
            self._selected += 1 if key == "j" else -1
        elif key == "enter":
            self._detail = not self._detail
        elif key in VERBS and jobs:
            job = jobs[self._selected]
            if key == "c":
                self._confirm = job.id
                self._message = f"cancel job {job.id}? y/n"
            else:
                self._act(VERBS[key], job.id)
        return True

    def _act(self, verb: str, job_id: int) -> None:
        try:
            answers = getattr(self._state.connect(), verb)([job_id])
        except StoreUnavailable as error:
            self._message = str(error)
            return
        self._message = "; ".join(visible(answer.message) for answer in answers)
