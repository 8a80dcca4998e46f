"""Causal students of Wan 2.1: Self-Forcing (arXiv 2506.08009), LongLive (2509.22622), Rolling Forcing (2509.25161).

A base folder gives what they share (autoencoder, text encoder, the net's shape), a student's file the net itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from studio.conditioning import Conditioning, heard
from studio.kv_cache import EVICTS, POSITIONS, KVCache
from studio.models.devices import resolve_device
from studio.models.errors import CheckpointError
from studio.models.wan import umt5
from studio.models.wan.causal_wan import CausalWan
from studio.models.wan.checkpoint import fingerprint, load_transformer, read_config
from studio.models.wan.video_decoder import VideoDecoder, WanAutoencoder, load_tiny_decoder
from studio.pictures import decoded
from studio.samplers.base import RECACHES
from studio.schedule import sigmas

if TYPE_CHECKING:
    from studio.controls import ControlState, Picture

SHIFT = 5.0  # of the sigmas all of them were distilled on: four steps are 1, .9375, .8333, .625
UNPAINTED = "this checkpoint was not trained on painted motion; the pocket model is"
REFUSES = {
    "stroke": UNPAINTED,
    "erase": UNPAINTED,
    "structure": "it has no ControlNet; the image models can be opened with one",
    "similarity": "it draws a moving picture, of which no frame can be skipped",
    "lora": "its LoRA is merged in when it is opened, as the option lora",
}


class Wan:
    """A causal Wan student as the studio plays it, see `models.base.Model`.

    base: a Wan folder in diffusers' layout; generator: a student's file or folder, whose weights take the place of the
    base's; lora: a LoRA to merge into them; which: the net to take where a file holds several (`load_transformer`).
    tiny_decoder: a file of TAEHV's weights, to decode with instead of the base's autoencoder. text_encoder: a folder
    whose text_encoder and tokenizer are read instead of the base's (Wan 2.2's: the same net, half the download).
    size: (height, width) in pixels. chunk: latent frames denoised as one; sink, window: latent frames kept beside them.
    recache: how a prompt switch rebuilds the cache, "bidirectional" as LongLive's code does, or "causal".
    positions, evicts: see `KVCache`; the published code has "absolute" positions, which drift on long streams.
    text_device, keep_text_encoder: see `umt5.TextEncoder`. quantize, compile, graphs, attention: see
    `accelerate`.
    Raises CheckpointError for files that do not fit, ValueError for options that are not possible.
    """

    name = "wan"
    sampler = "rollout"
    steps = 4
    refuses = REFUSES

    def __init__(
        self,
        base: Path | str,
        generator: Path | str | None = None,
        lora: Path | str | None = None,
        tiny_decoder: Path | str | None = None,
        text_encoder: Path | str | None = None,
        size: tuple[int, int] = (480, 832),
        chunk: int = 3,
        sink: int = 3,
        window: int = 6,
        recache: str = "bidirectional",
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
        quantize: str | None = None,
        compile: bool | str = False,
        attention: str | None = None,
        *,
        graphs: bool = False,
        which: str | None = None,
        positions: str = "slots",
        evicts: str = "after",
        text_device: torch.device | str = "cpu",
        keep_text_encoder: bool = True,
    ) -> None:
        check_options(chunk, sink, window, recache, positions, evicts)
        base = Path(base)
        self.device = resolve_device(device)
        self.dtype = dtype or (torch.float32 if self.device.type == "cpu" else torch.bfloat16)
        self.chunk, self.sink, self.window, self.recache = chunk, sink, window, recache
        self.positions, self.evicts = positions, evicts
        place = self.device, self.dtype
        self.codec = WanAutoencoder(base, *place)
        self.decoding: Any = load_tiny_decoder(Path(tiny_decoder), *place) if tiny_decoder else self.codec
        words = Path(text_encoder or base)
        config = read_config(Path(generator or base), base)
        check_parts(config, self.codec.channels, self.decoding.channels, umt5.width(words))
        self.size = possible_size(size, self.codec.scale * config["patch_size"][1])
        height, width = (side // self.codec.scale for side in self.size)
        self.latent = (self.codec.channels, height, width)
        transformer = load_transformer(base, generator, lora, which, self.dtype)
        self.net = CausalWan(transformer, "velocity", chunk).ready(self.dtype).to(self.device)
        if quantize or compile or graphs or attention:
            from studio.accelerate import Acceleration, accelerate

            accelerate(self.net, Acceleration(compile, graphs, quantize, attention))
            if self.decoding is not self.codec:
                accelerate(self.decoding, Acceleration(compile, graphs))
        self.encode_text = umt5.TextEncoder(words, *place, text_device, keep_text_encoder)  # 11 GB: last
        shared = (base / "vae", words / "text_encoder", tiny_decoder)
        self.weights_id = fingerprint(generator or base / "transformer", lora, *shared)

    def sigmas(self, steps: int, strength: float = 1.0) -> tuple[float, ...]:
        """Levels evenly spaced from `strength` down, warped by 5: (1, .9375, .8333, .625) for four steps."""
        return sigmas(steps, SHIFT, strength)

    def condition(self, state: ControlState, frames: Sequence[int], text: Tensor | None = None) -> Conditioning:
        """What the latent frames of these numbers are told: the prompt's 512 token states, and no more."""
        text = heard(state, self.encode_text) if text is None else text
        _, height, width = self.latent
        tracks = torch.zeros(len(frames), 0, height, width, device=self.device)
        return Conditioning(text.expand(len(frames), -1, -1), tracks)

    def denoise(
        self,
        x: Tensor,
        sigma: Sequence[float],
        cond: Conditioning,
        positions: Sequence[int],
        cache: KVCache | None = None,
        write: int = 0,
        causal: bool = True,
    ) -> Tensor:
        """See `CausalWan.forward`."""
        return self.net(x, sigma, cond, positions, cache, write, causal)

    def new_cache(self) -> KVCache:
        """An empty cache for one stream."""
        return self.net.new_cache(self.sink, self.window, self.latent, self.positions, self.evicts)

    def encode_picture(self, picture: Picture) -> Tensor:
        """The latent (C, h, w) of a picture that came in, as the first frame of a stream: cropped to the size."""
        pixels = torch.from_numpy(decoded(picture.data, self.size).copy())
        return self.codec.encode(pixels.permute(2, 0, 1)[None] / 255)[0]

    def new_decoder(self) -> VideoDecoder:
        """A decoder for one stream, at its start."""
        return VideoDecoder(self.decoding)


