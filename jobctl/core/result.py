"""The result of a job: JSON, small in the job's row, large in the storage.

Bytes are kept as ``{"$base64": "…"}``. What JSON or the database cannot represent is refused, with its position.
"""

from __future__ import annotations

import base64
import json

from jobctl.core.attempt import StoredResult, Token
from jobctl.core.checkpoint import digest
from jobctl.core.errors import CheckpointCorrupt, CheckpointMissing
from jobctl.core.plain import BYTES_IN_RESULT, Unstorable, dumps, fault
from jobctl.core.ports import Storage

ROW_CAP = 64 * 1024
"""Bytes of JSON up to which a result is kept in the job's row."""


def encode(value: object) -> bytes:
    """The JSON of plain data (see ``core.plain``). Raises ``Unstorable`` naming the position."""
    data = dumps(value, "result", leaf=lambda raw: {BYTES_IN_RESULT: base64.b64encode(raw).decode()})
    if b"\\u0000" in data and (problem := fault(value, "result", nul=True)):
        raise Unstorable(problem)
    return data


def decode(data: bytes | str) -> object:
    """The value of a result's JSON, bytes as bytes."""
    return restore(json.loads(data))


def restore(value: object) -> object:
    """The value of a result's decoded JSON, bytes as bytes."""
    if isinstance(value, list):
        return [restore(item) for item in value]
    if isinstance(value, dict):
        if BYTES_IN_RESULT in value:
            return base64.b64decode(value[BYTES_IN_RESULT])
        return {name: restore(item) for name, item in value.items()}
    return value


def store(data: bytes, token: Token, storage: Storage) -> StoredResult:
    """Makes the bytes durable under a key of this attempt alone: one that never settles leaves an orphan, no more."""
    sha256 = digest(data)
    path = f"jobs/{token.job_id}/{token.lease_seq}-{token.lease_id[:8]}/result-{sha256[:16]}"
    storage.put(path, data)
    return StoredResult(path, sha256, len(data))


def load(stored: StoredResult, storage: Storage) -> bytes:
    """The bytes, hash compared. Raises ``CheckpointMissing`` or ``CheckpointCorrupt`` with the result's key."""
    try:
        data = storage.get(stored.path, max_bytes=stored.size)
    except CheckpointMissing as error:
        raise CheckpointMissing(f"the bytes of the result are missing: {stored.path}") from error
    if digest(data) != stored.sha256:
        raise CheckpointCorrupt(f"the bytes of the result are not those that were written: {stored.path}")
    return data
