"""metrics: the state of the queue, for Prometheus."""

from __future__ import annotations

import threading

import click

from jobctl.cli.address import Address
from jobctl.cli.app import State, command, pass_state
from jobctl.cli.output.queue_metrics import queue_metrics, without_database
from jobctl.cli.output.text import echo
from jobctl.client import Client
from jobctl.core.errors import ConfigError, JobctlError, StoreUnavailable
from jobctl.core.exposition import CONTENT_TYPE
from jobctl.system.pages import Page, page_server


@command(examples=["jobctl metrics", "jobctl metrics --serve 9101", "jobctl metrics --serve 0.0.0.0:9101"])
@click.option(
    "--serve", type=Address(), metavar="[HOST:]PORT", help="Serve /metrics, /healthz and /readyz until stopped."
)
@pass_state
def metrics(state: State, serve: tuple[str, int] | None) -> int:
    """Print metrics of the queue in Prometheus' text format: jobs by queue, type and state, the oldest, failures, workers.

    One process for a database is enough. What a worker does itself, it serves with worker run --metrics.
    """
    if serve is None:
        echo(queue_metrics(state.connect()).rstrip("\n"))
        return 0
    _serve(state, *serve)
    return 0


def _serve(state: State, host: str, port: int) -> None:
    pages = _Pages(state.connect())
    answers = {"/metrics": pages.metrics, "/healthz": lambda: Page("ok\n"), "/readyz": pages.ready}
    try:
        server = page_server(host, port, answers)
    except OSError as error:
        reason = f"metrics can't be served on {host}:{port}: {error.strerror}"
        raise ConfigError(reason, hint="Choose another address: --serve [HOST:]PORT") from error
    with server:
        state.notice(f"metrics: http://{host}:{server.server_address[1]}/metrics")
        server.serve_forever()


class _Pages:
    """One connection, used by one request at a time."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._lock = threading.Lock()

    def metrics(self) -> Page:
        """The page of a scrape: a database that is away is a value in it, not an error of the scrape."""
        try:
            with self._lock:
                text = queue_metrics(self._client)
        except StoreUnavailable:
            text = without_database()
        except JobctlError as error:
            return Page(f"{error}\n", 500)
        return Page(text, content_type=CONTENT_TYPE)

    def ready(self) -> Page:
        """Whether the database answers."""
        try:
            with self._lock:
                self._client.health()
        except JobctlError as error:
            return Page(f"{error}\n", 503)
        return Page("ok\n")
