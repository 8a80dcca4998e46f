"""AnyFlow-FAR's weights from the folders they come in: diffusers' own, or as NVIDIA's code wrote them."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from studio.models.errors import CheckpointError
from studio.models.finite import check_finite
from studio.models.json_file import read_json
from studio.models.libraries import Net
from studio.models.wan.checkpoint import check_fit, read_weights
from studio.models.weight_files import check_scaled

CLASSES = ("AnyFlowFARTransformer3DModel", "FAR_Wan_Transformer3DModel")  # diffusers', NVIDIA's
EXACT = ("time_", "delta_embedder", "scale_shift_table", ".norm2.")  # weights that stay float32
WANTED = "Give the folder of nvidia/AnyFlow-FAR-Wan2.1-1.3B-Diffusers"


def net_folder(base: Path, generator: Path | str | None) -> Path:
    """Give the folder of the transformer's config and weights; CheckpointError for a file."""
    source = Path(generator or base)
    if source.is_file():
        raise CheckpointError(f"{source} is one file, and AnyFlow's net has a config.json beside it. {WANTED}")
    return next((f for f in (source / "transformer", source) if (f / "config.json").is_file()), source / "transformer")


def read_far_config(base: Path, generator: Path | str | None) -> dict[str, Any]:
    """Read the net's shape; CheckpointError for a net that is no causal AnyFlow's, and for one of another layout."""
    folder = net_folder(base, generator)
    config = read_json(folder / "config.json")
    name = str(config.get("_class_name"))
    if name == "AnyFlowTransformer3DModel" or config.get("init_far_model") is False:
        raise CheckpointError(
            f"{folder} is AnyFlow's net for whole clips, which is not causal and not played. {WANTED}"
        )
    if name not in CLASSES:
        raise CheckpointError(f"{folder} holds a {name}, not {' or '.join(CLASSES)}. {WANTED}")
    if config.get("image_dim"):
        raise CheckpointError(f"{folder} is an image-to-video net, told a first picture by states of its own. {WANTED}")
    fine, coarse = (config.get(key) for key in ("patch_size", "compressed_patch_size"))
    if not fits_patches(fine, coarse):
        raise CheckpointError(
            f"{folder}: patches of {fine} and, seen coarsely, {coarse} are not played; (1, p, q) and multiples of it "
            "are. Download its config.json again"
        )
    return config


def fits_patches(fine: Any, coarse: Any) -> bool:
    """Whether a config's patches are (1, p, q) each, and the coarse ones so many fine ones wide and high."""
    for patch in (fine, coarse):
        if not isinstance(patch, list | tuple) or len(patch) != 3 or not all(type(n) is int and n > 0 for n in patch):
            return False
    return fine[0] == coarse[0] == 1 and not (coarse[1] % fine[1] or coarse[2] % fine[2])


def load_far_net(config: dict[str, Any], folder: Path, dtype: torch.dtype) -> Net:
    """Load the transformer of a folder: every weight used, none left over, none made up."""
    from accelerate import init_empty_weights

    with init_empty_weights():
        net = build(config, folder)
    state = read_weights(folder)
    check_scaled(list(state), folder.name)
    check_fit(state, {name: weight.shape for name, weight in net.state_dict().items()}, folder)
    check_finite(state.items(), folder)
    weights = {
        name: weight.to(torch.float32 if any(part in name for part in EXACT) else dtype)
        for name, weight in state.items()
    }
    net.load_state_dict(weights, assign=True)
    return net.eval().requires_grad_(False)


def build(config: dict[str, Any], folder: Path) -> Net:
    """An AnyFlowFARTransformer3DModel of a config; CheckpointError where diffusers has none or cannot build it."""
    try:
        from diffusers.models.transformers.transformer_anyflow_far import AnyFlowFARTransformer3DModel
    except ImportError as error:
        raise CheckpointError('AnyFlow needs diffusers 0.39 or later: pip install -U "diffusers>=0.39"') from error
    make: Callable[..., Any] = AnyFlowFARTransformer3DModel
    known = inspect.signature(AnyFlowFARTransformer3DModel.__init__).parameters
    try:
        return make(**{name: value for name, value in config.items() if name in known and value is not None})
    except Exception as error:  # what a broken config raises in the library is any of a dozen kinds
        raise CheckpointError(
            f"the config.json of {folder} is none that AnyFlow's net can be made from "
            f"({type(error).__name__}: {error}); download it again"
        ) from error
