"""Search by the index of the database, with pgvector where it is there, and without."""

import random
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from jobctl.core.library import NewChunk
from jobctl.core.search import Chosen
from jobctl.documents import relate
from jobctl.documents.embed import LexicalEmbedder, StaticEmbedder
from jobctl.documents.relate import JoinedIndex, Neighbourhoods, SemanticSimilarity, corpus
from jobctl.documents.relate.index import idf_of, packed_bags
from jobctl.postgres.library import Libraries
from jobctl.postgres.search import fill
from jobctl.postgres.search.writing import VERSION

STATIC = StaticEmbedder()
LEXICAL = LexicalEmbedder()


@pytest.fixture
def library(conn):
    return Libraries()(conn)


@pytest.fixture
def plain(conn, library):
    """The library of a server without pgvector."""
    conn.execute("BEGIN; ALTER TABLE chunks DROP COLUMN IF EXISTS embedding")
    yield library
    conn.execute("ROLLBACK")


def save(library, texts, *, embedder=LEXICAL, uid=None, headings=(), **fields) -> int:
    values = {
        "uid": uid or str(uuid.uuid4()), "title": "T", "source_type": "text", "markdown_key": "k", "markdown_sha256": "s",
        "engine": embedder.id, "language": "en",
    }  # fmt: skip
    rows, at = [], 0
    for index, (text, vector) in enumerate(zip(texts, embedder.embed(texts), strict=True)):
        rows.append(NewChunk(index, text, at, at + len(text), vector, list(headings)))
        at += len(text)
    return library.save(values | fields, rows)


def ask(library, text, *, embedder=LEXICAL, chosen=None, count=10) -> list[str]:
    answer = found(library, text, embedder=embedder, chosen=chosen, count=count)
    return [hit.passage.text for hit in answer.hits]


def found(library, text, *, embedder=LEXICAL, chosen=None, count=10):
    vector = embedder.embed([text])[0]
    embed = embedder.embed if embedder is STATIC else None
    return relate.search(library.index, embedder.id, text, vector, count, chosen or Chosen(), embed=embed)


# -- words -----------------------------------------------------------------------------------------------------------


def test_words_are_stemmed_by_the_language_of_their_document(library):
    save(library, ["The packages were installed quickly."])
    save(library, ["Die Pakete wurden mit Verweisen versehen."], language="de")
    assert ask(library, "installing a package") == ["The packages were installed quickly."]
    assert ask(library, "Verweis") == ["Die Pakete wurden mit Verweisen versehen."]


@pytest.mark.parametrize(
    ("language", "text", "question"),
    [
        ("ja", "伊恩・マードックがDebianを創設した。", "創設した"),
        ("zh", "软件包的维护者上传新版本。", "维护者"),
        ("ko", "패키지를 설치한다", "설치"),
    ],
)
def test_scripts_without_spaces_are_found_by_pairs_of_characters(library, language, text, question):
    save(library, ["Something else entirely."])
    save(library, [text], language=language)
    assert ask(library, question) == [text]


def test_names_are_found_whole_before_their_parts(library):
    save(library, ["To strip is not to call dh here or there.", "Then dh_strip removes symbols from binaries."])
    assert ask(library, "dh_strip")[0].startswith("Then dh_strip")


def test_a_word_of_the_heading_counts_too(library):
    save(library, ["It begins after a restart."], headings=["Maintenance", "Upgrading"])
    assert ask(library, "when does the upgrade begin") == ["It begins after a restart."]


def test_a_rare_word_weighs_more_than_a_frequent_one(library):
    save(library, [f"The server is number {n}." for n in range(20)] + ["A lighthouse stands here."])
    assert ask(library, "server lighthouse")[0] == "A lighthouse stands here."


def test_stop_words_alone_are_said_and_never_looked_for(library):
    save(library, ["It is what it is."])
    answer = found(library, "what is it")
    assert (answer.hits, answer.stop_words_only) == ([], True)
    assert not found(library, "what is a zebra").stop_words_only


