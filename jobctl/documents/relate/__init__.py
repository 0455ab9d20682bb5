"""Search and connections: what is near to what, by words and by vectors."""

from jobctl.documents.relate.compare import ConnectionEngine, Judge, compare, once, thresholds
from jobctl.documents.relate.engines import Contradiction, Edge, SemanticSimilarity, ThematicBridge
from jobctl.documents.relate.index import Corpus, JoinedIndex, corpus
from jobctl.documents.relate.neighbourhood import Neighbourhoods
from jobctl.documents.relate.search import Answer, Ranked, search

__all__ = [
    "Answer",
    "ConnectionEngine",
    "Contradiction",
    "Corpus",
    "Edge",
    "JoinedIndex",
    "Judge",
    "Neighbourhoods",
    "Ranked",
    "SemanticSimilarity",
    "ThematicBridge",
    "compare",
    "corpus",
    "once",
    "search",
    "thresholds",
]
