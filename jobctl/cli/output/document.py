"""The report on a document: what of it would be stored, and what would be left out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from jobctl.core.names import plural

if TYPE_CHECKING:
    from jobctl.wiring.previews import Preview

PASSAGES = 3
"""Passages that are shown."""
HEADINGS = 40
"""Headings that are shown to people; JSON has all."""
EXCERPT = 240
"""Characters of a passage that are shown to people."""


def report_lines(found: Preview) -> Iterator[str]:
    """The report as lines of plain text."""
    account = found.account
    size = f", {plural(found.pages, 'page')}" if found.pages is not None else ""
    yield f"title      {found.title}"
    yield f"format     {found.source_type}{size}"
    yield f"language   {found.language or 'not recognised'}"
    yield f"words      {account.words_stored:,} stored of {account.words_seen:,}"
    yield f"passages   {len(found.passages):,}"
    for number, sentence in enumerate(account.warnings()):
        yield f"{'warning' if number == 0 else '':<9}  {sentence}"
    for number, sentence in enumerate(account.notes()):
        yield f"{'left out' if number == 0 else '':<9}  {sentence}"
    yield from _outline(found)
    for passage in found.passages[:PASSAGES]:
        page = f", page {passage.page_start}" if passage.page_start is not None else ""
        yield ""
        yield f"passage {passage.index + 1}{page}: {' > '.join(passage.heading_path) or 'no heading'}"
        text = " ".join(passage.text.split())
        yield f"  {text if len(text) <= EXCERPT else text[:EXCERPT].rsplit(' ', 1)[0] + ' …'}"


def _outline(found: Preview) -> Iterator[str]:
    yield ""
    yield f"outline, {plural(len(found.outline), 'heading')}" if found.outline else "outline: no headings"
    for heading in found.outline[:HEADINGS]:
        yield f"  {'  ' * (heading.level - 1)}{heading.title}"
    if len(found.outline) > HEADINGS:
        yield f"  … and {len(found.outline) - HEADINGS:,} more"


def report_object(found: Preview) -> dict[str, object]:
    """The report in JSON: the whole outline, the account, the first passages."""
    account = found.account
    return {
        "title": found.title, "source_type": found.source_type, "pages": found.pages, "language": found.language,
        "outline": [asdict(heading) for heading in found.outline],
        "account": asdict(account), "warnings": account.warnings(), "notes": account.notes(),
        "passages": len(found.passages), "first_passages": [asdict(passage) for passage in found.passages[:PASSAGES]],
    }  # fmt: skip
