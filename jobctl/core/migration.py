"""Migrations of the schema that are still to run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Lock:
    """What one migration does to others that use a table."""

    table: str
    rows: int  # estimated
    effect: str


@dataclass(frozen=True, slots=True)
class Migration:
    """One migration that is still to run."""

    revision: str
    title: str
    serves: str | None
    """The newest revision of the oldest program that can work with the schema after it; None: all that could before."""
    concurrently: bool
    """Whether it runs outside of a transaction, for CREATE INDEX CONCURRENTLY."""
    locks: tuple[Lock, ...]
