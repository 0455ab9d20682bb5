"""A child: takes jobs from its supervisor one after the other, runs their stages, says how each ended.

It has no beat and no claim. It dies with its supervisor: the kernel is asked to see to that, and the socket ends.
"""

from __future__ import annotations

import io
import logging
import os
import shutil
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jobctl.core.attempt import Claimed
from jobctl.core.retry import storable
from jobctl.worker.attempt import Attempt, Commits
from jobctl.worker.channel import Channel, outcome_message, read_job
from jobctl.worker.context import Tools
from jobctl.worker.processes import end_children

FLUSH_EVERY = 0.01
"""Seconds that an outcome may wait for company before it is sent."""
LINE_CAP = 4_000


@dataclass
class Requests:
    """What was asked of the running job."""

    pause: bool = False
    cancel: bool = False
    release: bool = False


class Child:
    """Reads messages on a thread of its own, so that a request reaches a job that is busy."""

    def __init__(self, channel: Channel, tools: Tools, commits: Commits) -> None:
        self._channel = channel
        self._tools = tools
        self._commits = commits
        self._waiting: deque[Claimed] = deque()
        self._news = threading.Condition()
        self._running: int | None = None
        self._stops = Requests()
        self._over = False
        self._outbox: list[dict[str, Any]] = []
        self._sent = 0.0
        self._sending = threading.Lock()

    def run(self) -> None:
        """Works until the supervisor says quit or is gone."""
        threading.Thread(target=self._listen, daemon=True).start()
        self._say({"say": "up"}, now=True)
        while (job := self._next()) is not None:
            self._run(job)
        self._flush()

    def _next(self) -> Claimed | None:
        with self._news:
            if not self._waiting:
                self._flush()
            while not self._waiting and not self._over:
                self._news.wait()
            if not self._waiting:
                return None
            job = self._waiting.popleft()
            self._running = job.token.job_id
            self._stops = Requests()
            return job

    def _run(self, job: Claimed) -> None:
        job_id = job.token.job_id

        def tell(progress: dict[str, Any]) -> None:
            if time.monotonic() - started >= FLUSH_EVERY:  # a job this quick is over before anyone could look
                self._say({"say": "progress", "job": job_id, "progress": progress}, now=True)

        def log(level: str, stage: str | None, text: str) -> None:
            lines = storable(text, LINE_CAP).splitlines() or [""]
            for line in lines:
                self._say({"say": "log", "job": job_id, "level": level, "stage": stage, "text": line})

        started = time.monotonic()
        attempt = Attempt(job, self._tools, self._commits, self._stops, tell=tell, log=log)
        with _Captured(log, lambda: attempt.ticker.stage):
            outcome = attempt.run()
        end_children()  # whatever the job has started ends with it
        _empty(self._tools.workspace)
        with self._news:
            self._running = None
        self._say(outcome_message(job_id, outcome))

    def _say(self, message: dict[str, Any], *, now: bool = False) -> None:
        with self._sending:
            self._outbox.append(message)
        if now or time.monotonic() - self._sent >= FLUSH_EVERY:
            self._flush()

    def _flush(self) -> None:
        with self._sending:
            if self._outbox:
                self._channel.send(self._outbox)
                self._outbox.clear()
            self._sent = time.monotonic()

    def _listen(self) -> None:
        while (messages := self._channel.receive()) is not None:
            for message in messages:
                with self._news:
                    self._obey(message)
                    self._news.notify()
        os._exit(0)  # the supervisor is gone: whatever runs here has no right to go on

    def _obey(self, message: dict[str, Any]) -> None:
        match message["do"]:
            case "run":
                self._waiting.append(read_job(message["job"]))
            case "stop" if message["job"] == self._running:
                setattr(self._stops, message["how"], message["on"])
            case "give_back":
                back = [job.token.job_id for job in self._waiting]
                self._waiting.clear()
                self._say({"say": "back", "jobs": back}, now=True)
            case "quit":
                self._over = True


def _empty(workspace: Path) -> None:
    """Copies of inputs and links to them were this attempt's."""
    for entry in workspace.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            entry.unlink(missing_ok=True)


class _Captured:
    """While a job runs, what it prints, logs or writes to stderr becomes lines of its log."""

    def __init__(self, log: Any, stage: Any) -> None:
        self._out = _Lines(lambda text: log("info", stage(), text))
        self._err = _Lines(lambda text: log("warning", stage(), text))
        self._handler = logging.Handler()
        self._handler.emit = (  # type: ignore[method-assign]  # a handler is one function
            lambda record: log(record.levelname.lower(), stage(), self._handler.format(record))
        )

    def __enter__(self) -> None:
        self._before = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = self._out, self._err
        logging.getLogger().addHandler(self._handler)

    def __exit__(self, *_: object) -> None:
        self._out.close()
        self._err.close()
        sys.stdout, sys.stderr = self._before
        logging.getLogger().removeHandler(self._handler)


class _Lines(io.TextIOBase):
    """A text stream that hands over whole lines."""

    def __init__(self, take: Any) -> None:
        self._take = take
        self._rest = ""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        *lines, self._rest = (self._rest + text).split("\n")
        for line in lines:
            self._take(line)
        if len(self._rest) > LINE_CAP:
            self._take(self._rest)
            self._rest = ""
        return len(text)

    def close(self) -> None:
        if not self.closed and self._rest:
            self._take(self._rest)
            self._rest = ""
        super().close()
