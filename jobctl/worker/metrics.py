"""What a worker has done, in the text format of Prometheus.

The supervisor's loop counts; the server is a thread that only reads, so a scraper that hangs delays no heartbeat.
https://prometheus.io/docs/instrumenting/exposition_formats/
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from jobctl.core.errors import ConfigError

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
HELP = {
    "jobctl_jobs_settled_total": ("counter", "Attempts that ended, by the new status of the job."),
    "jobctl_jobs_claimed_total": ("counter", "Jobs taken from the queue."),
    "jobctl_children_lost_total": ("counter", "Child processes that died while they ran a job."),
    "jobctl_jobs_running": ("gauge", "Jobs sent to child processes."),
    "jobctl_slots": ("gauge", "Jobs that may run at once."),
    "jobctl_children": ("gauge", "Processes that run handlers."),
    "jobctl_seconds_since_beat": ("gauge", "Age of the last heartbeat that the database answered."),
    "jobctl_database_away": ("gauge", "1 while the database can't be reached."),
    "jobctl_storage_away": ("gauge", "1 while the storage can't be used."),
    "jobctl_info": ("gauge", "Always 1."),
}


class Metrics:
    """Counters by name and labels, and gauges that are read at each scrape."""

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, tuple[tuple[str, str], ...]]] = Counter()
        self.gauges: Callable[[], Mapping[str, float]] = dict

    def count(self, name: str, by: int = 1, **labels: str) -> None:
        """Adds to a counter."""
        self._counts[name, tuple(sorted(labels.items()))] += by

    def text(self, **info: str) -> str:
        """The whole page."""
        values: dict[str, list[str]] = {name: [] for name in HELP}
        for (name, labels), value in sorted(self._counts.copy().items()):
            values[name].append(f"{name}{_labels(labels)} {value}")
        for name, gauge in self.gauges().items():
            values[name].append(f"{name} {gauge:g}")
        values["jobctl_info"].append(f"jobctl_info{_labels(tuple(sorted(info.items())))} 1")
        lines = []
        for name, (kind, help_text) in HELP.items():
            lines += [f"# HELP {name} {help_text}", f"# TYPE {name} {kind}", *values[name]]
        return "\n".join(lines) + "\n"

    def serve(self, host: str, port: int, **info: str) -> int:
        """Answers ``GET /metrics`` from a daemon thread; returns the port. Raises ``ConfigError``."""

        class Page(BaseHTTPRequestHandler):
            timeout = 5.0

            def do_GET(page) -> None:  # noqa: N805 - the names of http.server; self is the Metrics outside
                found = page.path.split("?")[0] in ("/", "/metrics")
                body = self.text(**info).encode() if found else b"metrics are at /metrics\n"
                page.send_response(200 if found else 404)
                page.send_header("Content-Type", CONTENT_TYPE)
                page.send_header("Content-Length", str(len(body)))
                page.end_headers()
                page.wfile.write(body)

            def log_message(page, *_: object) -> None:  # noqa: N805
                """Scrapes are not logged."""

        try:
            server = ThreadingHTTPServer((host, port), Page)
        except OSError as error:
            raise ConfigError(
                f"metrics can't be served on {host}:{port}: {error.strerror}",
                hint="Choose another port: --metrics PORT",
            ) from error
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
        return int(server.server_address[1])


def _labels(pairs: tuple[tuple[str, str], ...]) -> str:
    escaped = (f'{name}="{_escaped(value)}"' for name, value in pairs)
    return f"{{{','.join(escaped)}}}" if pairs else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