def test_stop_words_of_another_language_are_words(library):
    save(library, ["Processes that die are started again."])
    save(library, ["Die Prozesse werden neu gestartet."], language="de")
    assert ask(library, "why do they die")[0].startswith("Processes that die")


def test_the_words_that_were_looked_for_and_the_best_sentence_are_named(library):
    text = "Nothing here. The packages were built twice. Nothing there."
    save(library, [text])
    answer = found(library, "building packages")
    start, end = answer.hits[0].sentence
    assert text[start:end] == "The packages were built twice."
    assert "packages" in answer.matching
    assert "twice" not in answer.matching


# -- documents -------------------------------------------------------------------------------------------------------


def test_filters_choose_documents(library, conn):
    one = save(library, ["red boat"], source_type="pdf", language="en")
    save(library, ["blue boat"], source_type="epub", language="de")
    conn.execute("UPDATE documents SET updated_at = now() - interval '9 days' WHERE id = %s", [one])
    for chosen, texts in (
        (Chosen(), {"red boat", "blue boat"}),
        (Chosen(documents=[one]), {"red boat"}),
        (Chosen(types=["epub"]), {"blue boat"}),
        (Chosen(languages=["en"]), {"red boat"}),
        (Chosen(since=datetime.now(UTC) - timedelta(days=2)), {"blue boat"}),
        (Chosen(types=["pdf"], languages=["de"]), set()),
        (Chosen(without=one), {"blue boat"}),
    ):
        assert set(ask(library, "boat", chosen=chosen)) == texts, chosen


def test_the_index_is_as_new_as_the_transaction_that_saves(library, conn):
    uid = str(uuid.uuid4())
    save(library, ["an old harbour"], uid=uid)
    with conn.transaction(force_rollback=True):
        save(library, ["a new bridge"], uid=uid)
        assert (ask(library, "harbour"), ask(library, "bridge")) == ([], ["a new bridge"])
    assert (ask(library, "harbour"), ask(library, "bridge")) == (["an old harbour"], [])
    save(library, ["a new bridge"], uid=uid)
    assert (ask(library, "harbour"), ask(library, "bridge")) == ([], ["a new bridge"])
    conn.execute("DELETE FROM documents")
    assert conn.execute("SELECT count(*) FROM search_terms").fetchone() == (0,)
    assert ask(library, "bridge") == []


def test_documents_that_came_before_the_index_are_put_into_it(library, conn):
    save(library, ["an old harbour"])
    conn.execute("DELETE FROM search_terms; DELETE FROM search_passages; DELETE FROM search_documents")
    assert (ask(library, "harbour"), found(library, "harbour").missing) == ([], 1)
    assert (fill(conn), fill(conn)) == (1, 0)
    assert (ask(library, "harbour"), found(library, "harbour").missing) == (["an old harbour"], 0)
    conn.execute("UPDATE search_documents SET version = %s", [VERSION - 1])
    assert (fill(conn), fill(conn)) == (1, 0)


def test_a_title_a_text_and_a_question_of_any_kind_are_taken(library):
    save(
        library,
        ["x" * 100_000 + " a.b.c-d_e " + "ab-" * 20_000, "\x01 ' \\ % 🎉"],
        title="%s {schema} '",
        headings=["{dims}"],
    )
    for question in ("%s", "'; DROP", "🎉", "x" * 50_000, "a.b.c-d_e", "\x01", " ".join(map(str, range(500)))):
        ask(library, question)
    assert ask(library, "a.b.c-d_e")


def test_an_empty_library_has_no_answer(library):
    assert ask(library, "anything", embedder=STATIC) == []


def test_what_is_found_does_not_depend_on_arrival(library, conn):
    texts = [[f"the same licence stands in {n}", "the same licence"] for n in range(8)]
    seen = []
    for order in (range(8), reversed(range(8))):
        conn.execute("DELETE FROM documents")
        for number in order:
            save(library, texts[number], embedder=STATIC)
        seen.append(ask(library, "a licence that stands", embedder=STATIC, count=20))
    assert seen[0] == seen[1]


