"""A document as process_document would store it, read here without a job and without storing anything."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jobctl.wiring.configuration import Settings
from jobctl.wiring.extras import needs_documents
from jobctl.wiring.plugins import plugin

if TYPE_CHECKING:
    from jobctl.core.account import Account
    from jobctl.core.document import Extractor, Heading, Span


@dataclass(frozen=True, slots=True)
class Preview:
    """What a document becomes. ``passages`` are all of them, in order."""

    title: str
    source_type: str
    pages: int | None
    language: str | None
    outline: Sequence[Heading]
    account: Account
    passages: Sequence[Span]


@needs_documents("doctor --document")
def preview(settings: Settings, path: Path) -> Preview:
    """Reads and cleans a document. Raises ``Invalid`` for one that the job would refuse, ``OSError`` for no file."""
    from jobctl.documents.chunk import chunk
    from jobctl.documents.clean import clean, language, title_of
    from jobctl.documents.extract import detect
    from jobctl.handlers.process_document import ProcessDocument

    extractor: Extractor = plugin(settings, {}, "extractor", detect(path))
    source = extractor.open(path)
    try:
        parts = [source.part(number) for number in range(source.info.part_count)]
    finally:
        source.close()
    text = clean(source.info, parts)
    size = ProcessDocument(path=str(path)).chunk_size
    return Preview(
        title_of(source.info, parts, text.outline, path.name), source.info.source_type, source.info.page_count,
        source.info.language or language(text.markdown), text.outline, text.account, chunk(text, size=size),
    )  # fmt: skip
