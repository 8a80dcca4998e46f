"""A LoRA read whole and checked against the networks it is for, before anything is changed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from torch import Tensor, nn

from studio.models.errors import CheckpointError
from studio.models.file_kinds import is_whole_checkpoint
from studio.models.file_kinds import kind_of as kind_of_file
from studio.models.libraries import Net
from studio.models.lora.change import Change, bias_of, change_of
from studio.models.lora.names import Names, Place
from studio.models.lora.parts import DORA, UNKNOWN, WHOLE_WEIGHTS, is_whole, kind_of, other_kind, split_key
from studio.models.lora.source import ReadPickled, Source, Tell, open_sources
from studio.models.lora.strength import rank_of, scale_of

LONE = {"diff", "diff_b"}  # parts that are left aside where they do not fit: the rest is no less for it
NO_BIAS = {"diff_b", "up_bias"}


@dataclass(frozen=True, eq=False)
class Trained:
    """What was trained for one layer: its parts, and their strength; a change beside the layer's weight."""

    parts: Mapping[str, Tensor]
    scale: float

    def change(self, weight: Tensor) -> Change:
        """Make the change of a layer of this weight."""
        return change_of(self.parts, self.scale, weight)

    @property
    def is_idle(self) -> bool:
        """Whether it is a product of nothing, or by nothing: of an untrained file, or of one whose alpha is 0."""
        if self.parts.keys() - {"down", "up", "alpha"}:
            return False
        return not self.scale or not all(bool(self.parts[name].float().any()) for name in ("down", "up"))

    @property
    def bias(self) -> Tensor | None:
        """What is added to the layer's bias."""
        return bias_of(self.parts, self.scale)


@dataclass(eq=False)
class Layer:
    """The parts that a file holds of one layer: its trainer's name, the network and the name in it, and its place."""

    stem: str
    net: str
    name: str
    place: Place | None
    parts: dict[str, Tensor] = field(default_factory=dict)


class Aside:
    """What of a LoRA is not played: how many keys of each kind, and one of them."""

    def __init__(self) -> None:
        self.keys: Counter[str] = Counter()
        self.first: dict[str, str] = {}

    def add(self, kind: str, key: str, number: int = 1) -> None:
        """Note keys of a kind."""
        self.keys[kind] += number
        self.first.setdefault(kind, key)

    def __str__(self) -> str:
        return "; ".join(f"{number} of {kind} (as {self.first[kind]})" for kind, number in self.keys.items())


class Lora(NamedTuple):
    """A LoRA: what was trained for which layers, and the tensors that its family reads itself, by their keys."""

    layers: dict[Place, Trained]
    others: dict[str, Tensor]


def read_lora(
    path: Path, nets: Mapping[str, nn.Module], names: Names, tell: Tell, read_pickled: ReadPickled | None = None
) -> Lora:
    """Read what a LoRA makes of which layers of the networks; the networks may be on the meta device.

    path: a file, a folder of one, or of one for each network. tell: told, in words for a person, what is left aside.
    read_pickled: reads a trainer's .pt files, where the family has such. Raises CheckpointError for another kind of
    file, broken ones, numbers that are not finite, or a LoRA trained for another base.
    """
    found: dict[Place, Trained] = {}
    others: dict[str, Tensor] = {}
    for source in open_sources(path, tell, read_pickled):
        aside = Aside()
        others |= {key: held for key, held in source.tensors.items() if any(mark in key for mark in names.others)}
        layers = layers_of(source, names, aside)
        fitting = check_layers(layers, source, nets, names, aside)
        if is_dora(source) and not any(DORA & layer.parts.keys() for layer in fitting):
            tell(f"LoRA {source.path.name} is noted as a DoRA and holds no magnitudes: it plays as a plain LoRA")
        here = by_place(fitting, aside)
        changes = {place: trained(layer, source) for place, layer in here.items()}
        found |= changes
        if changes and all(each.is_idle for each in changes.values()):
            tell(f"LoRA {source.path.name} changes nothing: the strength (alpha) or a factor of every layer is 0")
        if aside.keys:
            tell(f"LoRA {source.path.name}: what cannot be played is left aside, the rest plays: {aside}")
    return Lora(found, others)


def by_place(layers: Sequence[Layer], aside: Aside) -> dict[Place, Layer]:
    """Give layers by their places; of one that a file holds under two names (Stability's and diffusers') the first."""
    found: dict[Place, Layer] = {}
    for layer in layers:
        place = layer.place or ("", "")
        if found.setdefault(place, layer) is not layer:
            aside.add("layers that stand there by another name", layer.stem, len(layer.parts))
    return found


def is_dora(source: Source) -> bool:
    """Whether a file is noted as a DoRA."""
    return any(settings.get("use_dora") for settings in source.notes.values())


def trained(layer: Layer, source: Source) -> Trained:
    """Give the parts of a layer with the strength they were trained at."""
    net, own = layer.place or ("", "")
    called = (layer.name, own, f"{net}.{own}")
    return Trained(layer.parts, scale_of(layer.parts, called, source.settings(net)))


