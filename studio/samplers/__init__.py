"""What holds latents between steps. To add one: a file here and its line in `SAMPLERS`."""

from __future__ import annotations

from studio.samplers.base import Sampler as Sampler
from studio.samplers.rollout import Rollout
from studio.samplers.stream_batch import StreamBatch

SAMPLERS: dict[str, type[Sampler]] = {"stream": StreamBatch, "rollout": Rollout}
