"""Block ids and damaged blocks: an independent Markdown parser finds every target of our links."""

import re
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from jobctl.documents.vault import (
    Damaged,
    Link,
    Mark,
    Note,
    Quote,
    body_of,
    disowned,
    index_note,
    places,
    render,
    repair,
    uid_of,
    update,
)

UID = "339c79d1-00b8-5a58-9a4f-ce84b50446dd"
BEGIN, LINKS, END = "%% jobctl:begin %%", "%% jobctl:links %%", "%% jobctl:end %%"
LINES = st.lists(
    st.sampled_from([
        "Words of a paragraph", "more words", "", "", "# A heading", "Underlined", "======", "---", "- an item", "  more of it",
        "  - an inner item", "1. first", "14. not a list after a paragraph", "> quoted", "> ```", "| a | b |", "|---|---|", "a | b",
        "--- | ---", "```", "```python", "~~~", "    indented", "\tindented", "<div>", "<!-- remark", "-->", "<pre>", "$$", "x = 1",
        "[label]: https://example.org", "**bold**", "- ```", "  ```", "* * *", "line with spaces  ", "- ", "text <b>", "## ", "%% hidden %%",
    ]), max_size=14,
).map("\n".join)  # fmt: skip


def resolvable(text: str) -> set[str]:
    """Ids of blocks as Obsidian finds them, by another parser: last words of a paragraph, on the right line."""
    found: set[str] = set()
    parser = MarkdownIt("commonmark").enable("table")
    text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)
    tokens = parser.parse(re.sub(r"^%% jobctl:\w+ %%$", "\n", text, flags=re.MULTILINE))  # a comment ends a paragraph
    for before, token in pairwise(tokens):
        if token.type == "inline" and before.type == "paragraph_open":
            name = re.search(r"(?:^| )\^([0-9a-zA-Z-]+)$", token.content)
            if name:
                found.add(name.group(1))
    return found


def links_to(text: str) -> set[str]:
    """The blocks of this note that its managed links lead to."""
    return set(re.findall(r"\[\[#\^([^|\]]+)", text[text.index(LINKS) : text.rindex(END)]))


@settings(max_examples=600, deadline=None, derandomize=True)
@given(LINES, st.lists(st.integers(0, 150), max_size=6))
@example("```\nopen code", [0])
@example("text\n14. no item", [0, 6])
@example("A title\n---\ntext", [0, 12])
@example("> quoted\n---", [0])
@example("[label]: https://example.org\n<div>\n- an item", [35])
@example("| a | b |\n14. not a list after a paragraph\n- ", [10])
def test_every_block_id_stands_where_a_link_finds_it(body, offsets):
    marks = [Mark(f"c{n}", min(n, max(len(body) - 1, 0))) for n in offsets]
    links = [Link(mark.id, "Other", "c2", 0.5, "semantic", "words") for mark in marks]
    text = render(Note(UID, "T", None, body, marks, links, [Quote(marks[0].id if marks else None, "said", "noted")]))
    assert body_of(text) == body
    there = resolvable(text)
    written = {f"jobctl-{name}" for name in places(body, marks).values()}
    assert written <= there
    assert links_to(text) <= there
    assert set(re.findall(r"\^(jobctl-[0-9a-z]+)$", text, re.MULTILINE)) <= there
    if "%%" not in body and not re.search(r"<!--|<pre", body):
        shown = MarkdownIt("commonmark").parse(text)
        assert not links or any(t.type == "heading_open" and t.tag == "h2" for t in shown), "links are not in code"


def test_ids_stand_at_the_end_of_the_whole_block():
    body = "One line\nof three\nof them.\n\n- item\n  goes on\n- next\n\n| a |\n|---|\n| 1 |\n\n> quoted\n\n```\ncode\n```\n\n# Head\n\nend"
    at = {"p": 0, "i": body.index("item"), "t": body.index("|---"), "q": body.index("quoted"), "c": body.index("code")}
    text = render(Note(UID, "T", None, body, [Mark(name, offset) for name, offset in at.items()]))
    assert "One line\nof three\nof them. ^jobctl-p\n" in text
    assert "- item\n  goes on ^jobctl-i\n- next\n" in text
    for block, name in (("| 1 |", "t"), ("> quoted", "q"), ("```", "c")):
        assert f"{block}\n\n^jobctl-{name}\n\n" in text
    assert places(body, [Mark("c1", 0), Mark("c2", 12)]) == {"c1": "c1", "c2": "c1"}, "one id a block, for both"
    assert places("# Only a heading", [Mark("c1", 3)]) == {}


