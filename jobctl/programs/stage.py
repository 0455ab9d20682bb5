"""A program as a stage of a job: its lines are the log, its state folder the checkpoint, its end the outcome."""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from jobctl.core.errors import JobFailure, StorageUnavailable
from jobctl.core.exit_class import ExitClass
from jobctl.core.ports import Context
from jobctl.programs.directives import Amount, Checkpoint, directive
from jobctl.programs.environment import Masker
from jobctl.programs.exits import SAVED, Exit, failure
from jobctl.programs.process import Launch, Program, Stream
from jobctl.programs.stop_signals import TERMINATED, stop_follows
from jobctl.programs.workspace import Workspace

GRACE_SHARE = 0.5
"""Share of the worker's grace for a cancelled job that a program has between SIGTERM and SIGKILL."""
LAST_WORDS = 5
"""Lines of stderr that are looked at for the reason of a failure."""


@dataclass(frozen=True, slots=True)
class Task:
    """A program to run, and how its end is to be understood.

    ``resumable``: whether it may go on from a checkpoint inside the stage; a stage in batches has none.
    """

    launch: Launch
    exit_codes: Mapping[int, ExitClass] = field(default_factory=dict)
    resumable: bool = True


def run_in_stage(ctx: Context, task: Task, workspace: Workspace) -> Exit:
    """Runs a program until it has completed; its end. Raises the ``JobFailure`` of any other end, and every ``Interrupt``.

    A program whose pause was withdrawn while it stopped is started again from what it saved.
    """
    while True:
        if task.resumable and ctx.saved(workspace.state.restore) is None:
            workspace.state.clear()
        run = _Run(ctx, task, workspace)
        end = run.until_end()
        kind = end.kind(task.exit_codes)
        if kind is ExitClass.COMPLETED:
            return end
        if end.code in (SAVED, *TERMINATED) and stop_follows(ctx.stops):
            run.stopping = True
        if ctx.stops.cancel:
            ctx.check_interrupt()
        if kind is ExitClass.TRANSIENT and task.resumable:
            run.save()
        if not run.stopping:
            raise run.failure(end, kind)
        if kind is not ExitClass.TRANSIENT:
            ctx.log(f"{run.name} {end} instead of 75: it resumes {run.resumes_from()}", level="warning")
        ctx.check_interrupt()


class _Run:
    """One run of the program."""

    def __init__(self, ctx: Context, task: Task, workspace: Workspace) -> None:
        self._ctx = ctx
        self._task = task
        self._workspace = workspace
        self._mask = Masker(task.launch.environment)
        self._last_words: deque[str] = deque(maxlen=LAST_WORDS)
        self._checkpoint_due = False
        self._refused = False
        self.stopping = False
        """Whether the program was asked to stop, by us or together with its worker."""
        self.name = task.launch.argv[0].rpartition("/")[2]

    def until_end(self) -> Exit:
        """Follows requests, limits, progress and checkpoints until the program has ended."""
        with Program(self._task.launch, self._on_line) as program:
            while (end := program.turn()) is None:
                self._look(program)
        self._report(self._workspace.progress())
        if self._checkpoint_due and end.code != 0 and self._task.resumable:
            self.save()
        return end

    def _look(self, program: Program) -> None:
        """One turn: what was requested of the job, and what the program wants."""
        stops = self._ctx.stops
        if stops.cancel:
            program.terminate(self._grace())
            self._ctx.check_interrupt()
        self._report(self._workspace.progress())
        self._ctx.send_progress()
        if self._checkpoint_due:
            self._checkpoint_due = False
            self._checkpoint(program)
        if not self._task.resumable:
            return
        saves = program.handles(signal.SIGTERM)
        self._ctx.pause_support("checkpoint" if self._ctx.has_saved else "signal" if saves else "none")
        if (stops.pause or stops.release) and not self.stopping:
            self._request_stop(program, saves=saves or self._ctx.has_saved)

    def _request_stop(self, program: Program, *, saves: bool) -> None:
        if saves:
            self.stopping = True
            program.signal(signal.SIGTERM)
        elif self._ctx.stops.pause and not self._refused:
            self._refused = True
            text = f"cannot be paused: {self.name} has no handler for SIGTERM and has saved no checkpoint; it runs on"
            self._ctx.log(text, level="warning")

    def _checkpoint(self, program: Program) -> None:
        """The state folder as it is, with the program stopped meanwhile so that its files belong together."""
        if not self._task.resumable:
            return
        program.signal(signal.SIGSTOP)
        try:
            self.save()
        except StorageUnavailable as away:
            self._ctx.log(f"no checkpoint: {away}", level="warning")
        finally:
            program.signal(signal.SIGCONT)

    def save(self) -> None:
        """Commits the state folder as a checkpoint. Raises an ``Interrupt`` where the job pauses with it."""
        state = self._workspace.state
        self._ctx.save(state.store())
        state.forget_older()

    def resumes_from(self) -> str:
        """Words for the log."""
        return "from its last checkpoint" if self._ctx.has_saved else "from the start"

    def failure(self, end: Exit, kind: ExitClass) -> JobFailure:
        """The error of the job."""
        return failure(self.name, end, kind, self._mask("\n".join(self._last_words)))

    def _grace(self) -> float:
        return float(self._ctx.settings.get("cancel_grace", 0.0)) * GRACE_SHARE

    def _on_line(self, stream: Stream, text: str) -> None:
        found = directive(text) if stream == "stdout" else None
        match found:
            case Amount():
                self._report(found)
            case Checkpoint():
                self._checkpoint_due = True
            case None:
                if stream == "stderr":
                    self._last_words.append(text)
                self._ctx.log(self._mask(text), level="info" if stream == "stdout" else "warning")

    def _report(self, found: Amount | None) -> None:
        if found is not None:
            words = self._mask(found.details)
            self._ctx.progress(words, current=found.current, total=found.total, unit=found.unit)
