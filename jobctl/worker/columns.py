"""What a worker reads of a job's row: untrusted JSON, decoded where it can affect only the job."""

from __future__ import annotations

import json
from collections.abc import Mapping

import msgspec

from jobctl.core.errors import Invalid, InvalidArguments
from jobctl.core.pipeline import Pipeline
from jobctl.worker.context import StoredInput


class _Metadata(msgspec.Struct, frozen=True):
    """What an attempt reads of a job's metadata."""

    inputs: dict[str, StoredInput] = {}


class Label(msgspec.Struct, frozen=True):
    """What a job's metadata adds to its title."""

    label: str = ""
    mode: str | None = None


class _Percent(msgspec.Struct, frozen=True):
    """What an attempt reads of the progress that the job has made before."""

    percent: float = 0.0


def arguments(pipeline: Pipeline, text: str) -> object:
    """The input of a job as a model. Raises ``Invalid`` for an input that bypassed validation."""
    try:
        data = json.loads(text)
        if not isinstance(data, dict):
            raise Invalid(f"the input of the job is a {type(data).__name__}, not an object")
        return pipeline.validate(data)
    except InvalidArguments as error:
        raise Invalid(str(error)) from error
    except (ValueError, RecursionError) as error:
        raise Invalid(f"the input of the job cannot be decoded: {error}") from None


def inputs(text: str) -> Mapping[str, StoredInput]:
    """The input files that were put into the storage, by the path that was submitted. Raises ``Invalid``."""
    try:
        return msgspec.json.decode(text, type=_Metadata).inputs
    except (msgspec.MsgspecError, RecursionError) as error:
        raise Invalid(f"the metadata of the job cannot be decoded: {error}") from None


def label(text: str) -> Label:
    """The label of the job's type and its mode, as submitted; empty where they cannot be read."""
    try:
        return msgspec.json.decode(text, type=Label)
    except (msgspec.MsgspecError, RecursionError):
        return Label()


def percent(text: str) -> float:
    """How far the job was before, 0 to 100; what cannot be read counts as 0."""
    try:
        found = msgspec.json.decode(text, type=_Percent).percent
    except (msgspec.MsgspecError, RecursionError):
        return 0.0
    return min(max(found, 0.0), 100.0)
