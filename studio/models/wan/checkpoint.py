"""Wan weights from the files they come in: diffusers folders and the original code's files, with a LoRA merged in.

Whatever the file, all of its weights are used, none is left over, none is made up: anything else is a
`CheckpointError`. Files are mapped into memory and read weight by weight, so that loading takes the memory of the net
in the dtype it is played in and little more.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from studio.models.errors import CheckpointError
from studio.models.finite import check_finite
from studio.models.json_file import read_json
from studio.models.libraries import Net
from studio.models.lora.names import WRAPPERS
from studio.models.lora.source import Tell
from studio.models.wan.lora import lora_merges
from studio.models.weight_files import VARIANTS, check_kind, check_scaled, first_few, misfits, read_file, variant_of
from studio.models.weight_files import weight_files as variant_files

if TYPE_CHECKING:
    from diffusers.models.transformers.transformer_wan import WanTransformer3DModel

log = logging.getLogger("studio")
SUFFIXES = (".safetensors", ".pt", ".pth", ".ckpt")
PREFIXES = ("base_model.model.", "model.diffusion_model.", "diffusion_model.", "transformer.", "model.", "module.")
ORIGINAL = (".self_attn.", ".cross_attn.")  # what only the original names have
PLAYED = "Played are text-to-video nets: Wan-AI/Wan2.1-T2V-1.3B-Diffusers with a student's file by --generator"
I2V = "an image-to-video net (I2V), which is told a first picture by channels and states of its own"
VACE = "VACE, which is told a control video by blocks of its own"
ANIMATE = "Wan-Animate, which is told a face and a pose by parts of its own"
ANYFLOW = "AnyFlow's causal net, which is opened by its own folder: give that with --model"
LORA = "a LoRA, which changes a net and is none: give it with --lora NAME=FILE"
# What a pipeline, a net's config, or the names of weights say that is not played.
OTHER_PIPELINES = {"WanImageToVideo": I2V, "WanVACE": VACE, "WanAnimate": ANIMATE, "WanSpeech": "speech to video (S2V)"}
OTHER_CONFIGS = {"image_dim": I2V, "added_kv_proj_dim": I2V, "vace_layers": VACE, "motion_encoder_dim": ANIMATE}
OTHER_NAMES = {
    "vace_blocks.": VACE,
    "vace_patch_embedding.": VACE,
    "img_emb.": I2V,
    "image_embedder.": I2V,
    "add_k_proj.": I2V,
    "motion_encoder.": ANIMATE,
    "delta_embedder.": ANYFLOW,
    ".lora_A.": LORA,
    ".lora_down.": LORA,
    "casual_audio_encoder.": "speech to video (S2V)",
}
EXACT = ("time_", "scale_shift_table")  # weights that stay float32, as `CausalWan.ready` has them
BLOCKS, BLOCK = 64, 1 << 16  # of a file that `fingerprint` reads


def load_transformer(
    base: Path,
    generator: Path | str | None,
    lora: Path | str | None,
    which: str | None,
    dtype: torch.dtype,
    tell: Tell = log.warning,
    config: dict[str, Any] | None = None,
) -> WanTransformer3DModel:
    """Load the transformer of a base folder, with the weights of `generator` in place of its own, and a LoRA merged in.

    which: the net to take from a file that holds several; without it `generator` if a LoRA is given (LongLive's was
    trained on that), else `generator_ema` (Self-Forcing's and Rolling Forcing's published results). tell: told what of
    a LoRA is left aside. config: the net's shape, where it is not what the files say.
    """
    from accelerate import init_empty_weights

    source = Path(generator) if generator else base / "transformer"
    config = config or read_config(source, base)
    with init_empty_weights():
        net: Net = build_transformer(config, source)
    shapes = {name: weight.shape for name, weight in net.state_dict().items()}
    preferred = (which,) if which else ("generator", "generator_ema")[:: 1 if lora else -1]
    chosen = select_net(read_weights(source), preferred, source)
    check_names(chosen, source, I2V if config.get("image_dim") else "")
    weights = rename_to_diffusers(chosen, source)
    check_fit(weights, shapes, source)
    changes = lora_merges(Path(lora), net, tell, read_lora_file) if lora else {}
    for name in list(weights):
        weight = weights[name]
        check_finite([(name, weight)], source)
        if name in changes:
            weight = changes[name](weight)
        weights[name] = weight.to(torch.float32 if any(part in name for part in EXACT) else dtype)
    net.load_state_dict(weights, assign=True)
    return net.eval().requires_grad_(False)


def build_transformer(config: dict[str, Any], source: Path) -> Net:
    """A WanTransformer3DModel of a config; CheckpointError for a config that diffusers cannot build it from."""
    from diffusers.models.transformers.transformer_wan import WanTransformer3DModel

    try:
        return WanTransformer3DModel.from_config(config)
    except Exception as error:  # what a broken config raises in the library is any of a dozen kinds
        raise CheckpointError(
            f"the config.json of {source} is none that a WanTransformer3DModel can be made from "
            f"({type(error).__name__}: {error}); download it again"
        ) from error


def read_config(source: Path, base: Path) -> dict[str, Any]:
    """Read the transformer's shape: the config.json beside its weights, else the base folder's."""
    for folder in (source, source / "transformer", base / "transformer"):
        if (folder / "config.json").is_file():
            config = read_json(folder / "config.json")
            name = str(config.get("_class_name"))
            if what := {"WanVACETransformer3DModel": VACE, "WanAnimateTransformer3DModel": ANIMATE}.get(name):
                raise CheckpointError(f"{folder} is {what} ({name}). {PLAYED}")
            if name.endswith("WanTransformer3DModel"):
                return config
    raise CheckpointError(
        f"no transformer/config.json of a WanTransformer3DModel in {base}: the shape of the net is read from it. "
        "Give a Wan folder in diffusers' layout, such as Wan-AI/Wan2.1-T2V-1.3B-Diffusers, as base."
    )


def check_playable(base: Path, generator: Path | str | None) -> None:
    """Raise CheckpointError for a Wan that is more, or other, than one text-to-video net: what it is, what would do."""
    index = read_json(base / "model_index.json") if (base / "model_index.json").is_file() else {}
    pipeline = str(index.get("_class_name"))
    second = index.get("transformer_2")
    if (isinstance(second, list) and any(second)) or (base / "transformer_2").is_dir():
        raise CheckpointError(
            f"{base} is a {pipeline} of two transformers, one for high and one for low noise (Wan 2.2 A14B), and one "
            f"is played: half of it would be left out. {PLAYED}"
        )
    if what := next((what for name, what in OTHER_PIPELINES.items() if pipeline.startswith(name)), ""):
        raise CheckpointError(f"{base} is a {pipeline}: {what}. {PLAYED}")
    config = read_config(Path(generator or base), base)
    if what := next((what for key, what in OTHER_CONFIGS.items() if config.get(key)), ""):
        raise CheckpointError(f"{generator or base} is {what}. {PLAYED}")


def check_names(names: Iterable[str], source: Path, wanted: str = "") -> None:
    """Raise CheckpointError for weights that are of another kind of Wan net than is wanted, by their names."""
    names = list(names)
    check_scaled(names, source.name)
    others = {part: what for part, what in OTHER_NAMES.items() if what != wanted}
    if what := next((what for part, what in others.items() if any(part in name for name in names)), ""):
        raise CheckpointError(f"{source.name} is {what}. {PLAYED}")


# Files


def weight_files(source: Path) -> list[Path]:
    """List the files a checkpoint consists of: itself, or a folder's one file, or its shards."""
    if source.is_file():
        return [source]
    if not source.is_dir():
        raise CheckpointError(f"there is no file or folder {source}; give the path of a checkpoint, or download it")
    folder = source / "transformer" if (source / "transformer").is_dir() else source
    if indexes := sorted(folder.glob("*.safetensors.index.json")):
        return shards(indexes[0])
    if any(variant_of(path) in VARIANTS[1:] for path in folder.glob("*.safetensors")):
        return variant_files(folder)[1]
    files = sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES)
    for path in () if files else folder.rglob("*.gguf"):
        check_kind(path)
    if len(files) != 1:
        found = ", ".join(str(path.relative_to(folder)) for path in files[:4]) or "none"
        raise CheckpointError(
            f"{folder} should hold one file of weights ({', '.join(SUFFIXES)}) or an index of shards; it has: {found}. "
            "Give the path of the file itself."
        )
    return files


