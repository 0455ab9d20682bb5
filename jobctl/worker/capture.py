"""What a handler prints, logs or writes to stderr becomes lines of its job's log."""

from __future__ import annotations

import io
import logging
import sys
from collections.abc import Callable
from functools import partial

from jobctl.worker.channel import LINE_CAP

LineSink = Callable[[str, str], None]
"""Receives a line: (level, text)."""


class Capture:
    """Replaces stdout and stderr and handles records of the root logger, while it is entered.

    Between ``begin`` and ``end`` output goes to the job. Otherwise errors go to the real stderr; the rest is dropped.
    """

    def __init__(self) -> None:
        self._sink: LineSink | None = None
        self._out = LineStream(partial(self._line, "info"))
        self._err = LineStream(partial(self._line, "warning"))
        self._handler = _Handler(self._line)

    def __enter__(self) -> None:
        self._before = sys.stdout, sys.stderr
        sys.stdout, sys.stderr = self._out, self._err
        logging.getLogger().addHandler(self._handler)

    def __exit__(self, *_: object) -> None:
        sys.stdout, sys.stderr = self._before
        logging.getLogger().removeHandler(self._handler)

    def begin(self, sink: LineSink) -> None:
        """Lines go to ``sink`` from now on."""
        self._sink = sink

    def end(self) -> None:
        """Ends a job: an incomplete line is passed on."""
        self._out.end_line()
        self._err.end_line()
        self._sink = None

    def _line(self, level: str, text: str) -> None:
        if self._sink is not None:
            self._sink(level, text)
        elif level != "info":
            print(text, file=self._before[1])


class _Handler(logging.Handler):
    """Records of the root logger as lines."""

    def __init__(self, sink: LineSink) -> None:
        super().__init__()
        self._sink = sink

    def emit(self, record: logging.LogRecord) -> None:
        """One record; one that cannot be formatted is reported to stderr, as everywhere in logging."""
        try:
            self._sink(record.levelname.lower(), self.format(record))
        except Exception:
            self.handleError(record)


class LineStream(io.TextIOBase):
    """A text stream that passes on whole lines; a line is cut where it is longer than ``LINE_CAP``."""

    def __init__(self, sink: Callable[[str], None]) -> None:
        self._sink = sink
        self._parts: list[str] = []
        self._size = 0

    def writable(self) -> bool:
        """It is."""
        return True

    def write(self, text: str) -> int:
        """Passes on the lines that are complete now. Linear in the text."""
        if "\n" in text:
            *lines, rest = text.split("\n")
            for line in lines:
                self._end(line)
        else:
            rest = text
        if rest:
            self._parts.append(rest)
            self._size += len(rest)
            if self._size > LINE_CAP:
                self.end_line()
        return len(text)

    def _end(self, line: str) -> None:
        if self._parts:
            line = "".join([*self._parts, line])
            self._parts.clear()
            self._size = 0
        self._sink(line)

    def end_line(self) -> None:
        """Passes on the line that is not complete."""
        if self._parts:
            self._end("")
