"""A way to the database that can be cut: a proxy, through which one worker of a run connects."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial

import psycopg
from psycopg.conninfo import make_conninfo

CHUNK = 65536


class Proxy:
    """Forwards connections on a port of this machine to the server of ``url``; not safe for more than one cut at a time.

    While it is cut, nothing arrives and nothing is refused, as when a network drops every packet.
    """

    def __init__(self, url: str) -> None:
        with psycopg.connect(url) as connection:  # libpq knows what the url leaves out
            self._host, self._port = connection.info.host, connection.info.port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = make_conninfo(url, host="127.0.0.1", port=self._listener.getsockname()[1])
        """What a worker connects to."""
        self._open = threading.Event()
        self._open.set()
        self._sockets: set[socket.socket] = set()
        _thread(self._accept)

    def cut(self) -> bool:
        """Lets nothing through; returns whether something went through before."""
        was_open = self._open.is_set()
        self._open.clear()
        return was_open

    def heal(self, *, reset: bool) -> None:
        """Lets everything through again; ``reset``: the connections from before the cut are lost."""
        if reset:
            self._close_connections()
        self._open.set()

    def close(self) -> None:
        """Ends it, with every connection."""
        self._listener.close()
        self.heal(reset=True)

    def _close_connections(self) -> None:
        for end in list(self._sockets):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _accept(self) -> None:
        with suppress(OSError):  # closed
            while True:
                client, _ = self._listener.accept()
                _thread(partial(self._connect, client))

    def _connect(self, client: socket.socket) -> None:
        self._open.wait()
        with client, suppress(OSError), self._server() as server:
            pair = {client, server}
            self._sockets |= pair
            back = _thread(partial(self._forward, server, client))
            self._forward(client, server)
            back.join()
            self._sockets -= pair

    def _server(self) -> socket.socket:
        if not self._host.startswith("/"):
            return socket.create_connection((self._host, self._port))
        server = socket.socket(socket.AF_UNIX)
        server.connect(f"{self._host}/.s.PGSQL.{self._port}")
        return server

    def _forward(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(CHUNK):
                self._open.wait()
                target.sendall(data)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


def _thread(act: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    return thread
