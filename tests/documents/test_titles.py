"""The title that a person would write: judged over what documents say of themselves."""

import pytest

from jobctl.core.document import Heading, Line, Part, SourceInfo
from jobctl.documents.clean import title_of

OWN = [
    "The Lights of the North", "GNU Emacs Manual", "Debian Policy Manual v4.6", "1984", "R", "Introduction to Algorithms",
    "C++ in a Nutshell", "Was ist Aufklärung?", "雪国", "Война и мир", "What's New in Python 3.13", "On Testing", "Chapter and Verse",
    "The Index of Refraction", "Notes on the Synthesis of Form", "Book of Hours", "Image Processing", "TCP/IP Illustrated",
    "Main Street", "Layout of Gardens",
]  # fmt: skip
SENSELESS = [
    "untitled", "Untitled-1", "Microsoft Word - draft_final2.docx", "Microsoft PowerPoint - talk.ppt", "PowerPoint Presentation",
    "Document1", "Dokument 2", "Binder1.pdf", "Binder1", "ˆ", "-", "?", "scan0001", "Scanned Document", "IMG_2041", "slide 1",
    "report_v3.indd", "paper.dvi", "thesis.tex", "/tmp/a/b.ps", "C:\\temp\\x.doc", "Preface", "Contents", "Table of Contents",
    "Inhaltsverzeichnis", "Title", "(anonymous)", "Layout 1", "", "   ", "12", "\ufffd\ufffd\ufffdx",
]  # fmt: skip


def pages(*lines: tuple[str, float]) -> list[Part]:
    return [
        Part(0, page=1, lines=[Line(text, size) for text, size in lines]),
        Part(1, page=2, lines=[Line("body " * 50, 10.0)]),
    ]


@pytest.mark.parametrize("title", [title for title in OWN if sum(c.isalpha() for c in title) > 1])
def test_a_title_that_makes_sense_is_taken(title):
    assert title_of(SourceInfo("pdf", title=title), pages(("Other Words", 30.0)), [], "file.pdf") == title


@pytest.mark.parametrize("title", SENSELESS)
def test_a_title_of_a_program_is_not(title):
    assert title_of(SourceInfo("pdf", title=title), pages(("The Real Title", 30.0)), [], "file.pdf") == "The Real Title"


def test_a_program_before_the_title_is_cut_off():
    assert title_of(SourceInfo("pdf", title="Microsoft Word - The Tide Tables"), [], [], "x.pdf") == "The Tide Tables"


def test_the_largest_print_may_run_over_lines_and_is_no_generic_heading():
    parts = pages(("Preface", 30.0), ("The Lights", 24.0), ("of the North", 24.0), ("Ann Keeper", 12.0))
    assert title_of(SourceInfo("pdf"), parts, [], "x.pdf") == "The Lights of the North"


def test_then_the_first_heading_that_says_something_then_the_file_name():
    headings = [
        Heading(1, "Contents", 0),
        Heading(1, "1 Introduction", 9),
        Heading(2, "Tides", 20),
        Heading(1, "Fog Signals", 30),
    ]
    assert title_of(SourceInfo("markdown"), [], headings, "x.md") == "Fog Signals"
    assert title_of(SourceInfo("markdown"), [], headings[:3], "x.md") == "Tides"
    assert title_of(SourceInfo("markdown"), [], headings[:2], "harbour dues 2017.md") == "harbour dues 2017"
