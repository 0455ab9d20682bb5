"""Vectors without a model service: the WordLlama-256 token table, a weighted mean of the tokens of a text.

The weight of a token stands in for its inverse document frequency and is fixed, so that a vector never depends on what
else is in the library: ``log(1 + rank)`` with the rank of the token in the tokenizer's merge order, which is an order
of frequency (Zipf's law makes the logarithm of the rank an inverse log frequency). Part of the engine's id.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from jobctl.core.errors import ConfigError
from jobctl.core.installing import install_command
from jobctl.system.environment import variables

TEXT_CAP = 20_000
BYTE_TOKENS = 259
"""Special tokens and single bytes come first in the table and have no rank."""
SINGLES = 29_871
"""From here on single characters, in no order of frequency."""


class StaticEmbedder:
    """``wordllama-256-zipf-1``: about 700 chunks a second on one core."""

    id = "wordllama-256-zipf-1"
    dim = 256
    quick = True

    def __init__(self, folder: Path | None = None) -> None:
        base = folder or _wheel()
        variables.setdefault("HF_HUB_OFFLINE", "1")  # the tokenizer library would contact a hub otherwise
        tensors = load_file(base / "weights" / "l2_supercat_256.safetensors")
        self._table = next(iter(tensors.values())).astype(np.float32)
        self._tokenizer = Tokenizer.from_file(str(base / "tokenizers" / "l2_supercat_tokenizer_config.json"))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        self._weights = _weights(len(self._table))

    def embed(self, texts: Sequence[str]) -> list[bytes]:
        """One unit vector a text, each computed on its own: the same bytes in any batch."""
        return [self._embed(text) for text in texts]

    def _embed(self, text: str) -> bytes:
        ids = np.asarray(self._tokenizer.encode(text[:TEXT_CAP], add_special_tokens=False).ids, dtype=np.int64)
        if not len(ids):
            return np.zeros(self.dim, dtype="<f4").tobytes()
        mean = self._weights[ids] @ self._table[ids]
        norm = float(np.sqrt(np.sum(mean * mean)))
        unit = mean / norm if norm else mean
        return unit.astype("<f4").tobytes()


class LexicalEmbedder:
    """No vectors: search and comparison by words alone (``embedding = "lexical"``)."""

    id = "lexical-1"
    dim = 0

    def embed(self, texts: Sequence[str]) -> list[bytes]:
        """Nothing a text."""
        return [b"" for _ in texts]


def _weights(count: int) -> NDArray[np.float32]:
    ranks = np.arange(count, dtype=np.float64) - BYTE_TOKENS
    ranks[SINGLES:] = np.median(ranks)
    weights = np.log1p(np.maximum(ranks, 0.0)) / np.log1p(float(count))
    floored: NDArray[np.float32] = np.maximum(weights, 0.05).astype(np.float32)
    return floored


def _wheel() -> Path:
    """The folder of the installed package, whose own code is not imported: it would go to the network."""
    spec = importlib.util.find_spec("wordllama")
    if spec is None or spec.origin is None:
        raise ConfigError(
            "the table of word vectors is not installed",
            hint=f"{install_command('wordllama')}, or set embedding = lexical",
        )
    return Path(spec.origin).parent
