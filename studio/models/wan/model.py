"""Causal students of Wan 2.1: Self-Forcing (arXiv 2506.08009), LongLive (2509.22622), Rolling Forcing (2509.25161).

A base folder gives what they share (autoencoder, text encoder, the net's shape), a student's file the net itself.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from studio.accelerate import accelerate
from studio.accelerate.options import Acceleration
from studio.conditioning import Conditioning, FrameInputs, PromptStates, Rows
from studio.kv_cache import KVCache
from studio.models.base import NO_LORAS, Capabilities, Model
from studio.models.errors import CheckpointError
from studio.models.lora.source import used_files
from studio.models.notices import Notices
from studio.models.options import flat_signature, from_flat
from studio.models.trial import attempt
from studio.models.wan import umt5
from studio.models.wan.causal_wan import CausalWan
from studio.models.wan.checkpoint import check_playable, fingerprint, load_transformer, read_config
from studio.models.wan.options import WanOptions
from studio.models.wan.video_decoder import FRAMES, TinyDecoder, VideoDecoder, WanAutoencoder, load_tiny_decoder
from studio.models.wan.video_encoder import stream_encoder
from studio.pictures import as_bytes, cropped, decoded
from studio.schedule import sigmas
from studio.underpaint import sprites

if TYPE_CHECKING:
    from PIL.Image import Image

SHIFT = 5.0  # of the sigmas all of them were distilled on: four steps are 1, .9375, .8333, .625
REFUSES = {
    "structure": "it has no ControlNet; the image models can be opened with one",
    "similarity": "it draws a moving picture, of which no frame can be skipped",
    "lora": "its LoRA is merged in when it is opened, as the option lora",
}


class Wan(Model):
    """A causal Wan student as the studio plays it, see `models.base.Model`.

    Raises CheckpointError for files that do not fit, ValueError for options that are not possible.
    """

    def __init__(self, base: Path | str, options: WanOptions | None = None) -> None:
        """base: a Wan folder in diffusers' layout."""
        base, options = Path(base), options or WanOptions()
        place = options.place
        config = self.read_config(base, options)
        self.options = replace(options, device=place[0], dtype=place[1])
        self.codec = WanAutoencoder(base, *place)
        tiny_file = Path(options.tiny_decoder) if options.tiny_decoder else None
        self.decoding: WanAutoencoder | TinyDecoder = load_tiny_decoder(tiny_file, *place) if tiny_file else self.codec
        self.video_encoder = stream_encoder(tiny_file, self.codec, *place)
        words = Path(options.text_encoder or base)
        check_parts(
            config,
            self.codec.channels,
            self.decoding.channels,
            umt5.width(words),
            self.told_channels(self.codec.channels),
        )
        size = possible_size(options.size, self.codec.scale * self.cells(config, base))
        self.name, self.capabilities = "wan", self.able(size)
        notices = Notices()
        self.net: Any = self.read_net(base, notices)
        self.capabilities = replace(self.capabilities, notices=tuple(notices.words))
        self._try_nets(config, base)
        tiny = self.decoding if isinstance(self.decoding, TinyDecoder) else None
        accelerate_parts(self.net, tiny, options.acceleration)
        self.text_encoder = umt5.TextEncoder(
            words, *place, options.text_device, options.keep_text_encoder
        )  # 11 GB: last
        if options.keep_text_encoder:
            attempt("text encoder", words, lambda: self.prepare(""))
        shared = (base / "vae", words / "text_encoder", options.tiny_decoder)
        style = used_files(Path(options.lora)) if options.lora else []
        self.weights_id = fingerprint(options.generator or base / "transformer", *style, *shared)

    # What a kind of student does in its own way

    def read_config(self, base: Path, options: WanOptions) -> dict[str, Any]:
        """Read the net's shape; CheckpointError for a folder or file of a net that is not played."""
        check_playable(base, options.generator)
        return read_config(Path(options.generator or base), base)

    def cells(self, config: dict[str, Any], base: Path) -> int:
        """Give how many latent cells a picture's sides are multiples of."""
        return patch_side(config, base)

    def told_channels(self, latent: int) -> int:
        """Give how many channels its net is told beside a latent's own."""
        return 0

    def read_net(self, base: Path, notices: Notices) -> nn.Module:
        """Read the net, ready to be played."""
        options, (device, dtype) = self.options, self.options.place
        transformer = load_transformer(base, options.generator, options.lora, options.which, dtype, notices)
        return attempt(
            "transformer", base, lambda: CausalWan(transformer, "velocity", options.chunk).ready(dtype).to(device)
        )

    def able(self, size: tuple[int, int]) -> Capabilities:
        """Say what it can do: words alone, and a picture as its first frame."""
        return capabilities(self.options, size, self.codec)

    def _try_nets(self, config: dict[str, Any], base: Path) -> None:
        """Raise CheckpointError for nets that cannot be used, before they are made fast."""
        side = 2 * patch_side(config, base)
        x = torch.zeros(1, self.codec.channels, side, side, device=self.device)
        words = torch.zeros(1, config["text_dim"], device=self.device)
        more = self.told_channels(self.codec.channels)
        told = Conditioning.of(words, torch.zeros(1, more, side, side, device=self.device))
        attempt("transformer", base, lambda: self.net(x, [1.0], told, [0]))
        attempt("decoder", base, lambda: self.decoding.decode(x, self.decoding.start()))
        pixels = torch.zeros(1, 3, side * self.codec.scale, side * self.codec.scale)
        attempt("autoencoder", base, lambda: self.codec.encode(pixels))

    def sigmas(self, steps: int, strength: float = 1.0) -> tuple[float, ...]:
        """Give levels evenly spaced from `strength` down, warped by 5: (1, .9375, .8333, .625) for four steps."""
        return sigmas(steps, SHIFT, strength)

    def prepare(self, prompt: str, loras: Mapping[str, float] = NO_LORAS) -> PromptStates:
        """Read a prompt: 512 token states; see `umt5.TextEncoder`."""
        return self.text_encoder(prompt)

    def condition(self, states: PromptStates, inputs: FrameInputs, frames: Sequence[int]) -> Conditioning:
        """Make what the latent frames of these numbers are told: the prompt's token states, and no more."""
        _, height, width = self.latent
        return Conditioning((states,) * len(frames), torch.zeros(len(frames), 0, height, width, device=self.device))

    def denoise(self, rows: Rows, cache: KVCache | None = None, write: int = 0, causal: bool = True) -> Tensor:
        """Denoise rows, see `CausalWan.forward`."""
        return self.net(rows.x, rows.sigma, rows.cond, rows.frames, cache, write, causal)

    def new_cache(self) -> KVCache:
        """Make an empty cache for one stream."""
        return self.net.cache_of(self.options.cache, self.latent)

    def encode_picture(self, picture: bytes | np.ndarray | Image) -> Tensor:
        """Encode a picture as the first frame of a stream, its middle cropped to the size: (C, h, w)."""
        whole = decoded(picture, self.size) if isinstance(picture, bytes) else cropped(as_bytes(picture), self.size)
        return self.codec.encode(torch.tensor(whole).permute(2, 0, 1)[None] / 255)[0]

    def reads(self, label: str) -> tuple[str, bool]:
        """Give the subject whose picture is pasted for a label; "" and False where none is known."""
        return sprites.subject(label) or "", sprites.subject(label) is not None

    def new_decoder(self) -> VideoDecoder:
        """Make a decoder for one stream, at its start."""
        return VideoDecoder(self.decoding)


