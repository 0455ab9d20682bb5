"""What errors tell a person to do."""

import pytest

from jobctl.core.errors import ConfigError, MissingExtra


@pytest.mark.parametrize("extra", ["jobctl[s3]", "jobctl[documents]"])
def test_a_missing_extra_says_how_it_is_installed(extra):
    error = MissingExtra("S3 storage", extra)
    assert isinstance(error, ConfigError)
    assert str(error) == f"S3 storage needs {extra}"
    assert error.hint == f"pip install '{extra}'"
    assert error.extra == extra