def layers_of(source: Source, names: Names, aside: Aside) -> list[Layer]:
    """Gather a file's parts by layer; keys of no part are put aside, and a file of nothing else is refused."""
    layers: dict[str, Layer] = {}
    for key, tensor in source.tensors.items():
        if any(mark in key for mark in names.others):
            continue
        if (found := split_key(key)) is None:
            aside.add(other_kind(key), key)
            continue
        stem, part = found
        if stem not in layers:
            net, name = names.split(stem, source.net)
            layers[stem] = Layer(stem, net, name, names.find(net, name))
        layers[stem].parts[part] = tensor
    if not any(layer.parts.keys() - {"alpha"} for layer in layers.values()):
        first = next(iter(aside.first.items()), ("", "nothing"))
        raise CheckpointError(nothing_played(source, first))
    return list(layers.values())


def nothing_played(source: Source, first: tuple[str, str]) -> str:
    """Say what a file is that has no part of a LoRA; first: a kind of key in it, and such a key."""
    (kind, key), path = first, source.path
    if kind in ("", UNKNOWN, WHOLE_WEIGHTS):
        what, _ = kind_of_file([name for name in source.tensors if not name.startswith("lora_")])
        if what:
            return f"{path.name} is no LoRA but {what}; give a file of lora_down, lora_up or lora_A, lora_B"
        if is_whole_checkpoint(source.tensors):
            return f"{path.name} is no LoRA but a whole checkpoint; give it as --model, or a LoRA of it as --lora"
        return f"{path.name} is no LoRA: it has {key}, which is none of lora_down, lora_up, lora_A, lora_B"
    return f"{path.name} is a LoRA of another kind, {kind} (it has {key}); possible: LoRA, LoCon, LoHa, LoKr, DoRA"


def check_layers(
    layers: Sequence[Layer], source: Source, nets: Mapping[str, nn.Module], names: Names, aside: Aside
) -> list[Layer]:
    """Give the layers that the networks have; CheckpointError where others say that it is for another base."""
    known = [layer for layer in layers if layer.place is not None]
    strange = [layer for layer in layers if layer.place is None]
    unknown = [layer for layer in strange if not is_sibling(layer, nets, names)]
    wrong = [unknown_layer(layer, nets) for layer in unknown]
    wrong += [misfit for layer in known if (misfit := misfit_of(layer, source, nets, aside))]
    fitting = [layer for layer in known if layer.parts]
    if not wrong and not fitting:
        wrong = [unknown_layer(layer, nets) for layer in strange] or [f"it has {aside}"]
    if wrong:
        kind = kind_of(layers[0].parts)
        said = f"LoRA {source.path.name} is" if kind == "LoRA" else f"{source.path.name} is a {kind}"
        raise CheckpointError(
            f"{said} for another base: {wrong[0]} ({len(wrong)} of its {len(layers)} layers do not fit); "
            "use one trained on this family"
        )
    for layer in strange:
        aside.add(names.sibling(layer.name) or f"a {layer.net}, which this model has not", layer.stem, len(layer.parts))
    return fitting


def is_sibling(layer: Layer, nets: Mapping[str, nn.Module], names: Names) -> bool:
    """Whether a layer is of a network that this model does not have, or of a layer that only its siblings have."""
    return bool(names.sibling(layer.name)) or bool(layer.net and layer.net not in nets)


def unknown_layer(layer: Layer, nets: Mapping[str, nn.Module]) -> str:
    """Say that no network has a layer of this name."""
    net = layer.net or next(iter(nets))
    lacks = "has none of that name" if net in nets else "does not exist"
    return f"it has layer {layer.stem}, and this model's {net} {lacks}"


def misfit_of(layer: Layer, source: Source, nets: Mapping[str, nn.Module], aside: Aside) -> str:
    """Say why a layer's parts do not go with the layer of that name; "" if they do.

    What is left aside is taken out of its parts. Raises CheckpointError for parts that lack their fellows.
    """
    net, own = layer.place or ("", "")
    held: Net = nets[net].get_submodule(own)
    if not is_whole(layer.parts):
        only = ", ".join(sorted(layer.parts))
        raise CheckpointError(f"LoRA {source.path.name} has only {only} of layer {net}.{own}; get it again")
    if (alpha := layer.parts.get("alpha")) is not None and alpha.numel() != 1:
        raise CheckpointError(
            f"LoRA {source.path.name} has an alpha of {alpha.numel()} numbers for layer {net}.{own}; one is possible"
        )
    if getattr(held, "bias", None) is None:
        for part in NO_BIAS & layer.parts.keys():
            del layer.parts[part]
            aside.add("biases of layers that have none", layer.stem)
    shape = tuple(held.weight.shape)
    try:
        change_of({name: part.to("meta") for name, part in layer.parts.items()}, 1.0, held.weight.to("meta"))
    except (RuntimeError, IndexError):
        if layer.parts.keys() <= LONE:
            aside.add("whole changes of layers of another shape", layer.stem, len(layer.parts))
            layer.parts.clear()
            return ""
        shapes = ", ".join(f"{name} {tuple(part.shape)}" for name, part in layer.parts.items() if part.ndim)
        return (
            f"its layer {own} is a {kind_of(layer.parts)} (rank {rank_of(layer.parts)}, {shapes}), the model's {shape}"
        )
    return ""
