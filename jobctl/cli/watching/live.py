"""Following jobs on a terminal: a header, the jobs that fit, a footer; keys act on the selected job."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from jobctl.cli.app import State
from jobctl.cli.output.card import card, job_lines, state_words
from jobctl.cli.output.text import cut, echo, visible, width
from jobctl.cli.watching.source import RECENT, Ender, Source
from jobctl.cli.watching.terminal import Screen
from jobctl.client import Client
from jobctl.core.errors import StoreUnavailable
from jobctl.core.job import ControlResult, Job
from jobctl.core.lifecycle import DONE, Status, Verb
from jobctl.system import clock

VERBS = {"p": (Verb.PAUSE,), "r": (Verb.RESUME, Verb.RETRY), "c": (Verb.CANCEL,)}
"""Key → what it does, the first of these that is possible on the selected job."""


RUN: Mapping[Verb, Callable[[Client, list[int]], list[ControlResult]]] = {
    Verb.PAUSE: lambda client, ids: client.pause(ids),
    Verb.RESUME: lambda client, ids: client.resume(ids),
    Verb.RETRY: lambda client, ids: client.retry(ids),
    Verb.CANCEL: lambda client, ids: client.cancel(ids),
}


@dataclass(frozen=True)
class View:
    """Everything that a picture is made of."""

    jobs: Sequence[Job]
    more: Mapping[Status, int] = field(default_factory=dict)
    """How many there are besides, by status."""
    recent: bool = False
    """Whether of the ended jobs only the last are among them."""
    selected: int | None = None
    """The id, not the place: jobs move while one looks."""
    detail: bool = False
    message: str = ""
    corner: str = ""
    """The time, or how long the database is away."""

    @property
    def place(self) -> int:
        """Where the selected job stands."""
        return next((place for place, job in enumerate(self.jobs) if job.id == self.selected), 0)

    @property
    def job(self) -> Job | None:
        """The selected job."""
        return self.jobs[self.place] if self.jobs else None


def picture(state: State, view: View, columns: int, rows: int) -> list[str]:
    """As many lines as the terminal has, none wider than it."""
    space = rows - 3
    if view.detail and view.job is not None:
        body = [cut(line, columns) for line in card(state, view.job, stages=view.job.metadata.get("stages") or ())]
    else:
        body = _table(state, view, columns, space)
    body = [*body[:space], *[""] * (space - len(body))]
    return [_header(view, columns), "", *body, cut(view.message or _footer(view.job), columns)][:rows]


def _header(view: View, columns: int) -> str:
    words = "  ".join(_counted(view.jobs, view.more, view.recent)) or "no jobs"
    left = cut(f"jobctl  {words}", max(0, columns - width(view.corner) - 2))
    return f"{left}{' ' * max(1, columns - width(left) - width(view.corner))}{view.corner}"


def _counted(jobs: Sequence[Job], more: Mapping[Status, int], recent: bool) -> list[str]:
    """``1 processing``, ``3,000 pending``, and of a queue without end which jobs ended ``recent``."""
    counts = Counter(state_words(job) for job in jobs if job.status not in DONE)
    ended = Counter(state_words(job) for job in jobs if job.status in DONE)
    for status, count in more.items():
        counts[str(status)] += count
    found = [f"{count:,} {name}" for name, count in counts.items()]
    return found + (["recent:"] if recent and ended else []) + [f"{count:,} {name}" for name, count in ended.items()]


def _table(state: State, view: View, columns: int, space: int) -> list[str]:
    if not view.jobs:
        return ["no jobs yet; submit one: jobctl submit FILE"]
    fits = max(1, space - 2)
    first = max(0, min(view.place - fits // 2, len(view.jobs) - fits))
    shown = view.jobs[first : first + fits]
    heading, *lines = job_lines(state, shown, limit=columns - 1)
    marked = [f"{'>' if first + place == view.place else ' '}{line}" for place, line in enumerate(lines)]
    hidden = len(view.jobs) - len(shown) + sum(view.more.values())
    return [f" {heading}", *marked, *([f" … {hidden:,} more"] if hidden > 0 else [])]


def _footer(job: Job | None) -> str:
    """Only what is possible now."""
    keys = [f"{key} {verb}" for key in VERBS if (verb := _possible(key, job))]
    return "  ".join(["q quit", "j/k select", *keys, "Enter detail"] if job else ["q quit"])


def _possible(key: str, job: Job | None) -> Verb | None:
    return next((verb for verb in VERBS[key] if job is not None and verb in job.actions), None)


class Live:
    """The loop: poll, draw, read a key. Leaves the last table on the main screen, however it ends."""

    def __init__(self, state: State, source: Source, ender: Ender) -> None:
        self._state = state
        self._source = source
        self._ender = ender
        self._selected: int | None = None
        self._detail = False
        self._message = ""
        self._doomed: int | None = None
        self._acted = False  # a look at what it did is due

    def run(self) -> int:
        """Until the jobs have ended or the user quits."""
        state, flags = self._state, dict(self._state.flags)
        state.flags.pop("no_header", None)  # a screen has its heading
        try:
            with Screen() as screen:
                code = self._loop(screen)
        except KeyboardInterrupt:
            code = 130
        state.flags = flags
        jobs = self._source.poll()[:RECENT]  # as it is now, after the last key
        for line in job_lines(state, jobs) if jobs else ():
            echo(line)
        if code == 130:
            state.notice(self._source.closing_line())
        return code

    def _loop(self, screen: Screen) -> int:
        jobs, due = self._source.jobs, 0.0
        while True:
            if looking := time.monotonic() >= due:
                jobs = self._source.poll()
            view = self._view(jobs)
            screen.paint(picture(self._state, view, *screen.size))
            code = self._ender.code(jobs)
            if code is not None:
                return code
            if looking:  # only now is it known what the look and its picture cost
                due = time.monotonic() + self._source.pause()
            key = screen.key(due - time.monotonic())
            if key and not self._press(key, view):
                return 0 if self._source.ids is None else 130
            if self._acted:
                due, self._acted = 0.0, False

    def _view(self, jobs: list[Job]) -> View:
        if self._selected not in {job.id for job in jobs}:
            self._selected = jobs[0].id if jobs else None
        away = self._source.away_since
        present = clock.local_now().strftime("%H:%M:%S")
        corner = f"reconnecting ({time.monotonic() - away:.0f}s)" if away else present
        recent = self._source.ids is None
        return View(jobs, self._source.more, recent, self._selected, self._detail, self._message, corner)

    def _press(self, key: str, view: View) -> bool:
        """What a key does; False ends the watch."""
        doomed, self._doomed, self._message = self._doomed, None, ""
        if doomed is not None:
            if key == "y":
                self._act(Verb.CANCEL, doomed)
            return True
        if key == "q":
            return False
        job = view.job
        if key in ("j", "k") and job is not None:
            place = view.place + (1 if key == "j" else -1)
            self._selected = view.jobs[max(0, min(place, len(view.jobs) - 1))].id
        elif key == "enter":
            self._detail = not self._detail
        elif key in VERBS and job is not None:
            verb = _possible(key, job)
            if verb is None:
                possible = " or ".join(job.actions) or "nothing"
                self._message = f"cannot {VERBS[key][0]} job {job.id}: it is {state_words(job)}; possible: {possible}"
            elif verb is Verb.CANCEL:
                self._doomed = job.id
                self._message = f"cancel job {job.id} ({visible(job.display_name)})? y/n"
            else:
                self._act(verb, job.id)
        return True

    def _act(self, verb: Verb, job_id: int) -> None:
        self._acted = True
        try:
            answers = RUN[verb](self._state.connect(), [job_id])
        except StoreUnavailable as error:
            self._message = str(error)
            return
        self._message = "; ".join(visible(answer.message) for answer in answers)
