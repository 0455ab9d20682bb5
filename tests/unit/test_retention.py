"""Rules of retention as people write them."""

import pytest

from jobctl.core.errors import ConfigError
from jobctl.core.retention import ages

DAY = 86_400.0


def test_a_rule_is_seconds_and_the_defaults_hold_where_nothing_is_said():
    assert ages({}) == {"completed": 7 * DAY, "failed": 30 * DAY, "cancelled": 30 * DAY}
    assert ages({"failed": "12h", "import_document": "forever", "import_document.failed": "1d"}) == {
        "completed": 7 * DAY,
        "failed": DAY / 2,
        "cancelled": 30 * DAY,
        "import_document": None,
        "import_document.failed": DAY,
    }


@pytest.mark.parametrize("keep", [{"completed": "soon"}, {"failed": "-1d"}, {"a.pending": "1d"}])
def test_what_is_no_rule_is_refused(keep):
    with pytest.raises(ConfigError, match="keep_jobs"):
        ages(keep)
