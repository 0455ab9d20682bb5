"""From parts to the Markdown that is stored: judged over the whole document, the same bytes every time."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from jobctl.core.document import CleanText, Heading, Line, Part, SourceInfo
from jobctl.core.errors import Invalid

EDGE = 0.09
"""Part of the page height at top and bottom where running heads live."""
SCANNED = 8
"""Characters a page under which a PDF is a scan."""
RUNNING_PAGES = 3
"""Pages on which a line at the edge has to stand, numbers aside, to be a running head."""
BIGGER = 1.12
"""Times the body size from which a short line is a heading, where there is no outline."""
LONG_HEADING = 120
SOFT = "\ufffe\x02\u00ad"
_LEADERS = re.compile(r"(?:\s?[.·…]\s?){5,}\s*[\divxlc]*\s*$", re.IGNORECASE)
_BULLET = re.compile(r"^\s*[•◦▪▸‣●○–—∙·⁃]\s*")
_NUMBERED = re.compile(r"^\s*(\d{1,3}|[a-z])[.)]\s+\S", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff\ufeff\u2028\u2029]")
_ATX = re.compile(r"^(#{1,6})[ \t]+(.*?)[ \t]*#*[ \t]*$")
_FENCE = re.compile(r"^ {0,3}(```+|~~~+)")
_WIDE = re.compile(r"[\u3000-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uff00-\uffef]")


def clean(info: SourceInfo, parts: Sequence[Part]) -> CleanText:
    """The Markdown, where its pages begin, its headings. Raises ``Invalid`` when no text is left."""
    if info.source_type == "pdf":
        _refuse_scan(parts)
    if any(part.lines for part in parts):
        markdown, page_starts = _pages(parts)
    else:
        pieces = (_tidy(part.markdown or "").strip("\n") for part in parts)
        markdown, page_starts = "\n\n".join(piece for piece in pieces if piece), []
    markdown = markdown.rstrip() + "\n"
    if not markdown.strip():
        raise Invalid(f"the {info.source_type} has no text")
    return CleanText(markdown, page_starts, outline(markdown))


def _refuse_scan(parts: Sequence[Part]) -> None:
    """Pages that are pictures have no characters to speak of."""
    if sum(len(line.text) for part in parts for line in part.lines) < SCANNED * max(1, len(parts)):
        raise Invalid("the PDF has no text layer: it needs OCR before jobctl can read it")


def outline(markdown: str) -> list[Heading]:
    """ATX headings outside of code, with the offset of their line."""
    found: list[Heading] = []
    fence: str | None = None
    start = 0
    for line in markdown.split("\n"):
        mark = _FENCE.match(line)
        if mark and (fence is None or line.strip().startswith(fence)):
            fence = None if fence else mark.group(1)
        elif fence is None and (heading := _ATX.match(line)):
            found.append(Heading(len(heading.group(1)), heading.group(2), start))
        start += len(line) + 1
    return found


def _tidy(text: str) -> str:
    """NFC, Unix line ends, no control characters, no lone surrogates, no trailing blanks."""
    text = text.encode("utf-8", "replace").decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    text = _CONTROL.sub("", unicodedata.normalize("NFC", text))
    text = re.sub(r"[ \t]+$", "", text, flags=re.MULTILINE)
    return re.sub(r"\n{3,}", "\n\n", text)


# -- pages of lines --------------------------------------------------------------------------------------------------


def _pages(parts: Sequence[Part]) -> tuple[str, list[int]]:
    running = _running(parts)
    body = _body_size(parts)
    by_outline = any(line.heading for part in parts for line in part.lines)
    levels = {} if by_outline else _levels(parts, body)
    writer = _Writer(body, by_outline=by_outline, levels=levels)
    for part in parts:
        writer.page()
        for line in part.lines:
            if not (_key(line) in running or _LEADERS.search(line.text) or _page_number(line)):
                writer.line(line)
    return writer.finish()


def _running(parts: Sequence[Part]) -> set[tuple[str, int]]:
    """Lines at the edges of pages that come again and again, numbers aside."""
    seen = Counter(_key(line) for part in parts for line in {_key(x): x for x in part.lines if _at_edge(x)}.values())
    return {key for key, count in seen.items() if count >= RUNNING_PAGES}


def _at_edge(line: Line) -> bool:
    return not line.heading and (line.y > 1 - EDGE or line.y < EDGE)


def _key(line: Line) -> tuple[str, int]:
    """What a running head has in common from page to page; a line in the middle is none."""
    if not _at_edge(line):
        return (line.text, -1)
    return (re.sub(r"[\divxlc]+", "#", line.text.lower()).strip(), round(line.y * 50))


def _page_number(line: Line) -> bool:
    return _at_edge(line) and bool(re.fullmatch(r"[-–—\s]*(?:\d{1,4}|[ivxlc]{1,7})[-–—\s]*", line.text.lower()))


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
    merged: list[float] = []
    for size in sorted(sizes, reverse=True):
        if not merged or merged[-1] - size > 0.06 * body:
            merged.append(size)
    return {size: min(4, 1 + sum(1 for top in merged if top - size > 0.06 * body)) for size in sizes}


class _Writer:
    """Puts lines together to paragraphs, lists, code and headings."""

    def __init__(self, body: float, *, by_outline: bool, levels: dict[float, int]) -> None:
        self._body = body
        self._by_outline = by_outline
        self._levels = levels
        self._blocks: list[str] = []
        self._length = 0
        self._paragraph = ""
        self._code: list[Line] = []
        self._last: Line | None = None
        self._starts: list[int] = []
        self._turned = False

    def page(self) -> None:
        """A new page; a paragraph may run over."""
        self._starts.append(-1)
        self._turned = True

    def line(self, line: Line) -> None:
        """The next line that belongs to the text."""
        if self._turned:
            self._begin_page(line)
        level = line.heading or (0 if line.mono else self._levels.get(round(line.size, 1), 0))
        if level and len(line.text) <= 2 * LONG_HEADING:
            self._heading(line, level)
        elif line.mono and not self._inside(line):
            self._end_paragraph()
            self._code.append(line)
        else:
            self._text(line)
        self._last = line

    def _begin_page(self, line: Line) -> None:
        """A page begins where its first line goes: inside the running paragraph, or at the next block."""
        self._turned = False
        plain = not (line.heading or line.mono or self._levels.get(round(line.size, 1)))
        if self._code and not line.mono:
            self._end_code()
        if self._paragraph and not (plain and not self._breaks(line, line.text)):
            self._end_paragraph()
        at = self._length + (len(self._paragraph) if self._paragraph else 0)
        for index, start in enumerate(self._starts):
            if start < 0:
                self._starts[index] = at

    def _inside(self, line: Line) -> bool:
        """A line of a paragraph that is code from end to end, like a long path."""
        return bool(self._paragraph) and 0 < line.gap < 1.35 and not self._code

    def _heading(self, line: Line, level: int) -> None:
        self._end_paragraph()
        self._end_code()
        mark = "#" * min(level, 6)
        text = _joined_words(line.text)
        last = self._last
        continued = (
            not line.heading and last is not None and not last.heading and self._blocks
            and self._blocks[-1].startswith(mark + " ") and abs(last.size - line.size) < 0.2 and 0 < line.gap < 2.0
        )  # fmt: skip
        if continued:
            gone = self._blocks.pop()
            self._length -= len(gone) + 2
            text = _glue(gone[len(mark) + 1 :], text)
        self._emit(f"{mark} {text}")

    def _text(self, line: Line) -> None:
        self._end_code()
        text = _BULLET.sub("- ", line.text) if _BULLET.match(line.text) else line.text
        if text == "- ":
            text = "-"
        if self._paragraph and not self._breaks(line, text):
            self._paragraph = _glue(self._paragraph, text)
        else:
            self._end_paragraph()
            self._paragraph = text

    def _breaks(self, line: Line, text: str) -> bool:
        """Whether a line starts a new paragraph."""
        last = self._last
        if last is None or text.startswith("- ") or (_NUMBERED.match(text) and line.gap > 0):
            return True
        if line.gap < 0 or last.mono:  # a new page or column: go on unless the sentence is over
            return self._paragraph.rstrip().endswith((".", "!", "?", ":", "。", "”", '"')) and not text[:1].islower()
        if abs(line.size - last.size) > 0.15 * self._body:
            return True
        return line.gap > 1.65

    def _end_paragraph(self) -> None:
        if self._paragraph:
            text = _joined_words(self._paragraph)
            if text and text != "-":
                self._emit(re.sub(r"^(#|>|```|~~~|\+ |=+$)", r"\\\1", text))
        self._paragraph = ""

    def _end_code(self) -> None:
        if self._code:
            left = min(line.indent for line in self._code)
            wide = 0.6 * (self._code[0].size or 10.0)
            rows = [" " * round((line.indent - left) / wide) + _tidy(line.text) for line in self._code]
            fence = "```" if not any("```" in row for row in rows) else "~~~~"
            self._code = []
            self._emit("\n".join([fence, *rows, fence]))

    def _emit(self, block: str) -> None:
        self._blocks.append(block)
        self._length += len(block) + 2

    def finish(self) -> tuple[str, list[int]]:
        """The text and the offsets of its pages."""
        self._end_paragraph()
        self._end_code()
        text = "\n\n".join(self._blocks)
        starts: list[int] = []
        for start in self._starts:
            floor = starts[-1] if starts else 0
            starts.append(min(max(start if start >= 0 else len(text), floor), len(text)))
        return text, starts


def _glue(before: str, after: str) -> str:
    """Joins two lines: a soft hyphen goes, a hard one stays, wide scripts take no space."""
    if before and before[-1] in SOFT:
        return before[:-1] + after
    if before.endswith("-") and len(before) > 1 and before[-2].isalpha() and after[:1].isalpha():
        return before + after
    if before and after and _WIDE.match(before[-1]) and _WIDE.match(after[0]):
        return before + after
    return f"{before} {after}"


def _joined_words(text: str) -> str:
    for mark in SOFT:
        text = text.replace(mark, "")
    return " ".join(_tidy(text).split())


# -- language --------------------------------------------------------------------------------------------------------

_STOPWORDS = {
    "en": "the of and to in is that for it with as was on are be this by",
    "de": "der die und das ist nicht von zu den mit auf ein eine im dem sich",
    "fr": "le la les des et est une que dans pour pas qui sur du au ne",
    "es": "el los las que una por con para del se es no como su al lo",
    "it": "il che di una per non sono con del della gli è anche più si nel",
    "pt": "o os as que uma por com para não do da em um se é mais",
    "nl": "het een van en dat niet zijn op te voor met aan er ook",
}
_SCRIPTS = (("ja", "\u3040-\u30ff"), ("ko", "\uac00-\ud7af"), ("zh", "\u4e00-\u9fff"), ("ru", "\u0400-\u04ff"),
            ("el", "\u0370-\u03ff"), ("he", "\u0590-\u05ff"), ("ar", "\u0600-\u06ff"))  # fmt: skip


def language(text: str) -> str | None:
    """A two-letter code by script, then by common words; None when nothing is clear."""
    sample = text[:50_000]
    letters = sum(1 for c in sample if c.isalpha()) or 1
    for code, script in _SCRIPTS:
        if len(re.findall(f"[{script}]", sample)) > 0.1 * letters:
            return code
    words = Counter(re.findall(r"[^\W\d_]+", sample.lower()))
    scores = {code: sum(words[w] for w in common.split()) for code, common in _STOPWORDS.items()}
    best = max(scores, key=lambda code: scores[code])
    return best if scores[best] > 0.05 * sum(words.values()) else None
