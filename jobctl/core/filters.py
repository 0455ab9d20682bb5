"""Which jobs a question is about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Filters:
    """Which jobs: every field narrows; None leaves out."""

    ids: tuple[int, ...] | None = None
    statuses: tuple[str, ...] | None = None
    types: tuple[str, ...] | None = None
    title: str | None = None
    labels: Mapping[str, str] | None = None
    label_keys: tuple[str, ...] | None = None
    queue: str | None = None
    error_types: tuple[str, ...] | None = None
    since: datetime | None = None
    until: datetime | None = None
    stale: bool = False
    due: bool = False
    created_by: str | None = None
    before: int | None = None
    """Only ids below this one: the page after."""
    within: int | None = None
    """Only among so many of the newest ids, for what no index serves."""
