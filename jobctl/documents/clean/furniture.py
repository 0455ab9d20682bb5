"""Lines of a PDF that belong to the pages and not to the text: running heads, page numbers, contents lists.

Large print is never a running head; a line that changes in another way than the page number is content. In doubt a line
stays: a repeated head is seen, a lost chapter title is not.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from jobctl.core.account import Loss, LossKind
from jobctl.core.document import Line, Part
from jobctl.core.terms import word_count

EDGE = 0.09
"""Part of the page height at top and bottom where running heads live."""
MARGIN = 0.14
"""Part of the page height where a page number alone in its line may stand."""
RUNNING_PAGES = 3
"""Pages on which the same line has to stand at the same height to be a running head."""
RUNNING_SHARE = 0.45
"""Share of the pages between its first and its last one: a head stands on every page or every other one."""
CHANGING_PAGES, CHANGING_SHARE = 5, 0.5
"""Pages, and share of them, that have to show a title beside the page number before titles that change are heads."""
LONGEST_RUNNING = 90
BOLD_SHARE = 0.5
"""Share of the pages on which a bold line has to stand: a chapter's title stands on fewer."""
LARGE = 1.12
"""Times the body size from which a line is never a running head."""
NUMBERED_SHARE = 0.3
"""Share of the pages that have to show a page number at one height before a lone one counts."""
LEADER_DOTS = 4
"""Dots in a row that make a leader."""
CONTENTS_ENTRIES = 3
"""Entries that make a contents list."""
LONGEST_HEAD = 40
"""Characters of a heading over a contents list."""
BETWEEN = 4
"""Lines without a page number that may follow each other in a contents list: titles that run over, parts of a book."""
ROMAN = {"i": 1, "v": 5, "x": 10, "l": 50, "c": 100}
_DOTS = frozenset(".·…․‥")
_NUMBERS = re.compile(r"(?<![\w.,:/-])(?:\d{1,5}|[ivxlc]{1,8})(?![.,:/-]?\w)", re.IGNORECASE)
_PAGE_WORDS = frozenset(
    "page p pg of seite von página pagina de di sur strana stránka sida side strona 页 頁 第 ページ".split()
)
_SEQUENCES = frozenset(
    """chapter section part invoice exercise slide table figure lesson unit week day question problem appendix step letter
    kapitel teil rechnung aufgabe übung folie abschnitt brief tag woche chapitre partie exercice leçon facture annexe
    capítulo parte ejercicio factura lección capitolo esercizio fattura lezione глава часть раздел урок""".split()
)
"""Words that are counted in the text itself: with a number they are content, whatever page they stand on."""
_CONTENTS = frozenset(
    """contents tableofcontents contentsofthisbook inhalt inhaltsverzeichnis inhaltsübersicht tabledesmatières
    sommaire índice indice contenido tabladecontenidos sumário sommario inhoud inhoudsopgave spistreści obsah innehåll
    indhold innhold sisällys содержание оглавление 目次 目录 目錄 차례 목차 περιεχόμενα içindekiler tartalom listoffigures
    listoftables abbildungsverzeichnis tabellenverzeichnis""".split()
)


@dataclass(frozen=True, slots=True)
class Spot:
    """A line by the number of its part and its own."""

    part: int
    line: int


def furniture(parts: Sequence[Part], body: float) -> dict[Spot, LossKind]:
    """The lines to be dropped, and why. ``body``: print size of the text in points."""
    found: dict[Spot, LossKind] = {}
    edges = [*_edges(parts, body)]
    offset = _offset(edges, len(parts))
    _numbers(edges, offset, len(parts), found)
    _repeated(edges, offset, len(parts), found)
    _contents(parts, body, found)
    return found


def losses(parts: Sequence[Part], dropped: Mapping[Spot, LossKind]) -> list[Loss]:
    """What was dropped, line by line."""
    return [
        Loss(kind, 1, word_count(parts[spot.part].lines[spot.line].text), [f"page {parts[spot.part].page}"])
        for spot, kind in dropped.items()
    ]


# -- running heads and page numbers ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Edge:
    spot: Spot
    line: Line
    height: int  # in hundredths of the page
    outer: bool  # where running heads live; else only a page number may stand there


