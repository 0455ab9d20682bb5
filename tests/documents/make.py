"""Writers of small documents, good and bad."""

import io
import zipfile
from pathlib import Path

CONTAINER = """<?xml version="1.0"?><container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container">
<rootfiles><rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>"""
OPF = """<?xml version="1.0"?><package xmlns="http://www.idpf.org/2007/opf" version="3.0">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>A Small Book</dc:title><dc:creator>Ann Author</dc:creator><dc:language>en-GB</dc:language></metadata>
<manifest>{items}</manifest><spine>{refs}</spine></package>"""
WORD = """<?xml version="1.0"?><w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>{body}</w:body></w:document>"""


def pdf(path: Path, pages: list[list[tuple[str, int]]], *, trailer: bytes = b"") -> Path:
    """A PDF of lines with font sizes."""
    streams = []
    for lines in pages:
        y, ops = 760, [b"BT"]
        for text, size in lines:
            ops.append(b"/F1 %d Tf 1 0 0 1 72 %d Tm (%s) Tj" % (size, y, _literal(text)))
            y -= 40 if size > 12 else 14
        streams.append(b"\n".join([*ops, b"ET"]))
    return _pdf(path, streams, trailer=trailer)


def page(path: Path, texts: list[tuple[str, float, float]], rules: list[tuple[float, float, float, float]]) -> Path:
    """A PDF of one page: texts of 10 points with their left edge and baseline, filled rectangles as x, y, width, height."""
    ops = [b"%g %g %g %g re f" % rule for rule in rules]
    ops += [b"BT /F1 10 Tf 1 0 0 1 %g %g Tm (%s) Tj ET" % (x, y, _literal(text)) for text, x, y in texts]
    return _pdf(path, [b"\n".join(ops)])


def _literal(text: str) -> bytes:
    return text.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)").encode("latin-1")


def _pdf(path: Path, streams: list[bytes], *, trailer: bytes = b"") -> Path:
    """A PDF of pages with these content streams; ``F1`` is Helvetica."""
    objects: list[bytes] = []

    def add(body: bytes) -> int:
        objects.append(body)
        return len(objects)

    font = add(b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>")
    kids = []
    tree = len(objects) + 1 + 2 * len(streams)
    for stream in streams:
        content = add(b"<< /Length %d >> stream\n%s\nendstream" % (len(stream), stream))
        kids.append(
            add(
                b"<< /Type /Page /Parent %d 0 R /MediaBox [0 0 612 792] /Contents %d 0 R /Resources << /Font << /F1 %d 0 R >> >> >>"
                % (tree, content, font)
            )
        )
    pages_id = add(b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b" ".join(b"%d 0 R" % k for k in kids), len(kids)))
    root = add(b"<< /Type /Catalog /Pages %d 0 R >>" % pages_id)
    out = io.BytesIO(b"")
    out.write(b"%PDF-1.4\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(out.tell())
        out.write(b"%d 0 obj %s endobj\n" % (number, body))
    at = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    for offset in offsets:
        out.write(b"%010d 00000 n \n" % offset)
    out.write(
        b"trailer << /Size %d /Root %d 0 R %s >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, root, trailer, at)
    )
    path.write_bytes(out.getvalue())
    return path


def epub(path: Path, chapters: list[str], *, extra: dict[str, bytes] | None = None) -> Path:
    items = "".join(
        f'<item id="c{i}" href="c{i}.xhtml" media-type="application/xhtml+xml"/>' for i in range(len(chapters))
    )
    refs = "".join(f'<itemref idref="c{i}"/>' for i in range(len(chapters)))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/epub+zip")
        archive.writestr("META-INF/container.xml", CONTAINER)
        archive.writestr("OEBPS/book.opf", OPF.format(items=items, refs=refs))
        for i, chapter in enumerate(chapters):
            archive.writestr(f"OEBPS/c{i}.xhtml", f"<html><body>{chapter}</body></html>")
        for name, data in (extra or {}).items():
            archive.writestr(name, data)
    return path


def docx(path: Path, paragraphs: list[tuple[str, str]]) -> Path:
    """Paragraphs of (style, text)."""
    body = "".join(
        f'<w:p><w:pPr><w:pStyle w:val="{style}"/></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>'
        for style, text in paragraphs
    )
    types = (
        '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/></Types>'
    )
    rels = (
        '<?xml version="1.0"?><Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        '<Relationship Id="r" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="word/document.xml"/></Relationships>'
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", types)
        archive.writestr("_rels/.rels", rels)
        archive.writestr("word/document.xml", WORD.format(body=body))
    return path
