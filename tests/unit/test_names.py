"""Counts, lengths of time and names as people read them."""

import pytest

from jobctl.core import names


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-5, "0s"), (0, "0s"), (59.9, "59s"), (60, "1m"), (3_599, "59m"), (3_600, "1h"), (3_659, "1h"), (4_320, "1h12m"),
        (3_660, "1h01m"), (86_399, "23h59m"), (86_400, "1d"), (3 * 86_400 + 5, "3d"),
    ],
)  # fmt: skip
def test_a_length_of_time_is_short(seconds, shown):
    assert names.span(seconds) == shown


@pytest.mark.parametrize(
    ("count", "noun", "shown"),
    [
        (1, "page", "1 page"), (1_200, "page", "1,200 pages"), (0, "page", "0 pages"), (2, "entry", "2 entries"),
        (1, "entry", "1 entry"), (2, "key", "2 keys"),
    ],
)  # fmt: skip
def test_a_count_has_its_noun_in_the_right_number(count, noun, shown):
    assert names.plural(count, noun) == shown


def test_a_counted_stage_has_thousands_with_a_comma():
    assert names.counted("embedding", "chunk", 1_234, 50_000) == "Embedding chunk 1,234 of 50,000"


@pytest.mark.parametrize(
    ("name", "shown"), [("count_words", "Count words"), ("re-embed", "Re embed"), ("_x_", "X"), ("", "")]
)
def test_a_name_becomes_words(name, shown):
    assert names.words(name) == shown


def test_a_display_name_without_a_title_is_the_label():
    assert names.display_name("Export", "", "fast") == "Export (fast)"


def test_both_nouns_of_an_alternative_are_in_the_plural():
    assert names.plural(5, "page header or footer") == "5 page headers or footers"
    assert names.plural(1, "script or style") == "1 script or style"