def shards(index: Path) -> list[Path]:
    """List the files an index names, all of them there."""
    names = sorted(set(read_json(index).get("weight_map", {}).values()))
    missing = [name for name in names if not (index.parent / name).is_file()]
    if missing or not names:
        raise CheckpointError(
            f"{index.parent} lacks {len(missing)} of its {len(names)} shards: {first_few(missing)}. "
            "Download them into that folder."
        )
    return [index.parent / name for name in names]


def read_weights(source: Path) -> dict[str, Any]:
    """Read all that a checkpoint's files hold, by name; several nets are dicts in the dict."""
    state: dict[str, Any] = {}
    for path in weight_files(source):
        state |= read_file(path)
    return state


def select_net(state: Mapping[str, Any], names: Sequence[str], source: Path) -> dict[str, Tensor]:
    """Take the first of the named nets that a file holds, or its only one; a file that is one net as it is."""
    nets = {name: net for name, net in state.items() if isinstance(net, Mapping)}
    if nets:
        chosen = next((name for name in names if name in nets), None)
        if chosen is None and (len(nets) > 1 or len(names) == 1):
            raise CheckpointError(
                f"{source.name} holds {', '.join(nets)}, asked for was {' or '.join(names) or 'one net'}. "
                f'Say which to take, as in which="{next(iter(nets))}".'
            )
        return select_net(nets[chosen], (), source) if chosen else select_net(next(iter(nets.values())), names, source)
    if strange := [name for name, weight in state.items() if not isinstance(weight, Tensor)]:
        raise CheckpointError(
            f"{source.name} holds things that are no weights: {first_few(strange)}. Give a state dict."
        )
    return dict(state)


