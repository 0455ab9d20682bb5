"""What can be changed of a job that waits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Changes:
    """Changes of a pending or paused job; None, or an empty ``input``, leaves a value as it is."""

    priority: str | None = None
    queue: str | None = None
    title: str | None = None
    max_retries: int | None = None
    at: datetime | None = None
    input: Mapping[str, object] = field(default_factory=dict)
    """Fields of the input, which are merged into it."""

    @property
    def named(self) -> list[str]:
        """The names of what is changed."""
        return [part.name for part in fields(self) if getattr(self, part.name) not in (None, {})]


@dataclass(frozen=True, slots=True)
class Edited:
    """The values that a job gets; None leaves a value as it is."""

    changed: tuple[str, ...]
    priority: int | None
    queue: str | None
    title: str | None
    max_retries: int | None
    run_after: datetime | None
    input: Mapping[str, object] | None = None
    seen: Mapping[str, object] | None = None
    """The input that ``input`` was made of: another edit may have changed it since."""
    metadata: Mapping[str, object] | None = None
    key: str | None = None
    """The concurrency key that the new input has."""
