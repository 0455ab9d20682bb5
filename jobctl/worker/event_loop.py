"""The event loop of a child process, for stages that are ``async def``."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from jobctl.core.errors import CancelNow

LOOK_EVERY = 0.1
"""Seconds between two polls at whether the job is to be cancelled."""


class StageLoop:
    """Runs coroutines one after the other on one loop, which is made when the first of them comes."""

    def __init__(self) -> None:
        self._runner: asyncio.Runner | None = None

    def run(self, stage: Coroutine[Any, Any, Any], cancelled: Callable[[], bool]) -> Any:
        """What the coroutine returns; tasks that it left are cancelled.

        When the job is to be cancelled, so is the coroutine, at its next ``await``: it may clean up. Raises ``CancelNow``.
        """
        if self._runner is None:
            self._runner = asyncio.Runner()
        return self._runner.run(_watched(stage, cancelled))

    def close(self) -> None:
        """Closes the loop, if it was made."""
        if self._runner is not None:
            self._runner.close()
            self._runner = None


async def _watched(stage: Coroutine[Any, Any, Any], cancelled: Callable[[], bool]) -> Any:
    task = asyncio.ensure_future(stage)
    stopped = False
    try:
        while not task.done():
            await asyncio.wait([task], timeout=LOOK_EVERY)
            if not stopped and not task.done() and cancelled():
                stopped = task.cancel()
        if stopped and task.cancelled():
            raise CancelNow
        return task.result()
    finally:
        rest = asyncio.all_tasks() - {asyncio.current_task()}
        for left in rest:
            left.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
