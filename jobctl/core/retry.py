"""Which errors are worth another try, and when. Pure: no clock, no randomness of its own."""

from __future__ import annotations

import errno
import re
import socket
import traceback
from collections.abc import Callable

from jobctl.core.attempt import Failure
from jobctl.core.errors import ErrorType, JobFailure, StoreUnavailable, Transient

MAX_BACKOFF_MINUTES = 30
JITTER = 0.10
RAW_CAP, TRACE_CAP = 8 * 1024, 32 * 1024
MAX_DELAY = 365 * 86_400.0
"""Seconds; a longer delay in an error is ignored."""

TRANSIENT_CODES = frozenset({408, 425, 429, 500, 502, 503, 504})
INVALID_CODES = frozenset({400, 404, 410, 413, 415, 422})

# SQLSTATE classes: connection, resources, operator intervention; serialization and deadlock
TRANSIENT_SQLSTATES = ("08", "53", "57P", "40001", "40P01", "55P03")

# Patterns in the text are the last resort, and anchored: a number counts only as a status code.
_CODE = r"(?:^|\b(?:http|status|error|code)[ :=/]*(?:1\.[01] |code )?){code}\b"
_WORDS: tuple[tuple[ErrorType, re.Pattern[str]], ...] = (
    ("paywall", re.compile(r"insufficient[_ ]quota|quota (?:is )?(?:exceeded|exhausted)|billing|payment required|out of credits|" + _CODE.format(code="402"), re.IGNORECASE)),
    ("transient", re.compile(r"timed? ?out|time-out|connection (?:refused|reset|aborted|closed)|temporarily unavailable|too many requests|rate limit|" + _CODE.format(code="(?:429|502|503|504)"), re.IGNORECASE)),
    ("invalid", re.compile(r"\binvalid\b|\bmalformed\b|\bnot found\b|\bno such file\b|\bunsupported\b|" + _CODE.format(code="(?:400|404|422)"), re.IGNORECASE)),
)  # fmt: skip

SENTENCES: dict[ErrorType, str] = {
    "transient": "Temporary problem; retried automatically.",
    "paywall": "Quota or payment required: settle it, then retry.",
    "invalid": "The input cannot be used as it is: fix it and submit again.",
    "permanent": "Another try is unlikely to succeed: see the traceback.",
}

_NO_MEMORY = re.compile(
    r"MemoryError|bad_alloc|cannot allocate memory|unable to allocate|out of memory|can't start new thread"
    # what CPython raises where it could not allocate the exception itself
    r"|error return without exception set"
    r"|failed to map segment|memory allocation of \d{1,20} bytes failed|openblas[^\n]{0,200}(?:allocat|pthread_create)",
    re.IGNORECASE,
)
OUT_OF_MEMORY = Failure(
    "invalid",
    "The job needs more memory than its process may use; the limit is child_memory_mb, or the worker's control group or ulimit -v.",
    "MemoryError",
)
"""Made in advance: where memory is short, nothing more can be made."""


Own = Callable[[BaseException], ErrorType | None]
"""The class that a job type gives to an exception."""


def _nothing(_: BaseException) -> None:
    """No rule."""


def backoff(retry_count: int, jitter: float = 0.0) -> float:
    """Seconds until the next try after ``retry_count`` retries: 1, 2, 4, 8, 16, 30, 30 … minutes.

    ``jitter`` in [0, 1) adds up to ten percent.
    """
    minutes = MAX_BACKOFF_MINUTES if retry_count >= 5 else min(2**retry_count, MAX_BACKOFF_MINUTES)
    return minutes * 60.0 * (1.0 + JITTER * jitter)


def classify(error: BaseException, own: Own = _nothing) -> ErrorType:
    """transient, paywall, invalid or permanent: by type, then by code, then by words.

    ``own`` is the rule of a job type; None: it has none for this exception.
    """
    for cause in _causes(error):
        kind = (cause.kind if isinstance(cause, JobFailure) else own(cause)) or _by_type(cause) or _by_code(cause)
        if kind:
            return kind
    text = text_of(error)
    return next((kind for kind, pattern in _WORDS if pattern.search(text)), "permanent")


