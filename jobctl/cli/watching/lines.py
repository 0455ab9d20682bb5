"""Following jobs where there is no screen: append-only lines, one a change; groups and annotations for CI."""

from __future__ import annotations

import math
import os
import sys
import time
from collections import Counter

import click

from jobctl.cli.app import State
from jobctl.cli.output.card import eta, mark, progress_words, standstill, state_words, what_comes
from jobctl.cli.output.text import cut, echo, visible
from jobctl.cli.watching.source import Ender, Source
from jobctl.core.job import Job
from jobctl.core.lifecycle import DONE, Status
from jobctl.system import clock
from jobctl.system.environment import variables

STEP = 5.0
"""Points of progress between two lines of one job."""
NOTICE_AFTER = 3.0
"""Seconds that a job may wait before it is said what for."""


class Lines:
    """A line a change of status, of stage, or every five points; on a terminal's stderr one line, written over and over."""

    def __init__(self, state: State, source: Source, ender: Ender, *, to_stderr: bool, every: float) -> None:
        self._state = state
        self._source = source
        self._ender = ender
        self._err = to_stderr
        self._every = every
        self._printed_at = time.monotonic()
        self._seen: dict[int, tuple[str, str | None, bool, float]] = {}
        self._rewrites = to_stderr and sys.stderr.isatty() and variables.get("TERM") != "dumb"
        self._open_line = False
        self._waiting: dict[int, float] = {}
        self._ci = ci(variables) if not to_stderr else Plain()

    def run(self) -> int:
        """Until it is over."""
        jobs = self._source.jobs
        if self._source.ids is not None and len(jobs) == 1:
            self._ci.begin(jobs[0])
        while True:
            for job in reversed(jobs):
                self._print_rows(job)
            self._still(jobs)
            code = self._ender.code(jobs)
            if code is not None:
                break
            clock.sleep(self._source.pause())
            jobs = self._source.poll()
        self._close_line()
        if self._source.ids is not None:
            self._ci.end(jobs)
        return code

    def _print_rows(self, job: Job) -> None:
        now = (state_words(job), job.progress.stage, bool(standstill(job)), job.progress.percent)
        before = self._seen.get(job.id)
        changed = before is None or before[:-1] != now[:-1] or now[-1] - before[-1] >= STEP
        if self._err:
            self._explain_wait(job)
        if before is None and job.status in DONE and self._source.ids is None:
            self._seen[job.id] = now
            return
        if self._rewrites and job.status is Status.PROCESSING:
            self._rewrite(job)
        elif changed:
            self._print_line(plain_line(job))
            if job.status is Status.FAILED:
                self._ci.failed(job)
        if changed:
            self._seen[job.id] = now

    def _print_line(self, line: str) -> None:
        self._close_line()
        self._printed_at = time.monotonic()
        echo(line, err=self._err)

    def _still(self, jobs: list[Job]) -> None:
        """Prints a line after a long silence, so that a log shows that the watch still runs."""
        if time.monotonic() - self._printed_at < self._every or self._rewrites:
            return
        counts = Counter(state_words(job) for job in jobs if job.status not in DONE)
        words = ", ".join(f"{count} {name}" for name, count in counts.items()) or "no job"
        away = self._source.away_since
        words += f"; database unreachable for {time.monotonic() - away:.0f}s" if away else ""
        self._print_line(f"{_clock()} still waiting: {words}")

    def _explain_wait(self, job: Job) -> None:
        """Somebody waits here for a job that does not start: say once what it waits for."""
        if job.status is not Status.PENDING:
            self._waiting.pop(job.id, None)
        elif time.monotonic() - self._waiting.setdefault(job.id, time.monotonic()) > NOTICE_AFTER:
            self._waiting[job.id] = math.inf
            for line in self._state.connect().why(job.id):
                self._print_line(visible(f"  {line}"))

    def _rewrite(self, job: Job) -> None:
        columns = os.get_terminal_size(sys.stderr.fileno()).columns or 80
        left = f"  {eta(job)} left" if eta(job) else ""
        sign, name, details = mark(job)[0], visible(job.display_name), visible(what_comes(job))
        text = f"{sign} {name}  {progress_words(job, bar=9)}  {details}{left}"
        sys.stderr.write(f"\r{cut(text, columns - 1)}\x1b[K")
        sys.stderr.flush()
        self._open_line = True

    def _close_line(self) -> None:
        if self._open_line:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._open_line = False


