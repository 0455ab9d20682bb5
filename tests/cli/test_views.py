"""What people see, without a database: tables, cards, the watch screen, lines; kept in golden files.

UPDATE_GOLDEN=1 writes them anew; then read them.
"""

import os
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from jobctl.cli.app import State
from jobctl.cli.output import card
from jobctl.cli.output.fields import JOB_FIELDS, job_object
from jobctl.cli.output.text import colours, cut, moment, parse_when, seconds, visible, width
from jobctl.cli.watching import lines, live
from jobctl.cli.watching.live import Live, View, picture
from jobctl.cli.watching.source import Ender, Source
from jobctl.core.errors import StoreUnavailable, UsageError
from jobctl.core.job import ControlResult, Progress
from jobctl.core.lifecycle import DONE, ControlOutcome, Status, Verb
from jobctl.core.names import span
from jobctl.system import clock
from tests.cli.make import HOSTILE, NOW, ago, job, running, zoo

GOLDEN = Path(__file__).parent / "golden"


@pytest.fixture(autouse=True)
def _terminal(monkeypatch):
    """A terminal that knows Unicode, and none of the variables that change colours."""
    monkeypatch.setattr(card, "unicode_output", lambda: True)
    monkeypatch.setattr("jobctl.cli.output.text.unicode_output", lambda: True)
    for name in ("NO_COLOR", "FORCE_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "JOBCTL_ASCII", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)


def golden(name: str, found: list[str]) -> None:
    file = GOLDEN / f"{name}.txt"
    text = "".join(f"{line}\n" for line in found)
    if os.environ.get("UPDATE_GOLDEN"):
        file.write_text(text)
    assert text == file.read_text(), f"{name}: UPDATE_GOLDEN=1, then read it"


def many(count: int) -> tuple[list, dict]:
    return [running(1), running(2, "Second.pdf"), *(job(n, title=f"Book {n}.pdf") for n in range(3, 501))], {
        Status.PENDING: count - 500
    }


# -- the table and the card ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_the_table_fits_and_says_what_comes(columns):
    found = card.job_lines(State(), zoo(), limit=columns)
    assert max(map(width, found)) <= columns
    golden(f"table-{columns}", found)


def test_a_table_that_nobody_looks_at_is_not_cut():
    assert any(
        "The Man Who Sold the World.pdf" in line and "Embedding chunk 234 of 500" in line
        for line in card.job_lines(State(), zoo())
    )


def test_wide_says_everything():
    state = State()
    state.flags["output"] = "wide"
    golden("table-wide", card.job_lines(state, zoo()))


def test_the_card_says_what_is_possible_and_nothing_else():
    found: list[str] = []
    for one in zoo():
        found += [*card.card(State(), one, stages=one.metadata.get("stages", ())), ""]
    golden("cards", found)
    for one in zoo():
        offered = [line for line in card.card(State(), one) if line.startswith("actions")]
        said = [verb for verb in Verb if offered and f"jobctl {verb} {one.id}" in offered[0]]
        assert tuple(said) == one.actions


def test_nothing_that_a_title_holds_reaches_the_terminal():
    everything = [
        *card.job_lines(State(), zoo()), *card.card(State(), job(4, title=HOSTILE)), lines.plain_line(job(4, title=HOSTILE)),
        *picture(State(), View(zoo(), selected=4), 80, 24), *picture(State(), View(zoo(), selected=4, detail=True), 80, 24),
    ]  # fmt: skip
    assert not [
        line for line in everything if any(ord(c) < 32 or 0x7F <= ord(c) < 0xA0 or c in "\u202e\u2028" for c in line)
    ]


def test_every_field_that_is_offered_is_there_and_every_field_there_is_offered():
    whole = replace(
        running(1), error_type="x", checkpoint_path="k", entity_type="document", entity_id="1", checkpoint_stage="s"
    )
    flat = set()
    for name, value in job_object(whole).items():
        flat |= {name} | (
            {f"{name}.{inner}" for inner in value} if isinstance(value, dict) and name != "labels" else set()
        )
    assert flat == set(JOB_FIELDS)


# -- the watch screen ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("columns", "rows"), [(80, 24), (200, 50)])
@pytest.mark.parametrize("size", [0, 3, 11, 5000])
def test_the_screen_fits_whatever_the_queue(columns, rows, size):
    if size == 5000:
        jobs, more = many(5000)
        view = View(jobs, more, recent=True, selected=250, corner="12:00:00")
    else:
        view = View(zoo()[:size], selected=2, corner="12:00:00", recent=True)
    found = picture(State(), view, columns, rows)
    assert len(found) == rows
    assert max(map(width, found)) <= columns
    golden(f"watch-{columns}x{rows}-{size}", found)


def test_the_screen_says_how_many_there_are_not_how_many_it_shows():
    jobs, more = many(5000)
    found = picture(State(), View(jobs, more, selected=1), 80, 24)
    assert "2 processing  4,998 pending" in found[0]
    assert " … 4,981 more" in found


def test_keys_that_can_do_nothing_are_not_offered():
    for one in zoo():
        footer = picture(State(), View([one], selected=one.id), 80, 24)[-1]
        for key, verbs in live.VERBS.items():
            assert any(f"{key} {verb}" in footer for verb in verbs) == any(verb in one.actions for verb in verbs), (
                footer
            )


class Client:
    """Answers a look with the next picture; keeps what was asked."""

    def __init__(self, *pictures):
        self.pictures = list(pictures)
        self.asked = []
        self.queue = self

    def find(self, wanted, limit=None, **_):
        now = self.pictures[0]
        if isinstance(now, Exception):
            raise now
        fits = [
            j
            for j in now
            if (wanted.ids is None or j.id in wanted.ids) and (wanted.statuses is None or j.status in wanted.statuses)
        ]
        return fits[:limit]

    def get(self, job_id, **_):
        return self.pictures[0]

    def count(self, wanted):
        return sum(j.status in wanted.statuses for j in self.pictures[0])

    def pause(self, ids):
        self.asked.append(("pause", ids))
        return [ControlResult(ids[0], ControlOutcome.DONE, Status.PENDING, f"job {ids[0]}: paused")]

    def cancel(self, ids):
        self.asked.append(("cancel", ids))
        return [ControlResult(ids[0], ControlOutcome.DONE, Status.PENDING, f"job {ids[0]}: cancelled")]

    retry = resume = pause


def watching(*pictures, ids=None):
    state = State()
    state.client = Client(*pictures)
    source = Source(state, ids, {})
    return state.client, source, Live(state, source, Ender(ids, None, None))


def test_the_selection_stays_with_its_job_when_jobs_move():
    jobs = [job(n) for n in range(1, 6)]
    client, source, held = watching(jobs)
    view = held._view(source.poll())
    assert held._press("j", view)
    assert held._view(source.poll()).job.id == 2
    client.pictures = [[running(5), *jobs[1:4]]]
    view = held._view(source.poll())
    assert (view.job.id, view.place) == (2, 1)
    held._press("p", view)
    assert client.asked == [("pause", [2])]


def test_a_cancel_is_asked_twice_and_anything_but_yes_is_no():
    client, source, held = watching([job(1), job(2)])
    held._press("c", held._view(source.poll()))
    assert "cancel job 1 (Processing: Dune.pdf)? y/n" in picture(State(), held._view(source.jobs), 80, 24)[-1]
    held._press("n", held._view(source.jobs))
    assert client.asked == []
    held._press("c", held._view(source.jobs))
    held._press("y", held._view(source.jobs))
    assert client.asked == [("cancel", [1])]


def test_an_impossible_key_says_what_is_possible():
    client, source, held = watching([job(1, Status.COMPLETED)])
    held._press("p", held._view(source.poll()))
    assert held._message == "cannot pause job 1: it is completed; possible: restart or delete"
    assert client.asked == []


def test_a_long_queue_is_looked_at_from_its_front_and_counted_behind():
    _, source, _ = watching([running(900), *(job(n) for n in range(1, 800)), job(901, Status.COMPLETED)])
    found = source.poll()
    assert [j.id for j in found[:3]] == [900, 1, 2]
    assert found[-1].id == 901
    assert source.more == {Status.PENDING: 300}
    assert source.closing_line() == "Stopped watching; 800 jobs still active"


def test_a_database_that_goes_away_leaves_the_picture_and_is_said():
    client, source, held = watching([running(1)])
    source.poll()
    client.pictures = [StoreUnavailable("gone")]
    assert [j.id for j in source.poll()] == [1]
    assert held._view(source.jobs).corner.startswith("reconnecting (")
    client.pictures = [[job(1, Status.COMPLETED)]]
    assert source.poll()[0].status is Status.COMPLETED
    assert source.away_since is None


def test_a_database_that_was_never_there_is_an_error():
    _, source, _ = watching(StoreUnavailable("gone"))
    with pytest.raises(StoreUnavailable):
        source.poll()


@pytest.mark.parametrize(
    ("jobs", "code"),
    [
        ([job(1, Status.COMPLETED)], 0), ([job(1, Status.FAILED)], 10), ([job(1, Status.CANCELLED)], 11), ([job(1)], None),
        ([job(1, Status.FAILED, next_retry_at=NOW)], None), ([], 20), ([job(1, Status.PAUSED)], None),
    ],
)  # fmt: skip
def test_a_watch_ends_with_the_outcome_and_a_deleted_job_is_no_success(jobs, code):
    assert Ender([1], None, None).code(jobs) == code


def test_a_costly_look_is_followed_by_a_longer_rest(monkeypatch):
    _, source, _ = watching([])
    monkeypatch.setattr(
        "jobctl.cli.watching.source.time.process_time", iter([0.0, 0.001, 0.0, 0.01, 0.0, 3.0]).__next__
    )
    assert [(source.poll() and None) or source.pause() for _ in range(3)] == [0.25, 0.6, 1.0]


# -- lines and CI ----------------------------------------------------------------------------------------------------


def test_lines_say_one_thing_each(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)
    golden("lines", [lines.plain_line(one) for one in zoo()])


def test_github_gets_groups_annotations_and_a_summary(tmp_path, capsys):
    ci = lines.ci({"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")})
    failed = job(1, Status.FAILED, "50%, a: b\n::error::|x|", error_message="no\nway")
    ci.begin(failed)
    ci.failed(failed)
    ci.end([failed])
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "::group::Processing: 50%25, a: b⏎::error::|x|"
    assert told[1] == "::error title=Processing%3A 50%25%2C a%3A b⏎%3A%3Aerror%3A%3A|x|::no⏎way"
    assert told[2] == "::endgroup::"
    assert "| 1 | Processing: 50%, a: b⏎::error::\\|x\\| | failed | no⏎way |" in (tmp_path / "summary.md").read_text()


