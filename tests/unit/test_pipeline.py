"""Problems of an input whose model raises by itself."""

import pytest

from jobctl import Pipeline
from jobctl.core.errors import InvalidArguments


class Args:
    model_fields: dict = {}  # noqa: RUF012 - as pydantic has it

    @classmethod
    def model_validate(cls, data):
        raise ValueError(f"cannot use {sorted(data)}")


def test_a_model_that_is_not_of_pydantic_has_its_own_words():
    with pytest.raises(InvalidArguments) as caught:
        Pipeline("p", args=Args).validate({})
    assert caught.value.problems == ["cannot use []"]
