"""Kinds of PDF that lose text, order or title in many readers."""

import pytest

from jobctl.core.account import LossKind
from jobctl.core.document import Line, Part, SourceInfo
from jobctl.core.errors import Invalid
from jobctl.documents.clean import clean
from jobctl.documents.clean.furniture import Spot, furniture, leader
from jobctl.documents.clean.words import joined
from tests.documents.make import pdf
from tests.documents.reading import case, read

PROSE = "The keeper climbed the stair each night and lit the lamp before the fog."


def test_lines_that_end_in_dots_are_text():
    result = case("pdf-leaders.pdf")
    lines = [line for line in result.text.markdown.split("\n") if line]
    assert len(lines) == 10
    assert "Whale oil .......... 12" in lines
    assert result.account.losses == []


def test_a_contents_list_goes_and_is_accounted_for(tmp_path):
    entries = [(f"Part {n} . . . . . . . . {n + 1}", 11) for n in range(1, 6)]
    after = [("Prices", 18), ("Whale oil .......... 12", 11), ("Rope .......... 7", 11), ("Tar .......... 3", 11)]
    result = read(pdf(tmp_path / "a.pdf", [[("Contents", 18), *entries], after]))
    assert "Part 3" not in result.text.markdown
    assert "Whale oil .......... 12" in result.text.markdown
    assert result.lost(LossKind.CONTENTS_ENTRIES) == 5
    assert result.account.words_unaccounted == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Introduction . . . . . . 12", ("Introduction", "12")), ("1.2 Scope......iv", ("1.2 Scope", "iv")),
        ("Scope … … 7", ("Scope", "7")), ("I waited... and waited", None), ("and so on...", None), ("3.1415", None),
        (". . . . . . 5", None), ("7 Dues . . . . . . > 7a", None),
    ],
)  # fmt: skip
def test_a_leader_is_a_title_dots_and_a_page(text, expected):
    assert leader(text) == expected


def test_numbered_chapter_heads_are_headings():
    result = case("pdf-chapter-heads-narrow.pdf")
    assert result.headings == [f"Chapter {n}" for n in range(1, 7)]
    assert result.lost(LossKind.RUNNING_HEADS) == 0


def edge_pages(text: str, *, count: int = 8, bold: bool = False, size: float = 10.0) -> list[Part]:
    """Pages with a line at their top and a paragraph; ``{n}`` is the number of the page."""
    return [
        Part(n, page=n + 1, lines=[Line(text.format(n=n + 1, m=2010 + 3 * n), size, bold, y=0.95), Line(PROSE, 10.0, y=0.5, gap=9)])
        for n in range(count)
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "style", "kind"),
    [
        ("Handbook of Lights", {}, LossKind.RUNNING_HEADS), ("Handbook of Lights {n}", {}, LossKind.RUNNING_HEADS),
        ("{n} Handbook of Lights", {"bold": True}, LossKind.RUNNING_HEADS), ("{n}", {}, LossKind.PAGE_NUMBERS),
        ("- {n} -", {}, LossKind.PAGE_NUMBERS), ("Page {n} of 8", {}, LossKind.PAGE_NUMBERS),
        ("Chapter {n}", {}, None), ("Invoice {n}", {}, None), ("Invoice {m}", {}, None), ("Exercise {n}", {}, None),
        ("Exercise {n}.1", {}, None), ("The Lights of the North", {"size": 24.0}, None), ("Chapter {n}", {"bold": True}, None),
    ],
)  # fmt: skip
def test_what_comes_again_at_the_edge_of_pages(text, style, kind):
    dropped = furniture(edge_pages(text, **style), 10.0)
    assert dropped == ({} if kind is None else {Spot(n, 0): kind for n in range(8)})


def test_a_bold_title_that_comes_on_a_few_pages_stays():
    plain = [Part(n, page=n + 1, lines=[Line(PROSE, 10.0, y=0.5)]) for n in range(3, 12)]
    assert furniture([*edge_pages("Exercises", count=3, bold=True), *plain], 10.0) == {}


def test_heads_that_change_go_with_their_page_number_and_footnotes_and_sections_stay():
    heads = [
        Part(n, page=n + 1, lines=[Line(f"{n // 3}.1 About tides {n + 5}", 10, y=0.95), Line(PROSE, 10, y=0.5)])
        for n in range(12)
    ]
    assert furniture(heads, 10.0) == {Spot(n, 0): LossKind.RUNNING_HEADS for n in range(12)}
    notes = [
        Part(n, page=n + 1, lines=[Line(PROSE, 10, y=0.5), Line(f"{n + 1} See log {'abcdefghijkl'[n]}", 8, y=0.05)])
        for n in range(12)
    ]
    assert furniture(notes, 10.0) == {}
    sections = [
        Part(n, page=n + 1, lines=[Line(f"{n + 1} Section of letter {'abcd'[n]}", 10, y=0.95), Line(PROSE, 10, y=0.5)])
        for n in range(4)
    ]
    assert furniture(sections, 10.0) == {}


def test_a_page_number_may_stand_higher_than_a_running_head():
    pages = [Part(n, page=n + 1, lines=[Line(PROSE, 10, y=0.5), Line(str(n + 3), 10, y=0.12)]) for n in range(6)]
    assert furniture(pages, 10.0) == {Spot(n, 1): LossKind.PAGE_NUMBERS for n in range(6)}
    rows = [Part(n, page=n + 1, lines=[Line(PROSE, 10, y=0.5), Line(str((7 * n) % 5), 10, y=0.12)]) for n in range(6)]
    assert furniture(rows, 10.0) == {}
    again = [
        Part(n, page=n + 1, lines=[Line(PROSE, 10, y=0.5), Line("signed by the keeper", 10, y=0.12)]) for n in range(6)
    ]
    assert furniture(again, 10.0) == {}


