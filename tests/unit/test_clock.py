"""The wall clock."""

from datetime import UTC

from jobctl.system import clock


def test_the_present_is_aware_and_the_same_instant_in_each_zone():
    before, local, after = clock.now(), clock.local_now(), clock.now()
    assert before.tzinfo is UTC
    assert local.utcoffset() is not None
    assert before <= local <= after
