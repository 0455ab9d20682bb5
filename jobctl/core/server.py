"""What a person should know of the database server's sessions."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

LIMITS = {
    "jit": "off",  # a flat claim must not wait for a compiler
    "statement_timeout": "60s",
    "lock_timeout": "3s",
    "idle_in_transaction_session_timeout": "60s",
}
"""What every session of ours should have."""


@dataclass(frozen=True, slots=True)
class Blocker:
    """A session that keeps others waiting, or would."""

    pid: int
    role: str | None
    application: str | None
    state: str | None  # as in pg_stat_activity; None: not ours to see
    age_s: float | None  # seconds since its transaction began
    waiting: int  # sessions that wait for it

    @property
    def sentence(self) -> str:
        """Who it is, and what it does."""
        doing = f", {self.state}" if self.state else ""
        since = "" if self.age_s is None else f" for {self.age_s:.0f}s"
        waits = f"; {self.waiting} waiting" if self.waiting else ""
        return f"{self.application or 'a session'} (pid {self.pid}, role {self.role or '?'}{doing}) has locks{since}{waits}"

    @property
    def way_out(self) -> str:
        """What a person can do about it."""
        return f"End its transaction there, or the session: SELECT pg_terminate_backend({self.pid})"


@dataclass(frozen=True, slots=True)
class Effective:
    """The settings that hold in a session, as the server shows them."""

    jit: str
    statement_timeout: str
    lock_timeout: str
    idle_in_transaction_session_timeout: str

    @property
    def missing(self) -> dict[str, str]:
        """Those that are switched off, or on, against ``LIMITS``."""
        return {name: value for name, value in asdict(self).items() if value == ("on" if name == "jit" else "0")}

    @property
    def sentence(self) -> str:
        """All of them in a line."""
        return ", ".join(f"{name} {value}" for name, value in asdict(self).items())


@dataclass(frozen=True, slots=True)
class Health:
    """What a person should know of the queue and of the server."""

    server_time: datetime
    stale: int  # jobs whose lease ran out
    overdue: int  # retries
    paused: list[str]  # "queue NAME", "type NAME"
    unserved: list[str]  # types of jobs that are due and that no living worker serves
    alive: int  # workers
    ahead_s: float  # seconds that what was written lies in the future
    oldest_transaction_s: float