def failure(error: BaseException, own: Own = _nothing) -> Failure:
    """Everything that is recorded of an error, capped and free of what Postgres cannot store.

    An exception is the handler's own code: whatever its attributes and its text do when they are read, this returns.
    """
    try:
        return _failure(error, own)
    except MemoryError:
        return OUT_OF_MEMORY
    except BaseException as broken:
        name = storable(type(error).__name__, 200)
        reason = f"{name}, an exception that cannot be read: reading it raised {type(broken).__name__}"
        return Failure("permanent", storable(reason, 512), storable(reason, RAW_CAP))


def _failure(error: BaseException, own: Own) -> Failure:
    text, name = text_of(error), type(error).__name__
    raw = text if isinstance(error, JobFailure) else f"{name}: {text}"
    trace = "".join(traceback.format_exception(error))[-TRACE_CAP:]
    if any(map(_is_memory, _causes(error))):
        return Failure(OUT_OF_MEMORY.kind, OUT_OF_MEMORY.message, storable(raw, RAW_CAP), storable(trace, TRACE_CAP))
    kind = classify(error, own)
    message = text if isinstance(error, JobFailure) else f"{_headline(error, text)} — {SENTENCES[kind]}"
    return Failure(
        kind, storable(message, 512), storable(raw, RAW_CAP), storable(trace, TRACE_CAP), _delay(error)
    )  # fmt: skip


def _delay(error: BaseException) -> float | None:
    """The error's own delay in seconds, where it has one that makes sense."""
    delay = error.retry_in if isinstance(error, Transient) else None
    if isinstance(delay, (int, float)) and 0 <= delay <= MAX_DELAY:
        return float(delay)
    return None


def text_of(error: BaseException) -> str:
    """``str(error)``, at most ``RAW_CAP`` characters; a substitute where that raises."""
    try:
        return str(error)[:RAW_CAP]
    except MemoryError:
        raise
    except BaseException as broken:
        return f"(its text cannot be read: __str__ raised {type(broken).__name__})"


def names_memory(text: str) -> bool:
    """Whether what a dead process wrote to stderr reports that it had no memory left."""
    return bool(_NO_MEMORY.search(text))


def _is_memory(error: BaseException) -> bool:
    if isinstance(error, MemoryError):
        return True
    if isinstance(error, OSError) and error.errno == errno.ENOMEM:
        return True
    return isinstance(error, (ImportError, RuntimeError)) and names_memory(text_of(error))


def storable(text: str, cap: int) -> str:
    """``text`` without NUL and lone surrogates, at most ``cap`` bytes of UTF-8."""
    if len(text) <= cap and text.isascii() and "\x00" not in text:
        return text
    clean = text[:cap].replace("\x00", "�").encode("utf-8", "replace")
    return clean[:cap].decode("utf-8", "ignore")


def _headline(error: BaseException, text: str) -> str:
    """The first line of the text; with the type's name for other exceptions, such as SystemExit."""
    lines = text.strip().splitlines()
    name = type(error).__name__
    if not lines:
        return name
    return lines[0][:200] if isinstance(error, Exception) else f"{name}: {lines[0][:200]}"


def _causes(error: BaseException) -> list[BaseException]:
    """The error and what it was explicitly raised from, at most five deep."""
    chain: list[BaseException] = []
    here: BaseException | None = error
    while here is not None and len(chain) < 5:
        chain.append(here)
        here = here.__cause__
    return chain


def _by_type(error: BaseException) -> ErrorType | None:
    if isinstance(error, (TimeoutError, ConnectionError, socket.gaierror, StoreUnavailable)):
        return "transient"
    if isinstance(error, (FileNotFoundError, IsADirectoryError, NotADirectoryError, UnicodeDecodeError, MemoryError)):
        return "invalid"
    if isinstance(error, UnicodeEncodeError) or not isinstance(error, Exception):
        return "permanent"  # what the handler made of its input, or how it ended; no words can change that
    return None


def _by_code(error: BaseException) -> ErrorType | None:
    sqlstate = getattr(error, "sqlstate", None)
    if isinstance(sqlstate, str) and sqlstate.startswith(TRANSIENT_SQLSTATES):
        return "transient"
    response = getattr(error, "response", None)
    code = getattr(response, "status_code", None) or getattr(error, "code", None)
    if not isinstance(code, int):
        return None
    if code == 402:
        return "paywall"
    if code in TRANSIENT_CODES:
        return "paywall" if _WORDS[0][1].search(text_of(error)) else "transient"
    return "invalid" if code in INVALID_CODES else None
