"""Contract suites: what every plug-in must fulfil, as functions to call from your own tests. The built-in plug-ins are tested with them too.

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


def storage(store: Storage, *, workspace: Path) -> None:
    """Keys are immutable; a missing one raises ``CheckpointMissing``; malformed ones are refused."""
    data = bytes(range(256)) * 300
    store.put("contract/a/one", data)
    store.put_file("contract/a/two", io.BytesIO(b""))
    _require(store.get("contract/a/one", max_bytes=len(data)) == data, "get returns what put stored")
    _require(store.get("contract/a/two", max_bytes=0) == b"", "an empty value is a value")
    _raises(CheckpointCorrupt, lambda: store.get("contract/a/one", max_bytes=len(data) - 1), "more than max_bytes")
    _raises(CheckpointMissing, lambda: store.get("contract/none", max_bytes=1), "a key that is not there")
    _raises(CheckpointMissing, lambda: store.local_path("contract/none", workspace), "a local path of no key")
    _require(store.local_path("contract/a/one", workspace).read_bytes() == data, "local_path has the same bytes")
    store.put("contract/a/one", data)
    _require(sorted(store.keys("contract")) == ["contract/a/one", "contract/a/two"], "keys lists what is there, once")
    for bad in ("../up", "/root", "a//b", "a/../b", "", "a\x00b", "a b"):
        _raises(ValueError, lambda key=bad: store.put(key, b""), f"the key {bad!r}")
    for key in ("contract/a/one", "contract/a/two", "contract/a/two"):
        store.delete(key)
    _require(not store.exists("contract/a/one"), "delete removes, and may be called twice")
    _require(list(store.keys("contract")) == [], "nothing is left")
    store.put("contract/b/one", data)
    store.delete_all(["contract/b/one", "contract/b/none"])
    store.delete_all([])
    _require(list(store.keys("contract")) == [], "delete_all removes each key that is there")


def embedder(engine: Embedder) -> None:
    """Unit vectors of ``dim`` numbers, the same bytes in any batch; nothing for an engine without vectors."""
    alone = [engine.embed([text])[0] for text in TEXTS]
    _require(engine.embed(TEXTS) == alone, "a vector does not depend on its batch")
    _require(engine.embed(TEXTS[::-1]) == alone[::-1], "nor on its position")
    _require(engine.embed([]) == [], "no texts, no vectors")
    _require((bool(engine.id) and str(engine.dim) in engine.id) or engine.dim == 0, "the id names the dimension")
    for vector in alone:
        _require(len(vector) == engine.dim * 4, "dim float32 numbers a text")
        numbers = struct.unpack(f"<{engine.dim}f", vector)
        length = math.sqrt(sum(n * n for n in numbers))
        _require(not any(numbers) or abs(length - 1.0) < 1e-4, "length 1, or all zero")


def extractor(reader: Extractor, good: Path, bad: Sequence[Path]) -> None:
    """Parts by number in any order, always the same; what can't be read is ``Invalid`` with a message that names it."""
    _require(detect(good) in reader.formats, "the extractor names the format")
    source, again = reader.open(good), reader.open(good)
    count = source.info.part_count
    parts = [source.part(i) for i in range(count)]
    _require(
        [again.part(i) for i in reversed(range(count))] == parts[::-1], "parts do not depend on the order of calls"
    )
    text = clean(source.info, parts)
    _require(bool(text.markdown.strip()), "there is text")
    _require(
        all(text.markdown[h.start :].startswith("#") for h in text.outline),
        "headings are at the offsets of the outline",
    )
    source.close()
    again.close()
    for path in bad:
        try:
            source = reader.open(path)
            clean(source.info, [source.part(i) for i in range(source.info.part_count)])
        except Invalid as error:
            _require(path.name in str(error) or "the PDF" in str(error), f"the error names {path.name}: {error}")
        else:
            raise AssertionError(f"{path.name} was read without an error")


def opened(path: Path) -> OpenSource:
    """A document, opened by the installed extractor of its format."""
    reader: Extractor = wiring.plugin(wiring.settings({}, {"HOME": "/"}), {}, "extractor", detect(path))
    return reader.open(path)


def _require(truth: bool, what: str) -> None:  # noqa: FBT001 - an assertion that survives python -O
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
