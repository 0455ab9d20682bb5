"""What is counted of passages: summaries and key phrases."""

import pytest

from jobctl.documents.enrich import Enricher
from jobctl.documents.enrich.prose import LONGEST, plain, summary

SENTENCE = "The tool `dh_strip` removes symbols from __all__ binaries."


@pytest.mark.parametrize(
    ("markdown", "said"),
    [
        (f"## 5.6.30.\n\n{SENTENCE} It is quick.", "The tool dh_strip removes symbols from all binaries."),
        ("# A heading of many words that is long enough\n\n5.6.30.\n\n1.2\n\nIt says something of its own here.", "It says something of its own here."),
        ("The version 3.2 of Mr. Smith, e.g. the last one, is good. Yes.", "The version 3.2 of Mr. Smith, e.g. the last one, is good."),
        ("Call my_own_name and *do_it* with a\\_b and /usr/lib/lib_x.la now.", "Call my_own_name and do_it with a_b and /usr/lib/lib_x.la now."),
        ("See [the manual of it](https://x.y/z_a) for more of that.", "See the manual of it for more of that."),
        ("```\nthis is code that looks like prose to all.\n```\n\nThis is prose that comes after.", "This is prose that comes after."),
        ("| a table | of words that are many. |\n|---|---|\n\nText that is under the table.", "Text that is under the table."),
        ("- an item that is one whole sentence.\n- another item of it.", "an item that is one whole sentence."),
        ("> A line that is cited from\n> somebody else entirely.", "A line that is cited from somebody else entirely."),
        ("A title without a stop at its end\n\nThis one has it, and so it wins.", "This one has it, and so it wins."),
        ("Nothing but a line of text without an end", "Nothing but a line of text without an end"),
        ("伊恩・マードックがDebianを創設した。これは次の文です。", "伊恩・マードックがDebianを創設した。"),
        ("Zeile eins eines Absatzes,\ndie hier zu Ende ist. Und mehr.", "Zeile eins eines Absatzes, die hier zu Ende ist."),
        ("## Only a heading", ""), ("5.6.30.", ""), ("12 13 14 15 16 17 18.", ""), ("", ""), ("```\ncode\n", ""), ("***\n\n---", ""),
    ],
)  # fmt: skip
def test_a_summary_is_a_sentence_and_never_a_heading_a_number_or_code(markdown, said):
    assert summary(markdown) == said


def test_a_long_sentence_is_cut_between_words():
    said = summary("word " * 100 + "end.")
    assert len(said) <= LONGEST
    assert said.endswith("word…")
    assert len(summary("x" * 50 + " and so on to the end of " + "y" * 400 + ".")) <= LONGEST


@pytest.mark.parametrize("markdown", ["a ` b", "``", "a**b", "[a]", "[a](", "\\", "_", "**", "![x](y)", "a_b_"])
def test_marks_without_a_partner_are_taken(markdown):
    assert len(plain(markdown)) <= len(markdown)


def test_names_are_whole_in_key_phrases_and_no_word_comes_twice():
    texts = [f"Call dh_strip_symbols for the page {n}. The dh_strip_symbols helper runs late." for n in range(3)]
    themes = Enricher(texts).enrich(0).themes
    assert any("dh_strip_symbols" in theme for theme in themes)
    words = [word for theme in themes for word in theme.split()]
    assert len(words) == len(set(words))


def test_addresses_and_filling_words_are_no_key_phrases():
    text = "Please see https://wiki.debian.org/Foo and [the page](https://www.debian.org/bar), for example. Lighthouses shine."
    themes = Enricher([text, text, "Other words."]).enrich(0).themes
    assert not {"https", "wiki", "debian", "www", "please", "example"} & {w for theme in themes for w in theme.split()}
    assert "lighthouses shine" in themes


def test_key_phrases_end_where_a_sentence_ends():
    themes = Enricher(["The harbour is deep. Ships come. The harbour is deep. Ships come.", "x"]).enrich(0).themes
    assert not any("deep ships" in theme for theme in themes)
