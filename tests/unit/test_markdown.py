"""The lines of Markdown that structure a text."""

import pytest

from jobctl.core.markdown import atx, bare, fence, prose


@pytest.mark.parametrize(
    ("line", "heading"),
    [
        ("# Title", (1, "Title")),
        ("## Title ##", (2, "Title")),
        ("###### a \t b", (6, "a b")),
        ("#\tTitle\r", (1, "Title")),
        ("# C#", (1, "C#")),
        ("## ##", (2, "")),
        ("# ", (1, "")),
        ("####### seven", None),
        ("#Title", None),
        ("Title", None),
        ("", None),
        (" # indented", None),
    ],
)
def test_a_heading_has_one_to_six_marks_and_a_blank(line, heading):
    assert atx(line) == heading


@pytest.mark.parametrize(
    ("line", "marks"),
    [
        ("```python", "```"), ("   ~~~~", "~~~~"), ("1. ```", "```"), (" - 10) ~~~ x", "~~~"),
        ("    ```", None), ("``x``", None), ("```x``` in a sentence", None), ("1.```", None), ("", None),
    ],
)  # fmt: skip
def test_a_fence_is_three_marks_or_more_indented_by_three_or_first_in_an_item(line, marks):
    found = fence(line)
    assert (found.marks if found else None) == marks


def test_lines_of_prose_come_with_their_offsets_and_code_is_left_out():
    text = "one\n````\n```\ncode\n````\ntwo\n~~~\nnever closed\n```"
    assert list(prose(text)) == [(0, "one"), (text.index("two"), "two")]
    assert list(prose("a\n\nb")) == [(0, "a"), (2, ""), (3, "b")]


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("1. ```\n   # code\n   ```\n# Title", ["# Title"]),
        ("10. ```\n    # code\n    ```\n# Title", ["# Title"]),
        ("- - ```\n    # code\n    ```\n# Title", ["# Title"]),
        ("1. ```\n   code\n\n# the item ends", ["# the item ends"]),
        ("```\n```python\n# code\n``` \n# Title", ["# Title"]),
        ("```\n    ```\n# code\n```\n# Title", ["# Title"]),
    ],
)
def test_code_in_a_list_ends_with_its_fence_or_its_item(text, left):
    assert [line for _, line in prose(text)] == left


@pytest.mark.parametrize(
    ("markdown", "seen"),
    [("[a word](https://x.y/z)", "[a word]"), (r"1\. a \* b", "1. a * b"), ("[a](b c)", "[a](b c)"), (r"\d", r"\d")],
)
def test_link_targets_and_escapes_are_not_seen_by_a_reader(markdown, seen):
    assert bare(markdown) == seen
