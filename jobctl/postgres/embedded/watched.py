"""Leases on the embedded server, whose data folder may be removed while a worker is connected."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from jobctl.core.attempt import Token
from jobctl.core.errors import StoreUnavailable
from jobctl.core.job import Progress
from jobctl.postgres.embedded.server import Server
from jobctl.postgres.lease_rows import Beat
from jobctl.postgres.leases import Leases
from jobctl.postgres.session import Connect


class WatchedLeases(Leases):
    """Checks at each heartbeat whether the connection is still to the server that a new connection would reach.

    The old server keeps serving open connections for a while after its home was removed, but child processes, with
    new connections, can't reach it. So the supervisor reconnects, which starts the server again.
    """

    def __init__(self, connect: Connect, *, ttl: float, server: Server) -> None:
        super().__init__(connect, ttl=ttl)
        self._server = server

    def beat(
        self, worker: int, leases: Mapping[int, tuple[Token, Progress | None]], *, frozen: Collection[int] = ()
    ) -> Beat:
        """Extends leases as ``Leases.beat`` does. Raises ``StoreUnavailable`` once the server was replaced."""
        if self._connection is not None and not self._server.serves(self._connection):
            self.close()
            raise StoreUnavailable("the embedded database was removed or replaced while it ran")
        return super().beat(worker, leases, frozen=frozen)
