"""Every place that must know each status or each verb knows all of them: a new one is missed here, if not by the type checker."""

import re

import click
import pytest

from jobctl.cli import complete, exits, registry
from jobctl.cli.app import root, top
from jobctl.cli.commands.control import AWAITED, LEAVES
from jobctl.cli.output import card
from jobctl.cli.selectors import ERROR_TYPES, NAMES
from jobctl.cli.watching import live, source
from jobctl.client import explain
from jobctl.client.control import _DONE
from jobctl.core import errors
from jobctl.core.lifecycle import ACTIONS, ACTIVE, DONE, Status
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


@pytest.mark.parametrize("verb", ACTIONS)
def test_each_verb_has_its_command_its_words_and_its_completion(verb):
    assert verb in _DONE
    assert verb in LEAVES
    assert verb in registry.COMMANDS
    assert isinstance(root.get_command(top(), verb), click.Command)
    assert verb in complete.IDS
    for shell in ("bash", "zsh", "fish", "man"):
        assert re.search(rf"\b{verb}\b", complete.script(shell))


def test_no_map_knows_a_verb_or_a_status_that_is_none():
    assert set(_DONE) == set(LEAVES) == set(ACTIONS)
    assert set(AWAITED) <= set(ACTIONS)
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
