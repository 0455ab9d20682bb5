"""Options that several commands have, each defined once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click

from jobctl.core.job import PRIORITIES

Function = TypeVar("Function", bound=Callable[..., object])


def combined(*options: Callable[[Function], Function]) -> Callable[[Function], Function]:
    """One decorator of several, in the order in which help lists their options."""

    def decorate(function: Function) -> Function:
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


set_option = click.option(
    "--set", "sets", multiple=True, metavar="K=V", help="One field of the input; V is parsed as JSON if possible."
)
title_option = click.option("--title", help="Display title.")
max_retries_option = click.option(
    "--max-retries", type=click.IntRange(0, 100), help="Limit of retries, automatic and manual."
)
new_job_options = combined(
    click.option("--payload", metavar="JSON|@FILE|-", help="Input as a JSON object."),
    set_option,
    title_option,
    click.option("--queue", default="default", show_default=True, help="Queue."),
    click.option(
        "--priority", type=click.Choice(list(PRIORITIES)), default="normal", show_default=True, help="Queue priority."
    ),
    max_retries_option,
)
"""What describes a job that is to be created: now (``submit``) or at its times (``schedule add``)."""
