"""Where a network is accelerated: which of its calls are compiled, recorded as CUDA graphs or told a backend."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from torch import nn

Call = Callable[..., Any]  # a network's own call: whatever it takes and gives


@dataclass(frozen=True)
class Calls:
    """The calls of a module that are replaced, as dotted names: all work, and nothing that looks at values.

    grows: whether its shapes grow while a cache fills; they are then compiled as open sizes, once, and otherwise each
    for itself, which gives faster code. attention: the attribute that names its attention backend, where it has one.
    """

    compile: tuple[str, ...] = ("forward",)
    graphs: tuple[str, ...] = ("forward",)
    grows: bool = False
    attention: str | None = None


HALVES = ("encoder.forward", "decoder.forward")

# By the name of the class, so that nothing is imported for it. What is not here is accelerated at its forward; of
# diffusers' transformers the repeated blocks are compiled.
CALLS: dict[str, Calls] = {
    "UNet2DConditionModel": Calls(),
    "ControlNetModel": Calls(),
    "AutoencoderTiny": Calls(HALVES, HALVES),
    "AutoencoderKL": Calls(HALVES, HALVES),
    "CausalWan": Calls(("block",), ("body",), grows=True, attention="attention"),
    "TinyDecoder": Calls(("decode",), ("decode",)),
}


def calls_of(module: nn.Module) -> Calls:
    """Give the row of `CALLS` for a module's class or the nearest class it inherits from."""
    return CALLS.get(next((kind.__name__ for kind in type(module).__mro__ if kind.__name__ in CALLS), ""), Calls())


def is_listed(module: nn.Module) -> bool:
    """Tell whether a module's class, or one it inherits from, stands in `CALLS`."""
    return any(kind.__name__ in CALLS for kind in type(module).__mro__)


def locate(module: nn.Module, name: str) -> tuple[object, str]:
    """Give the object that owns a dotted name, and the attribute it has there."""
    *path, attribute = name.split(".")
    owner: object = module
    for step in path:
        owner = getattr(owner, step)
    return owner, attribute


def get_call(module: nn.Module, name: str) -> Call:
    """Give the call of a dotted name."""
    owner, attribute = locate(module, name)
    return getattr(owner, attribute)


def replace_call(module: nn.Module, name: str, wrap: Callable[[Call], Call]) -> None:
    """Put a wrapped call in the place of a call of the module."""
    owner, attribute = locate(module, name)
    setattr(owner, attribute, wrap(getattr(owner, attribute)))
