"""Every place that must know each status or each verb knows all of them: a new one is missed here, if not by the type checker."""

import re

import click
import pytest

from jobctl.cli import complete, exits, registry
from jobctl.cli.app import root, top
from jobctl.cli.commands.control import AWAITED, _leaves
from jobctl.cli.output import card
from jobctl.cli.selectors import ERROR_TYPES, NAMES
from jobctl.cli.watching import live, source
from jobctl.client import Client, explain
from jobctl.client.control import _done
from jobctl.core import errors, lifecycle
from jobctl.core.lifecycle import ACTIVE, DONE, Status, Verb
from jobctl.postgres.checked import CHECKED
from jobctl.postgres.queue import Queue
from jobctl.postgres.session import statement
from tests.cli.make import job


@pytest.mark.parametrize("status", Status)
def test_each_status_has_its_words_everywhere(status):
    one = job(1, status)
    assert status in card.MARKS
    assert isinstance(card.what_comes(one), str)
    assert explain(one, [], [], [])
    assert exits.ended(one) in (None, "reached", "failed", "cancelled")
    assert (status in source.ORDER) != (status in DONE)
    assert status in NAMES["active"] + NAMES["done"]
    assert set(ACTIVE) | set(DONE) == set(Status)


@pytest.mark.parametrize("verb", Verb)
def test_each_verb_has_its_command_its_words_and_its_completion(verb):
    assert _done(verb, Status.PENDING)
    assert _leaves(verb) in (*Status, None)
    assert callable(getattr(Client, verb))
    assert callable(getattr(Queue, verb))
    assert statement(verb)
    assert verb in CHECKED, "a submitter has each verb on its own jobs"
    assert verb in lifecycle.BY_NAME, "the table of moves"
    assert verb in registry.COMMANDS
    assert isinstance(root.get_command(top(), verb), click.Command)
    assert verb in complete.IDS
    for shell in ("bash", "zsh", "fish", "man"):
        assert re.search(rf"\b{verb}\b", complete.script(shell))


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
