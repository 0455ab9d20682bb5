"""Search: BM25 over the stems of the library's index, joined with vectors; candidates are scored exactly, by sentences too."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from jobctl.core.search import EVERYTHING, Chosen, FoundPassage, Postings, SearchIndex, hashed
from jobctl.core.terms import index_terms
from jobctl.documents.relate.index import Floats, Numbers
from jobctl.documents.relate.packed import nearest, unpacked

K1, B = 1.2, 0.75
BY_WORDS = BY_VECTOR = 50
"""Candidates that are looked at closely."""
WORDS, SENTENCE, MEANING, TITLE, EXACT = 0.6, 0.09, 0.18, 0.09, 0.04
"""Shares of the score: BM25 of the passage, words of its best sentence, vector of its nearest sentence (or its own), words
of its own heading, words in the form in which they were asked for."""
HEADING = 0.5
"""What a word is worth that stands in the headings above the sentence alone."""
LONGEST = 64
"""Words of a question that are looked for."""
_SENTENCE_END = re.compile(r"(?<=[.!?])\s+|(?<=[。！？])|\n\s*\n|\n(?=[-*|#])")
Embed = Callable[[Sequence[str]], list[bytes]]


@dataclass(frozen=True, slots=True)
class Question:
    """``words``: each word that is looked for with its stems. None: the question has nothing but stop words."""

    words: Mapping[str, frozenset[str]]
    dictionaries: Sequence[str]


@dataclass(frozen=True, slots=True)
class Ranked:
    """A passage with its scores, 0 to 1; ``sentence``: the range of its text that answers best."""

    passage: FoundPassage
    score: float
    lexical: float
    vector: float
    sentence: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Answer:
    """What was found.

    ``matching``: words of the hits that were looked for, in lower case. ``missing``: documents that are not in the index.
    """

    hits: list[Ranked]
    matching: frozenset[str]
    stop_words_only: bool
    missing: int


@dataclass(frozen=True, slots=True)
class _Weighted:
    """The words of a question by their stems: which word a stem is of, and what each word is worth (sum 1)."""

    of: Mapping[str, str]
    worth: Mapping[str, float]

    def share(self, sentence: frozenset[str], headings: frozenset[str]) -> float:
        """How much of the question a sentence has, headings for half."""
        return sum(
            worth * (1.0 if word in sentence else HEADING if word in headings else 0.0)
            for word, worth in self.worth.items()
        )


def understood(index: SearchIndex, text: str, dictionaries: Sequence[str]) -> Question:
    """The words of a question by the dictionaries of the library, without the stop words of its language.

    Its language is that of the dictionary that has most of its words as stop words.
    """
    words = list(dict.fromkeys(index_terms(text)))[:LONGEST]
    known = {name: index.stems(name, words) for name in sorted({*dictionaries, "english_stem"})}
    stops = {name: {word for word in words if not found[word]} for name, found in known.items()}
    own = max(sorted(stops), key=lambda name: len(stops[name]))
    kept = {word: frozenset(stem for found in known.values() for stem in found[word]) for word in words}
    return Question({word: stems for word, stems in kept.items() if stems and word not in stops[own]}, sorted(known))


def search(
    index: SearchIndex, engine: str, text: str, vector: bytes, count: int = 10, chosen: Chosen = EVERYTHING,
    *, embed: Embed | None = None,
) -> Answer:  # fmt: skip
    """The ``count`` best passages for a question, best first. ``vector``: of ``engine``; empty: by words alone.

    ``embed``: makes vectors of sentences, where that is quick; without it the passage's own vector stands for them.
    """
    size = index.size(chosen)
    question = understood(index, text, size.dictionaries)
    if not question.words:
        return Answer([], frozenset(), stop_words_only=True, missing=size.missing)
    numbers = {word: [hashed(stem) for stem in sorted(stems)] for word, stems in question.words.items()}
    postings = index.postings(sorted({n for found in numbers.values() for n in found}), chosen)
    whole = size if chosen is EVERYTHING else index.size()
    idf = {word: _idf([postings[n] for n in found if n in postings], whole.passages) for word, found in numbers.items()}
    ids, scores = _bm25(numbers, idf, postings, whole.words / max(1, whole.passages))
    best = ids[np.argsort(-scores, kind="stable")[: max(BY_WORDS, count)]].tolist()
    near = _nearest(index, engine, vector, max(BY_VECTOR, count), chosen)
    passages = index.found(sorted({*best, *near}))
    total = sum(idf.values()) or 1.0
    weighted = _Weighted(
        {stem: word for word, stems in question.words.items() for stem in stems},
        {word: value / total for word, value in idf.items()},
    )
    matching = _matching(index, question, weighted, passages)
    lexical = dict(zip(ids.tolist(), scores.tolist(), strict=True))
    ranked = _ranked(passages, lexical, weighted, matching, engine, vector, embed)
    return Answer(ranked[:count], frozenset(matching), stop_words_only=False, missing=size.missing)


def _idf(found: Sequence[Postings], size: int) -> float:
    passages = sum(one.passages for one in found)
    return float(np.log(1 + (max(size, passages) - passages + 0.5) / (passages + 0.5)))


def _bm25(
    numbers: Mapping[str, Sequence[int]], idf: Mapping[str, float], postings: Mapping[int, Postings], mean: float
) -> tuple[Numbers, Floats]:
    """Passages and their BM25, as a share of what a passage that is full of every word would have."""
    entries, scores = [], []
    for word, stems in numbers.items():
        passages, times, length = unpacked(b"".join(postings[n].packed for n in stems if n in postings))
        entries.append(passages)
        scores.append(idf[word] * times / (times + K1 * (1 - B + B * length / max(1.0, mean))))
    ids, at = np.unique(np.concatenate(entries), return_inverse=True)
    total = sum(idf.values()) or 1.0
    return ids, np.bincount(at, weights=np.concatenate(scores), minlength=len(ids)) / total


def _nearest(index: SearchIndex, engine: str, vector: bytes, count: int, chosen: Chosen) -> list[int]:
    if not any(vector):
        return []
    near = index.nearest(engine, vector, count, chosen)
    if near is not None:
        return near
    (ids,) = nearest(index.vectors(engine, chosen), np.frombuffer(vector, dtype="<f4").reshape(1, -1), count)
    return ids


def _matching(
    index: SearchIndex, question: Question, weighted: _Weighted, passages: Sequence[FoundPassage]
) -> dict[str, str]:
    """Words of the passages and their headings that are looked for, each with the word of the question."""
    words = {word for p in passages for word in index_terms(" ".join([p.text, p.title, *p.heading_path]))}
    found: dict[str, str] = {}
    for dictionary in question.dictionaries:
        for word, stems in index.stems(dictionary, sorted(words)).items():
            for stem in stems:
                if stem in weighted.of:
                    found[word] = weighted.of[stem]
    return found


def _ranked(
    passages: Sequence[FoundPassage], lexical: Mapping[int, float], weighted: _Weighted, matching: Mapping[str, str],
    engine: str, vector: bytes, embed: Embed | None,
) -> list[Ranked]:  # fmt: skip
    """The passages by their score; ties by their text."""
    asked = np.frombuffer(vector, dtype="<f4") if any(vector) else np.zeros(0, np.float32)
    ranges = [_sentences(passage.text) for passage in passages]
    meaning = _meaning(passages, ranges, engine, asked, embed)
    ranked = []
    for passage, sentences, near in zip(passages, ranges, meaning, strict=True):
        above = _looked_for(" ".join([passage.title, *passage.heading_path]), matching)
        shares = [weighted.share(_looked_for(passage.text[a:b], matching), above) for a, b in sentences]
        words, cosine = lexical.get(passage.id, 0.0), float(near.max())
        both = [share + float(one) for share, one in zip(shares, np.resize(near, len(shares)), strict=True)]
        best = sentences[max(range(len(both)), key=lambda i: (both[i], -i))]
        titled = weighted.share(_looked_for(" ".join(passage.heading_path[-1:]), matching), frozenset())
        exact = weighted.share(frozenset(index_terms(passage.text)), frozenset())
        score = WORDS * words + SENTENCE * max(shares) + TITLE * titled + EXACT * exact + MEANING * max(0.0, cosine)
        if not len(asked):
            score /= 1 - MEANING
        ranked.append(Ranked(passage, min(1.0, score), words, cosine, best))
    return sorted(ranked, key=lambda hit: (-round(hit.score, 6), hit.passage.text, hit.passage.id))


def _looked_for(text: str, matching: Mapping[str, str]) -> frozenset[str]:
    return frozenset(matching[word] for word in index_terms(text) if word in matching)


def _sentences(text: str) -> list[tuple[int, int]]:
    """Ranges of a text without the white space between them; never empty."""
    ends = [match.span() for match in _SENTENCE_END.finditer(text)]
    starts = [0, *(end for _, end in ends)]
    cut = [(a, b) for a, b in zip(starts, [*(start for start, _ in ends), len(text)], strict=True) if text[a:b].strip()]
    return cut or [(0, len(text))]


def _meaning(
    passages: Sequence[FoundPassage], ranges: Sequence[Sequence[tuple[int, int]]], engine: str,
    asked: NDArray[np.float32], embed: Embed | None,
) -> list[Floats]:  # fmt: skip
    """For each passage the cosine of the question with each sentence, or with the passage."""
    if not len(asked):
        return [np.zeros(1) for _ in passages]
    if embed is None:
        own = [np.frombuffer(p.vector if p.engine == engine else b"", dtype="<f4") for p in passages]
        return [np.asarray([float(one @ asked) if len(one) == len(asked) else 0.0]) for one in own]
    texts = [p.text[a:b] for p, sentences in zip(passages, ranges, strict=True) for a, b in sentences]
    cosines = np.frombuffer(b"".join(embed(texts)), dtype="<f4").reshape(len(texts), len(asked)) @ asked
    ends = np.cumsum([len(sentences) for sentences in ranges])[:-1]
    return [part.astype(np.float64) for part in np.split(cosines, ends)] if texts else []
