"""search from the shell: filters, marked words, JSON with offsets; what doctor says of the index."""

import json

import pytest

from jobctl.core.library import NewChunk
from jobctl.postgres.library import Libraries

KEEPER = "The lighthouse stands on a rock. Its keepers wrote a log every hour. Nobody else was there."
BOOKS = {
    "keeper": (KEEPER, "markdown", "en"),
    "leuchtturm": ("Der Wärter schrieb jede Stunde in das Buch. Lighthouse heißt Leuchtturm.", "epub", "de"),
}


@pytest.fixture
def library(conn):
    """Two small books, by words alone."""
    made = Libraries()(conn)
    for title, (text, source_type, language) in BOOKS.items():
        fields = {
            "uid": f"00000000-0000-0000-0000-{len(title):012d}", "title": title, "source_type": source_type, "language": language,
            "markdown_key": "k", "markdown_sha256": "s", "engine": "lexical-1",
        }  # fmt: skip
        made.save(fields, [NewChunk(0, text, 7, 7 + len(text), b"", ["Top", "The log"])])
    return made


def hits(cli, *words) -> list[dict]:
    done = cli("search", *words, "-o", "json")
    assert done.code == 0, done.err
    return json.loads(done.out)["hits"]


def test_json_has_the_offsets_of_passage_sentence_and_words(cli, library):
    (hit, *_) = hits(cli, "log of the keeper")
    assert (hit["title"], hit["language"], hit["source_type"]) == ("keeper", "en", "markdown")
    assert (hit["start"], hit["end"]) == (7, 7 + len(KEEPER))
    assert KEEPER[slice(*hit["snippet"])] == "Its keepers wrote a log every hour."
    assert [KEEPER[a:b] for a, b in hit["matches"]] == ["keepers", "log"]


@pytest.mark.parametrize(
    ("words", "titles"),
    [
        ((), {"keeper", "leuchtturm"}), (("--language", "DE"), {"leuchtturm"}), (("--type", "markdown"), {"keeper"}),
        (("--type", "markdown", "--type", "epub"), {"keeper", "leuchtturm"}), (("--since", "1h"), {"keeper", "leuchtturm"}),
        (("--type", "epub", "--language", "en"), set()),
    ],
)  # fmt: skip
def test_filters(cli, library, words, titles):
    assert {hit["title"] for hit in hits(cli, "lighthouse", *words)} == titles


def test_a_document_is_chosen_by_its_number(cli, library):
    number = hits(cli, "lighthouse", "--language", "de")[0]["document_id"]
    assert [hit["title"] for hit in hits(cli, "lighthouse", "--document", number)] == ["leuchtturm"]


def test_words_are_marked_on_a_terminal_and_nowhere_else(cli, library):
    plain = cli("search", "keeper log", "-k", 1).out
    marked = cli("--color", "always", "search", "keeper log", "-k", 1).out
    assert "Its keepers wrote a log every hour." in plain
    assert "\x1b" not in plain
    assert "\x1b[1mkeepers\x1b[0m wrote a \x1b[1mlog\x1b[0m every" in marked


def test_a_query_of_stop_words_says_so(cli, library):
    done = cli("search", "what is the")
    assert (done.code, done.out) == (0, "")
    assert "only common words, which no search looks for: what is the" in done.err
    assert hits(cli, "what is the") == []
    nothing = cli("search", "zebra")
    assert "nothing found" in nothing.err


def check(cli) -> dict:
    return next(c for c in json.loads(cli("doctor", "--json").out)["checks"] if c["id"] == "search")


def test_doctor_says_how_vectors_are_found_and_what_is_not_in_the_index(cli, library, conn):
    assert check(cli)["detail"] == "2 passages in the index; vectors by pgvector"
    conn.execute("DELETE FROM search_documents WHERE dictionary = 'german_stem'")
    assert (check(cli)["note"], check(cli)["hint"]) == (True, "jobctl db upgrade")
    assert "1 document yet" not in check(cli)["detail"]
    assert "1 document not yet" in check(cli)["detail"]
    assert "1 document not in the index yet" in cli("search", "lighthouse").err
    assert cli("db", "upgrade").code == 0


@pytest.mark.parametrize("engine", ["thematic_bridge", "contradiction_detection"])
def test_engines_that_are_mostly_wrong_are_refused_without_a_model(shell, engine):
    done = shell("submit", "detect_connections", "--payload", json.dumps({"engines": [engine]}), "--run", wait=60)
    assert done.code != 0
    assert f"{engine} needs a judge (JOBCTL_JUDGE=openai)" in shell("show", "1").out
