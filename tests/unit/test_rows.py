"""The columns of a row."""

import threading
from dataclasses import dataclass

from jobctl.core.rows import columns


@dataclass
class Row:
    id: int
    kept: object


def test_columns_are_the_values_themselves_also_those_that_cannot_be_copied():
    lock = threading.Lock()
    found = columns(Row(3, lock))
    assert list(found) == ["id", "kept"]
    assert found["kept"] is lock