# Names


def strip_prefixes(names: Iterable[str]) -> dict[str, str]:
    """Map names in the file to names without the wrappers and the prefixes that all names share."""
    names = list(names)
    short = list(names)
    for wrapper in WRAPPERS:
        short = [name.replace(wrapper, "") for name in short]
    while prefix := next((p for p in PREFIXES if short and all(name.startswith(p) for name in short)), None):
        short = [name.removeprefix(prefix) for name in short]
    return dict(zip(names, short))


def diffusers_names(names: Iterable[str]) -> dict[str, str]:
    """Map names in the file to diffusers' names, whether the file has the original code's names or diffusers' own."""
    from diffusers.loaders.single_file_utils import convert_wan_transformer_to_diffusers

    short = strip_prefixes(names)
    if not any(part in name for name in short.values() for part in ORIGINAL):
        return short
    renamed = convert_wan_transformer_to_diffusers({name: name for name in short.values()})
    new = {old: name for name, old in renamed.items()}
    return {name: new[old] for name, old in short.items()}


def rename_to_diffusers(weights: Mapping[str, Tensor], source: Path) -> dict[str, Tensor]:
    """Put the weights under diffusers' names."""
    names = diffusers_names(weights)
    if len(set(names.values())) < len(names):
        twice = [name for name in names if list(names.values()).count(names[name]) > 1]
        raise CheckpointError(f"{source.name} holds weights twice: {first_few(twice)}. Give a file of one net.")
    return {names[name]: weight for name, weight in weights.items()}


def check_fit(weights: Mapping[str, Tensor], shapes: Mapping[str, torch.Size], source: Path) -> None:
    """Raise unless every weight of the net is there, in its shape, and nothing else."""
    text = misfits(weights, shapes)
    if not text:
        return
    if not any(name in weights for name in shapes):
        todo = f"Its names are not Wan's; known before them are the prefixes {', '.join(PREFIXES + WRAPPERS)}"
    else:
        todo = "It is incomplete or made for a net of another size; get the checkpoint made for this base"
    raise CheckpointError(f"{source.name} does not fit the base's {len(shapes)} weights: {text}. {todo}.")


def read_lora_file(path: Path) -> dict[str, Tensor]:
    """Read a trainer's .pt of a LoRA: a state dict, or LongLive's, which holds the critic's beside the generator's."""
    return select_net(read_weights(path), ("generator_lora",), path)


def fingerprint(*sources: Path | str | None) -> str:
    """Give 12 hex digits that tell checkpoints apart: sha256 over each file's size and 64 blocks spread evenly over it.

    Not over every byte: the files of one model are 20 GB, and whoever trains on changes all weights.
    """
    digest = hashlib.sha256()
    for source in filter(None, sources):
        for path in weight_files(Path(source)):
            size = path.stat().st_size
            digest.update(str(size).encode())
            with path.open("rb") as file:
                for place in sorted({size * block // BLOCKS for block in range(BLOCKS)}):
                    file.seek(place)
                    digest.update(file.read(BLOCK))
    return digest.hexdigest()[:12]
