"""Every engine on inputs that get larger: twice the input costs at most about twice the time, or is refused."""

from __future__ import annotations

import contextlib
import io
import json
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from jobctl.core.document import Line, Part, SourceInfo
from jobctl.core.errors import Invalid
from jobctl.core.links import neutralised_prose
from jobctl.documents import readwise
from jobctl.documents.chunk import chunk
from jobctl.documents.clean import clean, outline, title_of
from jobctl.documents.enrich import Enricher
from jobctl.documents.extract.encoding import decoded
from jobctl.documents.extract.pdf_outline import titled
from jobctl.documents.match.locate import FoldedText
from jobctl.documents.relate import JoinedIndex, corpus
from jobctl.documents.vault.names import Names
from jobctl.documents.vault.note import Mark, Note, check, render, update
from jobctl.documents.vault.parts import body_of
from jobctl.testing.contracts import opened
from tests.documents import make
from tests.documents.growth import excess

SIZES = (250, 500, 1000, 2000, 4000)
Work = Callable[[], object]
Cases = dict[str, Callable[[int], Work]]


def tried(work: Work) -> Work:
    """The work, where a refusal is an answer too."""

    def run() -> None:
        with contextlib.suppress(Invalid):
            work()

    return run


# -- cleaning, cutting, enriching --------------------------------------------------------------------------------------


def pages(lines: Callable[[int], list[Line]], *, a_page: int = 50) -> Callable[[int], Work]:
    def prepare(size: int) -> Work:
        made = lines(size)
        parts = [Part(i, lines=made[at : at + a_page], page=i + 1) for i, at in enumerate(range(0, len(made), a_page))]
        info = SourceInfo("pdf", part_count=len(parts))
        return lambda: title_of(info, parts, clean(info, parts).outline, "a.pdf")

    return prepare


def line(text: str, *, size: float = 10.0, y: float = 0.5, gap: float = 1.2) -> Line:
    return Line(text, size, gap=gap, y=y)


LINES: Cases = {
    "plain": pages(lambda n: [line(f"words of line {i}, which go on") for i in range(4 * n)]),
    "one paragraph": pages(lambda n: [line("words that go on and on") for _ in range(4 * n)], a_page=10**9),
    "large print": pages(lambda n: [line(f"Title {i}", size=20) for i in range(n)], a_page=10**9),
    "print sizes": pages(lambda n: [line(f"Title {i}", size=10 + i / 9) for i in range(n)]),
    "edges": pages(lambda n: [line(f"head {i} of {i // 3}", y=0.95) for i in range(2 * n)], a_page=2),
    "numbers at the edge": pages(
        lambda n: [line(" ".join(map(str, range(i, i + 20))), y=0.95) for i in range(n)], a_page=2
    ),
    "contents": pages(lambda n: [line("Contents"), *(line(f"Entry {i} . . . . . {i}") for i in range(2 * n))]),
    "leader": pages(lambda n: [line("Contents " + ". " * n + "A-1")]),
    "leader with an index": pages(lambda n: [line("Contents"), *[line("anova " + ". " * 40 + "58, 60")] * n]),
    "cut words": pages(lambda n: [line("a\ufffeb " * n), line("c" + "\ufffed" * n)]),
    "blanks": pages(lambda n: [line("x" + " " * (40 * n) + "y")]),
    "code": pages(lambda n: [Line("x = 1", 10, mono=True, gap=1.2) for _ in range(4 * n)], a_page=10**9),
    "pages without text": lambda n: pages(lambda _: [line("some words")] * 60, a_page=60)(n),
}

