"""Kinds of EPUB, DOCX and HTML that lose text in many readers."""

import zipfile
from pathlib import Path

import pytest

from jobctl.core.account import LossKind
from jobctl.core.errors import Invalid
from jobctl.documents.extract.detect import detect
from tests.documents import make
from tests.documents.reading import CASES, case, read

CHAPTERS = "the word of chapter {n}"


# -- EPUB --------------------------------------------------------------------------------------------------------------


def test_elements_that_close_themselves_lose_nothing():
    result = case("epub-title-selfclosed.epub")
    assert result.headings == ["Chapter 1", "Chapter 2", "Chapter 3"]
    assert "Ballast is the word of chapter 2." in case("epub-all-title-selfclosed.epub").text.markdown
    assert case("epub-self-anchor.epub").text.markdown == "# Chapter 1\n\nAnchor is the word.\n\nNot bold.\n\nAfter.\n"


@pytest.mark.parametrize(
    "tag", ["script", "title", "textarea", "style", "iframe", "noscript", "i", "a", "div", "select", "xmp"]
)
def test_any_element_may_close_itself(tmp_path, tag):
    book = make.epub(tmp_path / "a.epub", [f"<p>Before it.</p><{tag}/><p>After it.</p>"])
    assert read(book).text.markdown == "Before it.\n\nAfter it.\n"


def test_a_chapter_that_is_not_well_formed_is_read_as_html_and_accounted_for(tmp_path):
    result = read(
        make.epub(
            tmp_path / "a.epub", ["<p>Before<p>After &nbsp; it & more</p>", "<p>caf&eacute; &nbsp;&mdash; good</p>"]
        )
    )
    assert "After" in result.text.markdown
    assert "café" in result.text.markdown
    assert [(loss.kind, loss.locations) for loss in result.account.losses] == [
        (LossKind.REPAIRED_CHAPTERS, ["c0.xhtml"])
    ]


def test_text_of_drawings_and_formulas_is_kept():
    result = case("epub-svgtext.epub")
    assert "Cover words" in result.text.markdown
    assert "$a + b$" in result.text.markdown


def test_a_missing_chapter_is_named_and_the_rest_is_kept():
    result = case("epub-missing-chapter.epub")
    assert result.headings == ["Chapter 1", "Chapter 3"]
    assert result.account.warnings() == ["1 chapter missing from the archive: c1.xhtml"]


def test_a_doubled_entry_and_notes_out_of_line_are_no_reason_to_lose_text():
    assert case("epub-dup-entry.epub").headings == ["Chapter 1", "Chapter 2", "Chapter 3"]
    assert case("epub-dup-entry.epub").lost(LossKind.DOUBLED_ENTRIES) == 1
    assert "The note of the anchor." in case("epub-linear-no-notes.epub").text.markdown


@pytest.mark.parametrize(
    "media_type", ["text/html", "text/xml", "application/xml", "text/plain", "application/octet-stream", ""]
)
def test_a_chapter_of_a_wrong_type_is_read_by_what_it_is(tmp_path, media_type):
    path = make.epub(tmp_path / "a.epub", ["<p>One.</p>", "<p>Two.</p>"])
    changed = tmp_path / "b.epub"
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name).replace(b"application/xhtml+xml", media_type.encode()))
    assert read(changed).text.markdown == "One.\n\nTwo.\n"


# -- DOCX --------------------------------------------------------------------------------------------------------------


def test_a_document_under_another_name_and_one_with_linked_pictures_are_read():
    assert "Written by an online editor." in case("docx-document2.docx").text.markdown
    result = case("docx-external-image-embed.docx")
    assert "Text after it." in result.text.markdown
    assert result.lost(LossKind.PICTURES) == 1


def test_an_equation_is_text():
    assert "$ENERGYTERM=mc2$" in case("docx-equation.docx").text.markdown


