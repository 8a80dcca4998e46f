"""What holds latents between steps. To add a sampler: a file here and its line in `SAMPLERS`.

A name stands for a way to order the work; for each kind of model that knows it there is a class: whose frames see each
other, or do not (`independent`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from studio.samplers.base import Sampler
from studio.samplers.causal import CausalSampler
from studio.samplers.picture_stream import PictureRollout, PictureStream
from studio.samplers.rolling import Rolling
from studio.samplers.rollout import Rollout
from studio.samplers.stream_batch import StreamBatch

if TYPE_CHECKING:
    from studio.models.base import Model

SAMPLERS: dict[str, tuple[type[Sampler[Any, Any]], ...]] = {
    "stream": (StreamBatch, PictureStream),
    "rollout": (Rollout, PictureRollout),
    "rolling": (Rolling,),
}


def samplers_of(model: Model) -> dict[str, type[Sampler[Any, Any]]]:
    """Give the samplers that can play a model, by name; each is made with (model, start)."""
    wanted = model.capabilities.independent
    return {name: kind for name, kinds in SAMPLERS.items() for kind in kinds if kind.independent == wanted}


__all__ = [
    "SAMPLERS",
    "CausalSampler",
    "PictureRollout",
    "PictureStream",
    "Rolling",
    "Rollout",
    "Sampler",
    "StreamBatch",
    "samplers_of",
]
