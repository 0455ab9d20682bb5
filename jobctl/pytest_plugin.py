"""The pytest plug-in: fixtures for the tests of job types."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # pytest loads this module in every project that has jobctl installed
    from jobctl.testing.worker import TestWorker


@pytest.fixture(scope="session")
def jobctl_worker() -> Iterator[TestWorker]:
    """A real worker on a throw-away embedded database; both live as long as the test session."""
    from jobctl.testing.worker import worker  # noqa: PLC0415 - see above

    with worker() as running:
        yield running
