"""Passages side by side, compared exactly: 0.75 × TF-IDF cosine + 0.25 × vector cosine.

Words are numbers (hashes of stems, as the library's index has them) in one sparse matrix of passages and words.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jobctl.core.search import hashed
from jobctl.core.terms import terms

LEXICAL, VECTOR = 0.75, 0.25
Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]


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
class Bags:
    """The words of all passages, one after the other: passage ``i`` has ``terms[starts[i]:starts[i + 1]]``."""

    terms: Numbers
    counts: Floats
    starts: Numbers


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


def packed_bags(packed: Sequence[bytes]) -> Bags:
    """Bags from the index's form: ascending int4, then as many bytes of counts."""
    sizes = np.asarray([len(one) // 5 for one in packed], dtype=np.int64)
    found = b"".join(one[: 4 * (len(one) // 5)] for one in packed)
    counts = b"".join(one[4 * (len(one) // 5) :] for one in packed)
    return Bags(
        np.frombuffer(found, dtype="<i4").astype(np.int64),
        np.frombuffer(counts, dtype=np.uint8).astype(np.float64),
        np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)]),
    )


def _counted(texts: Sequence[str]) -> Bags:
    """Bags of texts that no index has: their words as they are."""
    counts = [Counter(map(hashed, terms(text))) for text in texts]
    return Bags(
        np.asarray([term for count in counts for term in sorted(count)], dtype=np.int64),
        np.asarray([count[term] for count in counts for term in sorted(count)], dtype=np.float64),
        np.concatenate([np.zeros(1, np.int64), np.cumsum([len(count) for count in counts], dtype=np.int64)]),
    )


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
    """TF-IDF weights and vectors of a corpus, exact.

    ``bags``: the words of each passage; default: those of its text. ``idf``: inverse document frequencies of terms
    (sorted ascending, unique) in a larger library that these passages are of; default: in this corpus.
    """

    def __init__(
        self, chunks: Corpus, bags: Bags | None = None, idf: Callable[[Numbers], Floats] | None = None
    ) -> None:
        self.corpus = chunks
        self.documents = np.asarray(chunks.documents, dtype=np.int64)
        bags = bags if bags is not None else _counted(chunks.texts)
        count = len(chunks.ids)
        self._starts = bags.starts
        self._rows = np.repeat(np.arange(count), np.diff(bags.starts))
        known, self._columns = np.unique(bags.terms, return_inverse=True)
        if idf is None:
            in_chunks = np.bincount(self._columns, minlength=len(known))
            weights = np.log((1 + count) / (1 + in_chunks)) + 1.0
        else:
            weights = idf(known)
        raw = (1.0 + np.log(bags.counts)) * weights[self._columns]
        norms = np.sqrt(np.bincount(self._rows, weights=raw * raw, minlength=count))
        self._weights = raw / np.where(norms > 0, norms, 1.0)[self._rows]
        self._known = len(known)
        # the same again by word: a passage is compared with those that share a word, not with all of them
        order = np.argsort(self._columns, kind="stable")
        self._by_word_rows, self._by_word_weights = self._rows[order], self._weights[order]
        self._by_word = np.searchsorted(self._columns[order], np.arange(len(known) + 1))
        self.rank = _ranks(chunks)

    def against_all(self, position: int) -> tuple[Floats, Floats, Floats]:
        """(joined, lexical, vector) scores of one chunk against every chunk."""
        lexical = self._lexical(position)
        has_vectors = self.corpus.vectors.shape[1] > 0
        cosine = self._cosine(self.corpus.vectors[position]) if has_vectors else np.zeros(len(lexical))
        return self.joined(lexical, cosine), lexical, cosine

    def shared_words(self, one: int, other: int) -> float:
        """The lexical score of two chunks, without comparing either with all the others."""
        mine, theirs = (slice(int(self._starts[i]), int(self._starts[i + 1])) for i in (one, other))
        _, at, there = np.intersect1d(
            self._columns[mine], self._columns[theirs], assume_unique=True, return_indices=True
        )
        return float(self._weights[mine][at] @ self._weights[theirs][there])

    def joined(self, lexical: Floats, cosine: Floats) -> Floats:
        """The joined score; without vectors the lexical one alone."""
        if self.corpus.vectors.shape[1] == 0:
            return lexical
        return LEXICAL * lexical + VECTOR * np.maximum(cosine, 0.0)

    def _lexical(self, position: int) -> Floats:
        mine = slice(int(self._starts[position]), int(self._starts[position + 1]))
        columns = self._columns[mine]
        first, last = self._by_word[columns], self._by_word[columns + 1]
        sizes = last - first
        if not len(sizes):
            return np.zeros(len(self.corpus.ids))
        inside = np.arange(int(sizes.sum())) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        at = np.repeat(first, sizes) + inside
        products = np.repeat(self._weights[mine], sizes) * self._by_word_weights[at]
        return np.bincount(self._by_word_rows[at], weights=products, minlength=len(self.corpus.ids)).astype(np.float64)

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


def idf_of(frequencies: tuple[bytes, bytes], passages: int) -> Callable[[Numbers], Floats]:
    """Inverse document frequencies of a library: all its terms and the number of passages of each, big-endian int4."""
    known = np.frombuffer(frequencies[0], dtype=">i4").astype(np.int64)
    counts = np.frombuffer(frequencies[1], dtype=">i4").astype(np.int64)

    def idf(asked: Numbers) -> Floats:
        if not len(known):
            return np.full(len(asked), math.log(1 + passages) + 1.0)
        at = np.minimum(np.searchsorted(known, asked), len(known) - 1)
        found = np.where(known[at] == asked, counts[at], 0)
        return np.log((1 + passages) / (1 + np.minimum(found, passages))) + 1.0

    return idf
