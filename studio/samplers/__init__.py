"""What holds latents between steps. To add one: a file here and its line in `SAMPLERS`.

Models whose frames do not see each other have samplers of their own, under the same names.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from studio.samplers.base import Sampler as Sampler
from studio.samplers.picture_stream import PictureStream as PictureStream
from studio.samplers.rolling import Rolling
from studio.samplers.rollout import Rollout
from studio.samplers.stream_batch import StreamBatch

if TYPE_CHECKING:
    from studio.models.base import Model

SAMPLERS: dict[str, type[Sampler]] = {"stream": StreamBatch, "rollout": Rollout, "rolling": Rolling}
PICTURE_SAMPLERS: dict[str, Callable[..., PictureStream]] = {
    "stream": PictureStream,
    "rollout": partial(PictureStream, alone=True),
}


def samplers_of(model: Model) -> dict[str, Callable[..., Sampler]] | dict[str, Callable[..., PictureStream]]:
    """The samplers that can play a model: name -> (model, start) to sampler."""
    return PICTURE_SAMPLERS if model.capabilities.independent else dict(SAMPLERS)