TEXTS: dict[str, Callable[[int], str]] = {
    "words": lambda n: "word " * (5 * n),
    "distinct words": lambda n: " ".join(f"word{i:06}" for i in range(2 * n)),
    "one word": lambda n: "x" * (20 * n),
    "headings": lambda n: "# Title\n\n" * n,
    "headings in a row": lambda n: "## Title\n" * (2 * n),
    "blanks in a heading": lambda n: "# The Light" + " " * (20 * n) + "of the North",
    "blanks at the end": lambda n: ("word" + " " * (20 * n) + "x\n") * 2,
    "hash marks": lambda n: "# " + "#" * (20 * n) + " x",
    "fences": lambda n: "```\ncode\n```\n" * n,
    "one fence": lambda n: "```\n" + "code of a line\n" * (2 * n),
    "brackets": lambda n: "[" * (10 * n),
    "link ends": lambda n: "](" * (5 * n),
    "links": lambda n: "[a](file:///x) " * n,
    "definitions": lambda n: "[a]: file:///x\n" * n,
    "tags": lambda n: "<a href=" * n,
    "sentences": lambda n: "It is so. " * (2 * n),
    "quotes after a stop": lambda n: "." + '"' * (20 * n) + "x",
    "blank lines": lambda n: "\n" * (20 * n),
    "underlines": lambda n: "Title\n=====\n\n" * n,
    "front matter": lambda n: "---\n" + "a: b\n" * n + "---\n\ntext\n",
    "front matter that never ends": lambda n: "---\n" + "a: b\n" * (4 * n),
    "escapes": lambda n: "\\" * (10 * n),
    "bullets": lambda n: "- item\n" * (3 * n),
    "wide": lambda n: "日本語の文章" * (3 * n),
}


def whole(text: str) -> object:
    """Everything between reading and embedding."""
    cleaned = clean(SourceInfo("markdown", continuous=True), [Part(0, text)])
    spans = chunk(cleaned)
    enricher = Enricher([span.text for span in spans])
    return [enricher.enrich(i) for i in range(len(spans))], neutralised_prose(text), outline(text)


# -- readers -----------------------------------------------------------------------------------------------------------


def read(path: Path) -> Work:
    def run() -> None:
        source = opened(path)
        try:
            clean(source.info, [source.part(i) for i in range(source.info.part_count)])
        finally:
            source.close()

    return tried(run)


PAGES: dict[str, Callable[[int], str]] = {
    "nested blocks": lambda n: "<div>" * n + "x" + "</div>" * n,
    "very deep": lambda n: "<div>" * (20 * n) + "x" + "</div>" * (20 * n),
    "open formats": lambda n: "<b>a" * (5 * n),
    "formats and paragraphs": lambda n: "".join(f"<b id={i}>" for i in range(n)) + "<p>a" * n,
    "attributes": lambda n: "<p " + " ".join(f"a{i}=1" for i in range(5 * n)) + ">x</p>",
    "attributes behind a quote": lambda n: '<p x=">" ' + " ".join(f"a{i}=1" for i in range(5 * n)) + ">x</p>",
    "paragraphs": lambda n: "<p>a b c</p>" * (2 * n),
    "links": lambda n: "<a href=http://x.org/>a</a> " * n,
    "unsafe links": lambda n: "<a href=javascript:x>a</a> " * n,
    "rows": lambda n: "<table>" + "<tr><td>a<td>b" * n + "</table>",
    "cells": lambda n: "<table><tr>" + "<td>a" * n + "</table>",
    "nested tables": lambda n: "<table><tr><td>" * n + "x",
    "lists": lambda n: "<ul>" + "<li>a" * (2 * n) + "</ul>",
    "nested lists": lambda n: "<ul><li>" * n + "x",
    "open tags": lambda n: "<" * (20 * n) + "x",
    "open comments": lambda n: "x<!--" * (5 * n),
    "open quotes": lambda n: "<a b='" * (5 * n) + "x",
    "navigation": lambda n: "<nav>a</nav>" * n + "x",
    "nested navigation": lambda n: "<nav>" * n + "a" + "</nav>" * n + "x",
    "drawings": lambda n: "<svg><text>a</text></svg>" * n,
    "formulas": lambda n: "<math><mi>a</mi></math>" * n,
    "nested formulas": lambda n: "<math>" + "<mrow>" * n + "<mi>a</mi>" + "</mrow>" * n + "</math>",
    "entities": lambda n: "&amp;&nbsp;" * (3 * n),
    "scripts": lambda n: "<script>x</script>" * n + "x",
}


@pytest.mark.parametrize("name", PAGES)
def test_a_page_takes_time_as_it_is_long(tmp_path, name):
    def html(size: int) -> Work:
        path = tmp_path / f"{size}.html"
        path.write_text(f"<html><body>{PAGES[name](size)}</body></html>")
        return read(path)

    def epub(size: int) -> Work:
        return read(make.epub(tmp_path / f"{size}.epub", [PAGES[name](size), "<p>words</p>"]))

    assert excess(html, SIZES) is None
    assert excess(epub, SIZES) is None


