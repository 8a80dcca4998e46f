"""LoRAs (arXiv 2106.09685): learned styles beside a network's layers, at a weight of its own for every row of a batch.

A layer with LoRAs gives base(x) + up(w * down(x)): the down- and up-projections of all its LoRAs stand one after the
other in two small layers, and w, one number a row and rank, says how much of each a row takes. So rows, and sessions,
that play one network at the same time have their own styles, a change of weight costs nothing, and weight 0 for all
skips the two layers. A file is read whole and checked against the network before anything is changed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from studio.models.errors import CheckpointError

DOWN = (".lora_down.weight", ".lora_A.weight", ".lora_A.default.weight", ".lora.down.weight", "_lora.down.weight")
UP = (".lora_up.weight", ".lora_B.weight", ".lora_B.default.weight", ".lora.up.weight", "_lora.up.weight")
DOWN += (".lora_linear_layer.down.weight",)
UP += (".lora_linear_layer.up.weight",)
ENDINGS = {"down": DOWN, "up": UP, "alpha": (".alpha",)}
# How trainers begin the names of the layers of each network: kohya's, then diffusers' and PEFT's.
BEGINNINGS = {
    "lora_unet_": "unet",
    "lora_te1_": "text_encoder",
    "lora_te2_": "text_encoder_2",
    "lora_te_": "text_encoder",
    "unet.": "unet",
    "text_encoder_2.": "text_encoder_2",
    "text_encoder.": "text_encoder",
    "base_model.model.": "unet",
}
OTHER_KINDS = {
    "dora_scale": "DoRA",
    "hada_": "LoHa",
    "lokr_": "LoKr",
    "lora_mid": "LoCon with a middle",
    "oft_": "OFT",
}

Place = tuple[str, str]  # a network's name and the name of a layer in it


@dataclass(frozen=True, eq=False)
class Delta:
    """What a LoRA adds to one layer: scale * up @ down. down (r, in, ...), up (out, r, ...), float32."""

    down: Tensor
    up: Tensor
    scale: float

    @property
    def rank(self) -> int:
        return self.down.shape[0]

    def weight(self, like: Tensor) -> Tensor:
        """Give the change of the layer's weight, of its shape, float32."""
        return (self.scale * self.up.flatten(1) @ self.down.flatten(1)).reshape(like.shape)


def read(path: Path, nets: Mapping[str, nn.Module]) -> dict[Place, Delta]:
    """Read what the LoRA in a file (or a folder of just one) adds to which layers of the networks, by their names.

    Names and shapes are checked: CheckpointError for another kind of file, or a LoRA trained for another base.
    """
    path = lora_file(Path(path))
    tensors, metadata = read_file(path)
    layers = {name: aliases(net) for name, net in nets.items()}
    found: dict[Place, dict[str, Tensor]] = {}
    for key, tensor in tensors.items():
        stem, part = split_key(key, path)
        found.setdefault(find_layer(stem, layers, path), {})[part] = tensor.float()
    deltas: dict[Place, Delta] = {}
    for (net, layer), parts in found.items():
        if "down" not in parts or "up" not in parts:
            raise CheckpointError(
                f"LoRA {path.name} has only {', '.join(sorted(parts))} of layer {net}.{layer}; get it again"
            )
        deltas[net, layer] = delta_of(parts, nets[net].get_submodule(layer), metadata.get(net, {}), layer, path)
    return deltas


def lora_file(path: Path) -> Path:
    """Give the file itself, or the only safetensors file in a folder."""
    if not path.is_dir():
        return path
    inside = sorted(path.glob("*.safetensors"))
    if len(inside) != 1:
        names = ", ".join(file.name for file in inside) or "none"
        raise CheckpointError(f"a LoRA's folder holds one safetensors file, {path} holds {names}; name the file")
    return inside[0]


