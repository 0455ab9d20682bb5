"""What an edit changes."""

from datetime import UTC, datetime

import pytest

from jobctl.core.edit import Changes


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        (Changes(), []),
        (Changes(input={}), []),
        (Changes(title="", max_retries=0), ["title", "max_retries"]),
        (Changes(input={"a": None}, priority="high"), ["priority", "input"]),
        (Changes(at=datetime.now(UTC), queue="q"), ["queue", "at"]),
    ],
)
def test_only_what_was_given_is_named_as_changed(changes, named):
    assert changes.named == named
