"""The signals of a worker: the time that is left after each."""

import signal
from collections.abc import Iterator

import pytest

from jobctl.worker.shutdown import LAST_WRITES, Shutdown


@pytest.fixture
def shutdown() -> Iterator[Shutdown]:
    installed = Shutdown(grace=3600.0)
    installed.install()
    yield installed
    installed.restore()


def left() -> float:
    """Seconds until the alarm that no blocking call can delay."""
    return signal.getitimer(signal.ITIMER_REAL)[0]


def test_after_the_first_signal_the_grace_is_left_and_a_time_to_write(shutdown):
    signal.raise_signal(signal.SIGTERM)
    assert not shutdown.expired(0.0)
    assert 3600.0 < left() <= 3600.0 + LAST_WRITES


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_second_signal_leaves_a_fraction_of_the_time_to_write(shutdown, second):
    signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(second)
    assert shutdown.expired(0.0)
    assert 0.0 < left() < LAST_WRITES / 4


def test_a_third_signal_does_not_prolong_it(shutdown):
    for _ in range(2):
        signal.raise_signal(signal.SIGTERM)
    before = left()
    signal.raise_signal(signal.SIGTERM)
    assert left() <= before
