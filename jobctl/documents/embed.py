"""Vectors without a model service: a table of token vectors, and the sum over the tokens of a text.

The table was distilled from all-MiniLM-L6-v2 (``.ci/word_vectors.py``): its rows are weighted already, by a fixed stand-in for
the inverse document frequency, so that a vector never depends on what else is in the library.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from jobctl.documents import wordpiece

TEXT_CAP = 20_000
TABLE = Path(__file__).parent / "minilm" / "words.npz"


class StaticEmbedder:
    """``minilm-words-1-256``: a thousand chunks a second on one core, and 8 MB of memory."""

    id = "minilm-words-1-256"
    dim = 256
    quick = True

    def __init__(self) -> None:
        with np.load(TABLE, allow_pickle=False) as table:
            self._vectors, self._scales = table["vectors"], table["scales"]

    def embed(self, texts: Sequence[str]) -> list[bytes]:
        """One unit vector a text, each computed on its own: the same bytes in any batch."""
        return [self._embed(text) for text in texts]

    def _embed(self, text: str) -> bytes:
        ids = np.asarray(wordpiece.encode(text[:TEXT_CAP]), dtype=np.int64)
        total = self._scales[ids] @ self._vectors[ids].astype(np.float32)
        norm = float(np.sqrt(np.sum(total * total)))
        unit: NDArray[np.float32] = total / norm if norm else total
        return unit.astype("<f4").tobytes()


class LexicalEmbedder:
    """No vectors: search and comparison by words alone (``embedding = "lexical"``)."""

    id = "lexical-1"
    dim = 0

    def embed(self, texts: Sequence[str]) -> list[bytes]:
        """Nothing a text."""
        return [b"" for _ in texts]
