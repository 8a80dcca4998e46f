"""What each kind of LoRA makes of a layer: from its parts to a change of the layer's weight and bias.

| kind | change of the weight W, s being the strength |
|---|---|
| LoRA (arXiv 2106.09685), LoCon | s · up · down |
| LoCon with a middle | s · up · (middle · down): middle and down are one kernel |
| LoHa (arXiv 2108.06098, LyCORIS) | s · (a1 b1) ∘ (a2 b2) |
| LoKr (LyCORIS) | s · a ⊗ b, each factor whole or a product itself |
| whole changes, norms | what the file holds |
| DoRA (arXiv 2402.09353) over any of them | m (W + change) / ‖W + change‖ − W |

Every layer is linear in its weight and bias, so a change at weight w is w times the layer run with the change in
place of its parameters. A DoRA is no product of w: it is computed at weight 1, as it was trained, and w times that
change is played, so that weight 0 leaves nothing of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields

import torch
from torch import Tensor

from studio.models.lora.parts import DORA

Parts = Mapping[str, Tensor]
EPS = torch.finfo(torch.float32).eps


@dataclass(frozen=True, eq=False)
class Change:
    """What is added to a layer at weight 1, float32: (gain ∘ W) + up · down + full to its weight, `bias` to its bias.

    down (r, in, ...), up (out, r, ...) with the strength in it; gain (out,), of a DoRA; full: of the weight's shape.
    What is None is not there.
    """

    down: Tensor | None = None
    up: Tensor | None = None
    gain: Tensor | None = None
    full: Tensor | None = None
    bias: Tensor | None = None

    @property
    def rank(self) -> int:
        """The rank of the product, 0 without one."""
        return 0 if self.down is None else self.down.shape[0]

    @property
    def product(self) -> Tensor | float:
        """Give up · down as a weight, 0 without one."""
        if self.down is None or self.up is None:
            return 0.0
        return (self.up.flatten(1) @ self.down.flatten(1)).reshape(len(self.up), *self.down.shape[1:])

    def of_weight(self, weight: Tensor) -> Tensor:
        """Give what is added to a layer's weight (out, in, ...), float32."""
        held, own = weight.float(), self.to(weight.device)
        gained = 0.0 if own.gain is None else held * along(own.gain, 0, held.ndim)
        return torch.zeros_like(held) + gained + own.product + (0.0 if own.full is None else own.full)

    def to(self, device: torch.device | str) -> Change:
        """Give it on a device."""
        held = {each.name: getattr(self, each.name) for each in fields(self)}
        return Change(**{name: part if part is None else part.to(device) for name, part in held.items()})


def change_of(parts: Parts, scale: float, weight: Tensor) -> Change:
    """Make the change of a layer out of its parts; weight (out, in, ...): the layer's own, which a DoRA is measured by.

    Raises RuntimeError for parts whose shapes do not go together or with the weight.
    """
    shape = tuple(weight.shape)
    parts = {name: part.to(weight.device, torch.float32) for name, part in parts.items()}
    down, up = low_rank(parts, scale, shape) if "down" in parts else (None, None)
    whole = [kind(parts, scale, shape) for part, kind in WHOLE_KINDS.items() if part in parts]
    full = torch.stack([fitted(each, shape) for each in whole]).sum(0) if whole else None
    if (bias := bias_of(parts, scale)) is not None:
        fitted(bias, shape[:1])
    plain = Change(down, up, full=full, bias=bias)
    return decomposed(plain, parts, weight) if DORA & parts.keys() else plain


def bias_of(parts: Parts, scale: float) -> Tensor | None:
    """Give the change of a layer's bias (out,): PEFT's is scaled as its product is, a whole one is not."""
    scaled = [scale * parts["up_bias"].float().flatten()] if "up_bias" in parts else []
    whole = [parts["diff_b"].float().flatten()] if "diff_b" in parts else []
    return torch.stack(scaled + whole).sum(0) if scaled or whole else None


