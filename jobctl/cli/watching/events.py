"""Following jobs as NDJSON: a hello, a snapshot a job, then what changes; a summary is always last."""

from __future__ import annotations

import sys
import time
from collections import Counter

from jobctl.cli import exits
from jobctl.cli.output.fields import dumps, job_object, stamp
from jobctl.cli.output.text import echo
from jobctl.cli.watching.source import Ender, Source
from jobctl.core.errors import JobctlError
from jobctl.core.job import Job
from jobctl.core.lifecycle import Status
from jobctl.system import clock

PROGRESS_EVERY = 1.0
"""Seconds between two progress events of one job."""


class Stream:
    """Events with numbers without a gap; after the database was away a fresh snapshot of every job."""

    def __init__(self, source: Source, ender: Ender) -> None:
        self._source = source
        self._ender = ender
        self._seq = 0
        self._seen: dict[int, Job] = {}
        self._progress_at: dict[int, float] = {}
        self._away = 0

    def run(self) -> int:
        """Until it is over."""
        self._send("hello", schema=1, ids=self._source.ids)
        code = 143  # if nothing else sets it: terminated
        try:
            code = self._until_over()
        except KeyboardInterrupt:
            code = 130
        except JobctlError as error:
            code = exits.of_error(error)
            raise
        finally:
            counts = Counter(str(job.status) for job in self._source.jobs)
            self._send("summary", counts=dict(counts), exit=code)
        return code

    def _until_over(self) -> int:
        jobs = self._source.jobs
        while True:
            self._print_rows(jobs)
            code = self._ender.code(jobs)
            if code is not None:
                return code
            clock.sleep(self._source.pause())
            jobs = self._source.poll()

    def _print_rows(self, jobs: list[Job]) -> None:
        if self._source.away_since is not None:
            self._away += 1
            self._send("reconnect", attempt=self._away)
            return
        if self._away:
            self._away = 0
            self._seen.clear()
            self._send("resync")
        for job in jobs:
            self._compare(job)
        for job_id in self._seen.keys() - {job.id for job in jobs}:
            del self._seen[job_id]
            self._send("gone", id=job_id)

    def _compare(self, job: Job) -> None:
        before = self._seen.get(job.id)
        if before is None:
            self._send("job", id=job.id, job=job_object(job))
        elif before.status is not job.status:
            moved = {"from": str(before.status), "to": str(job.status)}
            self._send("status", id=job.id, **moved, reason=job.error_message)
            if job.next_retry_at and job.status is Status.FAILED:
                self._send("retry_scheduled", id=job.id, at=stamp(job.next_retry_at))
        elif before.progress != job.progress:
            if time.monotonic() - self._progress_at.get(job.id, 0.0) < PROGRESS_EVERY:
                return  # what was seen stays, so that the next poll reports it
            self._progress_at[job.id] = time.monotonic()
            self._send("progress", id=job.id, progress=job_object(job)["progress"])
        elif before.alive != job.alive and job.status is Status.PROCESSING:
            self._send("alive" if job.alive else "stale", id=job.id)
        elif job.stalled and not before.stalled and job.idle is not None:
            self._send("idle", id=job.id, idle_s=round(job.idle, 3))
        self._seen[job.id] = job

    def _send(self, event: str, **more: object) -> None:
        echo(dumps({"v": 1, "seq": self._seq, "ts": stamp(clock.now()), "event": event, **more}))
        sys.stdout.flush()
        self._seq += 1
