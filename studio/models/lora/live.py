"""LoRAs played live: learned styles beside a network's layers, at a weight of its own for every row of a batch.

A layer with LoRAs gives base(x) + up(w * down(x)): the down- and up-projections of all its LoRAs stand one after the
other in two small layers, and w, one number a row and rank, says how much of each a row takes. What is no product of
two small layers (LoHa, LoKr, whole changes, norms) is the layer run once more with the change in place of its
parameters, times w. So rows, and sessions, that play one network at the same time have their own styles, a change of
weight costs nothing, and weight 0 for all skips it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from studio.models.libraries import Net
from studio.models.lora.change import Change
from studio.models.lora.names import Place


class Mix:
    """How much of each LoRA the rows of the present forward take; one for all layers, set around the forward."""

    def __init__(self) -> None:
        self.weights: Tensor | None = None  # (rows, LoRAs), on the layers' device and in their dtype

    def set(self, weights: Tensor | None, device: torch.device, dtype: torch.dtype) -> None:
        """Set the weights (rows, LoRAs) of a forward, given on the CPU; None, or all 0, for none."""
        self.weights = weights.to(device, dtype) if weights is not None and weights.any() else None


class Adapted(nn.Module):
    """A layer with LoRAs beside it. changes: (place in the mix, what it adds), one or more."""

    def __init__(self, base: nn.Module, changes: Sequence[tuple[int, Change]], mix: Mix) -> None:
        super().__init__()
        self.base: Net = base
        self.mix = mix
        ranked = [(place, change) for place, change in changes if change.rank]
        self.product = Product(self.base, ranked) if ranked else None
        self.gain = Numbers.of(self.base, [(place, change.gain) for place, change in changes])
        adds = isinstance(base, ADDS)
        self.shift = Numbers.of(self.base, [(place, change.bias if adds else None) for place, change in changes])
        wholes = [(place, change) for place, change in changes if change.full is not None or not adds]
        self.wholes = nn.ModuleList(Whole(self.base, place, change) for place, change in wholes)

    @property
    def weight(self) -> Tensor:
        """The layer's own weight."""
        return self.base.weight

    @property
    def bias(self) -> Tensor | None:
        """The layer's own bias."""
        return self.base.bias

    def forward(self, x: Tensor) -> Tensor:
        """Run on (rows, ...)."""
        out = base = self.base(x)
        weights = self.mix.weights
        if weights is None:
            return out
        if self.product is not None:
            out = out + self.product(self.base, x, weights)
        if self.gain is not None:
            own = base if self.bias is None else base - to_channels(self.base, self.bias[None], base.ndim)
            out = out + own * to_channels(self.base, self.gain(weights), base.ndim)
        if self.shift is not None:
            out = out + to_channels(self.base, self.shift(weights), base.ndim)
        for whole in self.wholes:
            out = out + whole(self.base, x, weights)
        return out


class Product(nn.Module):
    """up(w * down(x)) of all LoRAs of a layer in two small layers."""

    down: Tensor
    up: Tensor
    owner: Tensor

    def __init__(self, base: Net, changes: Sequence[tuple[int, Change]]) -> None:
        super().__init__()
        owner = torch.tensor(list(chain.from_iterable([place] * change.rank for place, change in changes)))
        self.register_buffer("down", like(base, torch.cat([change.down for _, change in changes])))  # type: ignore[misc]
        self.register_buffer("up", like(base, torch.cat([change.up for _, change in changes], 1)))  # type: ignore[misc]
        self.register_buffer("owner", owner.to(base.weight.device))

    def forward(self, base: Net, x: Tensor, weights: Tensor) -> Tensor:
        share = weights[:, self.owner]  # (rows, ranks)
        if isinstance(base, nn.Linear):
            share = share.reshape(len(share), *(1 for _ in x.shape[2:]), -1)
            return F.linear(F.linear(x, self.down) * share, self.up)
        low = base._conv_forward(x, self.down, None)  # its stride and padding, of whatever kind
        return F.conv2d(low * share[:, :, None, None], self.up)


class Numbers(nn.Module):
    """A number for each output of a layer, of every LoRA that has them: called with (rows, LoRAs) it mixes them."""

    numbers: Tensor
    place: Tensor

    def __init__(self, base: Net, held: Sequence[tuple[int, Tensor]]) -> None:
        super().__init__()
        self.register_buffer("numbers", like(base, torch.stack([numbers for _, numbers in held])))
        self.register_buffer("place", torch.tensor([place for place, _ in held], device=base.weight.device))

    @staticmethod
    def of(base: Net, held: Sequence[tuple[int, Tensor | None]]) -> Numbers | None:
        """Make one of those that are there; None if there are none."""
        there = [(place, numbers) for place, numbers in held if numbers is not None]
        return Numbers(base, there) if there else None

    def forward(self, weights: Tensor) -> Tensor:
        return weights[:, self.place] @ self.numbers


class Whole(nn.Module):
    """w times a layer run with a change in place of its parameters, in which it is linear."""

    def __init__(self, base: Net, place: int, change: Change) -> None:
        super().__init__()
        self.place = place
        bias = None if isinstance(base, ADDS) else change.bias
        for name, held in base.named_parameters(recurse=False):
            numbers, given = torch.zeros(held.shape), change.full if name == "weight" else bias
            if given is not None:
                numbers[: len(given)] = given  # an embedding may have grown since: words that another LoRA brought
            self.register_buffer(name, like(base, numbers))

    def forward(self, base: Net, x: Tensor, weights: Tensor) -> Tensor:
        out = functional_call(base, dict(self.named_buffers()), (x,))
        return out * weights[:, self.place].reshape(-1, *(1 for _ in out.shape[1:]))


ADDS = (nn.Linear, nn.Conv2d)  # layers whose bias is added to what comes out, and whose change of it needs no run


def like(base: Net, tensor: Tensor) -> Tensor:
    """Give a tensor where and in what a layer's weight is."""
    weight = base.weight
    return tensor.to(weight.device, weight.dtype if weight.is_floating_point() else torch.float32)


def to_channels(base: Net, numbers: Tensor, dimensions: int) -> Tensor:
    """Give numbers (rows, outputs) in the dimensions of a layer's result: (rows, ..., outputs), or the second."""
    ones = [1] * (dimensions - 2)
    shape = (len(numbers), -1, *ones) if isinstance(base, nn.Conv2d) else (len(numbers), *ones, numbers.shape[-1])
    return numbers.reshape(shape)


def adapt(nets: Mapping[str, nn.Module], loras: Sequence[Mapping[Place, Change]]) -> Mix:
    """Put LoRAs beside the layers of networks; the mix says how much of each a row takes, nothing at first."""
    mix = Mix()
    for net, name in sorted({place for changes in loras for place in changes}):
        parts = [(number, changes[net, name]) for number, changes in enumerate(loras) if (net, name) in changes]
        parent, _, attribute = name.rpartition(".")
        layer = nets[net].get_submodule(name)
        setattr(nets[net].get_submodule(parent), attribute, Adapted(layer, parts, mix))
    return mix


@torch.no_grad()
def fuse(nets: Mapping[str, nn.Module], changes: Mapping[Place, Change], weight: float = 1.0) -> None:
    """Add a LoRA to the layers' weights and biases, for good."""
    for (net, name), change in changes.items():
        layer: Net = nets[net].get_submodule(name)
        layer.weight.copy_(layer.weight.float() + weight * change.of_weight(layer.weight))
        if change.bias is not None:
            layer.bias.copy_(layer.bias.float() + weight * change.bias.to(layer.bias.device))
