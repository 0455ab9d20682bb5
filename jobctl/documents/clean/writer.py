"""Lines of pages put together to paragraphs, lists, code and headings."""

from __future__ import annotations

import re

from jobctl.core.document import Line
from jobctl.core.links import neutralised
from jobctl.documents.clean.tidy import tidy
from jobctl.documents.clean.words import glue, joined

LONG_HEADING = 120
"""Characters from which a line in large print is not a heading by its size alone."""
_BULLET = re.compile(r"^\s*[•◦▪▸‣●○–—∙·⁃]\s*")
_NUMBERED = re.compile(r"^\s*(\d{1,3}|[a-z])[.)]\s+\S", re.IGNORECASE)
_MARKDOWN = re.compile(r"^(#|>|```|~~~|\+ |=+$)")


class Writer:
    """Takes pages line by line; ``finish`` returns the Markdown and the offsets of its pages."""

    def __init__(self, body: float, levels: dict[float, int]) -> None:
        self._body = body
        self._levels = levels
        self._blocks: list[str] = []
        self._length = 0
        self._paragraph: list[str] = []
        self._code: list[Line] = []
        self._last: Line | None = None
        self._starts: list[int] = []
        self._open = 0  # pages whose start is not known yet
        self._turned = False
        self._notes: list[str] = []
        self.unsafe_links = 0

    def page(self) -> None:
        """A new page; a paragraph may run over."""
        self._starts.append(-1)
        self._turned = True

    def notes(self, notes: list[str]) -> None:
        """What belongs to the page beside its lines; it comes after the paragraph that is open."""
        self._notes += notes
        if not self._paragraph:
            self._end_code()
            self._end_paragraph()

    def line(self, line: Line) -> None:
        """The next line that belongs to the text."""
        if self._turned:
            self._begin_page(line)
        level = self._level(line)
        if line.table:
            self._table(line)
        elif level and len(line.text) <= 2 * LONG_HEADING:
            self._heading(line, level)
        elif line.mono and not self._inside(line):
            self._end_paragraph()
            self._code.append(line)
        else:
            self._text(line)
        self._last = line

    def _level(self, line: Line) -> int:
        return line.heading or (0 if line.mono or line.table else self._levels.get(round(line.size, 1), 0))

    def _begin_page(self, line: Line) -> None:
        """A page begins where its first line goes: inside the running paragraph, or at the next block."""
        self._turned = False
        plain = not (line.mono or line.table or self._level(line))
        if self._code and not line.mono:
            self._end_code()
        if self._paragraph and not (plain and not self._breaks(line, line.text)):
            self._end_paragraph()
        self._mark_pages(self._length + sum(map(len, self._paragraph)))

    def _mark_pages(self, at: int) -> None:
        while self._open < len(self._starts):
            self._starts[self._open] = at
            self._open += 1

    def _inside(self, line: Line) -> bool:
        """A line of a paragraph that is code from end to end, like a long path."""
        return bool(self._paragraph) and 0 < line.gap < 1.35 and not self._code

    def _heading(self, line: Line, level: int) -> None:
        self._end_paragraph()
        self._end_code()
        mark = "#" * min(level, 6)
        text = joined(line.text)
        last = self._last
        continued = (
            not line.heading and last is not None and not last.heading and self._blocks
            and self._blocks[-1].startswith(mark + " ") and len(self._blocks[-1]) <= 2 * LONG_HEADING
            and abs(last.size - line.size) < 0.2 and 0 < line.gap < 2.0
        )  # fmt: skip
        if continued:
            gone = self._blocks.pop()
            self._length -= len(gone) + 2
            text = joined(glue(gone[len(mark) + 1 :], text))
        self._emit(f"{mark} {self._harmless(text)}")

    def _table(self, line: Line) -> None:
        self._end_paragraph()
        self._end_code()
        rows = ["| " + " | ".join(_cell(text) for text in row) + " |" for row in line.table]
        rows.insert(1, "|" + " --- |" * len(line.table[0]))
        self._emit(self._harmless("\n".join(rows)))

    def _text(self, line: Line) -> None:
        self._end_code()
        text = _BULLET.sub("- ", line.text) if _BULLET.match(line.text) else line.text
        if text == "- ":
            text = "-"
        if self._paragraph and not self._breaks(line, text):
            last = self._paragraph.pop()
            whole = glue(last, text)
            self._paragraph += [whole[: -len(text)], text]
        else:
            self._end_paragraph()
            self._paragraph = [text]

    def _breaks(self, line: Line, text: str) -> bool:
        """Whether a line starts a new paragraph."""
        last = self._last
        if last is None or text.startswith("- ") or (_NUMBERED.match(text) and line.gap > 0):
            return True
        if line.gap < 0 or last.mono:  # a new page or column: go on unless the sentence is over
            return (
                self._paragraph[-1].rstrip().endswith((".", "!", "?", ":", "。", "”", '"')) and not text[:1].islower()
            )
        if abs(line.size - last.size) > 0.15 * self._body:
            return True
        return line.gap > 1.65

    def _end_paragraph(self) -> None:
        text = joined("".join(self._paragraph))
        self._paragraph = []
        if text and text != "-":
            self._emit(self._harmless(_MARKDOWN.sub(r"\\\1", text)))
        notes, self._notes = self._notes, []
        for note in notes:
            self._emit(self._harmless(tidy(note)))

    def _harmless(self, text: str) -> str:
        text, count = neutralised(text)
        self.unsafe_links += count
        return text

    def _end_code(self) -> None:
        if self._code:
            left = min(line.indent for line in self._code)
            wide = 0.6 * (self._code[0].size or 10.0)
            rows = [" " * min(round((line.indent - left) / wide), 200) + tidy(line.text) for line in self._code]
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
        self._mark_pages(len(text))
        starts: list[int] = []
        for start in self._starts:
            least = starts[-1] if starts else 0
            starts.append(min(max(start, least), len(text)))
        return text, starts


def _cell(text: str) -> str:
    return joined(text).replace("|", "\\|")