M = "http://schemas.openxmlformats.org/officeDocument/2006/math"
EQUATIONS = {
    "<m:f><m:num><m:r><m:t>a</m:t></m:r></m:num><m:den><m:r><m:t>b</m:t></m:r></m:den></m:f>": r"$\frac{a}{b}$",
    "<m:sSup><m:e><m:r><m:t>x</m:t></m:r></m:e><m:sup><m:r><m:t>2</m:t></m:r></m:sup></m:sSup>": "$x^{2}$",
    "<m:sSub><m:e><m:r><m:t>x</m:t></m:r></m:e><m:sub><m:r><m:t>i</m:t></m:r></m:sub></m:sSub>": "$x_{i}$",
    "<m:rad><m:deg/><m:e><m:r><m:t>y</m:t></m:r></m:e></m:rad>": r"$\sqrt{y}$",
    "<m:nary><m:naryPr><m:chr m:val='∑'/></m:naryPr><m:sub><m:r><m:t>1</m:t></m:r></m:sub><m:sup><m:r><m:t>n</m:t></m:r></m:sup>"
    "<m:e><m:r><m:t>k</m:t></m:r></m:e></m:nary>": r"$\sum_{1}^{n} k$",
    "<m:d><m:e><m:r><m:t>α</m:t></m:r></m:e></m:d>": r"$(\alpha )$",
    "<m:unknown><m:e><m:r><m:t>kept</m:t></m:r></m:e></m:unknown>": "$kept$",
}


def word(path: Path, body: str, extra: dict[str, str] | None = None) -> Path:
    make.docx(path, [])
    with zipfile.ZipFile(path) as old:
        parts = {name: old.read(name) for name in old.namelist()}
    parts["word/document.xml"] = (
        make.WORD.format(body=body).replace("<w:document ", f'<w:document xmlns:m="{M}" ', 1).encode()
    )
    with zipfile.ZipFile(path, "w") as new:
        for name, data in (parts | {n: t.encode() for n, t in (extra or {}).items()}).items():
            new.writestr(name, data)
    return path


@pytest.mark.parametrize("omml", EQUATIONS)
def test_equations_become_latex(tmp_path, omml):
    body = f"<w:p><w:r><w:t>It is</w:t></w:r><m:oMath>{omml}</m:oMath></w:p>"
    assert EQUATIONS[omml] in read(word(tmp_path / "a.docx", body)).text.markdown


def test_comments_page_headers_deletions_and_embedded_files_are_named(tmp_path):
    result = case("docx-comment.docx")
    assert [(loss.kind, loss.count, loss.words) for loss in result.account.losses] == [(LossKind.COMMENTS, 1, 4)]
    assert result.account.words_unaccounted == 0
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    body = "<w:p><w:r><w:t>Kept words</w:t></w:r><w:del><w:r><w:delText>gone words</w:delText></w:r></w:del></w:p><w:altChunk/>"
    header = f"<w:hdr {space}><w:p><w:r><w:t>Harbour Board</w:t></w:r></w:p></w:hdr>"
    result = read(word(tmp_path / "a.docx", body, {"word/header1.xml": header}))
    assert {loss.kind: loss.words for loss in result.account.losses} == {
        LossKind.EMBEDDED_FILES: 0, LossKind.DELETED_TEXT: 2, LossKind.PAGE_HEADERS: 2
    }  # fmt: skip
    assert result.account.words_unaccounted == 0
    assert result.account.warnings() == ["1 embedded file not read"]


def test_headings_come_from_outline_levels_and_from_styles_based_on_headings():
    assert case("docx-outline-level.docx").headings == ["Part by outline level", "Custom style on Heading 1"]
    result = case("docx-title-style.docx")
    assert (result.title, result.headings[0]) == ("The Lights of the North", "The Lights of the North")


# -- HTML --------------------------------------------------------------------------------------------------------------


def test_the_content_of_a_form_is_the_page():
    result = case("aspnet-form-banner.html")
    assert "Every vessel above forty tonnes" in result.text.markdown
    assert result.headings == ["Harbour dues", "Exemptions"]


def test_buttons_in_headings_and_text_for_readers_without_scripts_are_content():
    result = case("accordion.html")
    assert result.headings == ["How tall is the tower?", "Who keeps it?"]
    for text in ("Hidden paragraph about fog.", "Text for readers without scripts."):
        assert text in result.text.markdown


