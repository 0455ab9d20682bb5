"""A child process: receives jobs from its supervisor, runs their stages one after the other, reports how each ended.

It has no heartbeat and no claim. It dies with its supervisor: by a parent-death signal, and when the socket closes.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from jobctl.core.attempt import Claimed
from jobctl.core.pipeline import Stage
from jobctl.worker.attempt import Attempt
from jobctl.worker.capture import Capture
from jobctl.worker.channel import (
    Channel,
    Ended,
    FromChild,
    ProtocolError,
    Quit,
    Reported,
    Returned,
    ReturnWaiting,
    Run,
    Stop,
    ToChild,
    Up,
)
from jobctl.worker.commits import Commits
from jobctl.worker.context import Services
from jobctl.worker.limits import limit_own_cpu
from jobctl.worker.outbox import FLUSH_EVERY, Outbox
from jobctl.worker.processes import end_children

EMPTIED = 0
"""Time of change of a folder, in nanoseconds since 1970, that shows that nothing was put there since it was emptied."""


@dataclass
class Requests:
    """What was requested of the running job."""

    pause: bool = False
    cancel: bool = False
    release: bool = False


class Child:
    """Receives on a thread of its own, so that a request reaches a job that is busy."""

    def __init__(self, channel: Channel[ToChild, FromChild], services: Services, commits: Commits) -> None:
        self._channel = channel
        self._services = services
        self._commits = commits
        self._waiting: deque[Claimed] = deque()
        self._changed = threading.Condition()
        self._running: int | None = None
        self._stops = Requests()
        self._over = False
        self._outbox = Outbox(channel.send)
        self._capture = Capture()
        self._cpu_limited = False

    def run(self) -> None:
        """Runs jobs until the supervisor sends ``Quit`` or is gone."""
        threading.Thread(target=self._listen, name="listener", daemon=True).start()
        self._outbox.start()
        self._outbox.put(Up(), now=True)
        with self._capture:
            while (job := self._next()) is not None:
                self._run(job)
        self._services.loop.close()
        self._outbox.flush()
        self._services.tracer.close()

    def _next(self) -> Claimed | None:
        with self._changed:
            if not self._waiting:
                self._outbox.flush()
            while not self._waiting and not self._over:
                self._changed.wait()
            if not self._waiting:
                return None
            job = self._waiting.popleft()
            self._running = job.token.job_id
            self._stops = Requests()
            return job

    def _run(self, job: Claimed) -> None:
        job_id, outbox = job.token.job_id, self._outbox
        attempt = Attempt(
            job, self._services, self._commits, self._stops, quiet=FLUSH_EVERY,
            report=lambda progress: outbox.put(Reported(job_id, progress), now=True),
            log=lambda level, stage, text: outbox.log(job_id, level, stage, text), on_stage=self._limit_cpu,
        )  # fmt: skip
        reporter = attempt.reporter
        redact = self._services.secrets.redact
        self._capture.begin(lambda level, text: outbox.log(job_id, level, reporter.stage, redact(text)))
        with self._services.tracer.attempt(job) as ended:
            outcome = attempt.run()
            ended(outcome)
        end_children()  # whatever the job has started ends with it
        self._capture.end()
        _empty(self._services.workspace)
        with self._changed:
            self._running = None
        outbox.put(Ended(job_id, outcome))

    def _limit_cpu(self, stage: Stage) -> None:
        default = float(self._services.settings.get("stage_cpu", 0.0))
        seconds = default if stage.limits.cpu is None else stage.limits.cpu
        if seconds or self._cpu_limited:
            limit_own_cpu(seconds)
        self._cpu_limited = bool(seconds)

    def _listen(self) -> None:
        try:
            while (messages := self._channel.receive()) is not None:
                for message in messages:
                    with self._changed:
                        self._handle(message)
                        self._changed.notify()
        except ProtocolError as error:
            os.write(2, f"the supervisor sent {error}\n".encode())
            os._exit(1)
        finally:
            os._exit(0)  # the supervisor is gone: this process may not continue

    def _handle(self, message: ToChild) -> None:
        match message:
            case Run(job):
                self._waiting.append(job)
            case Stop(job_id, pause, cancel, release):
                if job_id == self._running:
                    self._stops.pause, self._stops.cancel, self._stops.release = pause, cancel, release
            case ReturnWaiting():
                returned = [job.token.job_id for job in self._waiting]
                self._waiting.clear()
                self._outbox.put(Returned(returned), now=True)
            case Quit():
                self._over = True
            case _:
                assert_never(message)


def _empty(workspace: Path) -> None:
    """Removes this attempt's copies of inputs and links to them. A folder that is empty has a time that no change leaves."""
    if workspace.stat().st_mtime_ns == EMPTIED:
        return
    for entry in workspace.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)
    os.utime(workspace, ns=(EMPTIED, EMPTIED))
