"""Words of a text for search and for counting."""

import pytest

from jobctl.core.search import hashed
from jobctl.core.terms import LONGEST, index_terms, matches, terms, word_count, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("Straße STRASSE", ["strasse", "strasse"]),
        ("ﬁne ４２", ["fine", "42"]),
        ("snake_case it's", ["snake", "case", "it", "s"]),
        ("東", ["東"]),
        ("東京都", ["東京", "京都"]),
        ("v2東京版x", ["v2", "東京", "京版", "x"]),
        ("한국어로", ["한국", "국어", "어로"]),
        ("東京a大阪", ["東京", "a", "大阪"]),
    ],
)
def test_words_are_folded_and_scripts_without_spaces_become_pairs(text, found):
    assert terms(text) == found


@pytest.mark.parametrize("text", ["x" * 100, "x" * 100 + "東", "東" + "x" * 100])
def test_a_term_has_a_longest_length(text):
    assert "x" * LONGEST in terms(text)
    assert max(map(len, terms(text))) == LONGEST


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ("Two Words, 3rd", ["Two", "Words", "3rd"]),
        ("東京 Debian", ["東", "京", "Debian"]),
        ("a東b", ["a", "東", "b"]),
    ],
)
def test_words_are_as_written_and_each_wide_character_is_one(text, found):
    assert words(text) == found
    assert word_count(text) == len(found)


def test_joined_names_are_indexed_whole_too():
    assert index_terms("Call dh_strip or x.") == ["call", "dh", "strip", "or", "x", "dh_strip"]


@pytest.mark.parametrize(
    ("text", "wanted", "marked"),
    [
        ("The Packages were built.", {"packages"}, ["Packages"]),
        ("伊恩創設した。x", {"創設", "設し"}, ["創設し"]),
        ("東京と東京", {"東京"}, ["東京", "東京"]),
        ("nothing", {"else"}, []),
    ],
)
def test_ranges_of_the_words_looked_for_do_not_overlap(text, wanted, marked):
    assert [text[start:end] for start, end in matches(text, frozenset(wanted))] == marked


def test_a_stem_has_the_same_number_everywhere():
    assert (hashed("packag"), hashed("創設")) == (537427145, -1556061215)