def test_a_line_that_comes_now_and_then_is_content():
    pages = [
        Part(n, page=n + 1, lines=[Line("Exercises" if n % 4 == 0 else f"Text {'abcdefghijklm'[n]}", 10, y=0.95)])
        for n in range(13)
    ]
    assert furniture(pages, 10.0) == {}
    alternating = [
        Part(n, page=n + 1, lines=[Line("Left head" if n % 2 else "Right head", 10, y=0.95)]) for n in range(8)
    ]
    assert len(furniture(alternating, 10.0)) == 8


def test_a_turned_page_reads_as_its_upright_twin():
    upright, turned = case("pdf-landscape-upright.pdf"), case("pdf-landscape-rot270.pdf")
    assert turned.text.markdown == upright.text.markdown
    assert turned.account.losses == []
    rotated = case("pdf-rotate90.pdf")
    for row in ("Skerry Rock 18", "Outer Light 73", "Total 98"):
        assert row in rotated.text.markdown
    assert rotated.account.losses == []


def test_pages_without_text_are_named():
    result = case("pdf-half-scanned.pdf")
    assert result.account.warnings() == ["5 pages without text: 2, 4, 6, 8, 10"]


def test_few_words_are_no_scan_and_none_are(tmp_path):
    assert read(pdf(tmp_path / "a.pdf", [[("Thanks!", 40)]])).text.markdown == "Thanks!\n"
    assert "Thanks!" in read(pdf(tmp_path / "b.pdf", [[("Thanks!", 12)]])).text.markdown
    with pytest.raises(Invalid, match="needs OCR"):
        read(pdf(tmp_path / "c.pdf", [[], []]))
    scans = [Part(n, page=n + 1, lines=[Line("C", 8)], picture=n > 0) for n in range(4)]
    with pytest.raises(Invalid, match="needs OCR"):
        clean(SourceInfo("pdf"), scans)


def test_values_of_a_form_and_remarks_are_kept_and_marked():
    form = case("pdf-form.pdf").text.markdown
    assert "- Form field Master: Ann Keeper" in form
    assert "Needs a berth with fresh water until October" in form
    notes = case("pdf-annotations.pdf").text.markdown
    assert "- Free text: FREETEXTWORD written by a reviewer" in notes
    assert "- Note: STICKYWORD note by a reviewer" in notes


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("light\ufffehouse", "lighthouse"), ("well\ufffeknown", "well-known"), ("keeper-in\ufffechief", "keeper-in-chief"),
        ("1990-1995", "1990-1995"), ("1990\ufffe1995", "1990-1995"), ("e\ufffemails", "e-mails"), ("Jean\ufffePaul", "Jean-Paul"),
        ("high\ufffener", "highner"), ("part\ufffely", "partly"), ("LIGHT\ufffeHOUSE", "LIGHTHOUSE"), ("a\u00adb c\u00add", "a-b c-d"),
    ],
)  # fmt: skip
def test_a_word_cut_at_the_end_of_a_line_is_whole_again(text, expected):
    assert joined(text) == expected


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("pdf-title-untitled.pdf", "The Lights of the North"), ("pdf-title-word.pdf", "The Lights of the North"),
        ("pdf-arxiv-like.pdf", "On the Visibility of Lights"),
    ],
)  # fmt: skip
def test_the_title_is_the_one_that_stands_on_the_page(name, title):
    assert case(name).title == title


def test_a_drop_cap_is_no_heading():
    result = case("pdf-dropcap.pdf")
    assert result.headings == []
    assert result.text.markdown.startswith("The keeper climbed")


def test_a_form_that_only_adobe_reader_shows_is_refused(tmp_path):
    path = pdf(tmp_path / "a.pdf", [[("Please wait... If this message is not eventually replaced,", 12)]])
    data = path.read_bytes()
    form = b'/AcroForm << /XFA (<xdp:xdp xmlns:xdp="http://ns.adobe.com/xdp/"/>) /Fields [] >> '
    path.write_bytes(data.replace(b"/Type /Catalog ", b"/Type /Catalog " + form))
    with pytest.raises(Invalid, match="XFA form"):
        read(path)
    other = pdf(tmp_path / "b.pdf", [[("A form that shows its own words", 12)]])
    other.write_bytes(other.read_bytes().replace(b"/Type /Catalog ", b"/Type /Catalog " + form))
    assert "its own words" in read(other).text.markdown


def test_a_file_encrypted_in_an_unknown_way_is_encrypted_not_damaged(tmp_path):
    encrypted = b"/Encrypt << /Filter /Unknown /V 9 /R 9 >>"
    with pytest.raises(Invalid, match="encrypted"):
        read(pdf(tmp_path / "a.pdf", [[("Secret", 12)]], trailer=encrypted))


def test_characters_without_a_value_are_counted():
    from jobctl.documents.extract.pdf import _losses

    assert [(loss.kind, loss.count, loss.locations) for loss in _losses(3, "a\ufffd\ue001b", cut=True)] == [
        (LossKind.UNREADABLE_CHARACTERS, 2, ["page 3"]), (LossKind.CUT_PAGES, 1, ["page 3"]),
    ]  # fmt: skip
