"""Which errors are worth another try, and when. Pure: no clock, no randomness of its own."""

from __future__ import annotations

import re
import socket
import traceback

from jobctl.core.attempt import Failure
from jobctl.core.errors import JobFailure, StoreUnavailable, Transient

MAX_BACKOFF_MINUTES = 30
JITTER = 0.10
RAW_CAP, TRACE_CAP = 8 * 1024, 32 * 1024

TRANSIENT_CODES = frozenset({408, 425, 429, 500, 502, 503, 504})
INVALID_CODES = frozenset({400, 404, 410, 413, 415, 422})

# SQLSTATE classes: connection, resources, operator intervention; serialization and deadlock
TRANSIENT_SQLSTATES = ("08", "53", "57P", "40001", "40P01", "55P03")

# Words are the last resort, and anchored: a number counts only where it stands as a status code.
_CODE = r"(?:^|\b(?:http|status|error|code)[ :=/]*(?:1\.[01] |code )?){code}\b"
_WORDS = (
    ("paywall", re.compile(r"insufficient[_ ]quota|quota (?:is )?(?:exceeded|exhausted)|billing|payment required|out of credits|" + _CODE.format(code="402"), re.IGNORECASE)),
    ("transient", re.compile(r"timed? ?out|time-out|connection (?:refused|reset|aborted|closed)|temporarily unavailable|too many requests|rate limit|" + _CODE.format(code="(?:429|502|503|504)"), re.IGNORECASE)),
    ("invalid", re.compile(r"\binvalid\b|\bmalformed\b|\bnot found\b|\bno such file\b|\bunsupported\b|" + _CODE.format(code="(?:400|404|422)"), re.IGNORECASE)),
)  # fmt: skip

SENTENCES = {
    "transient": "A passing problem: it is tried again by itself.",
    "paywall": "A quota or a payment stands in the way: settle that, then retry.",
    "invalid": "The input can't be used as it is: mend it and submit again.",
    "permanent": "It failed and nothing suggests another try would do better: look at the trace.",
}

OUT_OF_MEMORY = "It needs more memory than a job may use; the limit is child_memory_mb, or that of ulimit -v."


def backoff(retry_count: int, jitter: float = 0.0) -> float:
    """Seconds until the next try after ``retry_count`` retries: 1, 2, 4, 8, 16, 30, 30 … minutes.

    ``jitter`` in [0, 1) adds up to ten percent.
    """
    minutes = MAX_BACKOFF_MINUTES if retry_count >= 5 else min(2**retry_count, MAX_BACKOFF_MINUTES)
    return minutes * 60.0 * (1.0 + JITTER * jitter)


def classify(error: BaseException) -> str:
    """transient, paywall, invalid or permanent: by type, then by code, then by words."""
    for cause in _causes(error):
        kind = _by_type(cause) or _by_code(cause)
        if kind:
            return kind
    text = str(error)
    return next((kind for kind, pattern in _WORDS if pattern.search(text)), "permanent")


def failure(error: BaseException) -> Failure:
    """Everything that is recorded of an error, capped and free of what Postgres can't store."""
    kind = classify(error)
    raw = f"{type(error).__name__}: {error}" if not isinstance(error, JobFailure) else str(error)
    if isinstance(error, MemoryError):
        message = OUT_OF_MEMORY
    elif isinstance(error, JobFailure):
        message = str(error)
    else:
        message = f"{_first_line(error)} — {SENTENCES[kind]}"
    trace = "".join(traceback.format_exception(error))
    retry_in = error.retry_in if isinstance(error, Transient) else None
    return Failure(
        kind, storable(message, 512), storable(raw, RAW_CAP), storable(trace[-TRACE_CAP:], TRACE_CAP), retry_in
    )


def storable(text: str, cap: int) -> str:
    """``text`` without NUL and lone surrogates, at most ``cap`` bytes of UTF-8."""
    clean = text.replace("\x00", "�").encode("utf-8", "replace")
    return clean[:cap].decode("utf-8", "ignore")


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__


def _causes(error: BaseException) -> list[BaseException]:
    """The error and what it was explicitly raised from, at most five deep."""
    chain: list[BaseException] = []
    here: BaseException | None = error
    while here is not None and len(chain) < 5:
        chain.append(here)
        here = here.__cause__
    return chain


def _by_type(error: BaseException) -> str | None:
    if isinstance(error, JobFailure):
        return error.kind
    if isinstance(error, (TimeoutError, ConnectionError, socket.gaierror, StoreUnavailable)):
        return "transient"
    if isinstance(error, (FileNotFoundError, IsADirectoryError, NotADirectoryError, UnicodeError, MemoryError)):
        return "invalid"
    return None


def _by_code(error: BaseException) -> str | None:
    sqlstate = getattr(error, "sqlstate", None)
    if isinstance(sqlstate, str) and sqlstate.startswith(TRANSIENT_SQLSTATES):
        return "transient"
    response = getattr(error, "response", None)
    code = getattr(response, "status_code", None) or getattr(error, "code", None)
    if code == 402:
        return "paywall"
    if code in TRANSIENT_CODES:
        return "paywall" if _WORDS[0][1].search(str(error)) else "transient"
    return "invalid" if code in INVALID_CODES else None
