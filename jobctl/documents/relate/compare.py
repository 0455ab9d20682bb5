"""Comparing passages of a library: shared by both job types that find connections."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from jobctl.core.library import FoundConnection
from jobctl.documents.relate.engines import Edge
from jobctl.documents.relate.index import JoinedIndex


class ConnectionEngine(Protocol):
    """Finds connections. ``version`` changes when the same passages would get other connections.

    One with ``needs_judge = True`` is used only where a model decides on each pair.
    """

    version: int

    def calibrate(self, index: JoinedIndex) -> float:
        """The least score, 0 to 1, that means something in this library."""
        ...

    def connect(self, index: JoinedIndex, sources: Sequence[int], *, threshold: float, per_chunk: int) -> list[Edge]:
        """Connections of these positions to chunks of other documents, at most ``per_chunk`` each."""
        ...


class Verdict(Protocol):
    """A judge's answer: whether the pair is a connection, how sure that is (0 to 1), and why."""

    holds: bool
    strength: float
    reason: str


class Judge(Protocol):
    """Decides whether a pair that one of ``engines`` found is a connection; ``id`` names the model."""

    id: str
    engines: Collection[str]

    def judge(self, engine: str, one: str, other: str) -> Verdict: ...


def thresholds(index: JoinedIndex, engines: Mapping[str, ConnectionEngine], fixed: float | None) -> dict[str, float]:
    """The least score of each engine: the fixed one, or calibrated on this sample of a library."""
    return {name: engine.calibrate(index) if fixed is None else fixed for name, engine in engines.items()}


def compare(
    index: JoinedIndex, engines: Mapping[str, ConnectionEngine], sources: Sequence[int], least: Mapping[str, float],
    per_chunk: int, judge: Judge | None = None, *, within: Collection[int] | None = None,
) -> list[FoundConnection]:  # fmt: skip
    """Connections of source chunks (by id), by every engine. A chunk that was deleted meanwhile is left out.

    ``judge``: a model that decides on each pair of the engines that it judges; pairs it rejects are left out.
    ``within``: only connections that have an end in one of these documents.
    """
    position = {chunk: i for i, chunk in enumerate(index.corpus.ids)}
    positions = [position[chunk] for chunk in sources if chunk in position]
    of = index.corpus.documents
    return [
        FoundConnection(
            index.corpus.ids[edge.source], index.corpus.ids[edge.target], name, edge.strength, edge.evidence,
            f"{name}-{engine.version}@{least[name]}",
        )
        for name, engine in engines.items()
        for found in engine.connect(index, positions, threshold=least[name], per_chunk=per_chunk)
        if within is None or {of[found.source], of[found.target]} & set(within)
        if (edge := _judged(index, judge, name, found)) is not None
    ]  # fmt: skip


def once(found: Sequence[FoundConnection]) -> list[FoundConnection]:
    """Each pair of an engine once: of both directions the stronger one, of equals the first."""
    best: dict[tuple[int, int, str], FoundConnection] = {}
    for one in found:
        pair = min(one.source_chunk, one.target_chunk), max(one.source_chunk, one.target_chunk), one.type
        if pair not in best or best[pair].strength < one.strength:
            best[pair] = one
    return list(best.values())


def _judged(index: JoinedIndex, judge: Judge | None, engine: str, edge: Edge) -> Edge | None:
    """The edge, with the judge's verdict in its evidence; None when the judge rejects it."""
    if judge is None or engine not in judge.engines:
        return edge
    verdict = judge.judge(engine, index.corpus.texts[edge.source], index.corpus.texts[edge.target])
    if not verdict.holds:
        return None
    judged = {"judge": judge.id, "reason": verdict.reason, "certainty": round(verdict.strength, 4)}
    return replace(edge, evidence=edge.evidence | judged)
