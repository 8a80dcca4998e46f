"""Tiny models with random weights for the core suite and the tests: real networks, so that a ratio between two ways to
run them is the ratio on a large one wherever work and not Python takes the time.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from studio.conditioning import Conditioning, FrameInputs, PromptMemory, PromptStates, Rows
from studio.controls import Picture
from studio.kv_cache import KVCache
from studio.models.base import NO_LORAS, Capabilities, Model
from studio.models.image.regional import hear_regions, words_by_region
from studio.models.wan.causal_wan import CausalWan
from studio.models.wan.video_encoder import TinyEncoder
from studio.noise import noise
from studio.pictures import decoded
from studio.schedule import clean_from, sigmas

if TYPE_CHECKING:
    from diffusers.models.transformers.transformer_wan import WanTransformer3DModel
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

WORDS = (8, 32)  # token states of a prompt


def text_states(text: str) -> Tensor:
    """Token states (8, 32) that are another for every text."""
    return noise(sum(text.encode()) % 2**32, 0, 0, WORDS)


def wan_net(
    channels: tuple[int, int], text: int, head: int = 24, inner: int = 64, layers: int = 2
) -> WanTransformer3DModel:
    """Build a Wan transformer of two heads; its weights are what torch's generator gives next.

    channels: in and out; text: width of a token state; head: of an attention head; inner: of the feed-forward layers.
    """
    from diffusers.models.transformers.transformer_wan import WanTransformer3DModel

    return WanTransformer3DModel(
        patch_size=(1, 2, 2), num_attention_heads=2, attention_head_dim=head, in_channels=channels[0],
        out_channels=channels[1], text_dim=text, freq_dim=32, ffn_dim=inner, num_layers=layers,
    )  # fmt: skip


def unet_shape(
    text: int, widths: tuple[int, int] = (16, 32), heads: int | tuple[int, int] = 4, **more: Any
) -> dict[str, Any]:
    """Give the arguments of a UNet of two levels, the lower with self- and cross-attention.

    text: width of a token state; widths: of the levels; heads: `attention_head_dim`; more: other arguments.
    """
    return {
        "sample_size": 8,
        "block_out_channels": widths,
        "layers_per_block": 1,
        "cross_attention_dim": text,
        "attention_head_dim": heads,
        "norm_num_groups": 8,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
    } | more


def unet(shape: Mapping[str, Any]) -> UNet2DConditionModel:
    """Build a UNet of that shape; its weights are what torch's generator gives next."""
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    return UNet2DConditionModel(**shape).eval().requires_grad_(False)


class WordModel(Model):
    """A tiny model that is told words alone, and gives latents."""

    weights_id: str = "0" * 12

    def __init__(self, capabilities: Capabilities, states: Callable[[str], Tensor] = text_states) -> None:
        """states: the token states (n, d) of a text."""
        self.capabilities, self._prompts = capabilities, PromptMemory(states, size=128)

    def prepare(self, prompt: str, loras: Mapping[str, float] = NO_LORAS) -> PromptStates:
        return self._prompts(prompt)

    def condition(self, states: PromptStates, inputs: FrameInputs, frames: Sequence[int]) -> Conditioning:
        return Conditioning((states,) * len(frames), torch.zeros(len(frames), 0, *self.latent[1:]))


