"""Search: BM25 over the stems of the library's index, joined with vectors; candidates are scored exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from jobctl.core.search import EVERYTHING, Chosen, FoundPassage, Postings, SearchIndex, hashed
from jobctl.core.terms import index_terms
from jobctl.documents.relate.index import Floats, Numbers

K1, B = 1.2, 0.75
BY_WORDS, BY_VECTOR = 100, 50
"""Candidates that are looked at."""
VECTOR_SHARE = 0.25
LONGEST = 64
"""Words of a question that are looked for."""


@dataclass(frozen=True, slots=True)
class Question:
    """``words``: each word that is looked for with its stems. Empty: the question has nothing but stop words."""

    words: Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Ranked:
    """A passage with its scores, 0 to 1."""

    passage: FoundPassage
    score: float
    lexical: float
    vector: float


@dataclass(frozen=True, slots=True)
class Answer:
    """``stop_words_only``: nothing was looked for."""

    hits: list[Ranked]
    stems: frozenset[str]
    stop_words_only: bool
    missing: int
    """Documents that are not in the index yet."""


def understood(index: SearchIndex, text: str, dictionaries: Sequence[str]) -> Question:
    """The words of a question by the dictionaries of the library, without the stop words of its language.

    Its language is that of the dictionary that has most of its words as stop words.
    """
    words = list(dict.fromkeys(index_terms(text)))[:LONGEST]
    known = {name: index.stems(name, words) for name in sorted({*dictionaries, "english_stem"})}
    stops = {name: {word for word in words if not found[word]} for name, found in known.items()}
    own = max(sorted(stops), key=lambda name: len(stops[name]))
    kept = {word: frozenset(stem for found in known.values() for stem in found[word]) for word in words}
    return Question({word: stems for word, stems in kept.items() if stems and word not in stops[own]})


def search(
    index: SearchIndex, engine: str, text: str, vector: bytes, count: int = 10, chosen: Chosen = EVERYTHING
) -> Answer:
    """The ``count`` best passages for a question, best first. ``vector``: of ``engine``; empty: by words alone."""
    size = index.size(chosen)
    question = understood(index, text, size.dictionaries)
    if not question.words:
        return Answer([], frozenset(), stop_words_only=True, missing=size.missing)
    numbers = {word: [hashed(stem) for stem in sorted(stems)] for word, stems in question.words.items()}
    postings = index.postings(sorted({n for found in numbers.values() for n in found}), chosen)
    ids, scores = _bm25(list(numbers.values()), postings, index.size().passages, size.words / max(1, size.passages))
    best = ids[np.argsort(-scores, kind="stable")[: max(BY_WORDS, count)]].tolist()
    near = _nearest(index, engine, vector, max(BY_VECTOR, count), chosen)
    passages = index.found(sorted({*best, *near}))
    ranked = _ranked(passages, dict(zip(ids.tolist(), scores.tolist(), strict=True)), engine, vector)
    stems = frozenset(stem for found in question.words.values() for stem in found)
    return Answer(ranked[:count], stems, stop_words_only=False, missing=size.missing)


def _bm25(
    words: Sequence[Sequence[int]], postings: Mapping[int, Postings], size: int, mean: float
) -> tuple[Numbers, Floats]:
    """Passages and their BM25 as a share of what a passage with every word could have."""
    entries, scores, most = [], [], 0.0
    for stems in words:
        found = [postings[stem] for stem in stems if stem in postings]
        passages = sum(one.passages for one in found)
        idf = float(np.log(1 + (max(size, passages) - passages + 0.5) / (passages + 0.5)))
        most += idf * (K1 + 1)
        packed = np.frombuffer(b"".join(one.packed for one in found), dtype="<i8")
        times, length = packed >> 16 & 0xFF, packed & 0xFFFF
        entries.append(packed >> 24)
        scores.append(idf * times * (K1 + 1) / (times + K1 * (1 - B + B * length / max(1.0, mean))))
    ids, at = np.unique(np.concatenate(entries), return_inverse=True)
    return ids, np.bincount(at, weights=np.concatenate(scores), minlength=len(ids)) / (most or 1.0)


def _nearest(index: SearchIndex, engine: str, vector: bytes, count: int, chosen: Chosen) -> list[int]:
    if not any(vector):
        return []
    near = index.nearest(engine, vector, count, chosen)
    if near is not None:
        return near
    asked = np.frombuffer(vector, dtype="<f4")
    best_ids, best = np.zeros(0, np.int64), np.zeros(0)
    for ids, data in index.vectors(engine, chosen):
        scores = np.frombuffer(data, dtype="<f4").reshape(len(ids), len(asked)) @ asked
        best_ids, best = np.concatenate([best_ids, ids]), np.concatenate([best, scores])
        top = np.argsort(-best, kind="stable")[:count]
        best_ids, best = best_ids[top], best[top]
    return [int(number) for number in best_ids]


def _ranked(passages: Sequence[FoundPassage], lexical: Mapping[int, float], engine: str, vector: bytes) -> list[Ranked]:
    """The passages by their joined score; ties by their text."""
    asked = np.frombuffer(vector, dtype="<f4").astype(np.float64)
    ranked = []
    for passage in passages:
        held = np.frombuffer(passage.vector, dtype="<f4") if passage.engine == engine else np.zeros(0)
        cosine = float(held @ asked) if len(held) and len(held) == len(asked) else 0.0
        words = lexical.get(passage.id, 0.0)
        score = words if not any(vector) else (1 - VECTOR_SHARE) * words + VECTOR_SHARE * max(0.0, cosine)
        ranked.append(Ranked(passage, score, words, cosine))
    return sorted(ranked, key=lambda hit: (-round(hit.score, 6), hit.passage.text, hit.passage.id))
