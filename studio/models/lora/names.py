"""Which layer of a network a LoRA means: every trainer has names of its own for the same layers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import nn

from studio.models.libraries import Net

WRAPPERS = ("_fsdp_wrapped_module.", "_orig_mod.")  # what FSDP and torch.compile put into names, anywhere
Place = tuple[str, str]  # a network's name and the name of a layer in it


@dataclass(frozen=True)
class Names:
    """The layers that a model has, by all names a LoRA may call them.

    beginnings: how trainers begin a layer's name -> the network, "" for any; layers: network -> name, flattened -> the
    layer's own; elsewhere: what is in the name of a layer that only a sibling of this family has -> that sibling;
    others: what is in keys that are no layer's, and that the family reads itself.
    """

    beginnings: Mapping[str, str]
    layers: Mapping[str, Mapping[str, str]]
    elsewhere: Mapping[str, str] = field(default_factory=dict)
    others: tuple[str, ...] = ()

    def split(self, stem: str, net: str = "") -> tuple[str, str]:
        """Split a trainer's name into the network it says, else `net`, and the layer's name."""
        for wrapper in WRAPPERS:
            stem = stem.replace(wrapper, "")
        while (start := next((each for each in self.beginnings if stem.startswith(each)), None)) is not None:
            net, stem = self.beginnings[start] or net, stem.removeprefix(start)
        return net, stem

    def find(self, net: str, name: str) -> Place | None:
        """Find a layer of a network, of the first that has it where `net` is ""; None if there is none."""
        flat = flat_name(name)
        nets = (net,) if net else tuple(self.layers)
        return next(((each, held[flat]) for each in nets if flat in (held := self.layers.get(each, {}))), None)

    def sibling(self, name: str) -> str | None:
        """Give the model that a layer belongs to, if it is known to be another of this family."""
        return next((whose for mark, whose in self.elsewhere.items() if mark in name), None)


def flat_name(name: str) -> str:
    """Write a layer's name as one word, whoever wrote it: attn1.processor.to_out and attn1.to_out.0 are the same."""
    flat = re.sub("_+", "_", name.replace(".processor", "").replace(".", "_")).strip("_").removeprefix("text_model_")
    return flat + "_0" if flat.endswith("to_out") else flat


def own_names(net: nn.Module) -> dict[str, str]:
    """Give the layers of a network that hold parameters, flattened name -> own name."""
    return {flat_name(name): name for name, layer in net.named_modules() if is_layer(layer)}


def is_layer(layer: Net) -> bool:
    """Whether a module is linear in parameters of its own, called weight and bias, as LoRAs change them."""
    own = {name for name, held in layer.named_parameters(recurse=False) if held is not None}
    return bool(own) and own <= {"weight", "bias"}
