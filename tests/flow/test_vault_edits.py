"""Random edits of a vault and of the library between exports and syncs: no text that a person wrote is in neither place."""

import hashlib
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jobctl.core.keys import markdown_key
from tests.conftest import empty
from tests.flow.hands import Hands

BEGIN, LINKS, END = "%% jobctl:begin %%", "%% jobctl:links %%", "%% jobctl:end %%"
PARAGRAPHS = [
    "The keeper of the light writes about the harbour.",
    "Every hour he notes the wind and the waves.",
    "When the lamp fails, he writes the minute of it.",
]
PLACES = ("before", "start", "middle", "links", "end", "after", "properties")
DAMAGES = ("no begin", "no links", "no end", "all", "truncate", "double", "nest", "fence")
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("write"), st.sampled_from(PLACES)),
        st.tuples(st.just("damage"), st.sampled_from(DAMAGES)),
        st.tuples(st.sampled_from(["obsidian_export", "obsidian_sync"]), st.booleans()),
        st.tuples(st.just("library"), st.just("")),
    ),
    min_size=2,
    max_size=7,
)


@pytest.fixture
def hands(conn, database_url):
    with tempfile.TemporaryDirectory(prefix="jobctl-vault-") as name:
        held = Hands(database_url, Path(name))
        yield held
        held.close()


def everything(hands: Hands) -> str:
    """All text of the vault, and all that is in the library's storage as a document's text."""
    notes = [path.read_text() for path in (hands.home / "vault").rglob("*.md")]
    keys = hands.conn.execute("SELECT markdown_key FROM documents").fetchall()
    return "\n".join(notes + [hands.storage.get(key, max_bytes=1 << 20).decode() for (key,) in keys])


def written(text: str, place: str, words: str) -> str:
    """A note in which a person wrote words."""
    line = f"{words}\n"
    match place:
        case "before":
            return text.replace(BEGIN, line + BEGIN, 1)
        case "start":
            return text.replace(f"{BEGIN}\n", f"{BEGIN}\n{line}", 1)
        case "middle":
            return text.replace("wind", f"wind {words}", 1)
        case "links":
            return text.replace(f"{LINKS}\n", f"{LINKS}\n{line}", 1)
        case "end":
            return text.replace(END, line + END, 1)
        case "properties":
            return text.replace("---\n", f"---\nmine: {words}\n", 1)
    return text + line


def damaged(text: str, how: str) -> str:
    """A note whose block a person, or a program that syncs files, damaged."""
    marks = {"no begin": [BEGIN], "no links": [LINKS], "no end": [END], "all": [BEGIN, LINKS, END]}
    for mark in marks.get(how, []):
        text = text.replace(mark, "")
    match how:
        case "truncate":
            return text[: len(text) * 2 // 3]
        case "double":
            return text + text[max(text.find(BEGIN), 0) :]
        case "nest":
            return text.replace("wind", f"wind\n{BEGIN}\n", 1)
        case "fence":
            return text.replace(BEGIN, f"```\n{BEGIN}", 1)
    return text


def edited_in_library(hands: Hands, words: str) -> None:
    """Somebody processes a changed file of the same document."""
    (key, document_id) = hands.conn.execute("SELECT markdown_key, id FROM documents ORDER BY id LIMIT 1").fetchone()
    text = hands.storage.get(key, max_bytes=1 << 20).decode() + f"\n{words}\n"
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    hands.storage.put(markdown_key(sha256), text.encode())
    hands.conn.execute(
        "UPDATE documents SET markdown_key = %s, markdown_sha256 = %s WHERE id = %s",
        [markdown_key(sha256), sha256, document_id],
    )


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_no_text_of_a_person_is_lost(hands, steps):
    empty(hands.conn)
    vault = hands.home / "vault"
    for path in [*vault.rglob("*.md")]:
        path.unlink()
    vault.mkdir(exist_ok=True)
    (hands.home / "log.md").write_text("# Log\n\n" + "\n\n".join(PARAGRAPHS) + "\n")
    hands.run("process_document", path=str(hands.home / "log.md"), detect_connections=False, force=True)
    hands.run("obsidian_export", vault=str(vault))
    note, mine = vault / "Log.md", []
    for number, (act, how) in enumerate(steps):
        words = f"personal{number}words"
        if act == "write":
            text = written(note.read_text(), how, words)
            note.write_text(text)
            mine += [words] if words in text else []
        elif act == "damage":
            text = damaged(note.read_text(), how)
            note.write_text(text)
            mine = [one for one in mine if one in everything(hands)]  # a truncation of the person's own
        elif act == "library":
            edited_in_library(hands, words)
            mine.append(words)
        else:
            hands.run(act, vault=str(vault), repair=how)
        there = everything(hands)
        assert [one for one in mine if one not in there] == [], f"lost after {act}"