def read_file(path: Path) -> tuple[dict[str, Tensor], dict[str, dict]]:
    """Read the tensors of a safetensors file, and diffusers' notes on the scale of each network's layers, if there."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118, it is no dict
            notes = (file.metadata() or {}).get("lora_adapter_metadata")
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"LoRA {path} cannot be read: {error}; it must be a whole safetensors file") from error
    if not tensors:
        raise CheckpointError(f"LoRA {path} is empty; get it again")
    metadata: dict[str, dict] = {}
    for name, value in json.loads(notes or "{}").items():
        net, _, setting = name.partition(".")
        metadata.setdefault(net, {})[setting] = value
    return tensors, metadata


def split_key(key: str, path: Path) -> tuple[str, str]:
    """Split a key into its layer, as its trainer names it, and which part of the LoRA it is."""
    for part, endings in ENDINGS.items():
        for ending in endings:
            if key.endswith(ending):
                return key.removesuffix(ending), part
    kind = next((name for mark, name in OTHER_KINDS.items() if mark in key), None)
    if kind:
        raise CheckpointError(f"{path.name} is a {kind} (it has {key}); possible: plain LoRA, kohya's or diffusers'")
    raise CheckpointError(f"{path.name} is no LoRA: it has {key}, which is none of lora_down, lora_up, lora_A, lora_B")


def find_layer(stem: str, layers: Mapping[str, Mapping[str, str]], path: Path) -> Place:
    """Find where a layer of a LoRA is in the networks."""
    starts = (start for start in BEGINNINGS if stem.startswith(start))
    beginning = next(starts, "")
    net = BEGINNINGS.get(beginning, "unet")
    flat = flat_name(stem.removeprefix(beginning))
    if net not in layers or flat not in layers[net]:
        raise CheckpointError(
            f"LoRA {path.name} is for another base: it has layer {stem}, and this model's {net} "
            f"{'has none of that name' if net in layers else 'does not exist'}; use one trained on this family"
        )
    return net, layers[net][flat]


def flat_name(name: str) -> str:
    """Write a layer's name as one word, whoever wrote it: attn1.processor.to_out and attn1.to_out.0 are the same."""
    flat = name.replace(".processor", "").replace(".", "_").removeprefix("text_model_")
    return flat + "_0" if flat.endswith("to_out") else flat


def aliases(net: nn.Module) -> dict[str, str]:
    """Give the names a LoRA may call a network's layers by, flattened -> the layer's own."""
    own = {flat_name(name): name for name, layer in net.named_modules() if isinstance(layer, nn.Linear | nn.Conv2d)}
    attention = {
        f"{flat.removesuffix(theirs)}{kohyas}": name
        for flat, name in own.items()
        for theirs, kohyas in (("q_proj", "to_q"), ("k_proj", "to_k"), ("v_proj", "to_v"), ("out_proj", "to_out_0"))
        if flat.endswith(theirs)
    }
    blocks = dict(sgm_names(net)) if "down_blocks" in dict(net.named_children()) else {}
    sgm = {flat: own[name] for flat, name in blocks.items() if name in own}
    return {**sgm, **attention, **own}


def sgm_names(unet: Any) -> Iterator[tuple[str, str]]:
    """Yield (name, flattened own name) of a UNet's layers in Stability's own code, which kohya's SDXL LoRAs use."""
    pairs = {"conv_in": "input_blocks_0_0", "conv_out": "out_2"}
    pairs |= {f"time_embedding_linear_{n}": f"time_embed_{2 * n - 2}" for n in (1, 2)}
    pairs |= {f"add_embedding_linear_{n}": f"label_emb_0_{2 * n - 2}" for n in (1, 2)}
    each = unet.config["layers_per_block"]
    for block, held in enumerate(unet.down_blocks):
        for layer in range(len(held.resnets)):
            place = f"input_blocks_{1 + block * (each + 1) + layer}"
            pairs |= {f"down_blocks_{block}_resnets_{layer}": f"{place}_0"}
            pairs |= {f"down_blocks_{block}_attentions_{layer}": f"{place}_1"}
        pairs[f"down_blocks_{block}_downsamplers_0_conv"] = f"input_blocks_{(block + 1) * (each + 1)}_0_op"
    pairs |= {"mid_block_resnets_0": "middle_block_0", "mid_block_attentions_0": "middle_block_1"}
    pairs["mid_block_resnets_1"] = "middle_block_2"
    for block, held in enumerate(unet.up_blocks):
        for layer in range(len(held.resnets)):
            place = f"output_blocks_{block * (each + 1) + layer}"
            pairs |= {f"up_blocks_{block}_resnets_{layer}": f"{place}_0"}
            pairs |= {f"up_blocks_{block}_attentions_{layer}": f"{place}_1"}
        above = 2 if getattr(held, "attentions", None) else 1
        pairs[f"up_blocks_{block}_upsamplers_0_conv"] = f"output_blocks_{block * (each + 1) + each}_{above}_conv"
    inside = {"conv1": "in_layers_2", "conv2": "out_layers_3", "time_emb_proj": "emb_layers_1"}
    inside["conv_shortcut"] = "skip_connection"
    for name, _ in unet.named_modules():
        flat = flat_name(name)
        ours = next((start for start in pairs if flat == start or flat.startswith(start + "_")), None)
        if ours is not None:
            rest = flat.removeprefix(ours).removeprefix("_")
            rest = inside.get(rest, rest) if "resnets" in ours else rest
            yield f"{pairs[ours]}_{rest}".removesuffix("_"), flat


