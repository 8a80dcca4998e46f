"""What the samplers ask beside the model's own contract: schedules, and latents on a device."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from studio.controls import Sampling
    from studio.models.base import Model


def schedules(model: Model, sampling: Sampling) -> tuple[tuple[float, ...], ...]:
    """Give the sigmas, highest first, of every schedule that frames may go down under a sampling.

    Of a video model that is one, from pure noise, and that of its first chunk where it is asked for; of an image model
    that of words alone and that of a picture.
    Raises ValueError, with what is possible, for a sampling that the model cannot play.
    """
    if model.capabilities.independent:
        return picture_sigmas(model, sampling), picture_sigmas(model, sampling, sampling.strength)
    if sampling.t_index_list:
        raise ValueError("a t_index_list is for image models; send an empty one, and steps")
    return tuple(model.sigmas(steps) for steps in (sampling.steps, sampling.first_steps) if steps)


def picture_sigmas(model: Model, sampling: Sampling, strength: float = 1.0) -> tuple[float, ...]:
    """Give the schedule of an image model: that of the list of timesteps, or of steps from a strength down.

    Raises ValueError for what the model cannot play.
    """
    return model.sigmas_at(sampling.t_index_list) if sampling.t_index_list else model.sigmas(sampling.steps, strength)


def to_device(tensor: Tensor, device: torch.device | str) -> Tensor:
    """Send a tensor of the CPU to a device, without waiting for what the device is doing."""
    if torch.device(device).type == "cuda":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)
