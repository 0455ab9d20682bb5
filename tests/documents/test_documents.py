"""Every format read, every bad file refused with a sentence, every offset true."""

import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobctl.core.document import CleanText
from jobctl.core.errors import Invalid
from jobctl.documents.chunk import chunk
from jobctl.documents.clean import clean, language, outline
from jobctl.documents.embed import StaticEmbedder
from jobctl.documents.enrich import Enricher
from jobctl.documents.relate import JoinedIndex, SemanticSimilarity, corpus
from jobctl.testing.contracts import opened
from tests.documents.make import docx, epub, pdf

DATA = Path(__file__).parents[1] / "data"
LONG = "The quick brown fox jumps over the lazy dog near the river bank. "


def read(path: Path) -> tuple:
    source = opened(path)
    try:
        return source.info, clean(source.info, [source.part(i) for i in range(source.info.part_count)])
    finally:
        source.close()


@pytest.fixture(scope="module")
def embedder():
    return StaticEmbedder()


def test_a_pdf_gives_headings_paragraphs_and_pages(tmp_path):
    page = [("Running head", 9), ("", 24), ("Title of It All", 24), (LONG[:60], 11), ("and it goes on here.", 11)]
    info, text = read(pdf(tmp_path / "a.pdf", [page, [("Running head", 9), ("", 24), ("Second Part", 18), ("More words here.", 11)],
                                              [("Running head", 9), ("", 24), ("Last words.", 11)]]))  # fmt: skip
    assert (info.source_type, info.page_count) == ("pdf", 3)
    assert [(h.level, h.title) for h in text.outline] == [(1, "Title of It All"), (2, "Second Part")]
    assert "Running head" not in text.markdown
    assert (
        "near the river and it goes on here." in text.markdown.replace("\n", " ")
        or "and it goes on here." in text.markdown
    )
    assert text.markdown[text.page_starts[1] :].startswith("## Second Part")
    assert text.markdown[text.page_starts[2] :].startswith("Last words.")


def test_an_epub_gives_its_chapters_title_and_author(tmp_path):
    book = epub(
        tmp_path / "a.epub",
        ["<h1>One</h1><p>First <b>words</b>.</p>", "<h2>Two</h2><ul><li>a</li><li>b</li></ul><script>bad()</script>"],
    )
    info, text = read(book)
    assert (info.title, info.author, info.language, info.part_noun) == ("A Small Book", "Ann Author", "en", "chapter")
    assert [(h.level, h.title) for h in text.outline] == [(1, "One"), (2, "Two")]
    assert "First **words**." in text.markdown
    assert "bad()" not in text.markdown


def test_a_docx_gives_its_headings(tmp_path):
    _, text = read(docx(tmp_path / "a.docx", [("Heading1", "Top"), ("Normal", "Some words.")]))
    assert text.outline[0].title == "Top"
    assert "Some words." in text.markdown


def test_html_loses_scripts_navigation_and_javascript_links(tmp_path):
    page = tmp_path / "a.html"
    page.write_text(
        "<html lang=de><head><title>T</title></head><body><nav>menu</nav><h1>Kopf</h1><p onclick='x()'>Text "
        "<a href='javascript:evil()'>link</a> <a href='https://example.org/'>good</a></p><iframe src=x></iframe><pre>code  here</pre></body></html>"
    )
    info, text = read(page)
    assert (info.title, info.language) == ("T", "de")
    for bad in ("menu", "evil", "onclick", "iframe"):
        assert bad not in text.markdown
    assert "[good](https://example.org/)" in text.markdown
    assert "code  here" in text.markdown


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "latin-1"])
def test_text_is_read_in_any_usual_encoding(tmp_path, encoding):
    path = tmp_path / "a.txt"
    path.write_bytes(("Grüße aus Köln, über die Brücke. " * 20).encode(encoding))
    _, text = read(path)
    assert "Grüße aus Köln" in text.markdown