def _edges(parts: Sequence[Part], body: float) -> Iterator[_Edge]:
    for number, part in enumerate(parts):
        for index, line in enumerate(part.lines):
            in_margin = line.y > 1 - MARGIN or line.y < MARGIN
            if in_margin and not line.heading and line.size < LARGE * body and len(line.text) < 300:
                outer = line.y > 1 - EDGE or line.y < EDGE
                yield _Edge(Spot(number, index), line, round(line.y * 100), outer)


def _values(text: str) -> list[tuple[int, str]]:
    """Numbers of a line that may be page numbers, as (value, kind)."""
    found = []
    for match in _NUMBERS.finditer(text):
        word = match.group().lower()
        found.append((int(word), "arabic") if word.isdigit() else (_roman(word), "roman"))
    return found


def _roman(word: str) -> int:
    values = [ROMAN[c] for c in word]
    return sum(-v if v < max(values[i:]) else v for i, v in enumerate(values))


def _offset(edges: Sequence[_Edge], pages: int) -> dict[str, set[int]]:
    """By kind of numeral, how far printed numbers are from the index of the page, where several pages agree."""
    seen: dict[str, Counter[int]] = {"arabic": Counter(), "roman": Counter()}
    counted: dict[str, set[tuple[int, int]]] = {"arabic": set(), "roman": set()}
    for edge in edges:
        for value, kind in _values(edge.line.text):
            key = (edge.spot.part, value - edge.spot.part)
            if key not in counted[kind]:
                counted[kind].add(key)
                seen[kind][key[1]] += 1
    least = max(2, pages // 10)
    return {kind: {o for o, n in counts.most_common(4) if n >= least} for kind, counts in seen.items()}


def _without_number(edge: _Edge, offset: Mapping[str, set[int]]) -> str:
    """The line's text with ``#`` for what is its page number."""

    def marked(match: re.Match[str]) -> str:
        ((value, kind),) = _values(match.group())
        return "#" if value - edge.spot.part in offset[kind] else match.group()

    return " ".join(_NUMBERS.sub(marked, edge.line.text).lower().split())


def _numbers(edges: Sequence[_Edge], offset: Mapping[str, set[int]], pages: int, found: dict[Spot, LossKind]) -> None:
    """Page numbers alone in their line, "Page 3 of 20" among them; and heads that change but go with the page number."""
    texts = {edge.spot: _without_number(edge, offset) for edge in edges}
    numbered: dict[int, set[int]] = defaultdict(set)
    heads: dict[int, set[int]] = defaultdict(set)
    for edge in edges:
        if "#" in texts[edge.spot]:
            numbered[edge.height].add(edge.spot.part)
            if _is_head(edge, texts[edge.spot]):
                heads[edge.height].add(edge.spot.part)
    usual = _around(height for height, on in numbered.items() if len(on) >= max(2, NUMBERED_SHARE * pages))
    changing = _around(height for height, on in heads.items() if len(on) >= max(CHANGING_PAGES, CHANGING_SHARE * pages))
    for edge in edges:
        text = texts[edge.spot]
        if "#" in text and _only_number(text) and edge.height in usual:
            found[edge.spot] = LossKind.PAGE_NUMBERS
        elif _is_head(edge, text) and edge.height in changing:
            found[edge.spot] = LossKind.RUNNING_HEADS


def _around(heights: Iterable[int]) -> set[int]:
    return {height + by for height in heights for by in (-1, 0, 1)}


def _is_head(edge: _Edge, text: str) -> bool:
    """``the tides #``, ``# the tides``: a title beside the page number, and neither a sentence nor a footnote."""
    beside = (text.startswith("#") and edge.line.y > EDGE) or text.endswith("#")
    return beside and edge.outer and not edge.line.bold and len(text) <= LONGEST_RUNNING and not _sequence(text)


def _only_number(text: str) -> bool:
    words = "".join(c if c.isalnum() or c == "#" else " " for c in text).split()
    return all(word == "#" or word.isdigit() or word in _PAGE_WORDS for word in words)


def _sequence(text: str) -> bool:
    """``chapter #``, ``invoice no. #``: numbered content whose number happens to go with the pages."""
    words = "".join(c if c.isalnum() or c == "#" else " " for c in text).split()
    return 0 < len(words) <= 3 and words[0] in _SEQUENCES


def _repeated(edges: Sequence[_Edge], offset: Mapping[str, set[int]], pages: int, found: dict[Spot, LossKind]) -> None:
    """The same words at the same height on several pages; bold ones on most pages, or with their page number."""
    groups: dict[tuple[str, int], list[_Edge]] = defaultdict(list)
    for edge in edges:
        text = _without_number(edge, offset)
        if edge.outer and edge.spot not in found and not (_sequence(text) and "#" in text):
            groups[text, edge.height // 2].append(edge)
    for (text, _), group in groups.items():
        on = {edge.spot.part for edge in group}
        bold = any(edge.line.bold for edge in group) and "#" not in text
        least = max(RUNNING_PAGES + 1, BOLD_SHARE * pages) if bold else RUNNING_PAGES
        if len(on) >= max(least, RUNNING_SHARE * (max(on) - min(on) + 1)):
            found.update({edge.spot: LossKind.RUNNING_HEADS for edge in group})


# -- contents lists ----------------------------------------------------------------------------------------------------


def leader(text: str) -> tuple[str, str] | None:
    """(title, page) of a line whose title and page are joined by dots; None for any other line."""
    end = text.rstrip()
    cut = len(end)
    while cut and end[cut - 1].isalnum():
        cut -= 1
    page, rest = end[cut:], end[:cut].rstrip()
    position, dots = len(rest), 0
    while position and (rest[position - 1] in _DOTS or rest[position - 1].isspace()):
        position -= 1
        dots += 3 if rest[position] in "…‥" else rest[position] in _DOTS
    if dots < LEADER_DOTS or not position:
        return None
    return rest[:position].rstrip(), page


def _contents(parts: Sequence[Part], body: float, found: dict[Spot, LossKind]) -> None:
    """Entries of contents lists: under a heading that says so, with page numbers that never fall."""
    entries = _Entries()
    for spot, line in ((Spot(p, n), line) for p, part in enumerate(parts) for n, line in enumerate(part.lines)):
        if spot in found:
            continue
        if len(line.text) <= LONGEST_HEAD and _folded(line.text) in _CONTENTS:
            found.update(entries.finished())
            entries.open = True
        elif entries.open and not entries.take(spot, line, body):
            found.update(entries.finished())
    found.update(entries.finished())


class _Entries:
    """The entries of the contents list that is being read."""

    def __init__(self) -> None:
        self._clear()

    def _clear(self) -> None:
        self.open = False
        self._spots: list[Spot] = []
        self._page = self._misses = 0

    def take(self, spot: Spot, line: Line, body: float) -> bool:
        """Whether the line may belong to the list; one with a leader and a page that does not fall is an entry."""
        entry = leader(line.text)
        page = _page(entry[1]) if entry else None
        if page is not None and page >= self._page - 1:
            self._spots.append(spot)
            self._page, self._misses = max(self._page, page), 0
            return True
        self._misses += 1
        return self._misses <= BETWEEN and not _ends_list(line, body)

    def finished(self) -> dict[Spot, LossKind]:
        """The entries, where they are enough for a list; then the list ends."""
        spots = self._spots if len(self._spots) >= CONTENTS_ENTRIES else []
        self._clear()
        return dict.fromkeys(spots, LossKind.CONTENTS_ENTRIES)


def _ends_list(line: Line, body: float) -> bool:
    """A sentence, or a heading of what comes after the list."""
    return line.text.rstrip().endswith((".", "!", "?", "。")) or bool(line.heading) or line.size >= LARGE * body


def _page(text: str) -> int | None:
    """The value of a page number; roman ones come before all others."""
    if text.isascii() and text.isdigit() and len(text) <= 5:
        return int(text)
    return 0 if text and all(c in ROMAN for c in text.lower()) else None


def _folded(text: str) -> str:
    return "".join(c for c in text.lower() if c.isalpha())