def test_what_is_dropped_of_a_page_is_counted(tmp_path):
    page = tmp_path / "a.html"
    page.write_text("<nav>Home and News</nav><p>Words <a href='file:///etc/passwd'>here</a></p><button>Send it</button>"
                    "<select><option>One</option></select><img src=x><iframe src=y></iframe><script>silent()</script>")  # fmt: skip
    result = read(page)
    assert result.text.markdown == "Words here\n"
    assert {loss.kind: (loss.count, loss.words) for loss in result.account.losses} == {
        LossKind.NAVIGATION: (1, 3), LossKind.CONTROLS: (2, 3), LossKind.PICTURES: (1, 0), LossKind.FRAMES: (1, 0),
        LossKind.LINK_TARGETS: (1, 0),
    }  # fmt: skip
    assert result.account.words_unaccounted == 0


@pytest.mark.parametrize(
    ("mathml", "latex"),
    [
        ("<mfrac><mi>a</mi><mn>2</mn></mfrac>", r"$\frac{a}{2}$"), ("<msup><mi>x</mi><mn>2</mn></msup>", "$x^{2}$"),
        ("<msqrt><mi>x</mi></msqrt>", r"$\sqrt{x}$"), ("<munderover><mo>∑</mo><mn>1</mn><mi>n</mi></munderover>", r"$\sum_{1}^{n}$"),
        ("<semantics><mi>x</mi><annotation encoding='application/x-tex'>y_1</annotation></semantics>", "$y_1$"),
        ("<mtable><mtr><mtd><mi>a</mi></mtd><mtd><mi>b</mi></mtd></mtr></mtable>", r"$\begin{matrix}a & b\end{matrix}$"),
    ],
)  # fmt: skip
def test_formulas_of_a_page_become_latex(tmp_path, mathml, latex):
    page = tmp_path / "a.html"
    page.write_text(f"<p>It is <math>{mathml}</math> then.</p>")
    assert latex in read(page).text.markdown


# -- what a file is ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "data", "kind"),
    [
        ("a.md", b"# HTML\n\n<html> is a tag, <!DOCTYPE html> too\n", "markdown"), ("a.md", b"A PDF begins with %PDF-1.7\n", "markdown"),
        ("a.txt", b"%PDF-1.7 is how a PDF begins? No: this is one.", "pdf"), ("a.txt", b"see <body> and <head>\n", "text"),
        ("a.md", b"<!DOCTYPE html><html><body>x</body></html>", "html"), ("a", b"<!-- c --> <html>x", "html"),
        ("a.xyz", b"<?xml version='1.0'?>\n<!DOCTYPE html>\n<html>x</html>", "html"), ("a.html", b"no tags at all", "html"),
        ("a", "# Title\n\n- a\n- b\n".encode("utf-16"), "markdown"), ("a.txt", "words of a text".encode("utf-16-le"), "text"),
        ("a", b"text {\\rtf is how RTF begins}", "text"),
    ],
)  # fmt: skip
def test_a_file_is_what_it_begins_with_and_words_in_it_never_decide(tmp_path, name, data, kind):
    path = tmp_path / name
    path.write_bytes(data)
    assert detect(path) == kind


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ((CASES / "txt-rtf.rtf").read_bytes(), "is RTF"), (b"<?xml version='1.0'?><FictionBook><body/></FictionBook>", "is FB2"),
        (b"From: <Saved by Blink>\nMIME-Version: 1.0\nContent-Type: multipart/related;\n\tboundary=x\n\n--x\n", "MHTML"),
        (b"%!PS-Adobe-3.0\n", "PostScript"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("suffix", [".txt", ".doc", ""])
def test_markup_of_other_programs_is_refused_by_name(tmp_path, data, says, suffix):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(data)
    with pytest.raises(Invalid, match=says):
        detect(path)


def test_open_document_is_refused_by_name(tmp_path):
    with zipfile.ZipFile(tmp_path / "a.odt", "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.text")
    with pytest.raises(Invalid, match="OpenDocument"):
        detect(tmp_path / "a.odt")
