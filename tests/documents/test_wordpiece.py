"""Tokens as BERT's own tokenizer makes them, and the vectors of the table."""

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest

from jobctl.documents import embed, wordpiece
from jobctl.documents.embed import StaticEmbedder

GOLDEN = json.loads(Path(__file__).with_name("wordpiece.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("text", GOLDEN)
def test_tokens_are_those_of_the_reference(text):
    """``wordpiece.json`` was written with the library ``tokenizers`` 0.23.3 and the same vocabulary."""
    assert wordpiece.encode(text) == GOLDEN[text]


def test_a_word_without_end_is_one_unknown_token():
    unknown = wordpiece.vocabulary()["[UNK]"]
    assert wordpiece.encode("x" * 101) == [unknown]
    assert len(wordpiece.encode("x" * 100)) > 1
    assert wordpiece.encode("") == wordpiece.encode(" \x00\u200b ") == []


def test_the_table_is_the_one_that_the_id_names():
    """Vectors of two tables never mix: another table needs another id."""
    digest = hashlib.sha256(embed.TABLE.read_bytes()).hexdigest()
    assert (StaticEmbedder.id, digest) == (
        "minilm-words-1-256", "52e558f1596bbff3a16e2d9307c576a82761788d6a2c1daccef2e8e7e32678be",
    )  # fmt: skip
    assert len(StaticEmbedder()._vectors) == len(wordpiece.vocabulary())


def test_words_of_one_meaning_are_near():
    def near(one: str, other: str) -> float:
        first, second = (np.frombuffer(vector, "<f4") for vector in StaticEmbedder().embed([one, other]))
        return float(first @ second)

    assert near("physician", "doctor") > 0.5 > near("physician", "river")
    same = near("The physician cured the ill child.", "A doctor healed a sick kid.")
    assert same > near("The physician cured the ill child.", "The bank raised its interest rates.") + 0.2