def low_rank(parts: Parts, scale: float, shape: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """Give (down, scaled up) of a LoRA as kernels of the weight's: a 1x1 convolution is a linear layer, and back."""
    down, up = parts["down"].flatten(1), parts["up"].flatten(1)
    if up.shape != (shape[0], len(down)):
        raise RuntimeError(f"up {tuple(up.shape)}")
    if "mid" in parts:
        down = torch.einsum("pq...,qc->pc...", parts["mid"], down)
    return down.reshape(len(down), *shape[1:]), scale * up.reshape(*up.shape, *(1 for _ in shape[2:]))


def hadamard(parts: Parts, scale: float, shape: tuple[int, ...]) -> Tensor:
    """Give a LoHa's product of two products."""
    first, second = (rebuilt(parts[f"hada_w{n}_a"], parts[f"hada_w{n}_b"], parts.get(f"hada_t{n}")) for n in (1, 2))
    return scale * first * second


def kronecker(parts: Parts, scale: float, shape: tuple[int, ...]) -> Tensor:
    """Give a LoKr's Kronecker product; a convolution's kernel belongs to the second factor."""
    first = parts["lokr_w1"] if "lokr_w1" in parts else parts["lokr_w1_a"] @ parts["lokr_w1_b"]
    if "lokr_w2" in parts:
        second = parts["lokr_w2"]
    else:
        second = rebuilt(parts["lokr_w2_a"], parts["lokr_w2_b"], parts.get("lokr_t2"))
        second = second.reshape(len(second), shape[1] // first.shape[1], *shape[2:])
    first = first.reshape(*first.shape, *(1 for _ in second.shape[2:]))
    return scale * torch.kron(first, second.contiguous())


def rebuilt(a: Tensor, b: Tensor, core: Tensor | None) -> Tensor:
    """Give a · b, or around a Tucker core (r, r, ...) its product with a (r, out) and b (r, in)."""
    return a.flatten(1) @ b.flatten(1) if core is None else torch.einsum("ij...,ip,jr->pr...", core, a, b)


def embedding(parts: Parts, scale: float, shape: tuple[int, ...]) -> Tensor:
    """Give the change of an embedding (words, width), whose parts PEFT holds turned."""
    return scale * (parts["embedding_up"] @ parts["embedding_down"]).T


def difference(parts: Parts, scale: float, shape: tuple[int, ...]) -> Tensor:
    """Give what the file holds; it has no rank, and no strength but its own."""
    return parts["diff"]


# Part that a kind cannot be without -> what makes the change of a whole weight of it.
WHOLE_KINDS = {"hada_w1_a": hadamard, "lokr_w2_a": kronecker, "lokr_w2": kronecker}
WHOLE_KINDS |= {"embedding_down": embedding, "diff": difference}


def fitted(change: Tensor, shape: tuple[int, ...]) -> Tensor:
    """Give a change in the shape of the weight, if it is one of that weight."""
    if change.shape[:1] != shape[:1] or change.numel() != torch.Size(shape).numel():
        raise RuntimeError(f"{tuple(change.shape)}")
    return change.reshape(shape)


def decomposed(plain: Change, parts: Parts, weight: Tensor) -> Change:
    """Give a DoRA: the weight and its change together, of the trained magnitude.

    PEFT's magnitudes are of outputs (of an embedding's numbers), kohya's and LyCORIS's of outputs or inputs, by shape.
    """
    held = weight.float()
    changed = held + plain.of_weight(held)
    magnitude = parts["magnitude" if "magnitude" in parts else "dora_scale"]
    outputs = "dora_scale" not in parts and "embedding_down" not in parts
    axis = 0 if outputs or ("dora_scale" in parts and magnitude.shape[0] == len(held)) else 1
    norm = changed.transpose(0, axis).flatten(1).norm(dim=1)
    if magnitude.numel() != len(norm):
        raise RuntimeError(f"magnitudes {tuple(magnitude.shape)}")
    ratio = magnitude.flatten() / (norm + EPS)
    if axis:
        return Change(full=changed * along(ratio, 1, held.ndim) - held, bias=plain.bias)
    up = None if plain.up is None else plain.up * along(ratio, 0, plain.up.ndim)
    full = None if plain.full is None else plain.full * along(ratio, 0, held.ndim)
    return Change(plain.down, up, ratio - 1, full, plain.bias)


def along(numbers: Tensor, axis: int, dimensions: int) -> Tensor:
    """Give numbers as a tensor of so many dimensions, lying along one of them."""
    return numbers.reshape([-1 if each == axis else 1 for each in range(dimensions)])
