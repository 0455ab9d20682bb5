"""What a file is, by its content; the name only decides between kinds of plain text."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from jobctl.core.errors import Invalid

FORMATS = ("pdf", "epub", "docx", "html", "markdown", "text")
SUFFIXES = {
    ".pdf": "pdf", ".epub": "epub", ".docx": "docx", ".html": "html", ".htm": "html", ".xhtml": "html",
    ".md": "markdown", ".markdown": "markdown", ".txt": "text", ".text": "text",
}  # fmt: skip
_HTML = re.compile(rb"<\s*(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_MARKS = re.compile(r"^(?:#{1,6} \S|```|[-*] \S|\d+\. \S|> \S)|\[[^\]\n]+\]\([^)\n]+\)", re.MULTILINE)
_HEAD = 64 * 1024


def detect(path: Path) -> str:
    """One of ``FORMATS``. Raises ``Invalid`` for what is no document."""
    name = path.name
    if path.is_dir():
        raise Invalid(f"{name} is a folder, not a document")
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    if not head.strip():
        raise Invalid(f"{name} is empty")
    if b"%PDF-" in head[:1024]:
        return "pdf"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _archive(path)
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise Invalid(f"{name} is an old Office file or an encrypted one: save it as DOCX without a password")
    if _binary(head):
        raise Invalid(f"{name} is binary data, not a document that jobctl can read ({', '.join(FORMATS)})")
    if _HTML.search(head[:4096]):
        return "html"
    named = SUFFIXES.get(path.suffix.lower())
    if named in ("markdown", "text", "html"):
        return named
    return "markdown" if len(_MARKS.findall(head.decode("utf-8", "replace"))) >= 3 else "text"


def _archive(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise Invalid(f"{path.name} is a damaged or truncated archive") from None
    if "META-INF/container.xml" in names:
        return "epub"
    if "word/document.xml" in names:
        return "docx"
    raise Invalid(f"{path.name} is an archive, but neither EPUB nor DOCX")


def _binary(head: bytes) -> bool:
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return False  # UTF-16 with its mark
    controls = sum(1 for byte in head if byte < 9 or 13 < byte < 27 or 27 < byte < 32)
    return b"\x00" in head or controls > len(head) // 50
