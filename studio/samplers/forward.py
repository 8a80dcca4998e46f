"""All that the samplers ask of a model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from studio.conditioning import Conditioning
from studio.controls import Prompt
from studio.models.base import optional

if TYPE_CHECKING:
    from studio.controls import ControlState, Sampling
    from studio.kv_cache import KVCache
    from studio.models.base import Model


@dataclass(frozen=True, eq=False)
class Rows:
    """What one forward is given: x (F, C, h, w), a sigma in 0..1, a conditioning and a frame number for each frame."""

    x: Tensor
    sigma: tuple[float, ...]
    cond: Conditioning
    frames: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.frames)


def condition_frames(model: Model, state: ControlState, frames: Sequence[int], negative: bool = False) -> Conditioning:
    """Give what these frames are told under the controls in force; negative: under the negative prompt."""
    if negative:
        return model.condition(state, list(frames), model.encode_text(state[Prompt].negative))
    return model.condition(state, list(frames))


def denoise(model: Model, rows: Rows, cache: KVCache | None = None, write: int = 0, causal: bool = True) -> Tensor:
    """Give the clean latents (F, C, h, w), float32; the first `write` rows are clean, and kept in the cache."""
    more = {} if causal else {"causal": False}
    return model.denoise(rows.x, list(rows.sigma), rows.cond, list(rows.frames), cache, write, **more)


def words_in_force(model: Model, state: ControlState, frame: int) -> Tensor:
    """Give the text (L, D) that a frame hears."""
    return condition_frames(model, state, [frame]).text[0]


def picture_sigmas(model: Model, sampling: Sampling, strength: float = 1.0) -> tuple[float, ...]:
    """Give the schedule of an image model: that of the list of timesteps, or of steps from a strength down.

    Raises ValueError for what the model cannot play.
    """
    if not sampling.t_index_list:
        return model.sigmas(sampling.steps, strength)
    if (sigmas_at := getattr(model, "sigmas_at", None)) is None:
        raise ValueError("its noise levels have no timesteps; send an empty t_index_list, and steps")
    return sigmas_at(sampling.t_index_list)


def is_independent(model: Model) -> bool:
    """Tell whether a model's frames do not see each other."""
    return optional(model, "independent")


def takes_pictures(model: Model) -> bool:
    """Tell whether a model can begin from a picture."""
    return hasattr(model, "encode_picture")


def first_frame_steps(model: Model) -> int:
    """Give the least number of steps of the first frame after a clean start."""
    return optional(model, "opening")


def recache_mode(model: Model) -> str:
    """Give the mode of `Context.recache` that a checkpoint was trained with."""
    return optional(model, "recache")


def device_of(model: Model) -> torch.device | str:
    """Give the device of a model's latents."""
    return optional(model, "device")


def to_device(tensor: Tensor, device: torch.device | str) -> Tensor:
    """Send a tensor of the CPU to a device, without waiting for what the device is doing."""
    if torch.device(device).type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)
