"""Every place that must know each status or each verb knows all of them: a new one is missed here, if not by the type checker."""

import re
from pathlib import Path

import click
import pytest

from jobctl.cli import completion, exits, registry
from jobctl.cli.app import root, top
from jobctl.cli.commands.control import AWAITED, _leaves
from jobctl.cli.output import card
from jobctl.cli.selectors import ERROR_TYPES, NAMES
from jobctl.cli.watching import live, source
from jobctl.client import Client, explain
from jobctl.client.control import _done, _result
from jobctl.core import errors, lifecycle
from jobctl.core.job import Progress
from jobctl.core.lifecycle import ACTIVE, DONE, ControlOutcome, Status, Verb
from jobctl.core.rows import ControlRow
from jobctl.postgres import tables
from jobctl.postgres.checked import CHECKED
from jobctl.postgres.queue import Queue
from jobctl.postgres.session import SQL, statement
from tests.cli.make import job

STATUS_PLACES = {
    "mark": lambda status: card.MARKS[status],
    "what comes": lambda status: isinstance(card.what_comes(job(1, status)), str),
    "why": lambda status: explain(job(1, status), [], [], [])[0],
    "outcome of a watch": lambda status: {True: status}[
        exits.ended(job(1, status)) in (None, "reached", "failed", "cancelled")
    ],
    "order of a watch": lambda status: (status in source.ORDER) != (status in DONE),
    "selector": lambda status: status in NAMES["active"] + NAMES["done"],
    "active or done": lambda status: (status in ACTIVE) != (status in DONE),
    "a move into it": lambda status: any(status in move.targets for move in lifecycle.MOVES),
    "a sentence for each request": lambda status: all(
        _result(verb, 1, refused(status), freeze=False).message for verb in Verb
    ),
}
"""Everything that has to know each status: false, or an error, where it does not."""


def refused(status: Status) -> ControlRow:
    return ControlRow(1, ControlOutcome.REFUSED, status, 0, 3, None, False, False, False, Progress(), None, ())


@pytest.mark.parametrize("place", STATUS_PLACES)
@pytest.mark.parametrize("status", Status)
def test_each_status_has_its_words_everywhere(status, place):
    assert STATUS_PLACES[place](status)


def test_the_sets_of_statuses_in_sql_are_those_of_the_table_of_moves():
    """A set in which a new status was forgotten is none of these any more."""
    cancelled_at_once = frozenset(lifecycle.BY_NAME["cancel"].sources) - {Status.PROCESSING}
    retried = frozenset(lifecycle.BY_NAME["retry"].sources)
    moving = frozenset(ACTIVE) - {Status.PAUSED}
    waiting = frozenset(ACTIVE) - {Status.PROCESSING}
    known = {waiting, frozenset(ACTIVE), frozenset(DONE), cancelled_at_once, retried, moving}
    found = {
        path.name: unknown
        for path in [*SQL.glob("*.sql"), Path(tables.__file__)]
        if (unknown := [names for names in statuses(path.read_text(encoding="utf-8")) if names not in known])
    }
    assert found == {}


def statuses(text: str) -> list[frozenset[str]]:
    """The sets of two or more statuses that a text compares with."""
    lists = re.findall(r"status\w* (?:NOT )?IN \(([^)]*)\)", text)
    found = [frozenset(re.findall(r"'(\w+)'", names)) for names in lists]
    return [names for names in found if names & set(Status)]


@pytest.mark.parametrize("verb", Verb)
def test_each_verb_has_its_command_its_words_and_its_completion(verb):
    assert _done(verb, refused(Status.PENDING))
    assert _leaves(verb) in (*Status, None)
    assert callable(getattr(Client, verb))
    assert callable(getattr(Queue, verb))
    assert statement(verb)
    assert verb in CHECKED, "a submitter has each verb on its own jobs"
    assert verb in lifecycle.BY_NAME, "the table of moves"
    assert verb in registry.COMMANDS
    assert isinstance(root.get_command(top(), verb), click.Command)
    assert verb in completion.IDS
    for shell in ("bash", "zsh", "fish", "man"):
        assert re.search(rf"\b{verb}\b", completion.script(shell))


def test_no_map_knows_a_verb_or_a_status_that_is_none():
    assert set(AWAITED) <= set(Verb)
    assert set(card.MARKS) == set(Status)


def test_each_key_of_the_screen_has_something_to_run():
    assert {verb for verbs in live.VERBS.values() for verb in verbs} == set(live.RUN)


def test_each_code_that_can_be_returned_has_a_meaning():
    meanings = [code for code, _ in exits.MEANINGS]
    assert len(meanings) == len(set(meanings))
    assert {*exits.OF_ERRORS.values(), *(code for _, code in exits.PRECEDENCE)} <= set(meanings)


def test_the_reasons_to_wait_and_the_classes_of_errors_are_those_of_the_database(conn):
    def allowed(column: str) -> set[str]:
        rows = conn.execute(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s", [f"jobs_{column}_check"]
        ).fetchone()
        return set(re.findall(r"'(\w+)'", rows[0]))

    assert set(card.WAITING) == allowed("waiting_on")
    assert set(ERROR_TYPES) == allowed("error_type") == {kind.kind for kind in errors.JobFailure.__subclasses__()}
    assert {str(status) for status in Status} == allowed("status")
