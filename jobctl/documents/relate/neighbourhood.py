"""The passages that a few others may be connected with: candidates from the library's index, to be compared exactly.

Candidates are the passages that share the words which weigh most, and the nearest by vector. Everything is bounded by
the number of sources, whatever the size of the library, but the frequencies of its words (eight bytes each).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from itertools import groupby
from operator import attrgetter

import numpy as np

from jobctl.core.search import Chosen, IndexedPassage, SearchIndex
from jobctl.documents.relate.index import Bags, Floats, JoinedIndex, Numbers, corpus, idf_of, packed_bags
from jobctl.documents.relate.packed import nearest, unpacked

WORDS = 24
"""Words of a passage that candidates are looked for by: those that weigh most."""
COMMON = 0.05
"""Share of the passages above which a word does not tell any apart."""
FEW = 1000
"""Passages that a word may have whatever their share."""
BY_WORDS, BY_VECTOR = 80, 40
"""Candidates of a passage by its words, and by its vector."""
SAMPLE = 400
"""Passages whose chance pairs thresholds are calibrated on."""


class Neighbourhoods:
    """Exact comparisons of some passages of a library with what is near to them."""

    def __init__(self, index: SearchIndex, engine: str) -> None:
        self._index, self._engine = index, engine

    def sample(self) -> JoinedIndex:
        """Passages from all over the library: what chance pairs look like."""
        return self._compared(self._index.sample(self._engine, SAMPLE))

    def around(self, sources: Sequence[int]) -> JoinedIndex:
        """The sources and all candidates of theirs."""
        passages = self._index.compared(self._engine, sources)
        ids = {passage.id for passage in passages}
        for document, mine in groupby(passages, key=attrgetter("document_id")):
            for found in self._by_words(list(mine), document):
                ids.update(found.tolist())
        dims = len(passages[0].vector) // 4 if passages else 0
        if dims:
            ids.update(self._by_vector(passages, dims))
        return self._compared(sorted(ids))

    @cached_property
    def _library(self) -> tuple[int, tuple[bytes, bytes]]:
        return self._index.size().passages, self._index.frequencies()

    def _compared(self, ids: Sequence[int]) -> JoinedIndex:
        size, frequencies = self._library
        found = self._index.compared(self._engine, ids)
        held = corpus(
            [p.id for p in found], [p.document_id for p in found], [p.text for p in found], [p.vector for p in found],
            [p.themes for p in found], [p.polarity for p in found],
        )  # fmt: skip
        return JoinedIndex(held, packed_bags([p.terms for p in found]), idf_of(frequencies, size))

    def _by_words(self, passages: Sequence[IndexedPassage], document: int) -> Iterator[Numbers]:
        """For each passage of a document the candidates of other documents that share its words."""
        size, frequencies = self._library
        chosen = _heaviest(packed_bags([p.terms for p in passages]), frequencies, size)
        listed = sorted({int(term) for terms, _ in chosen for term in terms})
        found = self._index.postings(listed, Chosen(without=document))
        for terms, weights in chosen:
            held = [(found[int(t)].packed, w) for t, w in zip(terms, weights, strict=True) if int(t) in found]
            if held:
                yield _best(held, BY_WORDS)

    def _by_vector(self, passages: Sequence[IndexedPassage], dims: int) -> Iterator[int]:
        near = self._index.neighbours([p.id for p in passages], dims, BY_VECTOR)
        if near is not None:
            yield from (target for _, target in near)
            return
        mine = np.frombuffer(b"".join(p.vector for p in passages), dtype="<f4").reshape(len(passages), dims)
        for numbers in nearest(self._index.vectors(self._engine), mine, 4 * BY_VECTOR):
            yield from numbers


def _heaviest(bags: Bags, frequencies: tuple[bytes, bytes], size: int) -> list[tuple[Numbers, Floats]]:
    """For each passage its heaviest words that tell passages apart, with their weights."""
    idf = idf_of(frequencies, size)(bags.terms)
    weights = (1.0 + np.log(bags.counts)) * idf
    common = np.log((1 + size) / (1 + max(FEW, COMMON * size))) + 1.0
    weights = np.where(idf >= common, weights, 0.0)
    chosen = []
    for start, end in zip(bags.starts[:-1], bags.starts[1:], strict=True):
        mine = weights[start:end]
        top = np.argsort(-mine, kind="stable")[:WORDS]
        top = top[mine[top] > 0]
        chosen.append((bags.terms[start:end][top], mine[top]))
    return chosen


def _best(held: Sequence[tuple[bytes, float]], count: int) -> Numbers:
    """The passages with the greatest sum of weights; their lengths temper it as a cosine would."""
    passages, counts, words = unpacked(b"".join(packed for packed, _ in held))
    weights = np.repeat([weight * weight for _, weight in held], [len(packed) // 8 for packed, _ in held])
    lengths = np.sqrt(np.maximum(20, words))
    ids, at = np.unique(passages, return_inverse=True)
    scores = np.bincount(at, weights=weights * (1.0 + np.log(np.maximum(1, counts))) / lengths)
    best: Numbers = ids if len(ids) <= count else ids[np.argpartition(-scores, count)[:count]]
    return best
