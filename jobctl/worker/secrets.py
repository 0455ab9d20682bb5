"""``ctx.secret``: the secrets of a worker by name, and texts without those that a handler has read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from jobctl.core.attempt import Failure
from jobctl.core.errors import Permanent
from jobctl.core.masking import MASK

SHORTEST = 4
"""Characters; masking every occurrence of a shorter text would only make a log unreadable."""


class Secrets:
    """Those that this worker has. What was read once is masked from then on, in whatever job of the process."""

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self._values = dict(values or {})
        self._read: list[str] = []

    def read(self, name: str) -> str:
        """The value. Raises ``Permanent`` where this worker does not have it."""
        if name not in self._values:
            raise Permanent(
                f"this worker has no secret {name}",
                hint=f"JOBCTL_SECRET_{name}, or the file of the setting secrets_file",
            )
        value = self._values[name]
        if len(value) >= SHORTEST and value not in self._read:
            self._read = sorted([*self._read, value], key=len, reverse=True)
        return value

    def redact(self, text: str) -> str:
        """The text with each secret that was read masked; longer ones first, as one may contain another."""
        for value in self._read:
            text = text.replace(value, MASK)
        return text

    def redacted(self, failure: Failure) -> Failure:
        """The same for all texts of an error."""
        if not self._read:
            return failure
        redact = self.redact
        return replace(
            failure,
            message=redact(failure.message),
            raw=redact(failure.raw),
            trace=failure.trace and redact(failure.trace),
        )