def test_a_long_text_is_cut_into_parts_that_join_to_the_same(tmp_path):
    path = tmp_path / "a.md"
    path.write_text("# T\n\n" + (LONG * 20 + "\n\n") * 400)
    source = opened(path)
    assert source.info.part_count > 2
    assert "".join(source.part(i).markdown for i in range(source.info.part_count)) == path.read_text()


def test_the_real_book_reads_the_same_in_pdf_and_epub():
    _, of_pdf = read(DATA / "project-history.en.pdf")
    _, of_epub = read(DATA / "project-history.en.epub")
    titles = [{h.title.split(" ", 1)[-1].lower() for h in text.outline} for text in (of_pdf, of_epub)]
    assert len(titles[0] & titles[1]) >= 0.7 * len(titles[1])


def test_japanese_keeps_its_characters_and_gets_no_spaces(tmp_path):
    _, text = read(DATA / "project-history.ja.pdf")
    assert "フリーソフトウェアだけからなるオペレーティングシステムディストリビューション" in text.markdown
    assert language(text.markdown) == "ja"


def bad_files(folder: Path) -> dict[str, tuple[Path, str]]:
    good = pdf(folder / "good.pdf", [[(LONG[:60], 11)] * 3])
    truncated = folder / "truncated.pdf"
    truncated.write_bytes(good.read_bytes()[:40])
    empty = folder / "empty.pdf"
    empty.write_bytes(b"")
    binary = folder / "binary.md"
    binary.write_bytes(bytes(range(256)) * 10)
    torn = folder / "torn.epub"
    torn.write_bytes(epub(folder / "whole.epub", ["<p>x</p>"]).read_bytes()[:300])
    bomb = epub(folder / "bomb.epub", ["<p>" + "a" * 30_000_000 + "</p>"])
    escape = epub(folder / "escape.epub", ["<p>x</p>"], extra={"../../evil": b"x"})
    entities = epub(folder / "entities.epub", ["<p>x</p>"], extra={})
    with zipfile.ZipFile(folder / "xxe.epub", "w") as archive:
        archive.writestr("META-INF/container.xml", '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>')
    plain = folder / "plain.zip"
    with zipfile.ZipFile(plain, "w") as archive:
        archive.writestr("a.txt", "x")
    protected = epub(folder / "drm.epub", ["<p>x</p>"], extra={
        "META-INF/encryption.xml": b'<encryption><EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/></encryption>'})  # fmt: skip
    assert entities
    return {
        "empty": (empty, "is empty"),
        "truncated pdf": (truncated, "damaged or truncated"),
        "no pages": (pdf(folder / "nopages.pdf", []), "pages|damaged"),
        "scan": (pdf(folder / "scan.pdf", [[], []]), "needs OCR"),
        "binary": (binary, "binary data"),
        "torn epub": (torn, "damaged or truncated"),
        "bomb": (bomb, "bomb"),
        "escape": (escape, "unsafe name"),
        "xxe": (folder / "xxe.epub", "not well-formed XML"),
        "zip": (plain, "neither EPUB nor DOCX"),
        "drm": (protected, "copy-protected"),
        "folder": (folder, "is a folder"),
    }


@pytest.mark.parametrize(
    "name",
    [
        "empty",
        "truncated pdf",
        "no pages",
        "scan",
        "binary",
        "torn epub",
        "bomb",
        "escape",
        "xxe",
        "zip",
        "drm",
        "folder",
    ],
)
def test_a_bad_file_is_refused_with_a_sentence(tmp_path, name):
    path, words = bad_files(tmp_path)[name]
    with pytest.raises(Invalid, match=words) as caught:
        read(path)
    assert len(str(caught.value)) < 200


MARKDOWN = st.lists(
    st.one_of(
        st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\r"), max_size=300),
        st.sampled_from(
            ["# Head", "## Sub", "```", "~~~", "- item", "", LONG * 8, "日本語の文章です。" * 60, "x" * 3000]
        ),
    ),
    max_size=25,
).map("\n".join)


