"""When a watch is over."""

from datetime import UTC, datetime

import pytest

from jobctl.core.job import Progress
from jobctl.core.lifecycle import Status
from jobctl.core.watching import Glance


@pytest.mark.parametrize("retries", [True, False])
@pytest.mark.parametrize("status", Status)
def test_a_job_is_final_once_only_a_person_can_move_it(status, retries):
    ended = status in ("completed", "failed", "cancelled")
    assert Glance(1, status, retries, Progress(), datetime.now(UTC)).final is (ended and not retries)
