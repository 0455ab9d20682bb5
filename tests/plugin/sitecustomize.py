"""Runs at the start of every Python process that has tests/plugin on its path: puts the faults in, where a test asks.

Where pytest measures branch coverage, these processes do. A worker's child does not inherit coverage's own variable.
"""

import json
import os
from pathlib import Path

if configuration := os.environ.get("JOBCTL_TEST_COVERAGE"):
    import jobctl_test_coverage

    jobctl_test_coverage.start(configuration)

if folder := os.environ.get("JOBCTL_TEST_FAULTS"):
    import jobctl_test_faults

    jobctl_test_faults.install(Path(folder))

if guard := os.environ.get("PYTHON_GUARD_SWITCHED_OFF"):
    import jobctl_test_guards

    jobctl_test_guards.switch_off(*json.loads(guard))
