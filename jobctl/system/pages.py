"""A few pages over HTTP, for scrapers and probes."""

from __future__ import annotations

import logging
import socket
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

log = logging.getLogger("jobctl")

REQUEST_TIMEOUT = 5.0
"""Seconds after which a client that sends nothing is disconnected."""
PLAIN = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Page:
    """An answer."""

    body: str
    status: int = 200
    content_type: str = PLAIN


def page_server(host: str, port: int, pages: Mapping[str, Callable[[], Page]]) -> ThreadingHTTPServer:
    """A server that answers ``GET`` with the page of a path, each request in a daemon thread of its own.

    It listens when this returns, and answers in ``serve_forever``. Port 0 takes a free one. Raises ``OSError``.
    """
    known = f"pages: {', '.join(pages)}\n"

    class Handler(BaseHTTPRequestHandler):
        timeout = REQUEST_TIMEOUT

        def do_GET(self) -> None:
            make = pages.get(self.path.split("?")[0])
            page = Page(known, 404) if make is None else _made(make)
            body = page.body.encode()
            self.send_response(page.status)
            self.send_header("Content-Type", page.content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Scrapes are not logged."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that closed its connection is not reported."""
            del request
            if not isinstance(error := sys.exception(), OSError):
                log.warning("a request of %s failed: %r", client_address, error)

        address_family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]

    return Server((host, port), Handler)


def page_url(host: str, port: int, path: str) -> str:
    """The URL of a page."""
    return f"http://{f'[{host}]' if ':' in host else host}:{port}{path}"


def _made(make: Callable[[], Page]) -> Page:
    try:
        return make()
    except Exception as error:
        log.warning("a page failed", exc_info=True)
        return Page(f"failed: {type(error).__name__}\n", 500)
