"""A line-diff painter: the alternate screen, only the lines that changed, restored on every exit."""

from __future__ import annotations

import os
import re
import select
import shutil
import signal
import sys
import termios
import tty
from types import FrameType
from typing import Any, Self

ENTER = "\x1b[?1049h\x1b[?25l\x1b[2J"
LEAVE = "\x1b[?25h\x1b[?1049l"
BEGIN, END = "\x1b[?2026h", "\x1b[?2026l"  # synchronized update, where the terminal knows it


KEYS = {"\x1b[A": "k", "\x1b[B": "j", "\r": "enter", "\n": "enter"}


class Screen:
    """Takes over the terminal as a context manager. Survives resize, suspend and continue."""

    def __init__(self) -> None:
        self._shown: list[str] = []
        self._size = (0, 0)
        self._saved: list[Any] | None = None
        self._typed: list[str] = []
        self._handlers: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self._take()
        for number, handler in (
            (signal.SIGWINCH, self._resized),
            (signal.SIGTSTP, self._suspend),
            (signal.SIGCONT, self._continue),
        ):
            self._handlers[number] = signal.signal(number, handler)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._give_back()

    @property
    def size(self) -> tuple[int, int]:
        """(columns, rows)."""
        found = shutil.get_terminal_size()
        return found.columns, found.lines

    def paint(self, lines: list[str]) -> bool:
        """Shows lines; writes only those that changed. Whether anything was written."""
        columns, rows = self.size
        if (columns, rows) != self._size:
            self._size = (columns, rows)
            self._shown = []
            prefix = "\x1b[2J"
        else:
            prefix = ""
        wanted = (lines + [""] * rows)[:rows]
        old = self._shown + [""] * (rows - len(self._shown))
        changed = [f"\x1b[{i + 1};1H{line}\x1b[K" for i, line in enumerate(wanted) if prefix or line != old[i]]
        if changed:
            self._write(f"{BEGIN}{prefix}{''.join(changed)}{END}")
        self._shown = wanted
        return bool(changed)

    def key(self, timeout: float) -> str | None:
        """The next key, None when the time is over; what was typed ahead comes key by key."""
        if self._typed:
            return self._typed.pop(0)
        try:
            ready, _, _ = select.select([sys.stdin], [], [], max(0.0, timeout))
        except InterruptedError:
            return None
        if not ready:
            return None
        data = os.read(sys.stdin.fileno(), 32).decode("utf-8", "replace")
        if not data:  # the terminal is gone
            return "q"
        self._typed = [KEYS.get(key, key) for key in re.findall(r"\x1b\[[A-D]|.", data, re.DOTALL)]
        return self._typed.pop(0)

    def _take(self) -> None:
        self._saved = termios.tcgetattr(sys.stdin.fileno())
        tty.setcbreak(sys.stdin.fileno())
        self._shown, self._size = [], (0, 0)
        self._write(ENTER)

    def _give_back(self) -> None:
        self._write(LEAVE)
        if self._saved is not None:
            termios.tcsetattr(sys.stdin.fileno(), termios.TCSADRAIN, self._saved)
            self._saved = None

    def _resized(self, _number: int, _frame: FrameType | None) -> None:
        self._size = (0, 0)

    def _suspend(self, _number: int, _frame: FrameType | None) -> None:
        self._give_back()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)

    def _continue(self, _number: int, _frame: FrameType | None) -> None:
        signal.signal(signal.SIGTSTP, self._suspend)
        if self._saved is None:
            self._take()

    @staticmethod
    def _write(text: str) -> None:
        sys.stdout.write(text)
        sys.stdout.flush()
