"""Notes: what a person wrote stays byte for byte, what was exported reads back exactly."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobctl.core.errors import Invalid
from jobctl.documents.vault import Action, Link, Mark, Note, Quote, Vault, body_of, compare, render, safe_name, update

UID = "339c79d1-00b8-5a58-9a4f-ce84b50446dd"
BODY = st.text(
    st.sampled_from("abc é字 \n#|>`*-[]()^%"), max_size=200
).map(lambda t: t.replace("%%", "%"))  # fmt: skip


def note(body: str, **more) -> Note:
    return Note(UID, 'A "title": with # signs', None, body, **more)


@settings(max_examples=300, deadline=None)
@given(BODY, st.lists(st.integers(0, 200), max_size=5))
def test_every_body_reads_back_exactly(body, places):
    marks = [Mark(f"c{n}", min(n, max(len(body) - 1, 0))) for n in places]
    links = [Link("c1", "Other [x]", "c2", 0.5, "semantic similarity", "words | with ]] signs %%")]
    text = render(note(body, marks=marks, links=links, quotes=[Quote("c1", "said\nso", "my note")]))
    assert body_of(text) == body
    assert body_of(text.replace("\n", "\r\n")) == body


@settings(max_examples=200, deadline=None)
@given(
    st.text(st.sampled_from("ab \n#-"), max_size=60),
    st.text(st.sampled_from("ab \n#-"), max_size=60),
    BODY,
    st.booleans(),
)
def test_an_update_changes_nothing_outside_of_the_block(before, after, body, windows):
    head = '---\n# a comment\ntags: [a,   b]\naliases:\n  - "x"   # why\n---\n'
    managed = render(note("old text")).split("---\n", 2)[2].rstrip("\n")
    text = head + before + managed + after
    if windows:
        text = text.replace("\n", "\r\n")
    fresh = update(text, note(body))
    end = "\r\n" if windows else "\n"
    assert body_of(fresh) == body
    for kept in (before, after, '# a comment\ntags: [a,   b]\naliases:\n  - "x"   # why\n'):
        assert kept.replace("\n", end) in fresh
    assert update(fresh, note(body)) == fresh


def test_a_note_with_broken_properties_is_never_rewritten():
    with pytest.raises(Invalid, match="no YAML: line"):
        update("---\ntitle: [a\n---\ntext\n", note("new"))


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("../../etc/passwd", "etc passwd"), ('a/b\\c:d*e?f"g<h>i|j#k^l[m]n', "a b c d e f g h i j k l m n"), ("CON", "Note CON"),
        ("...", "Note"), ("x\x1b[31m\u202ey", "x 31m y"), ("ends with dot. ", "ends with dot"),
    ],
)  # fmt: skip
def test_titles_become_names_that_are_safe_everywhere(title, name):
    assert safe_name(title) == name


def test_names_differ_without_regard_to_case_and_composition_and_fit_a_file_system():
    assert safe_name("É", ["e\u0301".replace("e", "e")]) == "É (2)"
    long = safe_name("字" * 300)
    assert len(f"{long}.md".encode()) <= 255
    assert safe_name("字" * 300, [long]) != long


@pytest.mark.parametrize(
    ("agreed", "vault", "library", "action"),
    [
        ("a", "a", "a", Action.UNCHANGED), ("a", "b", "a", Action.TAKE), ("a", "a", "b", Action.WRITE),
        ("a", "b", "c", Action.CONFLICT), ("a", "b", "b", Action.AGREED), ("a", None, "a", Action.MISSING),
    ],
)  # fmt: skip
def test_three_ways(agreed, vault, library, action):
    assert compare(agreed, vault, library) is action


def test_a_vault_lets_nothing_out_and_never_touches_what_is_hidden(tmp_path):
    root = tmp_path / "vault"
    root.mkdir()
    (tmp_path / "outside").mkdir()
    (root / "out").symlink_to(tmp_path / "outside")
    vault = Vault(root)
    for path in ("../x.md", ".obsidian/app.json", "out/x.md", "a/../../x.md"):
        with pytest.raises(Invalid, match="out of the vault"):
            vault.write(path, "x")
    assert vault.write("a/b.md", "text")
    assert not vault.write("a/b.md", "text")
    with pytest.raises(Invalid, match="there is no vault"):
        Vault(tmp_path / "none")


def test_two_notes_of_one_document_are_a_problem_and_a_huge_one_too(tmp_path):
    for name in ("one", "two"):
        (tmp_path / f"{name}.md").write_text(render(note("text")))
    (tmp_path / "huge.md").write_bytes(b"x" * (11 << 20))
    vault = Vault(tmp_path)
    assert vault.by_uid() == {}
    assert any("one.md and two.md" in p for p in vault.problems)
    assert any("huge.md is larger" in p for p in vault.problems)