DAMAGE = {
    "no block": lambda t: t.replace(BEGIN, "").replace(LINKS, "").replace(END, ""),
    "no begin": lambda t: t.replace(BEGIN + "\n", ""),
    "no links": lambda t: t.replace(LINKS, ""),
    "no end": lambda t: t.replace(END, ""),
    "misspelt": lambda t: t.replace(END, "%% jobctl: end %%"),
    "truncated": lambda t: t[: t.index(LINKS) + 5],
    "truncated in the text": lambda t: t[: t.index("words")],
    "empty": lambda _: "",
    "doubled": lambda t: t + t[t.index(BEGIN) :],
    "end doubled": lambda t: t + END,
    "nested": lambda t: t.replace("words", f"{BEGIN}\nwords\n{END}"),
    "order": lambda t: t.replace(BEGIN, "X").replace(END, BEGIN).replace("X", END),
    "in fenced code": lambda t: t.replace(BEGIN, f"```\n{BEGIN}"),
    "in a line of code": lambda t: t.replace(BEGIN, f"`{BEGIN}`"),
    "text before a mark": lambda t: t.replace(LINKS, f"mine {LINKS}"),
    "among the links": lambda t: t.replace("## Connections", "## Connections\nmine"),
    "in a highlight": lambda t: t.replace("> > noted", "> > noted, and more"),
}


@pytest.mark.parametrize("damage", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_note_is_not_rewritten_and_a_repair_makes_it_sound(damage):
    links, quotes = [Link("c1", "Other", "c2", 0.5, "t", "w")], [Quote("c1", "said", "noted")]
    note = Note(UID, "T", None, "some words\n", [Mark("c1", 0)], links, quotes)
    whole = "before\n\n" + render(note).split("---\n", 2)[2] + "\nafter\n"
    text = damage(render(note).split(BEGIN)[0] + whole)
    with pytest.raises(Damaged, match="repair=true"):
        update(text, note)
    fixed = repair(text, note)
    assert body_of(fixed) == note.body
    assert update(fixed, note) == fixed
    assert fixed.count(BEGIN) == fixed.count(END) == 1


def test_a_repair_keeps_what_is_certainly_outside():
    note = Note(UID, "T", None, "some words\n")
    text = render(note).replace(BEGIN, f"before\n{BEGIN}").replace(LINKS, "") + "after\n"
    fixed = repair(text, note)
    assert "before\n%% jobctl:begin" in fixed
    assert fixed.endswith("after\n")


def test_a_copy_belongs_to_no_document_and_is_otherwise_the_same():
    text = render(Note(UID, "T", None, "jobctl-id: is a property\n"))
    copy = disowned(text)
    assert uid_of(copy) is None
    assert copy.replace("jobctl-copy-of", "jobctl-id") == text


@pytest.mark.parametrize(
    "edit",
    [
        lambda t: t.replace("- [[A]]", "- [[A]] mine"), lambda t: t.replace(END, ""), lambda t: t.replace("|Other]]", "|Mine]]"),
        lambda t: t + END, lambda t: t.replace("- [[A]]\n", ""),
    ],
)  # fmt: skip
def test_the_list_of_notes_is_not_renewed_over_what_somebody_wrote(edit):
    text = index_note(None, [("A", "A"), ("B", "Other"), (None, "a # b")])
    assert "- [[A]]\n- [[B|Other]]\n- a b\n" in text
    assert index_note(text, [("A", "A"), ("B", "Other"), (None, "a # b")]) == text
    assert index_note(text + "mine\n", [("A", "A")]).endswith(f"- [[A]]\n{END}\nmine\n")
    with pytest.raises(Damaged):
        index_note(edit(text), [("A", "A")])
    assert "- [[A]]\n%% jobctl:end" in index_note(edit(text), [("A", "A")], anew=True)


def test_a_list_of_an_older_version_is_renewed():
    old = f"# Library\n\n{BEGIN}\n- [[A]]\n- [[B|Other]]\n{END}\n"
    assert body_of_list(index_note(old, [("C", "C")])) == ["- [[C]]"]


def body_of_list(text: str) -> list[str]:
    return text[text.index(BEGIN) + len(BEGIN) : text.index(END)].split("\n")[1:-1]


def test_a_note_of_an_older_version_is_renewed_unless_its_links_were_edited():
    note = Note(UID, "T", None, "some words\n", [Mark("c1", 0)], [Link("c1", "Other", "c2", 0.5, "t", "w")])
    old = re.sub(r"jobctl-links: .*\n", "", render(note))
    assert update(old, note) == render(note)
    with pytest.raises(Damaged, match="among its links"):
        update(old.replace("## Connections", "## Connections\nmine"), note)


def test_a_text_with_marks_of_ours_is_refused_and_a_highlight_with_them_is_not():
    for body in (f"text\n{END}\n", "text ^jobctl-c1\n"):
        with pytest.raises(Exception, match="marks of a managed block"):
            render(Note(UID, "T", None, body))
    text = render(Note(UID, "T", None, "text", quotes=[Quote(None, f"said {END}", LINKS)]))
    assert body_of(text) == "text"
