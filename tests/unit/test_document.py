"""A passage as it is stored."""

from jobctl.core.document import Enrichment, Span, passage


def test_a_passage_keeps_its_place_and_what_is_known_of_it():
    stored = passage(Span(2, 10, 14, "text", ["A", "B"], 3, 4, 1), Enrichment(["theme"], "sum", 0.5, -0.25), b"\x01")
    assert (stored.index, stored.start_offset, stored.end_offset, stored.text) == (2, 10, 14, "text")
    assert (stored.heading_path, stored.page_start, stored.page_end, stored.token_count) == (["A", "B"], 3, 4, 1)
    assert (stored.themes, stored.summary, stored.importance, stored.polarity) == (["theme"], "sum", 0.5, -0.25)
    assert stored.vector == b"\x01"
