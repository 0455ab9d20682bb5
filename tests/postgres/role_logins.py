"""Logins in the roles of ``jobctl db roles``: two that submit, one that works, one that reads, one for the library."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg.conninfo import make_conninfo
from psycopg.errors import DeadlockDetected
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

from jobctl.postgres.connect import connect
from jobctl.postgres.leases import Leases
from jobctl.postgres.queue import Queue
from jobctl.postgres.roles import GRANTS, statements
from tests import servers

MEMBERS = {"ann": "submitter", "bob": "submitter", "wim": "worker", "rea": "reader", "lib": "librarian"}


class Logins:
    """Who may log in, and connections as them."""

    def __init__(self, url: str, prefix: str) -> None:
        self.prefix = prefix
        self._url = servers.direct(url)
        self._open: list[psycopg.Connection | Queue] = []

    def name(self, who: str) -> str:
        return f"{self.prefix}_{who}"

    def url(self, who: str) -> str:
        return make_conninfo(self._url, user=self.name(who), password="x")

    def connection(self, who: str) -> psycopg.Connection:
        self._open.append(connection := connect(self.url(who)))
        return connection

    def queue(self, who: str, kind: type[Queue] = Queue, actor: str = "somebody else") -> Queue:
        self._open.append(queue := kind(lambda: connect(self.url(who)), actor=actor))
        return queue

    def worker(self) -> Leases:
        queue = self.queue("wim", Leases, "worker:1")
        queue.worker = queue.register(
            name="w2", host="h", pid=2, version="0", capacity=1, job_types=["a", "b"], queues=[]
        )
        queue.actor = f"worker:{queue.worker}"
        return queue

    def close(self) -> None:
        for each in self._open:
            each.close()


@contextmanager
def logins_of(owner: psycopg.Connection, url: str) -> Iterator[Logins]:
    """The roles and a login for each of MEMBERS, gone afterwards."""
    prefix = f"t{secrets.token_hex(3)}"
    owner.execute(statements(prefix))
    for who, kind in MEMBERS.items():
        owner.execute(f"CREATE ROLE {prefix}_{who} LOGIN PASSWORD 'x' IN ROLE {prefix}_{kind}")
    logins = Logins(url, prefix)
    yield logins
    logins.close()
    for name in (*MEMBERS, *GRANTS):
        for attempt in Retrying(
            retry=retry_if_exception_type(DeadlockDetected), stop=stop_after_attempt(10), reraise=True
        ):
            with attempt:  # a vacuum that updates the entry of a table waits for us, and we for its lock on that table
                owner.execute(f"DROP OWNED BY {prefix}_{name}; DROP ROLE {prefix}_{name}")
