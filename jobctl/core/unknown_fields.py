"""Input fields that a model does not have: refused, unless its class says what is to become of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, get_args, get_origin


def unknown_fields(model: object, data: Mapping[str, object], path: str = "") -> Iterator[str]:
    """The positions of fields in ``data`` that a pydantic model would drop without a word: ``name``, ``parts.0.name``.

    Models inside are looked into, also in lists. A class that sets ``extra`` itself decides about its own fields.
    """
    fields: Mapping[str, Any] = getattr(model, "model_fields", {})
    config: Mapping[str, Any] = getattr(model, "model_config", {})
    known = {name: field for key, field in fields.items() for name in _names(key, field)}
    for name, value in data.items():
        if name in known:
            yield from _inside(known[name].annotation, value, f"{path}{name}.")
        elif config.get("extra") is None and fields:
            yield f"{path}{name}"


def _names(key: str, field: Any) -> Iterator[str]:
    """The keys under which a model finds a field."""
    yield key
    for alias in (field.alias, field.validation_alias):
        for choice in getattr(alias, "choices", [alias]):
            name = getattr(choice, "path", [choice])[0]
            if isinstance(name, str):
                yield name


def _inside(annotation: object, value: object, path: str) -> Iterator[str]:
    models = list(_models(annotation))
    if len(models) != 1:  # none, or a choice among several: that is for the validation
        return
    items: Iterable[tuple[object, object]] = ()
    if isinstance(value, Mapping):
        if not _is_mapping(annotation):
            yield from unknown_fields(models[0], value, path)
            return
        items = value.items()
    elif isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        items = enumerate(value)
    for key, item in items:
        if isinstance(item, Mapping):
            yield from unknown_fields(models[0], item, f"{path}{key}.")


def _models(annotation: object) -> Iterator[object]:
    if hasattr(annotation, "model_fields"):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)


def _is_mapping(annotation: object) -> bool:
    """Whether it is ``dict[str, …]``, or a choice that has one."""
    origin = get_origin(annotation)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return True
    return any(_is_mapping(part) for part in get_args(annotation))
