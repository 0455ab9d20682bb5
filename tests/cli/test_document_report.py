"""doctor --document: what a document would become, without a job and without storing anything."""

import json

import pytest

from jobctl.core.account import Loss, LossKind
from tests.documents.reading import CASES, DATA


def test_the_report_names_the_pages_without_text_and_the_first_passages(cli):
    done = cli("doctor", "--document", CASES / "pdf-half-scanned.pdf")
    assert done.code == 0
    assert "pdf, 10 pages" in done.out
    assert "warning    5 pages without text: 2, 4, 6, 8, 10\n" in done.out
    assert "passage 1, page 1: no heading\n" in done.out


def test_the_report_in_json_has_the_outline_the_account_and_three_passages(cli):
    done = cli("doctor", "--document", DATA / "project-history.en.pdf", "-o", "json")
    report = json.loads(done.out)
    assert (report["kind"], report["title"], report["source_type"]) == (
        "document_report",
        "A Brief History of Debian",
        "pdf",
    )
    assert len(report["outline"]) > 20
    assert report["account"]["words_stored"] > 10_000
    assert [passage["index"] for passage in report["first_passages"]] == [0, 1, 2]
    assert report["passages"] > 3


def test_nothing_is_stored(cli, conn, shell):
    before = sorted(shell.home.rglob("*"))
    assert cli("doctor", "--document", DATA / "lighthouse.md").code == 0
    assert conn.execute("SELECT (SELECT count(*) FROM jobs) + (SELECT count(*) FROM documents)").fetchone() == (0,)
    assert sorted(shell.home.rglob("*")) == before


def test_a_document_that_a_job_would_refuse_is_refused_with_the_same_reason(cli):
    done = cli("doctor", "--document", CASES / "txt-rtf.rtf")
    assert (done.code, done.out) == (2, "")
    assert "is RTF, which is not supported" in done.err


def test_a_file_that_is_not_there_is_a_usage_error(cli):
    assert cli("doctor", "--document", "nothing.pdf").code == 2


@pytest.mark.parametrize(
    ("kind", "locations", "sentence"),
    [
        (LossKind.PAGES_WITHOUT_TEXT, ["page 4", "page 17"], "2 pages without text: 4, 17"),
        (LossKind.PAGES_WITHOUT_TEXT, ["page 4"], "1 page without text: 4"),
        (LossKind.PAGE_NUMBERS, ["page 4", "page 17"], "2 page numbers dropped: pages 4, 17"),
        (LossKind.PAGE_NUMBERS, ["page 4"], "1 page number dropped: page 4"),
        (LossKind.MISSING_CHAPTERS, ["ch1.xhtml", "page 2"], "2 chapters missing from the archive: ch1.xhtml, page 2"),
    ],
)
def test_pages_are_named_by_their_numbers(kind, locations, sentence):
    assert Loss(kind, len(locations), 0, locations).sentence() == sentence
