"""Three-way comparison: the last synchronised state, the vault, the library."""

from __future__ import annotations

from enum import StrEnum


class Action(StrEnum):
    """What a sync does with a note."""

    UNCHANGED = "unchanged"
    TAKE = "taken"  # only the vault changed
    WRITE = "written"  # only the library changed
    CONFLICT = "conflict"  # both did: the library's text goes beside, the vault's is taken
    AGREED = "agreed"  # both made the same change
    MISSING = "missing"  # the note is gone: a tombstone


def compare(agreed: str, vault: str | None, library: str) -> Action:
    """By digests of the body; ``vault`` None: there is no note."""
    if vault is None:
        return Action.MISSING
    if vault == library:
        return Action.UNCHANGED if vault == agreed else Action.AGREED
    if vault == agreed:
        return Action.WRITE
    return Action.TAKE if library == agreed else Action.CONFLICT
