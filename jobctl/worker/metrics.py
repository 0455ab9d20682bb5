"""What a worker has done, for Prometheus, and whether it is alive and ready, for probes.

The supervisor's loop counts; the server is a thread that only reads, so a scraper that hangs delays no heartbeat.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping

from jobctl.core.errors import ConfigError
from jobctl.core.exposition import CONTENT_TYPE, Histogram, Labels, Metric, Sample, exposition
from jobctl.system.pages import Page, page_server

LOOP_LIMIT = 120.0
"""Seconds without a turn of the loop after which the worker counts as hung: the longest wait for the database is shorter."""
METRICS = (
    Metric("jobctl_jobs_claimed_total", "counter", "Jobs taken from the queue."),
    Metric("jobctl_jobs_settled_total", "counter", "Attempts that ended, by the new status of the job.", ("type", "status")),
    Metric("jobctl_attempts_failed_total", "counter", "Attempts that failed, by class of error.", ("type", "error_type")),
    Metric("jobctl_retries_total", "counter", "Attempts that failed and are retried automatically.", ("type",)),
    Metric("jobctl_jobs_rescued_total", "counter", "Jobs of lost workers that this worker sent back to the queue."),
    Metric("jobctl_children_lost_total", "counter", "Child processes that died while they ran a job.", ("type",)),
    Metric("jobctl_database_errors_total", "counter", "Operations that the database did not answer."),
    Metric("jobctl_storage_errors_total", "counter", "Times that the storage could not be used."),
    Metric("jobctl_job_wait_seconds", "histogram", "Time from when a job was due until its first attempt.", ("type",)),
    Metric("jobctl_job_run_seconds", "histogram", "Time that an attempt ran.", ("type", "status")),
    Metric("jobctl_jobs_running", "gauge", "Jobs sent to child processes."),
    Metric("jobctl_slots", "gauge", "Jobs that may run at once."),
    Metric("jobctl_children", "gauge", "Processes that run handlers."),
    Metric("jobctl_seconds_since_beat", "gauge", "Age of the last heartbeat that the database answered."),
    Metric("jobctl_database_away", "gauge", "1 while the database can't be reached."),
    Metric("jobctl_storage_away", "gauge", "1 while the storage can't be used."),
    Metric("jobctl_info", "gauge", "Always 1.", ("version", "worker")),
)  # fmt: skip
PLAIN_COUNTERS = [metric.name for metric in METRICS if metric.kind == "counter" and not metric.labels]
"""They are shown from the start: a counter that appears with its first event has no rate for it."""


class Metrics:
    """Counters and histograms by name and labels; the other values and readiness are read at each request."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, Labels]] = Counter()
        self._histograms: dict[tuple[str, Labels], Histogram] = {}
        self.values: Callable[[], Mapping[str, float]] = dict
        self.not_ready: Callable[[], str | None] = lambda: "starting"
        """Why no jobs can be started; None: they can."""
        self._turned_at = time.monotonic()

    def count(self, name: str, by: int = 1, **labels: str) -> None:
        """Adds to a counter."""
        self._counts[name, tuple(labels.items())] += by

    def observe(self, name: str, value: float, **labels: str) -> None:
        """Adds a value to a histogram."""
        key = name, tuple(labels.items())
        if key not in self._histograms:  # setdefault would make a histogram for each value
            self._histograms[key] = Histogram()
        self._histograms[key].observe(value)

    def turned(self) -> None:
        """The worker's loop has made a turn."""
        self._turned_at = time.monotonic()

    def text(self, **info: str) -> str:
        """The page of a scrape."""
        samples: dict[str, list[Sample]] = {name: [Sample(0)] for name in PLAIN_COUNTERS}
        for (name, labels), count in sorted(self._counts.copy().items()):
            samples[name] = [*(samples.get(name, ()) if labels else ()), Sample(count, labels)]
        for (name, labels), histogram in sorted(self._histograms.copy().items(), key=lambda item: item[0]):
            samples.setdefault(name, []).extend(histogram.samples(labels))
        for name, value in self.values().items():
            samples[name] = [Sample(value)]
        samples["jobctl_info"] = [Sample(1, tuple(info.items()))]
        return exposition(METRICS, samples)

    def healthy(self) -> Page:
        """Whether the worker's loop runs: a probe of liveness. An outage of the database is no reason to restart it."""
        still = time.monotonic() - self._turned_at
        return Page("ok\n") if still <= LOOP_LIMIT else Page(f"the worker's loop has not run for {still:.0f} s\n", 503)

    def ready(self) -> Page:
        """Whether jobs can be started."""
        reason = self.not_ready()
        return Page("ok\n") if reason is None else Page(f"{reason}\n", 503)

    def serve(self, host: str, port: int, **info: str) -> int:
        """Answers ``/metrics``, ``/healthz`` and ``/readyz`` from a daemon thread; returns the port.

        Raises ``ConfigError``.
        """
        pages = {
            "/metrics": lambda: Page(self.text(**info), content_type=CONTENT_TYPE),
            "/healthz": self.healthy,
            "/readyz": self.ready,
        }
        try:
            server = page_server(host, port, pages)
        except OSError as error:
            raise ConfigError(
                f"metrics can't be served on {host}:{port}: {error.strerror}",
                hint="Choose another address: --metrics [HOST:]PORT",
            ) from error
        threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
        return int(server.server_address[1])
