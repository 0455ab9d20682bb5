"""Search and connections: the joined lexical and vector score, and the engines that use it."""

from jobctl.documents.relate.compare import ConnectionEngine, Judge, compare, indexed, thresholds
from jobctl.documents.relate.engines import Contradiction, Edge, SemanticSimilarity, ThematicBridge
from jobctl.documents.relate.index import Corpus, Hit, JoinedIndex, corpus

__all__ = [
    "ConnectionEngine",
    "Contradiction",
    "Corpus",
    "Edge",
    "Hit",
    "JoinedIndex",
    "Judge",
    "SemanticSimilarity",
    "ThematicBridge",
    "compare",
    "corpus",
    "indexed",
    "thresholds",
]