def _clock() -> str:
    return clock.now().strftime("%H:%M:%SZ")


def plain_line(job: Job) -> str:
    """``22:40:01Z 7 processing 65% Processing: Dune.pdf: Embedding chunk 234 of 500``."""
    message = what_comes(job)
    percent = f" {job.progress.percent:.0f}%" if job.status is Status.PROCESSING else ""
    left = f" ({eta(job)} left)" if eta(job) else ""
    name = f"{job.display_name}{': ' if message else ''}{message}{left}"
    return visible(f"{_clock()} {job.id} {state_words(job)}{percent} {name}")


# -- CI --------------------------------------------------------------------------------------------------------------


class Plain:
    """No CI that we know."""

    def begin(self, job: Job) -> None:
        """Opens a group for the lines of one job."""

    def failed(self, job: Job) -> None:
        """Marks a failure where people look for it."""

    def end(self, jobs: list[Job]) -> None:
        """Closes what was opened, leaves a summary."""


class GitHub(Plain):
    """Workflow commands of GitHub Actions, and a table in the summary of the step."""

    def __init__(self, summary: str | None) -> None:
        self._summary = summary
        self._open = False

    def begin(self, job: Job) -> None:
        """``::group::``."""
        self._open = True
        echo(f"::group::{_data(job.display_name)}")

    def failed(self, job: Job) -> None:
        """``::error::``, with what its grammar uses escaped."""
        title = _data(job.display_name).replace(":", "%3A").replace(",", "%2C")
        echo(f"::error title={title}::{_data(job.error_message or str(job.status))}")

    def end(self, jobs: list[Job]) -> None:
        """``::endgroup::``, and a row a job in ``$GITHUB_STEP_SUMMARY``."""
        if self._open:
            echo("::endgroup::")
        rows = [
            f"| {job.id} | {_markdown(job.display_name)} | {job.status} | {_markdown(job.error_message or '')} |"
            for job in jobs
        ]
        if self._summary:
            try:
                with open(self._summary, "a", encoding="utf-8") as sink:  # noqa: PTH123 - a path of the CI's
                    sink.write("\n".join(["| job | | status | |", "|---|---|---|---|", *rows, "", ""]))
            except OSError as error:
                echo(f"cannot write the summary of this step: {error.strerror}", err=True)


class GitLab(Plain):
    """Collapsible sections of GitLab CI."""

    def __init__(self) -> None:
        self._section = ""

    def begin(self, job: Job) -> None:
        """``section_start``."""
        self._section = f"jobctl_{job.id}"
        click.echo(
            f"\x1b[0Ksection_start:{int(clock.now().timestamp())}:{self._section}\r\x1b[0K{visible(job.display_name)}"
        )

    def end(self, jobs: list[Job]) -> None:  # noqa: ARG002 - the others need them
        """``section_end``."""
        if self._section:
            click.echo(f"\x1b[0Ksection_end:{int(clock.now().timestamp())}:{self._section}\r\x1b[0K")


def ci(environment: os._Environ[str] | dict[str, str]) -> Plain:
    """The CI we run in."""
    if environment.get("GITHUB_ACTIONS") == "true":
        return GitHub(environment.get("GITHUB_STEP_SUMMARY"))
    return GitLab() if environment.get("GITLAB_CI") == "true" else Plain()


def _data(text: str) -> str:
    return visible(text).replace("%", "%25")


def _markdown(text: str) -> str:
    return visible(text).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("`", "\\`")