def test_gitlab_gets_sections_and_others_nothing(capsys):
    ci = lines.ci({"GITLAB_CI": "true"})
    ci.begin(job(7))
    ci.end([])
    told = capsys.readouterr().out
    assert "section_start:" in told
    assert ":jobctl_7\r" in told
    assert "section_end:" in told
    plain = lines.ci({})
    plain.begin(job(7))
    plain.failed(job(7))
    plain.end([])
    assert capsys.readouterr().out == ""


# -- text ------------------------------------------------------------------------------------------------------------


def test_text_is_cut_by_what_a_terminal_shows():
    assert cut("日本語の本", 6) == "日本…"
    assert cut("plain words", 6) == "plain…"
    assert cut("abc", 0) == ""
    assert width("e\u0301") == 1
    assert visible("a\tb\nc\x1b[0m\ud800") == "a b⏎c\\x1b[0m\\ud800"


def test_durations_and_moments_are_read_and_written():
    assert [seconds(text) for text in ("90", "1h30m", "1w", "2d", "0.5s", "", "x", "5x")] == [
        90,
        5400,
        604800,
        172800,
        0.5,
        None,
        None,
        None,
    ]
    assert [span(s) for s in (5, 61, 4320, 90_000, 200_000)] == ["5s", "1m", "1h12m", "1d", "2d"]
    assert moment(ago(30), NOW, "utc") == "2026-11-25T11:59:30Z"
    assert [moment(when, NOW, "relative") for when in (ago(30), ago(-90), None)] == ["30s ago", "in 1m", "–"]

    def when(text, **more):
        return parse_when(text, option="--at", **more)

    now = when("now")
    assert abs((when("2h") - now).total_seconds() + 7200) < 5
    assert abs((when("2h", ahead=True) - now).total_seconds() - 7200) < 5
    assert abs((when("+15m") - now).total_seconds() - 900) < 5
    assert abs((when("-15m", ahead=True) - now).total_seconds() + 900) < 5
    assert when("today").hour == 0
    assert when("00:00", ahead=True) > now
    assert when("2026-11-24T22:00+02:00") == datetime(2026, 11, 24, 20, tzinfo=UTC)
    for text in ("25:00", "soon", "", "2026-13-01", "99999999d", "0001-01-01T00:00:00+12:00"):
        with pytest.raises(UsageError, match="--at"):
            when(text)


