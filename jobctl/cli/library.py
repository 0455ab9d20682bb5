"""search and connections: what processed documents are for."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import click

from jobctl.cli.frame import State, command, pass_state
from jobctl.cli.shapes import emit, stamp
from jobctl.cli.table import table
from jobctl.cli.text import colours, cut, paint, terminal_width, visible
from jobctl.core.errors import JobNotFound, UsageError


@command()
@click.argument("text", nargs=-1, required=True)
@click.option("-k", "--count", default=5, show_default=True, type=click.IntRange(1, 1000), help="Most passages.")
@click.option("--document", type=click.IntRange(1), help="Only in this document.")
@pass_state
def search(state: State, text: tuple[str, ...], count: int, document: int | None) -> int:
    """Find the passages nearest to a text, by words and by meaning."""
    from jobctl import wiring

    question = " ".join(text)
    if not question.strip():
        raise UsageError("what to search for?", hint="jobctl search some words")
    found = wiring.search(state.settings(), state.connect(), question, k=count, document=document)
    hits = [asdict(hit) for hit in found]
    if not state.for_people:
        emit(state, "hit_list", "hits", hits)
        return 0
    if not hits:
        state.say("nothing found")
        return 0
    on, limit = colours(state.get("color")), terminal_width() or 10_000
    for hit in hits:
        page = f"  p. {hit['page']}" if hit["page"] else ""
        place = " › ".join(hit["heading_path"]) or hit["title"]
        click.echo(paint(cut(visible(f"{hit['score']:.2f}  {hit['title']}{page}  {place}"), limit), "bold", on=on))
        click.echo(cut(f"      {visible(' '.join(hit['text'].split()))}", min(limit, 240)))
    return 0


@command()
@click.argument("document", required=False, type=click.IntRange(1), metavar="[DOC]")
@click.option("--validate", "verdict", flag_value="validate", help="The connections --id are right.")
@click.option("--reject", "verdict", flag_value="reject", help="They are wrong.")
@click.option("--star", "verdict", flag_value="star", help="They are right and matter.")
@click.option("--id", "ids", multiple=True, type=click.IntRange(1), help="Which connections to judge.")
@click.option("--note", help="A remark on them.")
@click.option("-n", "--limit", default=20, show_default=True, type=click.IntRange(1), help="Most connections.")
@click.option("--restore", metavar="KEY", help="Bring back a backup that reprocess_connections wrote.")
@pass_state
def connections(
    state: State, document: int | None, verdict: str | None, ids: tuple[int, ...], note: str | None, limit: int,
    restore: str | None,
) -> int:  # fmt: skip
    """Show connections between passages, strongest first, or judge them. What you judged survives every job."""
    from jobctl import wiring

    if restore is not None:
        done, gone = wiring.restore_connections(state.settings(), state.connect(), restore)
        click.echo(f"restored {done} connections; {gone} whose passages are gone were left out")
        return 0
    library = wiring.library(state.connect())
    if verdict or note is not None:
        if not ids:
            raise UsageError("which connections?", hint="jobctl connections DOC shows their ids; then --id N")
        return _judge(library, ids, verdict, note)
    found = [_item(asdict(row)) for row in library.connections(document)[:limit]]
    if not state.for_people:
        emit(state, "connection_list", "connections", found)
        return 0
    if not found:
        state.say("no connections")
        return 0
    width = terminal_width() or 200
    side = max(16, (width - 40) // 2)
    rows = [
        [str(c["id"]), f"{c['strength']:.2f}", c["type"], c["judged"] or "", *(cut(visible(" ".join(t.split())), side) for t in (c["source_text"], c["target_text"]))]
        for c in found
    ]  # fmt: skip
    for line in table(["ID", "STRENGTH", "TYPE", "JUDGED", "FROM", "TO"], rows, limit=width, elastic="FROM"):
        click.echo(line)
    return 0


def _item(row: dict[str, Any]) -> dict[str, Any]:
    judged = {True: "starred" if row["starred"] else "validated", False: "rejected", None: None}[row["user_validated"]]
    return {**row, "judged": judged, "created_at": stamp(row["created_at"]), "judged_at": stamp(row["judged_at"])}


def _judge(library: Any, ids: tuple[int, ...], verdict: str | None, note: str | None) -> int:
    values: dict[str, Any] = {
        "validate": {"user_validated": True, "starred": False},
        "reject": {"user_validated": False, "starred": False},
        "star": {"user_validated": True, "starred": True},
        None: {},
    }[verdict]
    if note is not None:
        values["note"] = note
    missing = [number for number in ids if not library.judge(number, **values)]
    for number in ids:
        if number not in missing:
            click.echo(f"connection {number}: recorded")
    if missing:
        raise JobNotFound(f"no such connection: {', '.join(map(str, missing))}", hint="jobctl connections")
    return 0


@command()
@click.option(
    "--accept",
    "accepted",
    multiple=True,
    type=click.IntRange(1),
    metavar="ID",
    help="Take the suggestion; may be repeated.",
)
@click.option(
    "--reject",
    "rejected",
    multiple=True,
    type=click.IntRange(1),
    metavar="ID",
    help="It belongs nowhere; may be repeated.",
)
@click.option("--waiting", is_flag=True, help="Show what waits for its document instead.")
@pass_state
def review(state: State, accepted: tuple[int, ...], rejected: tuple[int, ...], waiting: bool) -> int:
    """Show what imports left to a person, or decide it. What is decided is not asked again."""
    from jobctl import wiring

    client = state.connect()
    if accepted or rejected:
        decisions = [(number, True) for number in accepted] + [(number, False) for number in rejected]
        missing = [number for number, yes in decisions if not wiring.decide(client, number, accept=yes)]
        for number, yes in decisions:
            if number not in missing:
                click.echo(f"review {number}: {'accepted' if yes else 'rejected'}")
        if missing:
            raise JobNotFound(f"nothing open under: {', '.join(map(str, missing))}", hint="jobctl review")
        return 0
    found = [asdict(item) for item in wiring.library(client).reviews(status="waiting" if waiting else "open")]
    if not state.for_people:
        emit(
            state,
            "review_list",
            "reviews",
            [{**r, "created_at": stamp(r["created_at"]), "reviewed_at": None} for r in found],
        )
        return 0
    if not found:
        state.say("nothing to review")
        return 0
    rows = [
        [str(r["id"]), r["source"], str(r["document_id"] or "–"), _score(r), visible(r["reason"]), visible(" ".join(_words(r).split()))]
        for r in found
    ]  # fmt: skip
    for line in table(
        ["ID", "FROM", "DOC", "SCORE", "WHY", "TEXT"], rows, limit=terminal_width() or 200, elastic="TEXT"
    ):
        click.echo(line)
    return 0


def _score(row: dict[str, Any]) -> str:
    score = (row["suggestion"] or {}).get("score")
    return f"{score:.2f}" if score else "–"


def _words(row: dict[str, Any]) -> str:
    payload = row["payload"] or {}
    return str(payload.get("text") or payload.get("note") or payload.get("type") or "")
