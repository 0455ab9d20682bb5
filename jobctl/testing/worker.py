"""A real worker on a database of its own, for the tests of job types."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Unpack

from jobctl import wiring
from jobctl.client import Client
from jobctl.client.new_jobs import OptionFields
from jobctl.core.lifecycle import Status
from jobctl.system.environment import variables
from jobctl.wiring.application import client_of

STOP_WITHIN = 30.0
"""Seconds until a worker that does not stop is killed."""


class JobFailed(AssertionError):
    """A job that was expected to complete did not; the text has its error and its log."""


class TestWorker:
    """A worker that runs, and the client of its database."""

    __test__ = False  # not a class of tests for pytest

    def __init__(self, client: Client) -> None:
        self.client = client

    def run(
        self,
        job_type: str,
        data: Mapping[str, Any] | None = None,
        *,
        within: float = 60.0,
        **options: Unpack[OptionFields],
    ) -> Any:
        """Submits a job, waits until it has ended and returns its result. ``within`` in seconds.

        Raises ``JobFailed`` for a job that does not complete.
        """
        job_id = self.client.submit(job_type, data, **options).id
        reason = self.client.wait([job_id], timeout=within).reasons[job_id]
        job = self.client.get(job_id)
        if job.status is not Status.COMPLETED:
            log = "\n".join(line.text for line in self.client.logs(job_id))
            problem = job.error_message or reason
            raise JobFailed(f"job {job_id} ({job_type}) is {job.status}: {problem}\n{job.error_trace or ''}{log}")
        return self.client.result(job_id)


@contextmanager
def worker(*, concurrency: int = 1, environment: Mapping[str, str] | None = None) -> Iterator[TestWorker]:
    """Starts an embedded database in a temporary folder and a worker on it; both are gone afterwards.

    The worker finds what this process can import, and may read every folder. ``environment`` is added to its variables.
    """
    folder = Path(tempfile.mkdtemp(prefix="jobctl-testing-"))
    folder.chmod(0o755)  # the server of a root's test runs as another account
    own = {
        **{name: value for name, value in variables.items() if not name.startswith(("JOBCTL_", "PG", "DATABASE_URL"))},
        "JOBCTL_HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "JOBCTL_TEST_FAST": "1",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), **(environment or {}),
    }  # fmt: skip
    settings = wiring.settings({}, own)
    server = wiring.Database(settings, lambda _: None)
    server.info()
    process = subprocess.Popen(
        [sys.executable, "-m", "jobctl", "worker", "run", "-q", "--poll", "0.1", "-c", str(concurrency), "--input-root", "/"],
        env=own, cwd=folder, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        with client_of(settings) as client:
            yield TestWorker(client)
    finally:
        _end(process)
        server.server.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_WITHIN)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
