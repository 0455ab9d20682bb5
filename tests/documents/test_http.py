"""Requests to services: dropped connections are retried, and no error names an address."""

import httpx
import pytest

from jobctl.core.errors import Transient
from jobctl.documents.http import LONGEST_WAIT, retry_after, send


def test_a_dropped_connection_is_retried_twice_and_then_named_by_service_alone():
    tries: list[int] = []

    def drop() -> httpx.Response:
        tries.append(1)
        raise httpx.ConnectError("https://host/?token=secret")

    with pytest.raises(Transient, match=r"^the service can't be reached: ConnectError$"):
        send("the service", drop)
    assert len(tries) == 3


def test_a_request_that_succeeds_at_the_second_try_has_its_response():
    answers = iter([httpx.ReadTimeout("slow"), httpx.Response(503)])

    def answer() -> httpx.Response:
        found = next(answers)
        if isinstance(found, Exception):
            raise found
        return found

    assert send("the service", answer).status_code == 503


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("12", 12.0),
        ("0", 0.0),
        ("-1", None),
        ("1e9", LONGEST_WAIT),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None),
        ("", None),
    ],
)
def test_a_wait_that_a_service_names_is_bounded(value, seconds):
    assert retry_after(httpx.Response(429, headers={"Retry-After": value})) == seconds
