"""Which variables a program sees: what any program needs, what the worker's owner allows, what the job sets."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from jobctl.core.errors import Invalid
from jobctl.core.masking import MASK, secret_name

BASE = (
    "PATH", "HOME", "LANG", "LANGUAGE", "TZ", "TMPDIR", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY",
    "http_proxy", "https_proxy", "all_proxy", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE", "TRACEPARENT", "TRACESTATE",
)  # fmt: skip
"""TMPDIR is also the mark by which a worker finds what a killed child has left behind. The last two are set by a stage that
is traced: https://opentelemetry.io/docs/specs/otel/context/env-carriers/"""
_LOCALE = "LC_"
SHORTEST_SECRET = 4
"""Characters of a value that is masked wherever it is logged; a shorter one would mask ordinary text."""


_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,255}")
_OURS = re.compile(r"JOBCTL_.*|TMPDIR")


def settable(name: str) -> str:
    """The name of a variable, when a job may set it. Raises ``ValueError``."""
    if not _VARIABLE.fullmatch(name):
        raise ValueError(f"{name!r} is not the name of a variable")
    if _OURS.fullmatch(name):
        raise ValueError(f"{name} is set by jobctl")
    return name


class MissingVariable(Invalid):
    """A job names a variable that its worker does not pass on."""


def program_environment(
    worker: Mapping[str, str], *, named: Iterable[str] = (), values: Mapping[str, str] | None = None,
    always: Iterable[str] = (),
) -> dict[str, str]:  # fmt: skip
    """The whole environment of a program.

    ``named`` are taken from the worker's environment and must be there, ``always`` where they are; ``values`` are set.
    Raises ``MissingVariable``.
    """
    kept = {*BASE, *always}
    found = {name: value for name, value in worker.items() if name in kept or name.startswith(_LOCALE)}
    for name in named:
        if name not in worker:
            raise MissingVariable(
                f"this worker does not pass on the variable {name}",
                hint="the setting command_environment in the worker's own configuration file",
            )
        found[name] = worker[name]
    return found | dict(values or {})


class Masker:
    """Replaces the values of secret variables (``…TOKEN``, ``…PASSWORD``) in what a program prints."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        secrets = [value for name, value in environment.items() if len(value) >= SHORTEST_SECRET and secret_name(name)]
        longest_first = sorted(map(re.escape, secrets), key=len, reverse=True)
        self._pattern = re.compile("|".join(longest_first)) if secrets else None

    def __call__(self, text: str) -> str:
        """The text without these values."""
        return self._pattern.sub(MASK, text) if self._pattern else text
