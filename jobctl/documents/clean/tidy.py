"""Text as it is stored: one normal form, one kind of line end, nothing that can't be printed."""

from __future__ import annotations

import re
import unicodedata

from jobctl.core.document import Heading
from jobctl.core.markdown import atx, prose

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff\ufeff\u2028\u2029]")
_BLANK_LINES = re.compile(r"\n{3,}")


def tidy(text: str) -> str:
    """NFC, Unix line ends, no control characters, no lone surrogates, no trailing blanks."""
    text = text.encode("utf-8", "replace").decode("utf-8").replace("\r\n", "\n").replace("\r", "\n")
    text = _CONTROL.sub("", unicodedata.normalize("NFC", text))
    return _BLANK_LINES.sub("\n\n", "\n".join(line.rstrip(" \t") for line in text.split("\n")))


def outline(markdown: str) -> list[Heading]:
    """ATX headings outside of code, with the offset of their line."""
    return [Heading(*heading, start) for start, line in prose(markdown) if (heading := atx(line)) is not None]
