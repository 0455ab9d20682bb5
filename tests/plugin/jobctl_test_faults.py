"""Faults at the boundaries of the protocol, for the crash matrix: production code knows nothing of them.

``JOBCTL_TEST_FAULTS`` names a folder; a file ``<job id>`` in it says ``point:kind:n``: at the n-th pass of that point for
that job the fault happens, once. Points: claim, write, fsync, rename, request (a PUT to a bucket), commit, settle, beat;
``after-…`` is behind it.
"""

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from jobctl.core.errors import StoreUnavailable
from jobctl.postgres.leases import Leases
from jobctl.storage import local

STOPPED = 4.5
"""Seconds of a SIGSTOP: longer than the lease of the test."""


def install(folder: Path) -> None:
    """Wraps the calls that are boundaries."""
    passed: dict[tuple[int, str], int] = {}
    writing: list[int] = [0]

    def reach(job_id: int, point: str, queue: Leases | None = None) -> None:
        plan = folder / str(job_id)
        passed[job_id, point] = passed.get((job_id, point), 0) + 1
        try:
            wanted, kind, count = plan.read_text().split(":")
        except FileNotFoundError:
            return
        if wanted != point or passed[job_id, point] < int(count):
            return
        plan.rename(folder / f"{job_id}.fired")
        fire(kind, queue, job_id)

    def around(verb: str, point: str, jobs: Callable[..., list[int]]) -> None:
        real = getattr(Leases, verb)

        def wrapped(self: Leases, *args: Any, **more: Any) -> Any:
            for job_id in jobs(args, None):
                reach(job_id, point, self)
            found = real(self, *args, **more)
            for job_id in jobs(args, found):
                reach(job_id, f"after-{point}", self)
            return found

        setattr(Leases, verb, wrapped)

    around("commit_stage", "commit", lambda args, _: [args[0].job_id])
    around("settle", "settle", lambda args, _: [o.token.job_id for o in args[0]])
    around("beat", "beat", lambda args, _: list(args[1]))
    around("claim", "claim", lambda _, found: [c.token.job_id for c in found or []])

    def watch_puts(storage: type[Any]) -> None:
        put = storage.put

        def putting(self: Any, key: str, data: bytes) -> None:
            writing[0] = int(key.split("/")[1]) if key.startswith("jobs/") else 0
            reach(writing[0], "write")
            put(self, key, data)
            reach(writing[0], "after-write")
            writing[0] = 0

        storage.put = putting

    watch_puts(local.LocalStorage)
    if os.environ.get("JOBCTL_STORAGE", "").startswith("s3://"):
        from botocore.httpsession import URLLib3Session

        from jobctl.storage.s3 import S3Storage

        watch_puts(S3Storage)
        send = URLLib3Session.send

        def sending(self: URLLib3Session, request: Any) -> Any:
            reach(writing[0], "request")
            answer = send(self, request)
            reach(writing[0], "after-request")
            return answer

        URLLib3Session.send = sending
    fsync, replace = os.fsync, os.replace

    def syncing(descriptor: int) -> None:
        reach(writing[0], "fsync")
        fsync(descriptor)

    def renaming(source: str, target: str, **folders: int) -> None:
        reach(writing[0], "rename")
        replace(source, target, **folders)

    os.fsync, os.replace = syncing, renaming


def fire(kind: str, queue: Leases | None, job_id: int) -> None:
    """The fault; ``pause`` is what a person does at that very moment."""
    if kind == "pause" and queue is not None:
        queue.pause([job_id])
    if kind == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "stop":
        subprocess.Popen(["sh", "-c", f"sleep {STOPPED}; kill -CONT {os.getpid()}"], start_new_session=True)
        os.kill(os.getpid(), signal.SIGSTOP)
    if kind == "raise":
        raise RuntimeError("a fault of the test")
    if kind == "drop":
        if queue is not None:
            queue.close()
        raise StoreUnavailable("the connection was dropped by the test")
