"""Checkpoint bytes: encode, hash, decode. Data only, never pickle; the same value has the same bytes.

Layout: magic ``JCP1``, u64 size of the raw segments, a zlib stream of JSON, the raw segments. A ``bytes`` leaf (vectors: they do not compress) is stored
raw and referred to from the JSON as ``{"$bytes": [offset, length]}``.
"""

from __future__ import annotations

import hashlib
import json
import struct
import zlib
from dataclasses import dataclass
from typing import Any

from jobctl.core.errors import CheckpointCorrupt
from jobctl.core.plain import BYTES_IN_CHECKPOINT, dumps

MAGIC = b"JCP1"
VERSION = 1
MAX_BYTES = 1 << 30
"""Cap on the decoded size."""
# the fastest level: a checkpoint is written while the handler waits
_LEVEL = 1


@dataclass(frozen=True, slots=True)
class Segment:
    """One durable piece of a stage: its whole result, or the results of some of its batches."""

    stage: str
    value: Any  # as ``plain`` returns it
    done: int  # items of the stage that are done with this segment; 0 for a stage without batches
    complete: bool  # the stage ended with this segment


def encode(segment: Segment) -> bytes:
    """The bytes of a segment whose value is plain. Raises ``Unstorable`` naming the position of what JSON cannot represent."""
    raw: list[bytes] = []
    size = 0

    def leaf(data: bytes) -> dict[str, list[int]]:
        nonlocal size
        raw.append(data)
        size += len(data)
        return {BYTES_IN_CHECKPOINT: [size - len(data), len(data)]}

    body = {
        "v": VERSION,
        "stage": segment.stage,
        "done": segment.done,
        "complete": segment.complete,
        "value": segment.value,
    }
    text = dumps(body, segment.stage, leaf=leaf, blame=segment.value)
    return MAGIC + struct.pack("<Q", size) + zlib.compress(text, _LEVEL) + b"".join(raw)


def decode(data: bytes, *, max_bytes: int = MAX_BYTES) -> Segment:
    """The segment back. Raises ``CheckpointCorrupt``."""
    try:
        text, raw = _parts(data, max_bytes)
        body = json.loads(text)
        if body["v"] != VERSION:
            raise CheckpointCorrupt(f"checkpoint format {body['v']!r} is unknown to this version of jobctl")
        value = _restore(body["value"], raw)
        return Segment(str(body["stage"]), value, int(body["done"]), bool(body["complete"]))
    except (zlib.error, struct.error, ValueError, KeyError, TypeError) as error:
        raise CheckpointCorrupt(f"checkpoint can't be decoded: {error}") from error


def digest(data: bytes) -> str:
    """SHA-256 of the exact bytes stored, 64 hex digits."""
    return hashlib.sha256(data).hexdigest()


def key(job_id: int, lease_seq: int, lease_id: str, seq: int, stage: str, sha256: str) -> str:
    """The storage key of the bytes: unique to the attempt, immutable, without user text."""
    safe = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in stage.lower())[:40]
    return f"jobs/{job_id}/{lease_seq}-{lease_id[:8]}/{seq}-{safe}-{sha256[:16]}"


def lease_seq_of(path: str) -> int:
    """The claim that a key belongs to; bytes of an older one may be removed."""
    return int(path.split("/")[2].split("-")[0])


def _parts(data: bytes, max_bytes: int) -> tuple[bytes, bytes]:
    if data[:4] != MAGIC:
        raise CheckpointCorrupt("not the bytes of a checkpoint")
    (size,) = struct.unpack_from("<Q", data, 4)
    stream = zlib.decompressobj()
    text = stream.decompress(data[12:], max_bytes)
    if stream.unconsumed_tail or not stream.eof or len(stream.unused_data) != size or len(text) + size > max_bytes:
        raise CheckpointCorrupt("checkpoint is cut off, too large or followed by other bytes")
    return text, stream.unused_data


def _restore(value: object, raw: bytes) -> object:
    if isinstance(value, list):
        return [_restore(item, raw) for item in value]
    if isinstance(value, dict):
        if BYTES_IN_CHECKPOINT in value:
            start, length = value[BYTES_IN_CHECKPOINT]
            return raw[start : start + length]
        return {k: _restore(v, raw) for k, v in value.items()}
    return value
