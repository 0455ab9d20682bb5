"""Nothing that is found depends on the order in which documents arrived."""

import random

import pytest

from jobctl.documents.embed import LexicalEmbedder
from jobctl.documents.relate import Contradiction, JoinedIndex, SemanticSimilarity, ThematicBridge, corpus

LEAST = {SemanticSimilarity: 0.2, Contradiction: 0.01, ThematicBridge: 1.1}
SHARED = [
    "The keeper of the light writes his log every hour.",
    "The harbour master counts the ships.",
    "All rights reserved by the board.",
]
DOCUMENTS = [
    [SHARED[(n + k) % 3] for k in range(2)] + [f"Only document {n} says this of tide {n}.", "The same licence text stands in every document."]
    for n in range(12)
]  # fmt: skip


def found(order: list[int], engine) -> set[tuple]:
    """Connections by document and place in it, of a library that grew in this order."""
    rows = [(document, place) for document in order for place in range(len(DOCUMENTS[document]))]
    texts = [DOCUMENTS[document][place] for document, place in rows]
    arrival = {document: number for number, document in enumerate(order)}
    themes = [[f"pair {sorted((document, other))} {place}" for other in range(12)] for document, place in rows]
    polarity = [0.5 if "keeper" in text or "tide" in text else -0.5 for text in texts]
    index = JoinedIndex(
        corpus(
            range(100, 100 + len(rows)),
            [arrival[document] for document, _ in rows],
            texts,
            LexicalEmbedder().embed(texts),
            themes,
            polarity,
        )
    )
    edges = engine.connect(index, range(len(rows)), threshold=LEAST[type(engine)], per_chunk=3)
    return {(rows[e.source], rows[e.target], e.strength) for e in edges} | {("least", engine.calibrate(index))}


@pytest.mark.parametrize("engine", [SemanticSimilarity, Contradiction, ThematicBridge])
def test_connections_do_not_depend_on_arrival(engine):
    usual = found(list(range(12)), engine())
    assert len(usual) > 10
    for seed in range(5):
        order = random.Random(seed).sample(range(12), 12)
        assert found(order, engine()) == usual


def test_an_empty_library_has_no_noise():
    index = JoinedIndex(corpus([], [], [], []))
    assert len(index.noise()) == 0
    assert SemanticSimilarity().calibrate(index) > 0
