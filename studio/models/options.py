"""Options of a model as a person gives them: flat names, gathered into the frozen value a model is opened with."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from typing import Any, TypeVar

from studio.accelerate.options import Acceleration

UNCHANGED = Acceleration()  # networks as they are
Options = TypeVar("Options")
Factory = TypeVar("Factory", bound=Callable[..., Any])


def from_flat(kind: Callable[..., Options], flat: Mapping[str, Any]) -> Options:
    """Make the options of a kind (a dataclass) from flat names; what `Acceleration` has goes into that.

    Raises TypeError for a name that neither has.
    """
    inner = {field.name for field in fields(Acceleration)}
    own = {name: value for name, value in flat.items() if name not in inner}
    return kind(**own, acceleration=Acceleration(**{name: flat[name] for name in flat if name in inner}))


def flat_signature(kind: Any) -> Callable[[Factory], Factory]:
    """Let a factory `open_x(first, **options)` show the flat names of its options, in order, to `inspect.signature`."""
    outer = [field for field in fields(kind) if field.name != "acceleration"]

    def show(factory: Factory) -> Factory:
        first, *_ = inspect.signature(factory).parameters.values()
        factory.__signature__ = inspect.Signature([first, *map(parameter, [*outer, *fields(Acceleration)])])  # type: ignore[attr-defined]
        return factory

    return show


def parameter(field: Field[Any]) -> inspect.Parameter:
    """Give a field as a parameter that is given by name."""
    default = None if field.default is MISSING else field.default
    return inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=default)