# -- vectors ---------------------------------------------------------------------------------------------------------

MEANINGS = ["The physician treated her patient.", "Stock prices fell on Monday.", "The harvest of wheat was good."]


def test_meaning_counts_beside_words(library):
    save(library, MEANINGS, embedder=STATIC)
    assert ask(library, "a doctor in the hospital", embedder=STATIC, count=1) == MEANINGS[:1]


def test_without_pgvector_the_same_is_found(plain, conn):
    save(plain, MEANINGS, embedder=STATIC)
    assert plain.index.nearest(STATIC.id, STATIC.embed(["x"])[0], 3) is None
    assert ask(plain, "a doctor in the hospital", embedder=STATIC, count=1) == MEANINGS[:1]


def test_vectors_of_other_engines_are_not_compared_but_their_words_are_found(library):
    save(library, ["a lighthouse keeper"])
    hit = found(library, "lighthouse", embedder=STATIC).hits[0]
    assert hit.passage.text == "a lighthouse keeper"
    assert library.index.comparable(STATIC.id, None) == ([], 1)


# -- candidates of connections ---------------------------------------------------------------------------------------


def books(count: int, passages: int) -> list[list[str]]:
    dice = random.Random(3)
    words = ["".join(dice.choices("aeioubdgklmnprst", k=dice.randint(4, 9))) for _ in range(3000)]
    topics = [dice.sample(words[300:], 40) for _ in range(30)]

    def passage(topic: list[str]) -> str:
        common = [words[min(299, int(dice.paretovariate(0.6)))] for _ in range(60)]
        return " ".join(dice.sample(common + dice.choices(topic, k=25), 85))

    return [[passage(dice.choice(topics)) for _ in range(passages)] for _ in range(count)]


@pytest.mark.parametrize("pgvector", [True, False])
def test_candidates_have_the_exact_best(library, conn, pgvector):
    with conn.transaction(force_rollback=True):
        if not pgvector:
            conn.execute("ALTER TABLE chunks DROP COLUMN IF EXISTS embedding")
        documents = [save(library, texts, embedder=STATIC) for texts in books(20, 40)]
        index = library.index
        ids, _ = index.comparable(STATIC.id, None)
        held = index.compared(STATIC.id, ids)
        whole = JoinedIndex(
            corpus([p.id for p in held], [p.document_id for p in held], [p.text for p in held], [p.vector for p in held]),
            packed_bags([p.terms for p in held]), idf_of(index.frequencies(), len(ids)),
        )  # fmt: skip
        mine, _ = index.comparable(STATIC.id, documents[:1])
        mine = mine[::10]
        near = Neighbourhoods(index, STATIC.id).around(mine)
        edges = []
        for joined in (whole, near):
            place = {number: at for at, number in enumerate(joined.corpus.ids)}
            found = SemanticSimilarity().connect(joined, [place[i] for i in mine], threshold=0.1, per_chunk=5)
            edges.append({(joined.corpus.ids[e.source], joined.corpus.ids[e.target], e.strength) for e in found})
        assert len(edges[0]) == 20
        assert len(edges[0] & edges[1]) >= 0.98 * len(edges[0])
        assert len(near.corpus.ids) < 0.7 * len(ids)


def test_what_is_compared_does_not_grow_with_the_library(library):
    """Work that grew with the square of the library took 1,400 seconds for 50,000 passages."""
    made = books(36, 40)
    source = save(library, made[0][:10], embedder=STATIC)
    sizes = []
    for rest in (made[1:12], made[12:]):
        for texts in rest:
            save(library, texts, embedder=STATIC)
        mine, _ = library.index.comparable(STATIC.id, [source])
        sizes.append(len(Neighbourhoods(library.index, STATIC.id).around(mine).corpus.ids))
    assert sizes[1] <= 10 * (80 + 40) + 10
    assert sizes[1] < 3 * sizes[0] < 3 * 440
