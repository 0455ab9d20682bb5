"""What a file is, by how it begins; the name decides between kinds of text, and the content of the text never does."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from jobctl.core.errors import Invalid
from jobctl.core.formats import SUFFIXES
from jobctl.documents.extract.encoding import BOMS, without_mark

FORMATS = ("pdf", "epub", "docx", "html", "markdown", "text")
_TEXTS = ("markdown", "text", "html")
_HTML = re.compile(
    rb"\s*(?:<\?xml[^<>]*>\s*)?(?:<!--(?:[^-]|-(?!->))*-->\s*)*<\s?(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE
)
_XML = re.compile(rb"\s*<\?xml\b", re.IGNORECASE)
_MIME = re.compile(rb"(?:[\w\-]{1,60}:[^\n]{0,900}\n|[ \t][^\n]{0,900}\n){1,60}", re.IGNORECASE)
_MARKS = re.compile(
    r"^(?:#{1,6} \S|```|[-*] \S|\d{1,9}\. \S|> \S)|\[[^\[\]\n]{1,200}\]\([^()\n]{1,400}\)", re.MULTILINE
)
_HEAD = 64 * 1024
_FOREIGN = (
    (b"{\\rtf", "RTF"), (b"%!PS", "PostScript"), (b"AT&TFORM", "DjVu"), (b"ITSF", "CHM"),
)  # fmt: skip
_ROOTS = ((b"<FictionBook", "FB2"), (b"<office:document", "a flat OpenDocument file"), (b"<w:wordDocument", "Word 2003 XML"),
          (b"<pkg:package", "flat Word XML"), (b"<rss", "a feed"), (b"<feed", "a feed"), (b"<opml", "OPML"))  # fmt: skip
_MAIN = re.compile(
    rb"wordprocessingml\.(?:document|template)\.main\+xml|ms-word\.(?:document|template)\.macroEnabled\.main\+xml"
)
SUPPORTED = "PDF, EPUB, DOCX, HTML, Markdown, text"


def detect(path: Path) -> str:
    """One of ``FORMATS``. Raises ``Invalid`` for a document that jobctl can't read."""
    name = path.name
    if path.is_dir():
        raise Invalid(f"{name} is a folder, not a document")
    with path.open("rb") as stream:
        head = stream.read(_HEAD)
    if not head.strip():
        raise Invalid(f"{name} is empty")
    named = SUFFIXES.get(path.suffix.lower())
    if head.lstrip().startswith(b"%PDF-") or (named not in _TEXTS and b"%PDF-" in head[:1024]):
        return "pdf"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _archive(path)
    if head.startswith(b"\xd0\xcf\x11\xe0"):
        raise Invalid(f"{name} is an old Office file or an encrypted one: save it as DOCX without a password")
    _refuse_foreign(name, head)
    if _binary(head):
        raise Invalid(f"{name} is binary data, not a document that jobctl can read ({', '.join(FORMATS)})")
    plain = _as_bytes(head)
    if named == "html" or _HTML.match(plain[:8192]):
        return "html"
    if named in _TEXTS:
        return named
    return "markdown" if len(_MARKS.findall(plain.decode("utf-8", "replace"))) >= 3 else "text"


def _as_bytes(head: bytes) -> bytes:
    """The beginning without a mark of its encoding, in UTF-8 where it is UTF-16."""
    for mark, encoding in BOMS:
        if head.startswith(mark):
            return head.decode(encoding, "replace").encode()
    wide = without_mark(head)
    return head.decode(wide, "replace").encode() if wide else head


def _refuse_foreign(name: str, head: bytes) -> None:
    """Formats made of readable characters, which would be taken for text."""
    plain = _as_bytes(head[:8192]).lstrip()
    kind = next((label for mark, label in _FOREIGN if plain.startswith(mark)), None)
    if kind is None and _XML.match(plain):
        kind = next((label for mark, label in _ROOTS if mark in plain[:4096]), None)
    lines = _MIME.match(plain)
    if kind is None and lines and b"mime-version:" in lines.group().lower() and b"multipart/" in lines.group().lower():
        kind = "MHTML or an e-mail"
    if kind is not None:
        raise Invalid(f"{name} is {kind}, which is not supported ({SUPPORTED})", hint="Save it as DOCX, HTML or PDF.")


def _archive(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
            main = _main_part(archive) if "[Content_Types].xml" in names else b""
            kind = (
                archive.read("mimetype")[:80]
                if "mimetype" in names and archive.getinfo("mimetype").file_size < 200
                else b""
            )
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, EOFError):
        raise Invalid(f"{path.name} is a damaged or truncated archive") from None
    if "META-INF/container.xml" in names:
        return "epub"
    if _MAIN.search(main) or "word/document.xml" in names:
        return "docx"
    if kind.startswith(b"application/vnd.oasis"):
        raise Invalid(f"{path.name} is OpenDocument, which is not supported ({SUPPORTED})", hint="Save it as DOCX.")
    raise Invalid(f"{path.name} is an archive, but neither EPUB nor DOCX")


def _main_part(archive: zipfile.ZipFile) -> bytes:
    """The list of types of an Office file; it is short."""
    with archive.open("[Content_Types].xml") as stream:
        return stream.read(1 << 20)


def _binary(head: bytes) -> bool:
    if any(head.startswith(mark) for mark, _ in BOMS) or without_mark(head) is not None:
        return False
    controls = sum(1 for byte in head if byte < 9 or 13 < byte < 27 or 27 < byte < 32)
    return b"\x00" in head or controls > len(head) // 50
