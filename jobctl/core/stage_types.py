"""Whether a stage can take what the stage before it returns, checked by their annotations when a job type is defined.

A missing annotation, ``Any``, a type variable or a name that does not resolve is accepted: only a certain mismatch counts.
Element types are compared covariantly, because a checkpoint is decoded into new objects that nothing else writes to.
"""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal, NewType, TypeVar, Union, get_args, get_origin, get_type_hints, is_typeddict

Annotation = object
"""An annotation of a parameter or a return value: a class, a generic, ``Any``, a string."""
StageFunction = Callable[..., object]
_ANYTHING = (Any, object, inspect.Parameter.empty)


def accepts(parameter: Annotation, returned: Annotation) -> bool:
    """Whether a value annotated ``returned`` may be passed to a parameter annotated ``parameter``."""
    parameter, returned = _bare(parameter), _bare(returned)
    if _unknown(parameter) or _unknown(returned):
        return True
    if _is_union(returned):
        return all(accepts(parameter, member) for member in get_args(returned))
    if _is_union(parameter):
        return any(accepts(member, returned) for member in get_args(parameter))
    if get_origin(returned) is Literal:
        values = get_args(returned)
        return _holds(parameter, values) or all(accepts(parameter, type(value)) for value in values)
    if get_origin(parameter) is Literal:
        return False
    return _class_accepts(_class(parameter), _class(returned)) and _elements_accept(parameter, returned)


def annotated_return(run: StageFunction) -> Annotation:
    """The return annotation of a function, ``Any`` where there is none or it does not resolve; of a generator the list."""
    returned = _hints(run).get("return", Any)
    if not inspect.isgeneratorfunction(run):
        return returned
    yielded = get_args(_bare(returned))
    return list[yielded[0]] if yielded else list[Any]  # type: ignore[valid-type]


def annotated_input(run: StageFunction) -> Annotation:
    """The annotation of the second parameter (the first is the context), ``Any`` where it is not known."""
    names = list(inspect.signature(run).parameters)
    return _hints(run).get(names[1], Any) if len(names) > 1 else Any


def check_signature(label: str, run: StageFunction) -> None:
    """Raises ``TypeError`` for a function that can't be called as ``run(ctx, value)`` or does not run when called."""
    if inspect.isasyncgenfunction(run):
        raise TypeError(f"{label} is an asynchronous generator: return a list, or yield from a plain generator")
    try:
        inspect.signature(run).bind(None, None)
    except TypeError:
        raise TypeError(f"{label} must take two arguments: the context and the previous result") from None


def check_link(source: str, returned: Annotation, target: str, run: StageFunction) -> None:
    """Raises ``TypeError`` naming both sides when ``run`` can't take it. ``source`` reads "stage 'x' returns"."""
    parameter = annotated_input(run)
    if not accepts(parameter, returned):
        raise TypeError(f"{target} takes {_name(parameter)}, but {source} {_name(returned)}")


def check_list(source: str, returned: Annotation) -> None:
    """Raises ``TypeError`` when ``returned`` can't be a list of items. ``source`` reads "stage 'x' returns"."""
    if not accepts(Sequence[Any], returned) or _bare(returned) in (str, bytes):
        raise TypeError(f"{source} {_name(returned)}, which is not a list")


def _hints(run: StageFunction) -> dict[str, Annotation]:
    try:
        return get_type_hints(run)
    except (NameError, TypeError):  # a forward reference, or a callable without annotations
        return {}


def _bare(annotation: Annotation) -> Annotation:
    """The annotation without ``Annotated``, ``NewType`` and type aliases around it."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation = get_args(annotation)[0]
        elif isinstance(annotation, NewType):
            annotation = annotation.__supertype__
        elif hasattr(annotation, "__value__"):  # ``type X = …``
            annotation = annotation.__value__
        else:
            return types.NoneType if annotation is None else annotation


def _unknown(annotation: Annotation) -> bool:
    return annotation in _ANYTHING or isinstance(annotation, (TypeVar, str))


def _is_union(annotation: Annotation) -> bool:
    return get_origin(annotation) in (Union, types.UnionType)


def _holds(parameter: Annotation, values: tuple[Annotation, ...]) -> bool:
    return get_origin(parameter) is Literal and set(values) <= set(get_args(parameter))


def _class(annotation: Annotation) -> Annotation:
    return dict if is_typeddict(annotation) else get_origin(annotation) or annotation


def _class_accepts(parameter: Annotation, returned: Annotation) -> bool:
    if not (isinstance(parameter, type) and isinstance(returned, type)) or (parameter is float and returned is int):
        return True
    try:
        return issubclass(returned, parameter)
    except TypeError:  # a Protocol that can't be checked at run time
        return True


def _elements_accept(parameter: Annotation, returned: Annotation) -> bool:
    wanted, offered = get_args(parameter), get_args(returned)
    if not wanted or not offered:
        return True
    if _class(returned) is tuple:
        return _tuple_accepts(parameter, wanted, offered)
    return len(wanted) != len(offered) or all(map(accepts, wanted, offered))


def _tuple_accepts(parameter: Annotation, wanted: tuple[Annotation, ...], offered: tuple[Annotation, ...]) -> bool:
    members = [member for member in offered if member is not Ellipsis]
    if _class(parameter) is not tuple or wanted[-1] is Ellipsis:
        return all(accepts(wanted[0], member) for member in members)
    return offered[-1] is Ellipsis or (len(wanted) == len(members) and all(map(accepts, wanted, members)))


def _name(annotation: Annotation) -> str:
    return annotation.__name__ if isinstance(annotation, type) and not get_args(annotation) else str(annotation)
