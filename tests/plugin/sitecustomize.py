"""Runs at the start of every Python process that has tests/plugin on its path: puts the faults in, where a test asks."""

import json
import os
from pathlib import Path

if folder := os.environ.get("JOBCTL_TEST_FAULTS"):
    import jobctl_test_faults

    jobctl_test_faults.install(Path(folder))

if guard := os.environ.get("PYTHON_GUARD_SWITCHED_OFF"):
    import jobctl_test_guards

    jobctl_test_guards.switch_off(*json.loads(guard))
