"""Contract suites: what every plug-in must hold, as functions to call from a test of yours. Ours run them too.

::

    def test_my_storage(tmp_path):
        contracts.storage(MyStorage(tmp_path), workspace=tmp_path)
"""

from __future__ import annotations

import io
import math
import struct
from collections.abc import Sequence
from pathlib import Path

from jobctl import wiring
from jobctl.core.document import Extractor, OpenSource
from jobctl.core.errors import CheckpointCorrupt, CheckpointMissing, Invalid, JobctlError
from jobctl.core.ports import Embedder, Storage
from jobctl.documents.clean import clean
from jobctl.documents.extract import detect

TEXTS = ("A lighthouse keeper lights the lamp.", "", "灯台守がランプを灯す。", "x" * 50_000, "\x00\ud7ff\U0001f600")


def storage(place: Storage, *, workspace: Path) -> None:
    """Keys are immutable places of bytes; what is not there is ``CheckpointMissing``; strange keys are refused."""
    data = bytes(range(256)) * 300
    place.put("contract/a/one", data)
    place.put_file("contract/a/two", io.BytesIO(b""))
    _hold(place.get("contract/a/one", max_bytes=len(data)) == data, "get gives back what put took")
    _hold(place.get("contract/a/two", max_bytes=0) == b"", "an empty value is a value")
    _raises(CheckpointCorrupt, lambda: place.get("contract/a/one", max_bytes=len(data) - 1), "more than max_bytes")
    _raises(CheckpointMissing, lambda: place.get("contract/none", max_bytes=1), "a key that is not there")
    _raises(CheckpointMissing, lambda: place.local_path("contract/none", workspace), "a local path of no key")
    _hold(place.local_path("contract/a/one", workspace).read_bytes() == data, "local_path has the same bytes")
    place.put("contract/a/one", data)
    _hold(sorted(place.keys("contract")) == ["contract/a/one", "contract/a/two"], "keys lists what is there, once")
    for bad in ("../up", "/root", "a//b", "a/../b", "", "a\x00b", "a b"):
        _raises(ValueError, lambda key=bad: place.put(key, b""), f"the key {bad!r}")
    for key in ("contract/a/one", "contract/a/two", "contract/a/two"):
        place.delete(key)
    _hold(not place.exists("contract/a/one"), "delete deletes, and does not mind to be called twice")
    _hold(list(place.keys("contract")) == [], "nothing is left")


def embedder(engine: Embedder) -> None:
    """Unit vectors of ``dim`` numbers, the same bytes in any batch; nothing for an engine without vectors."""
    alone = [engine.embed([text])[0] for text in TEXTS]
    _hold(engine.embed(TEXTS) == alone, "a vector does not depend on its batch")
    _hold(engine.embed(TEXTS[::-1]) == alone[::-1], "nor on its place")
    _hold(engine.embed([]) == [], "no texts, no vectors")
    _hold((bool(engine.id) and str(engine.dim) in engine.id) or engine.dim == 0, "the id names the dimension")
    for vector in alone:
        _hold(len(vector) == engine.dim * 4, "dim float32 numbers a text")
        numbers = struct.unpack(f"<{engine.dim}f", vector)
        length = math.sqrt(sum(n * n for n in numbers))
        _hold(not any(numbers) or abs(length - 1.0) < 1e-4, "length 1, or all zero")


def extractor(reader: Extractor, good: Path, bad: Sequence[Path]) -> None:
    """Parts by number in any order, always the same; what can't be read is ``Invalid`` with a sentence that names it."""
    _hold(detect(good) in reader.formats, "the extractor names the format")
    source, again = reader.open(good), reader.open(good)
    count = source.info.part_count
    parts = [source.part(i) for i in range(count)]
    _hold([again.part(i) for i in reversed(range(count))] == parts[::-1], "parts do not depend on the order of calls")
    text = clean(source.info, parts)
    _hold(bool(text.markdown.strip()), "there is text")
    _hold(all(text.markdown[h.start :].startswith("#") for h in text.outline), "headings stand where the outline says")
    source.close()
    again.close()
    for path in bad:
        try:
            source = reader.open(path)
            clean(source.info, [source.part(i) for i in range(source.info.part_count)])
        except Invalid as error:
            _hold(path.name in str(error) or "the PDF" in str(error), f"the error names {path.name}: {error}")
        else:
            raise AssertionError(f"{path.name} was read as if it were good")


def opened(path: Path) -> OpenSource:
    """A document, opened by the installed extractor of its format."""
    reader: Extractor = wiring.plugin(wiring.settings({}, {"HOME": "/"}), {}, "extractor", detect(path))
    return reader.open(path)


def _hold(truth: bool, what: str) -> None:  # noqa: FBT001 - an assertion that survives python -O
    if not truth:
        raise AssertionError(what)


def _raises(kind: type[Exception], act: object, what: str) -> None:
    try:
        act()  # type: ignore[operator]
    except kind:
        return
    except JobctlError as error:
        raise AssertionError(f"{what}: {type(error).__name__} instead of {kind.__name__}") from error
    raise AssertionError(f"{what}: no {kind.__name__}")
