"""The account: words of a bare reading less words stored are the words that it names."""

import html
import zipfile
from collections import Counter
from xml.etree import ElementTree as ET

import pypdfium2 as pdfium
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobctl.core.account import LABELS, SERIOUS, Account, Loss, LossKind, merged, settled
from jobctl.core.markdown import bare
from jobctl.core.terms import words
from tests.documents import make
from tests.documents.reading import CASES, DATA, read

TEXT = st.lists(
    st.sampled_from("lamp keeper fog tide harbour log 1988 stair glass oil Köln".split()), min_size=1, max_size=12
).map(" ".join)
INLINE = ("label", "button")
SETTINGS = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def stored(result) -> Counter[str]:
    return Counter(word.casefold() for word in words(bare(result.text.markdown)))


def balanced(result, seen: list[str]) -> None:
    """What a bare reader sees and the stored text has not is as much as the account names, and no warning is due."""
    missing = Counter(word.casefold() for word in seen) - stored(result)
    assert sum(missing.values()) <= result.account.words_left_out + result.account.words_unaccounted
    assert result.account.words_unaccounted == 0
    assert result.account.words_seen - result.account.words_stored <= result.account.words_left_out


@SETTINGS
@given(st.lists(st.tuples(st.sampled_from(["p", "h2", "nav", "button", "li", "form", "noscript", "blockquote", "script", "label"]), TEXT), min_size=1, max_size=12))  # fmt: skip
def test_html_balances(tmp_path, pieces):
    page = tmp_path / "a.html"
    page.write_text(
        "<p>start</p>" + "".join(f"<{tag}>{html.escape(text)}</{tag}>{' ' * (tag in INLINE)}" for tag, text in pieces)
    )
    balanced(read(page), ["start", *(word for tag, text in pieces if tag != "script" for word in words(text))])


@SETTINGS
@given(st.lists(st.lists(TEXT, min_size=1, max_size=6), min_size=1, max_size=5), st.booleans())
def test_pdf_balances(tmp_path, pages, head):
    first = [("Handbook of Lights", 9)] if head else []
    path = make.pdf(tmp_path / "a.pdf", [[*first, ("", 24), *((text, 11) for text in lines)] for lines in pages])
    document = pdfium.PdfDocument(path)
    seen = [word for page in document for word in words(page.get_textpage().get_text_range())]
    document.close()
    balanced(read(path), seen)


@SETTINGS
@given(st.lists(st.tuples(st.sampled_from(["Heading1", "Normal", "Title"]), TEXT), min_size=1, max_size=12))
def test_docx_balances(tmp_path, paragraphs):
    path = make.docx(tmp_path / "a.docx", paragraphs)
    with zipfile.ZipFile(path) as archive:
        root = ET.fromstring(archive.read("word/document.xml"))
    balanced(read(path), [word for node in root.iter() if node.text for word in words(node.text)])


@SETTINGS
@given(st.lists(TEXT, min_size=1, max_size=6))
def test_epub_balances(tmp_path, chapters):
    balanced(
        read(make.epub(tmp_path / "a.epub", [f"<h1>{text}</h1><p>{text}</p>" for text in chapters])),
        [w for t in chapters for w in words(t) * 2],
    )


@SETTINGS
@given(st.lists(TEXT, min_size=1, max_size=8), st.booleans())
def test_markdown_balances(tmp_path, lines, front):
    path = tmp_path / "a.md"
    text = ("---\ntitle: The Log\n---\n" if front else "") + "\n\n".join(lines)
    path.write_text(text)
    balanced(read(path), words(text))


@pytest.mark.parametrize(
    "name", ["project-history.en.pdf", "project-history.en.epub", "project-history.ja.pdf", "lighthouse.md"]
)
def test_real_documents_leave_nothing_unaccounted(name):
    account = read(DATA / name).account
    assert account.words_seen > 100
    assert account.words_unaccounted <= 0.01 * account.words_seen
    assert account.warnings() == []


def test_every_case_has_an_account_without_unknown_losses():
    for path in sorted(CASES.iterdir()):
        if path.suffix in (".pdf", ".epub", ".docx", ".html", ".md", ".txt") and "rtf" not in path.name:
            assert read(path).account.words_unaccounted == 0, path.name


def test_every_kind_has_a_label_and_a_sentence():
    assert set(LABELS) == set(LossKind)
    assert set(LossKind) > SERIOUS
    assert Loss(LossKind.PAGES_WITHOUT_TEXT, 3, 0, ["4", "17", "88"]).sentence() == "3 pages without text: 4, 17, 88"
    assert Loss(LossKind.CONTENTS_ENTRIES, 1, 5).sentence() == "1 contents entry dropped (5 words)"
    assert Loss(LossKind.COMMENTS, 30, 0, ["a", "b"]).sentence() == "30 comments left out: a, b and 28 more"


def test_more_than_a_share_without_a_reason_is_a_warning():
    assert settled(1000, 985, []).warnings() == []
    assert settled(1000, 900, []).warnings() == ["100 words of 1,000 (10%) missing without a known reason"]
    assert settled(1000, 900, [Loss(LossKind.COMMENTS, 2, 100)]).warnings() == []
    assert settled(10, 0, []).warnings() == []
    assert Account(encoding="koi8-r", certainty=0.6).warnings() == ["encoding guessed as koi8-r (certainty 60%)"]
    assert Account(encoding="koi8-r", certainty=0.9).warnings() == []


def test_losses_of_a_kind_are_one_and_locations_are_bounded():
    many = merged(Loss(LossKind.PICTURES, 1, 2, [f"page {n}"]) for n in range(100))
    assert [(loss.count, loss.words, len(loss.locations)) for loss in many] == [(100, 200, 20)]
