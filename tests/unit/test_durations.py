"""Lengths of time as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobctl.core.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("10m", 600),
        ("1h30m", 5400),
        ("0.5s", 0.5),
        ("2d", 172_800),
        ("1w", 604_800),
        (12, 12),
        (0, 0),
        (1.5, 1.5),
    ],
)
def test_a_duration_is_read(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "s", "10", "ten minutes", "5m10h", "-5s", -1, float("nan"), float("inf"), True, "1e3s"]
)
def test_what_is_no_duration_is_refused(text):
    with pytest.raises(ValueError, match=r"duration|number"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0s"), (0.5, "0.5s"), (41, "41s"), (600, "10m"), (5400, "1h30m"), (90_061, "1d1h1m1s")]
)
def test_a_duration_is_written_in_full(seconds, text):
    assert format_duration(seconds) == text


@given(st.integers(0, 10**8))
def test_what_is_written_is_read_back(seconds):
    assert parse_duration(format_duration(seconds)) == seconds
