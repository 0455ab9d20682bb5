"""From parts to the Markdown that is stored: judged over the whole document, the same bytes every time."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from jobctl.core.account import Account, Loss, LossKind, settled
from jobctl.core.document import CleanText, Part, SourceInfo
from jobctl.core.errors import Invalid
from jobctl.core.links import neutralised_prose
from jobctl.core.markdown import bare
from jobctl.core.terms import word_count
from jobctl.documents.clean.furniture import Spot, furniture, losses
from jobctl.documents.clean.language import language
from jobctl.documents.clean.tidy import outline, tidy
from jobctl.documents.clean.titles import title_of
from jobctl.documents.clean.writer import LONG_HEADING, Writer

__all__ = ["clean", "language", "outline", "title_of"]

SCANNED = 8
"""Characters a page under which a PDF whose pages show pictures is a scan."""
BIGGER = 1.12
"""Times the body size from which a short line is a heading, where there is no outline."""


def clean(info: SourceInfo, parts: Sequence[Part]) -> CleanText:
    """The Markdown, where its pages begin, its headings, its account. Raises ``Invalid`` when no text is left."""
    if info.source_type == "pdf":
        _refuse_scan(parts)
    dropped: list[Loss] = []
    page_starts: list[int] = []
    if any(part.lines or part.notes for part in parts):
        markdown, page_starts, dropped = _pages(parts)
    else:
        markdown, dropped = _joined(info, parts)
    markdown = markdown.rstrip() + "\n"
    if not markdown.strip():
        raise Invalid(f"the {info.source_type} has no text")
    return CleanText(markdown, page_starts, outline(markdown), _account(info, parts, markdown, dropped))


def _joined(info: SourceInfo, parts: Sequence[Part]) -> tuple[str, list[Loss]]:
    """Parts that are Markdown already, as one text whose links are harmless."""
    if info.continuous:
        text = tidy("".join(part.markdown or "" for part in parts)).strip("\n")
    else:
        pieces = (tidy(part.markdown or "").strip("\n") for part in parts)
        text = "\n\n".join(piece for piece in pieces if piece)
    text, count = neutralised_prose(text)
    return text, [Loss(LossKind.LINK_TARGETS, count)] if count else []


def _account(info: SourceInfo, parts: Sequence[Part], markdown: str, dropped: Sequence[Loss]) -> Account:
    found = [*info.losses, *(loss for part in parts for loss in part.losses), *dropped]
    return settled(
        sum(part.words for part in parts), word_count(bare(markdown)), found,
        encoding=info.encoding, certainty=info.certainty,
    )  # fmt: skip


def _refuse_scan(parts: Sequence[Part]) -> None:
    """Pages that are pictures have no characters to speak of."""
    characters = sum(len(line.text) for part in parts for line in part.lines)
    pictures = sum(part.picture for part in parts)
    if any(part.notes for part in parts):
        return
    if characters == 0 or (characters < SCANNED * len(parts) and 2 * pictures > len(parts)):
        raise Invalid("the PDF has no text layer: it needs OCR before jobctl can read it")


# -- pages of lines --------------------------------------------------------------------------------------------------


def _pages(parts: Sequence[Part]) -> tuple[str, list[int], list[Loss]]:
    body = _body_size(parts)
    dropped = furniture(parts, body)
    by_outline = any(line.heading for part in parts for line in part.lines)
    writer = Writer(body, {} if by_outline else _levels(parts, body))
    for number, part in enumerate(parts):
        writer.page()
        for index, line in enumerate(part.lines):
            if Spot(number, index) not in dropped:
                writer.line(line)
        writer.notes(part.notes)
    blank = [f"page {part.page}" for part in parts if not part.lines and not part.notes]
    without = [Loss(LossKind.PAGES_WITHOUT_TEXT, 1, 0, [page]) for page in blank]
    markdown, starts = writer.finish()
    links = [Loss(LossKind.LINK_TARGETS, writer.unsafe_links)] if writer.unsafe_links else []
    return markdown, starts, [*without, *losses(parts, dropped), *links]


def _body_size(parts: Sequence[Part]) -> float:
    sizes: Counter[float] = Counter()
    for part in parts:
        for line in part.lines:
            sizes[round(line.size, 1)] += len(line.text)
    return max(sizes, key=lambda size: (sizes[size], -size), default=10.0) or 10.0


def _levels(parts: Sequence[Part], body: float) -> dict[float, int]:
    """Print sizes clearly larger than the body, largest first, as heading levels 1 to 4."""
    sizes = {
        round(line.size, 1)
        for part in parts for line in part.lines
        if line.size >= BIGGER * body and len(line.text) <= LONG_HEADING and any(c.isalpha() for c in line.text)
    }  # fmt: skip
    levels: dict[float, int] = {}
    tops: list[float] = []
    for size in sorted(sizes, reverse=True):
        if not tops or tops[-1] - size > 0.06 * body:
            tops.append(size)
        levels[size] = min(4, len(tops))
    return levels