class TinyPictures(WordModel):
    """An image model's contract (`models.base`) on a UNet of 0.6 M parameters; 8 pixels a cell.

    cells: latent cells a side, 8: so small that a forward of four rows costs little more than one of one, as it is on
    a GPU that one row does not fill.
    """

    name: str = "tiny pictures"

    def __init__(self, seed: int = 0, cells: int = 8) -> None:
        torch.manual_seed(seed)
        latent, size = (4, cells, cells), (8 * cells, 8 * cells)
        able = Capabilities(size, latent, independent=True, takes_pictures=True, hears_regions=True)
        super().__init__(able)
        self.net: Any = unet(unet_shape(WORDS[1], widths=(32, 64), sample_size=cells))
        hear_regions(self.net)

    def sigmas(self, steps: int, strength: float = 1.0) -> tuple[float, ...]:
        return sigmas(steps, strength=strength)

    def denoise(self, rows: Rows, cache: KVCache | None = None, write: int = 0, causal: bool = True) -> Tensor:
        levels = torch.tensor(rows.sigma)
        words: dict[str, Any] = {"encoder_hidden_states": rows.cond.text}
        if rows.cond.regions:
            words = words_by_region(self.net, rows.cond.regions, rows.cond.text, rows.x)
        output = self.net(rows.x, 1000 * levels, return_dict=False, **words)[0]
        return clean_from("velocity", rows.x, levels, output)

    def encode_picture(self, picture: Any) -> Tensor:
        whole = decoded(picture, self.size) if isinstance(picture, bytes) else picture
        pixels = torch.tensor(whole).permute(2, 0, 1).float() / 127.5 - 1
        small = torch.nn.functional.adaptive_avg_pool2d(pixels, self.latent[1:])
        return torch.cat([small, small.mean(0, keepdim=True)])


class WanModel(WordModel):
    """A tiny model whose net is a causal Wan."""

    net: CausalWan

    def denoise(self, rows: Rows, cache: KVCache | None = None, write: int = 0, causal: bool = True) -> Tensor:
        return self.net(rows.x, rows.sigma, rows.cond, rows.frames, cache, write, causal)

    def new_cache(self) -> KVCache:
        return self.net.new_cache(self.sink, self.window, self.latent)


class TinyVideo(WanModel):
    """A causal video model's contract on a Wan transformer of 0.4 M parameters, in chunks of three frames.

    cells (h, w): with (16, 24), 96 tokens a frame, and a width of 96, work is shared between attention and the rest as
    in Wan-1.3B at 480x832. (4, 4) is so small that a forward costs about the same for any number of rows.
    """

    name: str = "tiny video"

    def __init__(self, seed: int = 0, cells: tuple[int, int] = (16, 24)) -> None:
        torch.manual_seed(seed)
        size, latent = (8 * cells[0], 8 * cells[1]), (4, *cells)
        super().__init__(Capabilities(size, latent, chunk=3, sink=3, window=6, hears_regions=True))
        self.net = CausalWan(wan_net((4, 4), WORDS[1], head=48, inner=560), "velocity", self.chunk).ready()

    def sigmas(self, steps: int, strength: float = 1.0) -> tuple[float, ...]:
        return sigmas(steps, 5.0, strength)


class PastingVideo(TinyVideo):
    """A tiny video model whose strokes move things that are pasted, by an encoder in the layout of TAEHV's."""

    name: str = "tiny pasting video"

    def __init__(self, seed: int = 0, cells: tuple[int, int] = (16, 24)) -> None:
        super().__init__(seed, cells)
        self.capabilities = replace(self.capabilities, strokes="cutouts", pictures=4)
        self.video_encoder: Any = TinyEncoder(4, (8, 12, 16, 16), (2, 2, 1), lead=3).eval().requires_grad_(False)


def camera(count: int, size: tuple[int, int], share: float = 1.0, seed: int = 0) -> list[Picture]:
    """So many JPEG pictures of a size (H, W); share: the part of each side, from the corner, that changes."""
    from PIL import Image

    made = np.random.default_rng(seed)
    height, width = size
    still = Image.fromarray(made.integers(0, 256, (9, 9, 3), np.uint8)).resize(
        (width, height), Image.Resampling.BICUBIC
    )
    pictures = []
    for _ in range(count):
        moving = Image.fromarray(made.integers(0, 256, (5, 5, 3), np.uint8))
        still.paste(moving.resize((round(share * width), round(share * height)), Image.Resampling.BICUBIC), (0, 0))
        file = io.BytesIO()
        still.save(file, "JPEG", quality=90)
        pictures.append(Picture(file.getvalue()))
    return pictures


def stripe(left: float, right: float, side: int = 64) -> bytes:
    """Give a mask as PNG, white from `left` to `right` of the width."""
    from PIL import Image

    pixels = np.zeros((side, side), np.uint8)
    pixels[:, round(left * side) : round(right * side)] = 255
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()
