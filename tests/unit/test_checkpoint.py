"""Checkpoints of another version."""

import json
import struct
import zlib

import pytest

from jobctl.core import checkpoint
from jobctl.core.errors import CheckpointCorrupt


@pytest.mark.parametrize("version", [checkpoint.VERSION + 1, 0, "1", None])
def test_a_checkpoint_of_an_unknown_format_is_refused_with_its_version(version):
    body = {"v": version, "stage": "s", "done": 0, "complete": True, "value": 1}
    data = checkpoint.MAGIC + struct.pack("<Q", 0) + zlib.compress(json.dumps(body).encode())
    with pytest.raises(CheckpointCorrupt, match=f"format {version!r} is unknown"):
        checkpoint.decode(data)