def check_options(chunk: int, sink: int, window: int, recache: str, positions: str, evicts: str) -> None:
    """Raise ValueError for what is not possible, before anything is read."""
    if chunk < 1 or sink < 0 or window < 1:
        raise ValueError(f"chunk, sink, window are {chunk}, {sink}, {window}; at least 1, 0 and 1 are needed")
    choices = {"recache": (recache, RECACHES), "positions": (positions, POSITIONS), "evicts": (evicts, EVICTS)}
    for name, (choice, possible) in choices.items():
        if choice not in possible:
            raise ValueError(f"{name} is {choice!r}; possible: {', '.join(possible)}")


def possible_size(size: tuple[int, int], step: int) -> tuple[int, int]:
    """The size (height, width), if both are multiples of `step`: the pixels of a token's side."""
    if any(side < step or side % step for side in size):
        near = (sorted({max(step, side // step * step), -(-side // step) * step}) for side in size)
        raise ValueError(
            f"size is {size[0]} x {size[1]} (height x width); height and width are multiples of {step}, "
            f"the nearest: {' x '.join(' or '.join(map(str, sides)) for sides in near)}"
        )
    return size[0], size[1]


def check_parts(config: dict[str, Any], latent: int, decoded: int, text: int) -> None:
    """Raise CheckpointError unless the net's settings are a text-to-video net's that fits the parts beside it.

    latent, decoded: channels of the autoencoder's latents and of those the decoder reads; text: numbers a state has.
    """
    parts = {"in_channels": latent, "out_channels": latent, "text_dim": text}
    for name, number in parts.items():
        if (found := config.get(name)) != number:
            what = "the text encoder's states" if name == "text_dim" else "the autoencoder's latents"
            raise CheckpointError(
                f"the net's {name} is {found}, but {what} have {number}: it is not a text-to-video student of this "
                "base. Give the base it was made from (Wan-AI/Wan2.1-T2V-1.3B-Diffusers for the published ones)."
            )
    if decoded != latent:
        raise CheckpointError(
            f"the tiny decoder reads {decoded} channels, this base's latents have {latent}; give the one made for "
            "Wan 2.1 (taew2_1)"
        )
