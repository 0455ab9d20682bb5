"""Comparing passages of a library: what both jobs that look for connections share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from jobctl.core.ports import Library
from jobctl.documents.relate.engines import Edge
from jobctl.documents.relate.index import JoinedIndex, corpus

COLUMNS = ("id", "document_id", "text", "vector", "themes", "polarity", "engine")


@dataclass(frozen=True, slots=True)
class Connection:
    """A connection found, by chunk ids, as it goes into the library."""

    source_chunk: int
    target_chunk: int
    type: str
    strength: float
    evidence: dict[str, Any]
    engine: str


def indexed(library: Library, embedder: str) -> tuple[JoinedIndex, int]:
    """All passages of one embedding engine, and how many others there are: vectors of two engines never mix."""
    rows = library.chunks(columns=COLUMNS)
    same = [row for row in rows if row["engine"] == embedder]
    held = corpus(
        [row["id"] for row in same], [row["document_id"] for row in same], [row["text"] for row in same],
        [bytes(row["vector"]) for row in same], [row["themes"] for row in same], [row["polarity"] for row in same],
    )  # fmt: skip
    return JoinedIndex(held), len(rows) - len(same)


def thresholds(index: JoinedIndex, engines: Mapping[str, Any], given: float | None) -> dict[str, float]:
    """The least score of each engine: as given, or calibrated on this library."""
    return {name: engine.calibrate(index) if given is None else given for name, engine in engines.items()}


def compare(
    index: JoinedIndex, engines: Mapping[str, Any], sources: Sequence[int], least: Mapping[str, float], per_chunk: int,
    judge: Any = None,
) -> list[Connection]:  # fmt: skip
    """Connections of source chunks (by id), by every engine. A chunk that went meanwhile is left out.

    ``judge``: a model that says of each pair of the engines that it judges whether it is one; those that are not go.
    """
    place = {chunk: i for i, chunk in enumerate(index.corpus.ids)}
    places = [place[chunk] for chunk in sources if chunk in place]
    return [
        Connection(
            index.corpus.ids[edge.source], index.corpus.ids[edge.target], name, edge.strength, edge.evidence,
            f"{name}-{engine.version}@{least[name]}",
        )
        for name, engine in engines.items()
        for found in engine.connect(index, places, threshold=least[name], per_chunk=per_chunk)
        if (edge := _judged(index, judge, name, found)) is not None
    ]  # fmt: skip


def _judged(index: JoinedIndex, judge: Any, engine: str, edge: Edge) -> Edge | None:
    """The edge, with what the judge says of it; None when it says no."""
    if judge is None or engine not in judge.engines:
        return edge
    verdict = judge.judge(engine, index.corpus.texts[edge.source], index.corpus.texts[edge.target])
    if not verdict.holds:
        return None
    told = {"judge": judge.id, "reason": verdict.reason, "certainty": round(verdict.strength, 4)}
    evidence = {name: value for name, value in edge.evidence.items() if name != "experimental"}
    return replace(edge, evidence=evidence | told)
