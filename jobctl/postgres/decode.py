"""Decoding of rows with untrusted content: a value that can't be decoded affects its own row and nothing else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg.abc import AdaptContext, Buffer
from psycopg.adapt import Loader
from psycopg.pq import Format
from psycopg.rows import DictRow
from psycopg.types.json import set_json_loads

DEEPEST = 500
"""Levels of nesting that are decoded: well within what every later step can traverse."""
EARLIEST, LATEST = datetime(2, 1, 1, tzinfo=UTC), datetime(9998, 12, 31, tzinfo=UTC)
"""Instants that every time zone can represent."""
OBJECTS = frozenset({"input_data", "metadata", "labels", "progress"})
"""Columns of a job that contain an object."""


class Undecodable(dict[str, Any]):
    """Replaces a JSON value that can't be decoded: plain data with the reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(undecodable=reason)
        self.reason = reason


def prepare(connection: psycopg.Connection) -> None:
    """Makes a connection return a value for whatever Postgres may store: deep JSON, instants that Python has not."""
    set_json_loads(_loads, connection)
    connection.adapters.register_loader("timestamptz", _Instant)


def damaged(row: Mapping[str, object]) -> list[str]:
    """What is wrong with the JSON columns of a job, one sentence a column."""
    found = []
    for name, value in row.items():
        if isinstance(value, Undecodable):
            found.append(f"{name} can't be decoded: {value.reason}")
        elif name in OBJECTS and not isinstance(value, dict):
            found.append(f"{name} is not an object")
    return found


def readable(row: DictRow) -> DictRow:
    """The row with ``{}`` for each column that should contain an object and does not."""
    return {
        name: {} if name in OBJECTS and (isinstance(value, Undecodable) or not isinstance(value, dict)) else value
        for name, value in row.items()
    }


def _loads(data: str | bytes) -> object:
    try:
        value = json.loads(data)
    except (RecursionError, ValueError) as error:
        return Undecodable("nested too deeply" if isinstance(error, RecursionError) else str(error))
    opening = data.count("[") + data.count("{") if isinstance(data, str) else data.count(b"[") + data.count(b"{")
    if opening > DEEPEST and _deeper_than(value, DEEPEST):
        return Undecodable("nested too deeply")
    return value


def _deeper_than(value: object, limit: int) -> bool:
    level = [value]
    for _ in range(limit + 1):
        level = [
            inner
            for outer in level
            if isinstance(outer, (list, dict))
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
        if not level:
            return False
    return True


class _Instant(Loader):
    """Returns the nearest instant that Python has: infinity and the year 12000 are legal in Postgres."""

    def __init__(self, oid: int, context: AdaptContext | None = None) -> None:
        super().__init__(oid, context)
        base = psycopg.adapters.get_loader(oid, Format.TEXT)
        if base is None:  # pragma: no cover - psycopg has one for every type of its own
            raise TypeError(f"no loader for type {oid}")
        self._load = base(oid, context).load

    def load(self, data: Buffer) -> object:
        try:
            return self._load(data)
        except psycopg.DataError:
            raw = bytes(data)
            return EARLIEST if raw.startswith(b"-") or raw.endswith(b"BC") else LATEST