@flat_signature(WanOptions)
def open_wan(base: Path | str, **options: Any) -> Wan:
    """Open a Wan student with options by their flat names, as `load` and the command line give them.

    options: the fields of `WanOptions` and of `Acceleration`.
    """
    return Wan(base, from_flat(WanOptions, options))


def capabilities(options: WanOptions, size: tuple[int, int], codec: WanAutoencoder) -> Capabilities:
    """Say what a student can do: words, a picture as its first frame, and a video that comes in."""
    height, width = (side // codec.scale for side in size)
    return Capabilities(
        size=size,
        latent=(codec.channels, height, width),
        chunk=options.chunk,
        sink=options.sink,
        window=options.window,
        sampler="rollout",
        steps=4,
        recache=options.recache,
        takes_pictures=True,
        hears_regions=True,
        redraws=True,
        pictures=FRAMES,
        refuses=REFUSES,
        strokes="cutouts",
        device=options.place[0],
    )


def accelerate_parts(net: CausalWan, tiny_decoder: nn.Module | None, acceleration: Acceleration) -> None:
    """Make the networks faster as asked; the tiny decoder stays in its precision and has its own attention."""
    accelerate(net, acceleration)
    if tiny_decoder is not None:
        accelerate(tiny_decoder, Acceleration(compile=acceleration.compile, graphs=acceleration.graphs))


def possible_size(size: tuple[int, int], step: int) -> tuple[int, int]:
    """Give the size (height, width), if both are multiples of `step`: the pixels of a token's side."""
    if any(side < step or side % step for side in size):
        near = (sorted({max(step, side // step * step), -(-side // step) * step}) for side in size)
        raise ValueError(
            f"size is {size[0]} x {size[1]} (height x width); height and width are multiples of {step}, "
            f"the nearest: {' x '.join(' or '.join(map(str, sides)) for sides in near)}"
        )
    return size[0], size[1]


def patch_side(config: dict[str, Any], base: Path) -> int:
    """Give how many latent cells a token's side has; CheckpointError for a config that does not say it."""
    patch = config.get("patch_size", (1, 2, 2))
    if not isinstance(patch, list | tuple) or len(patch) != 3 or not all(type(n) is int and n > 0 for n in patch):
        raise CheckpointError(
            f"the patch_size of {base}'s net is {patch!r}, not three numbers; download its config again"
        )
    return patch[1]


def check_parts(config: dict[str, Any], latent: int, decoded: int, text: int, told: int = 0) -> None:
    """Raise CheckpointError unless the net's settings are a text-to-video net's that fits the parts beside it.

    latent, decoded: channels of the autoencoder's latents and of those the decoder reads; text: numbers a state has;
    told: channels beside the latents.
    """
    parts = {"in_channels": latent + told, "out_channels": latent, "text_dim": text}
    for name, number in parts.items():
        if (found := config.get(name)) != number:
            what = "the text encoder's states" if name == "text_dim" else "the autoencoder's latents"
            other = "an image-to-video net (I2V), " if found == 2 * latent + 4 else ""
            raise CheckpointError(
                f"the net's {name} is {found}, but {what} have {number}: it is {other}not a text-to-video student of "
                "this base. Give the base it was made from (Wan-AI/Wan2.1-T2V-1.3B-Diffusers for the published ones)."
            )
    if decoded != latent:
        raise CheckpointError(
            f"the tiny decoder reads {decoded} channels, this base's latents have {latent}; give the one made for "
            "Wan 2.1 (taew2_1)"
        )
