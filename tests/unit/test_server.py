"""Sentences on the sessions of the server."""

import pytest

from jobctl.core.server import LIMITS, Blocker, Effective


@pytest.mark.parametrize(
    ("blocker", "sentence"),
    [
        (Blocker(7, "ada", "psql", "idle in transaction", 61.6, 2),
         "psql (pid 7, role ada, idle in transaction) has locks for 62s; 2 waiting"),
        (Blocker(8, None, None, None, None, 0), "a session (pid 8, role ?) has locks"),
        (Blocker(9, "eve", "", None, 0.0, 1), "a session (pid 9, role eve) has locks for 0s; 1 waiting"),
    ],
)  # fmt: skip
def test_a_session_that_has_locks_is_described_by_what_is_known_of_it(blocker, sentence):
    assert blocker.sentence == sentence
    assert blocker.way_out.endswith(f"SELECT pg_terminate_backend({blocker.pid})")


def test_limits_that_are_switched_off_are_missing():
    assert Effective(**LIMITS).missing == {}
    assert Effective("on", "0", "3s", "0").missing == {
        "jit": "on", "statement_timeout": "0", "idle_in_transaction_session_timeout": "0",
    }  # fmt: skip
    assert Effective("off", "5min", "1s", "1h").missing == {}


def test_all_settings_are_named_in_one_line():
    assert Effective("off", "60s", "3s", "9s").sentence == (
        "jit off, statement_timeout 60s, lock_timeout 3s, idle_in_transaction_session_timeout 9s"
    )
