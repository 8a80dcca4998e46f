"""RealWonder's student: an image-to-video Wan made causal as Self-Forcing, which hears motion through its noise alone.

A chunk whose strokes or camera move begins from a coarse picture of that motion, noised to its authors' first level:
here the crude picture that strokes are pinned to (`underpaint.reference`), theirs comes of a simulation. Its noise goes
along with strokes and camera (`controls.Sampling.follow`, half of it unless told), and strokes are pinned between its
steps as on any student. Where nothing moves a chunk begins from noise.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from studio.conditioning import Conditioning, FrameInputs, PromptStates
from studio.models.base import Capabilities
from studio.models.notices import Notices
from studio.models.options import flat_signature, from_flat
from studio.models.realwonder.options import RealWonderOptions
from studio.models.realwonder.picture import CLIP_LENGTH, PictureReader, Told, encoder_width, first_frame_channels
from studio.models.trial import attempt
from studio.models.wan.causal_wan import CausalWan
from studio.models.wan.checkpoint import load_transformer, read_config
from studio.models.wan.model import Wan, capabilities
from studio.models.wan.options import WanOptions
from studio.models.wan.video_decoder import FRAMES
from studio.pictures import decoded

FOLLOW = 0.5  # of the noise it was trained on
PREVIEW = 0.8  # of the schedule: its authors begin at step 800 of 1000, where sigma is 0.952 at shift 5
PICTURES = 2  # whose channels and tokens are remembered
NO_PICTURE = "it draws how a picture goes on: send one before it begins, or it begins from grey"


class RealWonder(Wan):
    """RealWonder's student as the studio plays it, see `models.base.Model`.

    Raises CheckpointError for files that do not fit, ValueError for options that are not possible.
    """

    options: Any

    def __init__(self, base: Path | str, options: RealWonderOptions) -> None:
        """base: a Wan 2.1 folder in diffusers' layout, of which the autoencoder and the net's shape are read."""
        self.pictures = Path(options.image_encoder or base)
        super().__init__(base, options)
        place = self.options.place
        self.reader = PictureReader(self.pictures, options.text_device, place[1])
        self._told = lru_cache(maxsize=PICTURES)(self._tell)
        self._told(b"")
        read = (self.pictures / "image_encoder" / "config.json").read_bytes()
        self.weights_id = hashlib.sha256(self.weights_id.encode() + read).hexdigest()[:12]

    def read_config(self, base: Path, options: WanOptions) -> dict[str, Any]:
        """Read the net's shape: that of the base's net, with what an image-to-video net has beside it."""
        config = read_config(Path(options.generator or base), base)
        width = config["num_attention_heads"] * config["attention_head_dim"]
        own = {"image_dim": encoder_width(self.pictures), "added_kv_proj_dim": width}
        channels = config["out_channels"]
        return config | {"in_channels": channels + self.told_channels(channels)} | own

    def told_channels(self, latent: int) -> int:
        """Give how many channels its net is told beside a latent's own: the picture's, and where it is."""
        return latent + FRAMES

    def read_net(self, base: Path, notices: Notices) -> nn.Module:
        """Read the net, ready to be played."""
        options, (device, dtype) = self.options, self.options.place
        transformer = load_transformer(
            base, options.generator, options.lora, options.which, dtype, notices, self.read_config(base, options)
        )
        return attempt(
            "transformer", base, lambda: CausalWan(transformer, "velocity", options.chunk).ready(dtype).to(device)
        )

    def able(self, size: tuple[int, int]) -> Capabilities:
        """Say what it can do: words, the picture that it goes on from, and motion that its noise goes along with."""
        able = capabilities(self.options, size, self.codec)
        return replace(able, told_picture=True, follow=FOLLOW, preview=PREVIEW, notices=(NO_PICTURE,))

    def condition(self, states: PromptStates, inputs: FrameInputs, frames: Sequence[int]) -> Conditioning:
        """Make what the latent frames of these numbers are told: words, picture, and where in the clip each is."""
        told = self._told(inputs.picture)
        places = [min(max(frame - inputs.begun, 0), CLIP_LENGTH - 1) for frame in frames]
        return Conditioning((states.with_picture(told.tokens, told.name),) * len(frames), told.channels[places])

    def _tell(self, data: bytes) -> Told:
        """Read a picture, or that there is none."""
        picture = decoded(data, self.size) if data else None
        channels = first_frame_channels(self.codec, picture, self.size)
        tokens = self.reader.tokens(grey(self.size) if picture is None else picture)
        return Told(channels.to(self.device), tokens.to(self.device), hashlib.sha256(data).hexdigest()[:16])


def grey(size: tuple[int, int]) -> np.ndarray:
    """Give a grey picture, uint8 (H, W, 3)."""
    return np.full((*size, 3), 128, np.uint8)


@flat_signature(RealWonderOptions)
def open_realwonder(base: Path | str, **options: Any) -> RealWonder:
    """Open RealWonder's student with options by their flat names, as `load` and the command line give them.

    options: the fields of `RealWonderOptions` and of `Acceleration`.
    """
    return RealWonder(base, from_flat(RealWonderOptions, options))
