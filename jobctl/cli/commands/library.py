"""search and connections: what processed documents are for."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from jobctl.cli.app import State, command, pass_state
from jobctl.cli.output.fields import emit, emit_one, stamp
from jobctl.cli.output.snippets import snippet
from jobctl.cli.output.table import table
from jobctl.cli.output.text import colours, cut, echo, paint, parse_when, terminal_width, visible
from jobctl.cli.selectors import LARGEST
from jobctl.core.errors import JobNotFound, UsageError
from jobctl.core.library import Connection, ReviewItem
from jobctl.core.names import plural
from jobctl.core.ports import Library
from jobctl.core.search import FORMATS, Chosen


@command(
    examples=["jobctl search how to pause a job", "jobctl search --type pdf --language de --since 30d Schnittstelle"]
)
@click.argument("text", nargs=-1, required=True)
@click.option(
    "-k", "--count", default=5, show_default=True, type=click.IntRange(1, 1000), help="Maximum number of passages."
)
@click.option(
    "--document",
    "documents",
    multiple=True,
    type=click.IntRange(1, LARGEST),
    help="Only in this document; may be repeated.",
)
@click.option(
    "--type",
    "types",
    multiple=True,
    type=click.Choice(FORMATS),
    help="Only in documents of this format; may be repeated.",
)
@click.option(
    "--language", "languages", multiple=True, metavar="CODE", help="Only in this language: en, de, …; may be repeated."
)
@click.option("--since", metavar="WHEN", help="Only in documents added or changed since: 24h, today, 2026-11-24.")
@pass_state
def search(
    state: State, text: tuple[str, ...], count: int, documents: tuple[int, ...], types: tuple[str, ...],
    languages: tuple[str, ...], since: str | None,
) -> int:  # fmt: skip
    """Find the passages that answer a text best, by words and by meaning."""
    from jobctl import wiring

    question = " ".join(text)
    if not question.strip():
        raise UsageError("nothing to search for", hint="jobctl search some words")
    chosen = Chosen(
        documents or None, types or None, tuple(code.lower() for code in languages) or None,
        parse_when(since, option="--since") if since is not None else None,
    )  # fmt: skip
    found = wiring.search(state.settings(), state.connect(), question, count=count, chosen=chosen)
    if found.missing:
        state.notice(f"{plural(found.missing, 'document')} not in the index yet: jobctl db upgrade")
    if found.stop_words_only:
        state.notice(f"only common words, which no search looks for: {visible(question)}")
    if not state.for_people:
        emit(state, "hit_list", "hits", [asdict(hit) for hit in found.hits])
        return 0
    if not found.hits and not found.stop_words_only:
        state.notice("nothing found")
    on, limit = colours(state.color), terminal_width() or 10_000
    for hit in found.hits:
        page = f"  p. {hit.page}" if hit.page else ""
        place = " › ".join(hit.heading_path) or hit.title
        echo(paint(cut(visible(f"{hit.score:.2f}  {hit.title}{page}  {place}"), limit), "bold", on=on), coloured=on)
        echo("      " + snippet(hit, min(limit, 240) - 6, on=on), coloured=on)
    return 0


@command()
@click.argument("document", required=False, type=click.IntRange(1, LARGEST), metavar="[DOC]")
@click.option("--validate", "verdict", flag_value="validate", help="Mark the connections --id as right.")
@click.option("--reject", "verdict", flag_value="reject", help="Mark them as wrong.")
@click.option("--star", "verdict", flag_value="star", help="Mark them as right and important.")
@click.option(
    "--id", "ids", multiple=True, type=click.IntRange(1, LARGEST), help="Connection to rate; may be repeated."
)
@click.option("--note", help="Attach a note.")
@click.option(
    "-n",
    "--limit",
    default=20,
    show_default=True,
    type=click.IntRange(1, 2**31 - 1),
    help="Maximum number of connections.",
)
@click.option("--restore", metavar="KEY", help="Restore a backup written by reprocess_connections.")
@pass_state
def connections(
    state: State, document: int | None, verdict: str | None, ids: tuple[int, ...], note: str | None, limit: int,
    restore: str | None,
) -> int:  # fmt: skip
    """Show connections between passages, strongest first, or rate them. Ratings survive every job."""
    from jobctl import wiring

    if restore is not None:
        done, gone = wiring.restore_connections(state.settings(), state.connect(), restore)
        if not emit_one(state, "connections_restored", restored=done, left_out=gone):
            echo(f"restored {plural(done, 'connection')}; left out {gone} whose passages no longer exist")
        return 0
    library = wiring.library(state.connect())
    if verdict or note is not None:
        if not ids:
            raise UsageError("no connection named", hint="jobctl connections DOC shows their ids; then --id N")
        return _judge(state, library, ids, verdict, note)
    found = library.connections(document)[:limit]
    if not state.for_people:
        emit(state, "connection_list", "connections", map(_item, found))
        return 0
    if not found:
        state.notice("no connections")
        return 0
    width = terminal_width() or 200
    side = max(16, (width - 40) // 2)
    rows = [
        [str(c.id), f"{c.strength:.2f}", c.type, _judgement(c) or "", *(cut(visible(" ".join(t.split())), side) for t in (c.source_text, c.target_text))]
        for c in found
    ]  # fmt: skip
    for line in table(["ID", "STRENGTH", "TYPE", "JUDGED", "FROM", "TO"], rows, limit=width, elastic="FROM"):
        echo(line)
    return 0


def _item(row: Connection) -> dict[str, object]:
    times = {"created_at": stamp(row.created_at), "judged_at": stamp(row.judged_at)}
    return {**asdict(row), "judged": _judgement(row), **times}


def _judgement(row: Connection) -> str | None:
    return {True: "starred" if row.starred else "validated", False: "rejected", None: None}[row.user_validated]


def _judge(state: State, library: Library, ids: tuple[int, ...], verdict: str | None, note: str | None) -> int:
    values: dict[str, Any] = {
        "validate": {"user_validated": True, "starred": False},
        "reject": {"user_validated": False, "starred": False},
        "star": {"user_validated": True, "starred": True},
        None: {},
    }[verdict]
    if note is not None:
        values["note"] = note
    missing = [number for number in ids if not library.judge(number, **values)]
    recorded = [number for number in ids if number not in missing]
    if not emit_one(state, "connections_judged", ids=recorded):
        for number in recorded:
            echo(f"connection {number}: recorded")
    if missing:
        raise JobNotFound(f"no such connection: {', '.join(map(str, missing))}", hint="jobctl connections")
    return 0


@command()
@click.option(
    "--accept",
    "accepted",
    multiple=True,
    type=click.IntRange(1, LARGEST),
    metavar="ID",
    help="Accept the suggestion; may be repeated.",
)
@click.option(
    "--reject",
    "rejected",
    multiple=True,
    type=click.IntRange(1, LARGEST),
    metavar="ID",
    help="Reject it; may be repeated.",
)
@click.option("--waiting", is_flag=True, help="Show what waits for its document instead.")
@pass_state
def review(state: State, accepted: tuple[int, ...], rejected: tuple[int, ...], waiting: bool) -> int:
    """Show what imports left open, or decide it. Decisions are permanent."""
    from jobctl import wiring

    client = state.connect()
    if accepted or rejected:
        decisions = [(number, True) for number in accepted] + [(number, False) for number in rejected]
        missing = [number for number, yes in decisions if not wiring.decide(client, number, accept=yes)]
        decided = {number: "accepted" if yes else "rejected" for number, yes in decisions if number not in missing}
        if not emit_one(state, "reviews_decided", decisions=[{"id": n, "decision": d} for n, d in decided.items()]):
            for number, decision in decided.items():
                echo(f"review {number}: {decision}")
        if missing:
            raise JobNotFound(f"no open review: {', '.join(map(str, missing))}", hint="jobctl review")
        return 0
    found = wiring.library(client).reviews(status="waiting" if waiting else "open")
    if not state.for_people:
        emit(
            state,
            "review_list",
            "reviews",
            [{**asdict(item), "created_at": stamp(item.created_at), "reviewed_at": None} for item in found],
        )
        return 0
    if not found:
        state.notice("nothing to review")
        return 0
    rows = [
        [str(r.id), r.source, str(r.document_id or "–"), _score(r), visible(r.reason), visible(" ".join(_text(r).split()))]
        for r in found
    ]  # fmt: skip
    for line in table(
        ["ID", "FROM", "DOC", "SCORE", "WHY", "TEXT"], rows, limit=terminal_width() or 200, elastic="TEXT"
    ):
        echo(line)
    return 0


def _score(item: ReviewItem) -> str:
    score = (item.suggestion or {}).get("score")
    return f"{score:.2f}" if isinstance(score, float) else "–"


def _text(item: ReviewItem) -> str:
    payload = item.payload or {}
    return str(payload.get("text") or payload.get("note") or payload.get("type") or "")