@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(MARKDOWN, st.integers(200, 2000))
def test_chunks_are_exact_ordered_and_lose_nothing_but_white_space(markdown, size):
    spans = chunk(CleanText(markdown, [], outline(markdown)), size=size)
    end = 0
    for span in spans:
        assert markdown[span.start : span.end] == span.text
        assert span.text.strip()
        assert len(span.text) <= size
        assert not markdown[end : span.start].strip()
        end = span.end
    assert not markdown[end:].strip()


def test_code_that_begins_a_list_item_hides_no_heading_after_it():
    markdown = "# A\n\n1. ```\n   # code\n   ```\n\n2. more\n\n# B\n\ntext"
    text = CleanText(markdown, outline=outline(markdown))
    assert [h.title for h in text.outline] == ["A", "B"]
    assert [span.heading_path for span in chunk(text, size=40)][-1] == ["B"]


def test_chunks_know_their_headings_and_pages():
    markdown = f"# A\n\n{LONG * 10}\n\n## B\n\n{LONG * 10}\n"
    spans = chunk(CleanText(markdown, [0, markdown.index("## B")], outline(markdown)))
    assert [s.heading_path for s in spans] == [["A"], ["A", "B"]]
    assert [(s.page_start, s.page_end) for s in spans] == [(1, 1), (2, 2)]


def test_a_vector_does_not_depend_on_its_company(embedder):
    texts = ["a lighthouse in the fog", "Debian の創設者", "", "x" * 50_000]
    together = embedder.embed(texts)
    assert together == [embedder.embed([text])[0] for text in texts]
    lengths = [np.linalg.norm(np.frombuffer(v, dtype="<f4")) for v in together]
    assert lengths[0] == pytest.approx(1.0, abs=1e-5)
    assert lengths[2] == 0.0


def test_connections_are_between_documents_and_independent_of_batches(embedder):
    own = (
        "harbour ships arrive",
        "bakers knead dough",
        "storms break masts",
        "keepers light lamps",
        "maps show shoals",
    )
    texts = [f"{LONG}{own[n % 5]}, {own[(n + n // 5 + 1) % 5]}, {n}" for n in range(10)]
    index = JoinedIndex(corpus(list(range(10)), [n // 5 for n in range(10)], texts, embedder.embed(texts)))
    engine = SemanticSimilarity()
    whole = engine.connect(index, range(10), threshold=0.3, per_chunk=3)
    parts = [e for i in range(10) for e in engine.connect(index, [i], threshold=0.3, per_chunk=3)]
    assert whole == parts
    assert all(index.documents[e.source] != index.documents[e.target] for e in whole)
    assert len(whole) == 30


def test_the_same_text_is_no_connection_and_is_found_once_among_many(embedder):
    editions = [LONG + "Harbour ships arrive before the storm breaks."] * 4
    texts = [LONG + "Harbour pilots wait for ships in a storm.", *editions]
    index = JoinedIndex(corpus(range(5), range(5), texts, embedder.embed(texts)))
    found = SemanticSimilarity().connect(index, range(5), threshold=0.3, per_chunk=3)
    assert len([e for e in found if e.source == 0]) == 1
    assert {e.target for e in found if e.source > 0} == {0}
    assert index.shared_words(0, 1) == pytest.approx(index.against_all(0)[1][1])


def test_enrichment_names_what_a_passage_is_about():
    texts = ["The lighthouse keeper writes the log every hour. The log has no gaps.", "Bread is baked from flour. Good bread is never bad.",
             "The lighthouse keeper sleeps. It was a terrible storm."]  # fmt: skip
    enricher = Enricher(texts)
    first, second, third = (enricher.enrich(i) for i in range(3))
    assert "log" in first.themes or "lighthouse keeper writes" in first.themes
    assert first.summary.startswith("The lighthouse keeper writes")
    assert second.polarity > 0 > third.polarity
