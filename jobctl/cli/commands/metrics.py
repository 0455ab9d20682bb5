"""metrics: the state of the queue, for Prometheus."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock

import click

from jobctl.cli.address import Address
from jobctl.cli.app import State, command, pass_state
from jobctl.cli.output.queue_metrics import queue_metrics, without_database
from jobctl.cli.output.text import echo
from jobctl.client import Client
from jobctl.core.errors import ConfigError, JobctlError, StoreUnavailable
from jobctl.core.exposition import CONTENT_TYPE
from jobctl.system.pages import Page, page_server, page_url

ANSWERS_WITHIN = 4.0
"""Seconds after which a database that has not answered a request is shown as away: scrapers wait for ten."""


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
        _print(state)
        return 0
    _serve(state, *serve)
    return 0


def _print(state: State) -> None:
    try:
        text = queue_metrics(state.connect())
    except StoreUnavailable:
        echo(without_database().rstrip("\n"))
        raise
    echo(text.rstrip("\n"))


def _serve(state: State, host: str, port: int) -> None:
    pages = _Pages(state.connect())
    answers = {"/metrics": pages.metrics, "/healthz": lambda: Page("ok\n"), "/readyz": pages.ready}
    try:
        server = page_server(host, port, answers)
    except OSError as error:
        reason = f"metrics can't be served on {host}:{port}: {error.strerror}"
        raise ConfigError(reason, hint="Choose another address: --serve [HOST:]PORT") from error
    with server:
        state.notice(f"metrics: {page_url(host, server.server_port, '/metrics')}")
        server.serve_forever()


class _Pages:
    """Asks the database in one thread, on one connection. Requests that come meanwhile share the answer."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._thread = ThreadPoolExecutor(1, "database")
        self._lock = Lock()
        self._asked: dict[Callable[[Client], str], Future[str]] = {}

    def metrics(self) -> Page:
        """The page of a scrape: a database that is away is a value in it, not an error of the scrape."""
        try:
            return Page(self._answer(queue_metrics), content_type=CONTENT_TYPE)
        except StoreUnavailable:
            return Page(without_database(), content_type=CONTENT_TYPE)
        except JobctlError as error:
            return Page(f"{error}\n", 500)

    def ready(self) -> Page:
        """Whether the database answers."""
        try:
            return Page(self._answer(_health))
        except JobctlError as error:
            return Page(f"{error}\n", 503)

    def _answer(self, ask: Callable[[Client], str]) -> str:
        with self._lock:
            asked = self._asked.get(ask)
            if asked is None or asked.done():
                asked = self._asked[ask] = self._thread.submit(ask, self._client)
        try:
            return asked.result(ANSWERS_WITHIN)
        except TimeoutError:
            raise StoreUnavailable(f"the database has not answered within {ANSWERS_WITHIN:g} s") from None


def _health(client: Client) -> str:
    client.health()
    return "ok\n"
