"""How failures of one job type are classified, and when they are retried, where that differs from ``core.retry``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import get_args

from jobctl.core.durations import parse_duration
from jobctl.core.errors import ErrorType
from jobctl.core.retry import JITTER, MAX_DELAY, backoff

Exceptions = Mapping[type[BaseException], ErrorType]


@dataclass(frozen=True, slots=True)
class Retry:
    """The retry policy of a job type.

    ``backoff``: the delays before the first automatic retry, the second, …; "10s", or seconds; the last one repeats. Up to
    ten percent are added. None: 1, 2, 4, 8, 16, 30, 30 … minutes. A delay that the error has itself goes before it.

    ``classes``: classes of exceptions → ``transient`` (retried), ``paywall``, ``invalid`` or ``permanent``. Of several that
    fit, the nearest base class counts. It goes before the general rules, and after ``errors.Invalid`` and its like.

    Raises ``ValueError`` or ``TypeError`` for what cannot be meant.
    """

    backoff: Sequence[str | float] = ()
    classes: Exceptions = field(default_factory=dict)
    delays: tuple[float, ...] = field(init=False, repr=False)
    """``backoff`` in seconds."""

    def __post_init__(self) -> None:
        if isinstance(self.backoff, str):
            raise TypeError(f"backoff is a list of delays: [{self.backoff!r}]")
        delays = tuple(parse_duration(delay) for delay in self.backoff)
        if any(delay > MAX_DELAY for delay in delays):
            raise ValueError("a delay of backoff is longer than a year")
        for kind, name in self.classes.items():
            if not (isinstance(kind, type) and issubclass(kind, BaseException)):
                raise TypeError(f"classes: {kind!r} is not a class of exceptions")
            if name not in get_args(ErrorType):
                raise ValueError(f"classes: {kind.__name__} is {name!r}; it can be {', '.join(get_args(ErrorType))}")
        object.__setattr__(self, "delays", delays)

    def delay(self, retry_count: int, jitter: float = 0.0) -> float:
        """Seconds until the next try after ``retry_count`` retries. ``jitter`` in [0, 1)."""
        return delay_of(self.delays, retry_count, jitter)

    def kind(self, error: BaseException) -> ErrorType | None:
        """The class of an exception; None: it is not in ``classes``."""
        return next((self.classes[base] for base in type(error).__mro__ if base in self.classes), None)


def delay_of(delays: Sequence[float], retry_count: int, jitter: float = 0.0) -> float:
    """Seconds until the next try, by the delays of a policy; none: the general rule."""
    if not delays:
        return backoff(retry_count, jitter)
    return delays[min(retry_count, len(delays) - 1)] * (1.0 + JITTER * jitter)
