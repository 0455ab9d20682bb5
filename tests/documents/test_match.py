"""Passages are found again, and what is not certain is left to a person."""

import random
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobctl.core.library import Document
from jobctl.documents.match import FoldedText, Highlight, decide, fold, known_rows, which

WORDS = [
    "river",
    "keeper",
    "lantern",
    "harbour",
    "winter",
    "copper",
    "engine",
    "letter",
    "garden",
    "signal",
    "mountain",
    "silver",
    "paper",
    "shadow",
    "bridge",
]


def prose(seed: int, sentences: int) -> str:
    dice = random.Random(seed)
    return " ".join(
        " ".join(dice.choice(WORDS) + str(dice.randint(0, 99)) for _ in range(dice.randint(6, 14))).capitalize() + "."
        for _ in range(sentences)
    )


BOOK = prose(1, 900)
FOLDED = FoldedText(BOOK)


def test_an_exact_passage_is_placed_to_the_code_point_whatever_its_typography():
    passage = BOOK[5000:5160]
    changed = passage.replace(" ", "\n ").replace(".", "…").upper()
    found = FOLDED.locate(changed)
    assert (found.outcome, found.score) == ("placed", 1.0)
    assert fold(BOOK[found.start : found.end]) == fold(passage)


def test_damaged_passages_are_placed_and_nonsense_is_not():
    dice = random.Random(7)
    placed = wrong = 0
    for _ in range(100):
        start = dice.randrange(len(BOOK) - 400)
        text = list(BOOK[start : start + 220])
        for _ in range(5):
            text[dice.randrange(len(text))] = dice.choice("abcdefgh")
        hole = dice.randrange(100)
        found = FOLDED.locate("".join(text[:hole] + text[hole + 15 :]))
        placed += found.outcome == "placed"
        wrong += found.start is not None and abs(found.start - start) > 60
    assert (placed >= 98, wrong) == (True, 0)
    nonsense = [FOLDED.locate(prose(1000 + n, 2)).outcome for n in range(50)]
    assert nonsense.count("placed") == 0


@pytest.mark.parametrize("mark", ["…", " … ", "...", " [...] ", " (…) ", " . . . "])
def test_a_passage_of_which_the_middle_was_left_out_is_placed_from_its_first_words_to_its_last(mark):
    dice = random.Random(11)
    for _ in range(60):
        start = dice.randrange(len(BOOK) - 1500)
        start = BOOK.index(" ", start) + 1
        words = BOOK[start : start + dice.randrange(200, 1400)].rsplit(" ", 1)[0].split(" ")
        passage = " ".join(words)
        found = FOLDED.locate(" ".join(words[:6]) + mark + " ".join(words[-6:]))
        assert (found.outcome, BOOK[found.start : found.end]) == ("placed", passage.rstrip("."))


def test_damaged_ends_are_found_and_those_of_two_chapters_are_not():
    words = BOOK[3000:4000].split(" ")[1:-1]
    first, last = " ".join(words[:9]), " ".join(words[-9:])
    found = FOLDED.locate(f"{first[:20]}#x{first[22:]} … {last[:30]}yy{last[32:]}")
    assert found.outcome == "placed"
    assert abs(found.start - BOOK.index(first)) < 5
    far = " ".join(BOOK[40_000:40_200].split(" ")[1:10])
    assert FOLDED.locate(f"{first} … {far}").outcome != "placed"
    assert FOLDED.locate(f"{far} … {first}").outcome != "placed"
    assert FOLDED.locate(f"{prose(77, 1)} … {prose(78, 1)}").outcome != "placed"


def test_an_ellipsis_of_the_text_itself_is_no_gap():
    text = f"{prose(5, 9)} He waited ... and nobody came to the door. {prose(6, 9)}"
    found = FoldedText(text).locate("He waited … and nobody came to the door")
    assert (found.outcome, found.score) == ("placed", 1.0)


@pytest.mark.parametrize("text", ["", "a", "xy", "…", "zq9 not there"])
def test_what_is_too_short_fails_with_a_reason(text):
    found = FOLDED.locate(text)
    assert found.outcome == "failed"
    assert found.reason


def test_of_two_equal_places_the_location_decides_and_without_one_a_person():
    text = f"{prose(2, 20)} The same words again. {prose(3, 40)} The same words again. {prose(4, 20)}"
    folded = FoldedText(text)
    assert folded.locate("The same words again").outcome == "review"
    late = folded.locate("The same words again", near=0.8)
    assert late.outcome == "placed"
    assert late.start == text.rindex("The same words again")


@settings(max_examples=60, deadline=None)
@given(st.text(min_size=40, max_size=200), st.integers(0, 100), st.integers(5, 40))
def test_offsets_are_those_of_the_text_in_any_script(text, start, length):
    passage = text[start : start + length]
    found = FoldedText(text).locate(passage)
    if found.outcome == "placed" and found.score == 1.0:
        assert fold(text[found.start : found.end]) == fold(passage)


def document(number: int, title: str, author: str | None) -> Document:
    now = datetime.now(UTC)
    return Document(
        id=number, uid=str(number), title=title, author=author, source_type="text", source_name=None, source_url=None,
        source_sha256=None, source_key=None, language=None, page_count=None, word_count=0, outline=[], frontmatter={},
        markdown_key="k", markdown_sha256="s", engine="e", generation=1, created_at=now, updated_at=now,
        connected_at=None,
    )  # fmt: skip


DOCUMENTS = [
    document(1, "The Sea, the Sea", "Iris Murdoch"),
    document(2, "The Sea", "John Banville"),
    document(3, "Thinking, Fast and Slow: A Summary", None),
]


@pytest.mark.parametrize(
    ("title", "author", "expected"),
    [
        ("the sea the sea", "Murdoch, Iris", 1), ("Sea", "John Banville", 2), ("Thinking, Fast and Slow", "Kahneman", 3),
        ("A Brief History of Time", "Stephen Hawking", None),
    ],
)  # fmt: skip
def test_a_book_goes_to_its_best_document_not_to_the_first(title, author, expected):
    found = which(title, author, DOCUMENTS)
    assert (found.document_id, found.sure) == (expected, expected is not None)


def test_two_documents_of_one_title_are_a_question():
    twins = [document(n, "Collected Poems", None) for n in (1, 2)]
    assert not which("Collected Poems", None, twins).sure


def test_what_is_known_stays_as_it_is():
    highlight = Highlight("7", BOOK[100:200], "b")
    first = decide(1, {}, FOLDED, highlight)
    assert first.outcome == "placed"
    assert decide(1, known_rows([first.annotation]), FOLDED, highlight).outcome == "known"
