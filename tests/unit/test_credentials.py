"""Keys from the environment."""

import pytest

from jobctl.core.credentials import credential
from jobctl.core.errors import ConfigError


@pytest.mark.parametrize("environment", [{}, {"KEY": ""}, {"KEY": " \n"}, {"OTHER": "abc"}])
def test_a_variable_that_is_missing_or_blank_is_no_key(environment):
    assert credential("KEY", environment) is None


@pytest.mark.parametrize("value", ["sk-abc_123", "  sk-abc_123\n", "a!#$%&'*+/=?^`{|}~b"])
def test_a_key_is_given_without_the_blanks_around_it(value):
    assert credential("KEY", {"KEY": value}) == value.strip()


@pytest.mark.parametrize(
    "value", ["sk-s3cr3t\u2013x", "\u201csk-s3cr3t\u201d", "sk-s3cr3t x", "sk-s3cr3t\r\nX: y", "sk-s3cr3t\x7f"]
)
def test_a_key_that_a_header_cannot_carry_is_refused_without_being_shown(value):
    with pytest.raises(ConfigError, match="KEY is not a usable key") as caught:
        credential("KEY", {"KEY": value})
    assert "s3cr3t" not in f"{caught.value} {caught.value.hint}"
    assert "KEY" in caught.value.hint
