"""What an exit code of a program can mean for its job."""

from __future__ import annotations

from enum import StrEnum

from jobctl.core.lifecycle import Ending


class ExitClass(StrEnum):
    """The job is completed, or failed with a class of error."""

    COMPLETED = str(Ending.COMPLETED)
    TRANSIENT = "transient"
    PAYWALL = "paywall"
    INVALID = "invalid"
    PERMANENT = "permanent"
