"""The account of an extraction: what the source had, what is stored, what was left out, where and how much."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from jobctl.core.names import plural

MOST_UNACCOUNTED = 0.02
"""Share of a source's words that may be missing without a known reason before it is a warning."""
FEW_WORDS = 20
"""Number of words below which the share is not meaningful."""
MOST_LOCATIONS = 20
"""Number of locations listed for each kind."""
LEAST_CERTAIN = 0.8
"""Certainty below which a guessed encoding is a warning."""


class LossKind(StrEnum):
    """What a part of a source was that is not in the stored text."""

    PAGES_WITHOUT_TEXT = "pages_without_text"
    CUT_PAGES = "cut_pages"
    MISSING_CHAPTERS = "missing_chapters"
    UNREADABLE_CHAPTERS = "unreadable_chapters"
    UNREADABLE_CHARACTERS = "unreadable_characters"
    EMBEDDED_FILES = "embedded_files"
    PICTURES = "pictures"
    FRAMES = "frames"
    COMMENTS = "comments"
    DELETED_TEXT = "deleted_text"
    PAGE_HEADERS = "page_headers"
    RUNNING_HEADS = "running_heads"
    PAGE_NUMBERS = "page_numbers"
    CONTENTS_ENTRIES = "contents_entries"
    NAVIGATION = "navigation"
    CONTROLS = "controls"
    SCRIPTS = "scripts"
    LINK_TARGETS = "link_targets"
    PROPERTIES = "properties"
    REPEATED_CHAPTERS = "repeated_chapters"
    REPAIRED_CHAPTERS = "repaired_chapters"
    DOUBLED_ENTRIES = "doubled_entries"


LABELS: dict[LossKind, tuple[str, str]] = {
    LossKind.PAGES_WITHOUT_TEXT: ("page", "without text"),
    LossKind.CUT_PAGES: ("page", "cut at the size limit"),
    LossKind.MISSING_CHAPTERS: ("chapter", "missing from the archive"),
    LossKind.UNREADABLE_CHAPTERS: ("chapter", "of an unreadable type"),
    LossKind.UNREADABLE_CHARACTERS: ("character", "without a Unicode value"),
    LossKind.EMBEDDED_FILES: ("embedded file", "not read"),
    LossKind.PICTURES: ("picture", "left out"),
    LossKind.FRAMES: ("frame", "of another page left out"),
    LossKind.COMMENTS: ("comment", "left out"),
    LossKind.DELETED_TEXT: ("tracked deletion", "left out"),
    LossKind.PAGE_HEADERS: ("page header or footer", "left out"),
    LossKind.RUNNING_HEADS: ("running head", "dropped"),
    LossKind.PAGE_NUMBERS: ("page number", "dropped"),
    LossKind.CONTENTS_ENTRIES: ("contents entry", "dropped"),
    LossKind.NAVIGATION: ("navigation block", "dropped"),
    LossKind.CONTROLS: ("form control", "dropped"),
    LossKind.SCRIPTS: ("script or style", "dropped"),
    LossKind.LINK_TARGETS: ("unsafe link target", "removed"),
    LossKind.PROPERTIES: ("property", "kept apart from the text"),
    LossKind.REPEATED_CHAPTERS: ("repeated chapter reference", "read once"),
    LossKind.REPAIRED_CHAPTERS: ("chapter", "not well-formed, read as HTML"),
    LossKind.DOUBLED_ENTRIES: ("doubled archive entry", "of which the last was read"),
}
"""The noun that is counted, and what was done with it."""
SERIOUS = frozenset(
    {
        LossKind.PAGES_WITHOUT_TEXT, LossKind.CUT_PAGES, LossKind.MISSING_CHAPTERS, LossKind.UNREADABLE_CHAPTERS,
        LossKind.UNREADABLE_CHARACTERS, LossKind.EMBEDDED_FILES,
    }
)  # fmt: skip
"""Kinds that are always a warning: text that is visible in the source."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Things of one kind that were left out."""

    kind: LossKind
    count: int
    words: int = 0  # words in them, as far as they can be read
    locations: list[str] = field(default_factory=list)  # the first ones: pages, chapters, entries

    def sentence(self) -> str:
        """``3 pages without text: 4, 17, 88``."""
        noun, fate = LABELS[self.kind]
        label = f"{plural(self.count, noun)} {fate}"
        where = _listed(noun, self.locations)
        more = f" and {self.count - len(self.locations):,} more" if where and self.count > len(self.locations) else ""
        words = f" ({plural(self.words, 'word')})" if self.words else ""
        return f"{label}{words}" + (f": {where}{more}" if where else "")


def _listed(noun: str, locations: Sequence[str]) -> str:
    """``pages 4, 17, 88``, and only the numbers where the noun before them is ``page``."""
    numbers = [location.removeprefix("page ") for location in locations]
    if not locations or any(map(str.__eq__, numbers, locations)):
        return ", ".join(locations)
    label = "" if noun == "page" else "page " if len(numbers) == 1 else "pages "
    return label + ", ".join(numbers)


@dataclass(frozen=True, slots=True)
class Account:
    """Words of a source against words of the stored text."""

    words_seen: int = 0
    words_stored: int = 0
    words_left_out: int = 0  # the words of ``losses``
    words_unaccounted: int = 0  # seen, neither stored nor in a loss
    losses: list[Loss] = field(default_factory=list)
    encoding: str | None = None  # of a text whose encoding had to be guessed
    certainty: float | None = None  # of that guess, 0 to 1

    def warnings(self) -> list[str]:
        """Losses that need attention; ``strict`` refuses a document that has any."""
        found = [loss.sentence() for loss in self.losses if loss.kind in SERIOUS]
        if self.words_unaccounted > max(FEW_WORDS, MOST_UNACCOUNTED * self.words_seen):
            share = self.words_unaccounted / max(self.words_seen, 1)
            found.append(
                f"{plural(self.words_unaccounted, 'word')} of {self.words_seen:,} ({share:.0%}) missing without a known reason"
            )
        if self.encoding is not None and (self.certainty or 0.0) < LEAST_CERTAIN:
            found.append(f"encoding guessed as {self.encoding} (certainty {self.certainty or 0.0:.0%})")
        return found

    def notes(self) -> list[str]:
        """The rest of what was left out, in sentences."""
        found = [loss.sentence() for loss in self.losses if loss.kind not in SERIOUS]
        if self.encoding is not None and (self.certainty or 0.0) >= LEAST_CERTAIN:
            found.append(f"encoding guessed as {self.encoding} (certainty {self.certainty or 0.0:.0%})")
        return found


def merged(losses: Iterable[Loss]) -> list[Loss]:
    """One loss a kind, in the order of the kinds; locations once each, in order."""
    by_kind: dict[LossKind, list[Loss]] = {}
    for loss in losses:
        by_kind.setdefault(loss.kind, []).append(loss)
    return [_sum(kind, by_kind[kind]) for kind in LossKind if kind in by_kind]


def _sum(kind: LossKind, losses: Sequence[Loss]) -> Loss:
    locations = list(dict.fromkeys(location for loss in losses for location in loss.locations))
    return Loss(
        kind, sum(loss.count for loss in losses), sum(loss.words for loss in losses), locations[:MOST_LOCATIONS]
    )


def settled(
    seen: int, stored: int, losses: Iterable[Loss], *, encoding: str | None = None, certainty: float | None = None
) -> Account:
    """The account of a document from its counts."""
    together = merged(losses)
    left_out = sum(loss.words for loss in together)
    missing = max(0, seen - stored - left_out)
    return Account(seen, stored, left_out, missing, together, encoding, certainty)
