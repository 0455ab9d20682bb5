"""Messages between supervisor and child: one JSON object a line over a socket pair."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import datetime
from typing import Any

from jobctl.core.attempt import Claimed, Failure, Outcome, Record, Token
from jobctl.core.lifecycle import Ending


class Channel:
    """One end. ``receive`` never blocks on a socket that was reported readable."""

    def __init__(self, end: socket.socket) -> None:
        self.socket = end
        self._pending = b""

    def fileno(self) -> int:
        """For ``select``."""
        return self.socket.fileno()

    def send(self, messages: Iterable[dict[str, Any]]) -> None:
        """Sends messages as one write. Raises ``OSError`` when the other end is gone."""
        text = "".join(json.dumps(message, default=_text) + "\n" for message in messages)
        self.socket.sendall(text.encode())

    def receive(self) -> Iterator[dict[str, Any]] | None:
        """The whole messages that arrived, None when the other end closed."""
        try:
            data = self.socket.recv(1 << 20)
        except OSError:
            return None
        if not data:
            return None
        *lines, self._pending = (self._pending + data).split(b"\n")
        return (json.loads(line) for line in lines)

    def close(self) -> None:
        """Closes this end."""
        self.socket.close()


def job_message(job: Claimed) -> dict[str, Any]:
    """A claimed job, to be run."""
    # by hand: asdict copies deeply, which costs more than a small job
    fields = {name: getattr(job, name) for name in Claimed.__dataclass_fields__}
    fields["token"] = {name: getattr(job.token, name) for name in Token.__dataclass_fields__}
    fields["records"] = [asdict(record) for record in job.records]
    return {"do": "run", "job": fields}


def read_job(data: dict[str, Any]) -> Claimed:
    """The claimed job back."""
    return Claimed(
        **data
        | {
            "token": Token(**data["token"]),
            "run_after": datetime.fromisoformat(data["run_after"]),
            "records": tuple(Record(**record) for record in data["records"]),
        }
    )


def outcome_message(job_id: int, outcome: Outcome | None) -> dict[str, Any]:
    """How an attempt ended; None: it is settled already."""
    return {"say": "outcome", "job": job_id, "outcome": None if outcome is None else asdict(outcome)}


def read_outcome(data: dict[str, Any] | None) -> Outcome | None:
    """The outcome back."""
    if data is None:
        return None
    failure = None if data["failure"] is None else Failure(**data["failure"])
    return Outcome(**data | {"kind": Ending(data["kind"]), "token": Token(**data["token"]), "failure": failure})


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} can't be sent")