def delta_of(parts: Mapping[str, Tensor], layer: Any, metadata: Mapping, name: str, path: Path) -> Delta:
    """Give the parts as what they add to a layer, if their shapes are the layer's."""
    shape = layer.weight.shape
    down, up = (as_kernel(parts[part], len(shape)) for part in ("down", "up"))
    rank = down.shape[0]
    wanted = ((rank, *shape[1:]), (shape[0], rank, *(1 for _ in shape[2:])))
    if (tuple(down.shape), tuple(up.shape)) != wanted:
        raise CheckpointError(
            f"LoRA {path.name} is for another base: its layer {name} is {up.shape[0]} from {tuple(down.shape[1:])} "
            f"(rank {rank}, up {tuple(up.shape)}), the model's {shape[0]} from {tuple(shape[1:])}; "
            "use one trained on this family"
        )
    if metadata.get("use_rslora") or metadata.get("use_dora"):
        raise CheckpointError(f"{path.name} is an rsLoRA or DoRA; possible: plain LoRA, kohya's or diffusers'")
    pattern = metadata.get("alpha_pattern") or {}
    alpha = parts["alpha"].item() if "alpha" in parts else pattern.get(name, metadata.get("lora_alpha", rank))
    return Delta(down, up, float(alpha) / rank)


def as_kernel(tensor: Tensor, dimensions: int) -> Tensor:
    """Give as many dimensions as the layer's weight has: a 1x1 convolution's is a linear layer's, and the other way."""
    if dimensions == 2 and tensor.ndim == 4 and tensor.shape[2:] == (1, 1):
        return tensor[:, :, 0, 0]
    return tensor[:, :, None, None] if dimensions == 4 and tensor.ndim == 2 else tensor


@torch.no_grad()
def fuse(nets: Mapping[str, nn.Module], deltas: Mapping[Place, Delta], weight: float = 1.0) -> None:
    """Add a LoRA to the layers' weights, for good."""
    for (net, name), delta in deltas.items():
        held: Tensor = nets[net].get_submodule(name).weight  # type: ignore[assignment]
        held.copy_(held.float() + weight * delta.weight(held).to(held.device))


class Mix:
    """How much of each LoRA the rows of the present forward take; one for all layers, set around the forward."""

    def __init__(self) -> None:
        self.weights: Tensor | None = None  # (rows, LoRAs), on the layers' device and in their dtype

    def set(self, weights: Tensor | None, device: torch.device, dtype: torch.dtype) -> None:
        """Set the weights (rows, LoRAs) of a forward, given on the CPU; None, or all 0, for none."""
        self.weights = weights.to(device, dtype) if weights is not None and weights.any() else None


class Adapted(nn.Module):
    """A linear or convolutional layer with LoRAs beside it. deltas: (place in the mix, what it adds), one or more."""

    down: Tensor
    up: Tensor
    owner: Tensor

    def __init__(self, base: nn.Linear | nn.Conv2d, deltas: Sequence[tuple[int, Delta]], mix: Mix):
        super().__init__()
        self.base, self.mix = base, mix
        like = base.weight
        down = torch.cat([delta.down for _, delta in deltas])
        up = torch.cat([delta.scale * delta.up for _, delta in deltas], 1)
        owner = torch.tensor(list(chain.from_iterable([place] * delta.rank for place, delta in deltas)))
        dtype = like.dtype if like.is_floating_point() else torch.float32
        self.register_buffer("down", down.to(like.device, dtype))
        self.register_buffer("up", up.to(like.device, dtype))
        self.register_buffer("owner", owner.to(like.device))

    @property
    def weight(self) -> Tensor:
        return self.base.weight

    @property
    def bias(self) -> Tensor | None:
        return self.base.bias

    def forward(self, x: Tensor) -> Tensor:
        """Run on (rows, ..., in) or (rows, in, h, w)."""
        out = self.base(x)
        if self.mix.weights is None:
            return out
        share = self.mix.weights[:, self.owner]  # (rows, ranks)
        if isinstance(self.base, nn.Linear):
            share = share.reshape(len(share), *(1 for _ in x.shape[2:]), -1)
            return out + F.linear(F.linear(x, self.down) * share, self.up)
        low = self.base._conv_forward(x, self.down, None)  # its stride and padding, of whatever kind
        return out + F.conv2d(low * share[:, :, None, None], self.up)


def adapt(nets: Mapping[str, nn.Module], loras: Sequence[Mapping[Place, Delta]]) -> Mix:
    """Put LoRAs beside the layers of networks; the mix says how much of each a row takes, nothing at first."""
    mix = Mix()
    for net, name in sorted({place for deltas in loras for place in deltas}):
        parts = [(number, deltas[net, name]) for number, deltas in enumerate(loras) if (net, name) in deltas]
        parent, _, attribute = name.rpartition(".")
        layer = nets[net].get_submodule(name)
        setattr(nets[net].get_submodule(parent), attribute, Adapted(layer, parts, mix))  # type: ignore[arg-type]
    return mix
