"""The title of a document: its own, where it is plausible, or the largest words of its first page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import PurePath

from jobctl.core.document import Heading, Line, Part, SourceInfo
from jobctl.documents.clean.words import glue, joined

FIRST_PAGES = 2
LONGEST = 300
LARGER = 1.15
"""Times the body size from which the largest print of the first pages is a title."""
_PRODUCER = re.compile(r"^(?:microsoft (?:word|powerpoint|excel)|powerpoint|word) ?[-–:] ?", re.IGNORECASE)
_FILE = re.compile(
    r"\.(?:docx?|odt|rtf|pdf|tex|dvi|ps|eps|indd|qxp|qxd|xlsx?|pptx?|ppt|odp|html?|xhtml|md|txt|epub|fm|pmd|pub|wpd|pages|cdr|ai|tif|tiff|jpe?g|png|xml|mif|sxw)\b",
    re.IGNORECASE,
)
_DEFAULT = re.compile(
    r"(?:untitled|unbenannt|sans[ -]titre|sin título|senza titolo|без названия|document|dokument|documento|presentation|"
    r"powerpoint presentation|powerpoint-präsentation|präsentation|slide|folie|layout|binder|book|scan|scanned document|"
    r"img|image|title|titel|titre|no title|none|null|unknown|print|printing|new document|noname|cover|title page|output|"
    r"\(anonymous\)|anonymous|about:blank|index|main|temp|tmp|test|draft|default|stdin|-)[ _-]{0,3}\d{0,12}",
    re.IGNORECASE,
)
_GENERIC = re.compile(
    r"(?:(?:table of )?contents|inhalt(?:sverzeichnis)?|preface|vorwort|foreword|introduction|einleitung|abstract|"
    r"zusammenfassung|summary|acknowledge?ments?|dedication|copyright|colophon|impressum|license|licence|index|glossary|"
    r"bibliography|references|literatur|notes|about the authors?|prologue|epilogue|sommaire|avant-propos|préface|"
    r"prólogo|índice|title page|cover|half title)\W{0,3}",
    re.IGNORECASE,
)
_NUMBERED = re.compile(
    r"(?:\d{1,3}(?:\.\d{1,3}){0,5}[.)]?|[ivxlc]{1,7}[.)]|(?:chapter|part|section|kapitel|teil|chapitre|capítulo|appendix)\b)(?:\s|$)",
    re.IGNORECASE,
)


def title_of(info: SourceInfo, parts: Sequence[Part], outline: Sequence[Heading], file_name: str) -> str:
    """The document's own title where it makes sense; else the largest print, the first heading, the file name."""
    candidates = (
        _judged(info.title, file_name),
        _largest(parts),
        next(
            (h.title for h in outline if h.level == 1 and not _NUMBERED.match(h.title) and _judged(h.title, "")), None
        ),
        next((h.title for h in outline if not _NUMBERED.match(h.title) and _judged(h.title, "")), None),
    )
    stem = PurePath(file_name).stem.strip() or file_name
    return next((title for title in candidates if title), stem)[:LONGEST]


def _judged(title: str | None, file_name: str) -> str | None:
    """The title without what its producer put before it; None for a meaningless one."""
    text = _PRODUCER.sub("", " ".join((title or "").split())).strip()
    letters = sum(c.isalpha() for c in text)
    path = " " not in text and ("/" in text or "\\" in text)
    nonsense = (
        letters < 2 or path or "\ufffd" in text or _DEFAULT.fullmatch(text) or _GENERIC.fullmatch(text) or _FILE.search(text)
        or (" " not in text and text.casefold() == PurePath(file_name).stem.casefold())
    )  # fmt: skip
    return None if nonsense else text


def _largest(parts: Sequence[Part]) -> str | None:
    """The words in the largest print of the first pages, where it is clearly larger than the rest."""
    lines = [line for part in parts[:FIRST_PAGES] for line in part.lines]
    if not lines:
        return None
    least = LARGER * _usual(parts)
    for size in sorted({round(line.size, 1) for line in lines}, reverse=True):
        if size < least:
            break
        text = _together(lines, size)
        if text and not _NUMBERED.match(text) and _judged(text, ""):
            return text
    return None


def _usual(parts: Sequence[Part]) -> float:
    """The print size of most characters."""
    sizes: dict[float, int] = {}
    for part in parts:
        for line in part.lines:
            sizes[round(line.size, 1)] = sizes.get(round(line.size, 1), 0) + len(line.text)
    return max(sizes, key=lambda size: (sizes[size], -size), default=10.0)


def _together(lines: Sequence[Line], size: float) -> str:
    """The first lines of one size that follow each other."""
    text = ""
    for line in lines:
        if round(line.size, 1) == size:
            text = glue(text, line.text) if text else line.text
            if len(text) > LONGEST:
                return ""
        elif text:
            break
    return joined(text)
