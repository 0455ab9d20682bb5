"""``notify_command``: a program of the user's own that runs on the worker's machine for each job that has ended."""

from __future__ import annotations

import json
import logging
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

log = logging.getLogger("jobctl.worker")

TIMEOUT = 60.0
"""Seconds after which the program is killed."""
SHOWN = 400
"""Characters of its output that are logged when it fails."""


def run_command(command: Sequence[str], event: Mapping[str, Any]) -> None:
    """Runs it once with the event as JSON on stdin, without a shell; a failure is logged. Never raises."""
    name = command[0]
    try:
        done = subprocess.run(
            list(command), input=json.dumps(event, ensure_ascii=False).encode(), check=False, timeout=TIMEOUT,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        log.warning("notify_command %s took longer than %g s; killed", name, TIMEOUT)
    except OSError as error:
        log.warning("notify_command %s cannot be run: %s", name, error.strerror)
    else:
        if done.returncode:
            output = done.stdout.decode("utf-8", "replace").strip()[-SHOWN:]
            log.warning("notify_command %s ended with exit code %d: %s", name, done.returncode, output)
