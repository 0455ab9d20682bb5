"""Notes: what a person wrote stays byte for byte, what was exported reads back exactly."""

import errno
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jobctl.core.errors import Invalid
from jobctl.documents.vault import (
    Action,
    Link,
    Mark,
    Note,
    Quote,
    Vault,
    body_of,
    compare,
    link_names,
    render,
    safe_name,
    update,
)

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
    broken = "---\ntitle: [a\n---\n" + render(note("old")).split("---\n", 2)[2]
    with pytest.raises(Invalid, match="not YAML: line"):
        update(broken, note("new"))
    assert body_of(broken) == "old"


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
    with pytest.raises(Invalid, match="no vault at"):
        Vault(tmp_path / "none")


def test_two_notes_of_one_document_are_a_problem_and_a_huge_one_too(tmp_path):
    for name in ("one", "two"):
        (tmp_path / f"{name}.md").write_text(render(note("text")))
    (tmp_path / "huge.md").write_bytes(b"x" * (50 << 20))
    vault, heard = Vault(tmp_path), []
    vault.scan(lambda *counts: heard.append(counts))
    assert heard[-1] == (3, 3)
    assert vault.torn(UID)
    assert vault.path_of(UID, None) is None
    assert vault.path_of(UID, "two.md") == "two.md", "a copy takes nobody's place"
    assert any("one.md and two.md" in p for p in vault.problems)
    assert any("huge.md is larger than 10 MB" in p for p in vault.problems)
    assert vault.path_of("somebody else", "huge.md") == "huge.md", "what can't be read is still where it was"
    assert vault.path_of("somebody else", "one.md") is None


def test_what_a_killed_writer_left_is_swept_away_and_nothing_else(tmp_path):
    for name in (".jobctl-x1.tmp", ".jobctl-mine", ".obsidian", "note.tmp", "note.md"):
        (tmp_path / name).write_text("x")
    Vault(tmp_path).scan()
    assert sorted(p.name for p in tmp_path.iterdir()) == [".jobctl-mine", ".obsidian", "note.md", "note.tmp"]


def test_a_link_to_one_of_two_notes_of_a_name_says_which():
    assert link_names(["a/Log.md", "b/Other.md"], ["Log", "log", "Other"]) == {
        "a/Log.md": "a/Log", "b/Other.md": "Other",
    }  # fmt: skip


def test_a_vault_that_is_read_only_is_said_at_once_or_note_by_note(tmp_path, monkeypatch):
    vault = Vault(tmp_path)
    (tmp_path / "note.md").write_text("mine")

    def refused(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr("os.replace", refused)
    with pytest.raises(Invalid, match=r"note\.md can't be written: Read-only file system"):
        vault.write("note.md", "ours")
    assert (tmp_path / "note.md").read_text() == "mine"
    monkeypatch.setattr("os.access", lambda *_, **__: False)
    with pytest.raises(Invalid, match="can't be written"):
        Vault(tmp_path)


def test_a_vault_whose_folder_was_replaced_by_a_link_is_not_opened_and_an_open_one_stays_the_same(tmp_path):
    """Between the check of its path and the last note, whoever owns the folder above may put a link in its place."""
    outside, root = tmp_path / "outside", tmp_path / "vault"
    outside.mkdir()
    root.mkdir()
    (outside / "secret.md").write_text("secret")
    vault = Vault(root)
    root.rename(tmp_path / "moved")
    root.symlink_to(outside)
    with pytest.raises(Invalid, match="no vault at"):
        Vault(root)
    with pytest.raises(Invalid, match="no vault at"):
        Vault(root / "below")
    assert vault.write("note.md", "ours")
    assert vault.write("folder/note.md", "ours")
    assert vault.names() == ["note", "note"]
    assert not vault.exists("secret.md")
    with pytest.raises(Invalid):
        vault.read("secret.md")
    vault.scan()
    assert [path.name for path in outside.iterdir()] == ["secret.md"]
    assert (tmp_path / "moved" / "folder" / "note.md").read_text() == "ours"


EXCHANGING = """
import ctypes, sys
rename, here, exchange = ctypes.CDLL(None).renameat2, -100, 2
one, other = (bytes(name, "utf-8") for name in sys.argv[1:])
print("ready", flush=True)
while True:
    rename(here, one, here, other, exchange)
"""


@contextmanager
def exchanging(one: Path, other: Path) -> Iterator[None]:
    """Exchanges two names as fast as a process can: both are there at any moment."""
    with subprocess.Popen([sys.executable, "-c", EXCHANGING, str(one), str(other)], stdout=subprocess.PIPE) as process:
        try:
            process.stdout.readline()
            yield
        finally:
            process.kill()


def test_a_link_that_is_swapped_in_for_a_folder_of_a_vault_never_leads_out(tmp_path):
    outside, root = tmp_path / "outside", tmp_path / "vault"
    outside.mkdir()
    (root / "sub").mkdir(parents=True)
    (outside / "note.md").write_text("secret")
    (root / "link").symlink_to(outside)
    vault, outcomes = Vault(root), Counter[str]()
    with exchanging(root / "sub", root / "link"):
        while min(outcomes["written"], outcomes["refused"]) < 20:
            try:
                vault.write("sub/note.md", f"ours {outcomes.total()}")
                assert vault.read("sub/note.md") != "secret"
                outcomes["written"] += 1
            except Invalid:
                outcomes["refused"] += 1
    assert (outside / "note.md").read_text() == "secret"
    assert [path.name for path in outside.iterdir()] == ["note.md"]