@pytest.mark.parametrize(
    ("flag", "environment", "terminal", "on"),
    [
        (None, {}, True, True), (None, {}, False, False), ("never", {"FORCE_COLOR": "1"}, True, False),
        ("always", {"NO_COLOR": "1"}, False, True), (None, {"NO_COLOR": "1", "FORCE_COLOR": "1"}, True, False),
        (None, {"NO_COLOR": ""}, True, True), (None, {"CLICOLOR_FORCE": "1"}, False, True), (None, {"FORCE_COLOR": "0"}, False, False),
        (None, {"TERM": "dumb"}, True, False), (None, {"CLICOLOR": "0"}, True, False), (None, {"CLICOLOR": "0", "CLICOLOR_FORCE": "1"}, False, True),
    ],
)  # fmt: skip
def test_colour_obeys_the_flag_then_the_environment_then_the_terminal(monkeypatch, flag, environment, terminal, on):
    monkeypatch.setenv("TERM", "xterm")
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal, raising=False)
    assert colours(flag) is on


def test_colour_is_never_the_only_sign():
    state = State()
    state.flags["color"] = "always"
    painted = card.job_lines(state, zoo(), limit=80)
    state.flags["color"] = "never"
    plain = card.job_lines(state, zoo(), limit=80)
    import re

    assert [re.sub("\x1b\\[\\d+m", "", line) for line in painted] == plain
    assert Counter(line.split()[1] for line in plain[1:])["✗"] == 2
    assert all(str(one.status) in "".join(plain) for one in zoo() if one.status in DONE)


def test_a_rate_below_one_is_said_a_minute():
    slow = replace(running(1), progress=Progress(1.0, rate_per_s=0.05, unit="page"))
    assert card.rate(slow) == "3.0 pages/min"
    assert card.rate(running(1)) == "12.2 chunks/s"
    assert card.rate(running(1, silent=60)) == ""
