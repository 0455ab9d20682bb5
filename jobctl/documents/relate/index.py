"""The joined score: 0.75 × TF-IDF cosine + 0.25 × vector cosine (of five joins the best mean reciprocal rank)."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jobctl.core.terms import terms

LEXICAL, VECTOR = 0.75, 0.25
QUESTION_WORDS = frozenset(
    "a an the is are was were do does did how what which who whom whose when where why to of in on for i you it".split()
)
"""Words of a question that are not in its answer."""
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Corpus:
    """Chunks side by side; ``vectors`` is (n, dim), dim 0 for a lexical engine."""

    ids: list[int]
    documents: list[int]
    texts: list[str]
    vectors: NDArray[np.float32]
    themes: list[list[str]]
    polarity: list[float]


@dataclass(frozen=True, slots=True)
class Hit:
    """A position in the corpus and its scores, 0 to 1."""

    position: int
    score: float
    lexical: float
    vector: float


def corpus(
    ids: Sequence[int], documents: Sequence[int], texts: Sequence[str], vectors: Sequence[bytes],
    themes: Sequence[Sequence[str]] | None = None, polarity: Sequence[float] | None = None,
) -> Corpus:  # fmt: skip
    """A corpus from columns; vectors are little-endian float32 bytes of one engine."""
    dim = len(vectors[0]) // 4 if len(vectors) else 0
    array = (
        np.frombuffer(b"".join(vectors), dtype="<f4").reshape(len(ids), dim) if dim else np.zeros((len(ids), 0), "<f4")
    )
    return Corpus(
        list(ids), list(documents), list(texts), array,
        [list(t) for t in themes] if themes is not None else [[] for _ in ids],
        list(polarity) if polarity is not None else [0.0] * len(ids),
    )  # fmt: skip


def _ranks(chunks: Corpus) -> list[int]:
    """The rank of each chunk in an order by content, so that ties do not depend on the order of arrival.

    Equal texts differ by all the text of their documents, then by their position in it.
    """
    digests: dict[int, hashlib.blake2b] = {}
    for document, text in zip(chunks.documents, chunks.texts, strict=True):
        digest = digests.setdefault(document, hashlib.blake2b(digest_size=16))
        digest.update(text.encode("utf-8", "replace") + b"\x00")
    order = sorted(range(len(chunks.ids)), key=lambda i: (chunks.texts[i], digests[chunks.documents[i]].digest(), i))
    ranks = [0] * len(order)
    for rank, position in enumerate(order):
        ranks[position] = rank
    return ranks


class JoinedIndex:
    """TF-IDF postings and vectors of a corpus, exact."""

    def __init__(self, chunks: Corpus) -> None:
        self.corpus = chunks
        self.documents = np.asarray(chunks.documents)
        counts = [Counter(terms(text)) for text in chunks.texts]
        in_chunks: Counter[str] = Counter(term for count in counts for term in count)
        size = len(counts)
        self.idf = {term: math.log((1 + size) / (1 + n)) + 1.0 for term, n in in_chunks.items()}
        self._weights = [self._weigh(count) for count in counts]
        positions: dict[str, list[int]] = {}
        values: dict[str, list[float]] = {}
        for position, weights in enumerate(self._weights):
            for term, weight in weights.items():
                positions.setdefault(term, []).append(position)
                values.setdefault(term, []).append(weight)
        self._postings = {t: (np.asarray(positions[t]), np.asarray(values[t])) for t in sorted(positions)}
        self.rank = _ranks(chunks)

    def _weigh(self, count: Counter[str]) -> dict[str, float]:
        raw = {t: (1.0 + math.log(n)) * self.idf[t] for t, n in sorted(count.items()) if t in self.idf}
        norm = math.sqrt(sum(w * w for w in raw.values())) or 1.0
        return {term: weight / norm for term, weight in raw.items()}

    def search(self, text: str, vector: bytes, k: int = 10, *, cosines: Sequence[float] | None = None) -> list[Hit]:
        """The ``k`` best chunks for a question, best first; those that share nothing with it are left out.

        ``cosines``: the vector half, where the server computed it (pgvector).
        """
        lexical = self._lexical(
            self._weigh(Counter(term for term in terms(text) if term not in QUESTION_WORDS) or Counter(terms(text)))
        )
        if cosines is not None:
            cosine = np.asarray(cosines, dtype=np.float64)
            score = LEXICAL * lexical + VECTOR * np.maximum(cosine, 0.0)
        else:
            known = vector and self.corpus.vectors.shape[1]  # an empty corpus has no dimension
            cosine = self._cosine(np.frombuffer(vector, dtype="<f4")) if known else np.zeros(len(lexical))
            score = self.joined(lexical, cosine)
        order = sorted(range(len(score)), key=lambda i: (-round(float(score[i]), 6), self.rank[i]))[:k]
        return [Hit(i, float(score[i]), float(lexical[i]), float(cosine[i])) for i in order if score[i] > 0.02]

    def against_all(self, position: int) -> tuple[Floats, Floats, Floats]:
        """(joined, lexical, vector) scores of one chunk against every chunk."""
        lexical = self._lexical(self._weights[position])
        has_vectors = self.corpus.vectors.shape[1] > 0
        cosine = self._cosine(self.corpus.vectors[position]) if has_vectors else np.zeros(len(lexical))
        return self.joined(lexical, cosine), lexical, cosine

    def joined(self, lexical: Floats, cosine: Floats) -> Floats:
        """The joined score; without vectors the lexical one alone."""
        if self.corpus.vectors.shape[1] == 0:
            return lexical
        return LEXICAL * lexical + VECTOR * np.maximum(cosine, 0.0)

    def _lexical(self, weights: dict[str, float]) -> Floats:
        scores = np.zeros(len(self.corpus.ids))
        for term, weight in weights.items():
            posting = self._postings.get(term)
            if posting is not None:
                scores[posting[0]] += weight * posting[1]
        return scores

    def _cosine(self, vector: NDArray[np.float32]) -> Floats:
        if self.corpus.vectors.shape[1] == 0:  # a lexical engine, or a library without passages
            return np.zeros(len(self.corpus.ids))
        # row by row, so that a score never depends on how the product is cut into blocks
        product: Floats = np.einsum("ij,j->i", self.corpus.vectors, vector.astype(np.float32)).astype(np.float64)
        return product

    def noise(self, rows: int = 200) -> Floats:
        """Joined scores of pairs from different documents, sources spread evenly: what chance looks like."""
        count = len(self.corpus.ids)
        step = max(1, count // rows)
        sources = sorted(range(count), key=self.rank.__getitem__)[::step]
        found = [self.against_all(i)[0][self.documents != self.documents[i]] for i in sources]
        return np.concatenate(found) if found else np.zeros(0)