@pytest.mark.parametrize("name", LINES)
def test_pages_of_lines_take_time_as_they_are_long(name):
    assert excess(lambda size: tried(LINES[name](size)), SIZES) is None


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_takes_time_as_it_is_long(tmp_path, name):
    def text(size: int) -> Work:
        made = TEXTS[name](size)
        return tried(lambda: whole(made))

    def file(size: int) -> Work:
        path = tmp_path / f"{size}.md"
        path.write_text(TEXTS[name](size) + "x")
        return read(path)

    assert excess(text, SIZES) is None
    assert excess(file, SIZES) is None


def spine(path: Path, entries: int, *, same: bool) -> Path:
    """A book whose spine has many entries: one chapter again and again, or many."""
    chapters = 1 if same else entries
    items = "".join(f'<item id="c{i}" href="c{i}.xhtml" media-type="application/xhtml+xml"/>' for i in range(chapters))
    refs = "".join(f'<itemref idref="c{0 if same else i}"/>' for i in range(entries))
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("META-INF/container.xml", make.CONTAINER)
        archive.writestr("OEBPS/book.opf", make.OPF.format(items=items, refs=refs))
        for i in range(chapters):
            archive.writestr(f"OEBPS/c{i}.xhtml", "<html><body><p>the words of a chapter</p></body></html>")
    return path


@pytest.mark.parametrize("same", [True, False])
def test_a_spine_takes_time_as_it_is_long(tmp_path, same):
    assert excess(lambda size: read(spine(tmp_path / f"{size}.epub", size, same=same)), SIZES[:4]) is None


def test_a_spine_of_one_chapter_again_and_again_is_one_chapter(tmp_path):
    source = opened(spine(tmp_path / "a.epub", 19_000, same=True))
    assert source.info.part_count == 1
    assert [(loss.kind, loss.count) for loss in clean(source.info, [source.part(0)]).account.losses] == [
        ("repeated_chapters", 18_999)
    ]
    with pytest.raises(Invalid, match="spine of more than 20,000 entries"):
        opened(spine(tmp_path / "b.epub", 20_001, same=True))


