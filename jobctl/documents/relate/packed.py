"""What the index stores as bytes, as arrays."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from jobctl.documents.relate.index import Numbers


def unpacked(postings: bytes) -> tuple[Numbers, Numbers, Numbers]:
    """The passages of ``Postings.packed``, how often each has the word, and how many words it has."""
    packed = np.frombuffer(postings, dtype="<i8")
    return packed >> 24, packed >> 16 & 0xFF, packed & 0xFFFF


def nearest(blocks: Iterable[tuple[Sequence[int], bytes]], asked: NDArray[np.float32], count: int) -> list[list[int]]:
    """For each row of ``asked`` (n, dim) the ``count`` passages with the greatest cosine, best first.

    ``blocks``: passages and their vectors, as ``SearchIndex.vectors`` reads them; one block is in memory at a time.
    """
    best = [(np.zeros(0), np.zeros(0, np.int64)) for _ in asked]
    for ids, data in blocks:
        block = np.frombuffer(data, dtype="<f4").reshape(len(ids), asked.shape[1])
        numbers, scores = np.asarray(ids, dtype=np.int64), asked @ block.T
        for place, row in enumerate(scores):
            held = np.concatenate([best[place][0], row]), np.concatenate([best[place][1], numbers])
            top = np.argsort(-held[0], kind="stable")[:count]
            best[place] = held[0][top], held[1][top]
    return [numbers.tolist() for _, numbers in best]
