"""What errors tell a person to do."""

import pytest

from jobctl.core.errors import ConfigError, MissingExtra, StorageRefused, StorageUnavailable, StoreUnavailable


@pytest.mark.parametrize("extra", ["jobctl[s3]", "jobctl[documents]"])
def test_a_missing_extra_says_how_it_is_installed(extra):
    error = MissingExtra("S3 storage", extra)
    assert isinstance(error, ConfigError)
    assert str(error) == f"S3 storage needs {extra}"
    assert error.hint == f"pip install '{extra}'"
    assert error.extra == extra


def test_a_storage_that_is_away_says_whether_it_is_full():
    assert StorageUnavailable("no room left", full=True).full
    refused = StorageRefused("another storage", hint="Mount it.")
    assert isinstance(refused, StoreUnavailable)
    assert (refused.full, refused.hint) == (False, "Mount it.")