WORD = {
    "paragraphs": lambda n: "<w:p><w:r><w:t>words</w:t></w:r></w:p>" * (n // 2),
    "runs": lambda n: "<w:p>" + "<w:r><w:t>words</w:t></w:r>" * (n // 2) + "</w:p>",
    "nested tables": lambda n: "<w:tbl><w:tr><w:tc>" * n
    + "<w:p><w:r><w:t>x</w:t></w:r></w:p>"
    + "</w:tc></w:tr></w:tbl>" * n,
    "cells": lambda n: "<w:tbl><w:tr>"
    + "<w:tc><w:p><w:r><w:t>x</w:t></w:r></w:p></w:tc>" * (n // 4)
    + "</w:tr></w:tbl>",
    "deletions": lambda n: "<w:p>"
    + "<w:del><w:r><w:delText>x</w:delText></w:r></w:del>" * n
    + "<w:r><w:t>x</w:t></w:r></w:p>",
}


@pytest.mark.parametrize("name", WORD)
def test_a_word_document_takes_time_as_it_is_long(tmp_path, name):
    def prepare(size: int) -> Work:
        path = make.docx(tmp_path / f"{size}.docx", [])
        with zipfile.ZipFile(path) as old:
            parts = {part: old.read(part) for part in old.namelist()}
        parts["word/document.xml"] = make.WORD.format(body=WORD[name](size)).encode()
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
            for part, data in parts.items():
                new.writestr(part, data)
        return read(path)

    assert excess(prepare, SIZES) is None


def test_a_pdf_takes_time_as_it_is_long(tmp_path):
    def prepare(size: int) -> Work:
        lines = [(f"words of line {i} and more", 9) for i in range(40)]
        return read(make.pdf(tmp_path / f"{size}.pdf", [lines] * (size // 20)))

    assert excess(prepare, SIZES) is None


def test_a_page_of_many_lines_takes_time_as_it_is_long(tmp_path):
    def prepare(size: int) -> Work:
        return read(make.pdf(tmp_path / f"{size}.pdf", [[(f"words of line {i}", 9) for i in range(size)]]))

    assert excess(prepare, SIZES) is None


@pytest.mark.parametrize("kind", ["all alike", "all different", "titles that are not there"])
def test_an_outline_is_found_in_time_of_lines_and_titles(kind):
    def prepare(size: int) -> Work:
        texts = ["same title"] * (4 * size) if kind == "all alike" else [f"{i} title {i}" for i in range(4 * size)]
        titles = ["sametitle"] * size if kind == "all alike" else [f"title{i}" for i in range(size)]
        if kind == "titles that are not there":
            titles = [f"{t}nowhere" for t in titles]
        lines = [line(text) for text in texts]
        return lambda: titled(lines, [(title, 1) for title in titles])

    assert excess(prepare, SIZES) is None


# -- everything else ---------------------------------------------------------------------------------------------------


def note(body: str, marks: int = 0) -> Note:
    return Note("0" * 36, "Title", None, body, marks=[Mark(f"m{i}", i * 6) for i in range(marks)])


OTHERS: Cases = {
    "latin text": lambda n: tried(lambda: decoded("Grüße aus Köln. ".encode("latin-1") * n, "a.txt")),
    "bytes that are no text": lambda n: tried(lambda: decoded(bytes(range(128, 256)) * (n // 20), "a.txt")),
    "utf-16 without a mark": lambda n: tried(lambda: decoded(("word " * (5 * n)).encode("utf-16-le"), "a.txt")),
    "csv": lambda n: tried(lambda: readwise.read(b"Highlight,Title\n" + b"text of it,Book\n" * n)),
    "csv, one cell": lambda n: tried(lambda: readwise.read(b'Highlight,Title\n"' + b'""' * (10 * n) + b'",Book\n')),
    "csv, open quote": lambda n: tried(lambda: readwise.read(b'Highlight,Title\n"' + b"a\n" * (10 * n))),
    "json": lambda n: tried(lambda: readwise.read(json.dumps([{"title": "T", "highlights": [{"id": i, "text": f"t {i}"} for i in range(n)]}]).encode())),
    "deep json": lambda n: tried(lambda: readwise.read(b"[" * (20 * n))),
    "clippings": lambda n: tried(lambda: readwise.read(b"".join(b"B (A)\n- Your Highlight | Loc. 5-%d | Added\n\ntext %d\n==========\n" % (i, i) for i in range(n)))),
    "clippings, one entry": lambda n: tried(lambda: readwise.read(b"(" * n + b")" * n + b"\n-" + b"1-" * n + b"|" * n + b"\n\n==\n==========\n")),
    "highlight with two ends": lambda n: partial(FoldedText("ab" * (10 * n)).locate, "ab" * 20 + " … " + "ab" * 20 + "x"),
    "highlight in a text of one word": lambda n: partial(FoldedText("ab" * (10 * n)).locate, "ab" * 40 + "x" * 30),
    "note": lambda n: lambda: body_of(update(render(note("line of text\n" * n, n)), note("line of text\n" * n, n))),
    "note of fences": lambda n: lambda: render(note("```\nx\n```\n" * n, n)),
    "note of our own marks": lambda n: lambda: body_of(render(note(" ^jobctl-" * n))),
    "properties": lambda n: tried(lambda: check("---\n" + "".join(f"key{i}: value\n" for i in range(n // 10)) + "---\n")),
    "nested properties": lambda n: tried(lambda: check("---\na: " + "[" * n + "\n---\n")),
    "names that are all taken": lambda n: lambda: [names.take("Title") for names in [Names([])] for _ in range(n)],
    "index of passages": lambda n: (
        lambda: JoinedIndex(corpus(range(n // 2), range(n // 2), [f"words of passage {i % 7} and {i}" for i in range(n // 2)], [b""] * (n // 2)))
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OTHERS)
def test_others_take_time_as_their_input_is_long(name):
    assert excess(OTHERS[name], SIZES) is None


def test_properties_that_double_with_each_line_are_refused():
    levels = "".join(f"a{i}: &a{i}\n  <<: [*a{i - 1}, *a{i - 1}, *a{i - 1}]\n" for i in range(1, 40))
    with pytest.raises(Invalid, match="aliases"):
        check(f"---\na0: &a0 {{x: 1}}\n{levels}---\n")
    check("---\na: &a {x: 1}\nb: *a\n---\n")
    with pytest.raises(Invalid, match="nested"):
        check("---\na: " + "[" * 100 + "]" * 100 + "\n---\n")


def test_growth_is_measured():
    def square(size: int) -> Work:
        return lambda: sum(1 for i in range(size) for _ in range(size // 20))

    assert excess(square, SIZES) is not None
    assert excess(lambda size: io.BytesIO(b"x" * size).read, SIZES) is None
