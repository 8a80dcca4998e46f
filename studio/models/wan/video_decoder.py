"""Video latents to pictures as they come: every stream has a state of its own, and decodes what a whole decode would.

The first latent after a start is one picture, each later one four, for Wan's autoencoder and for its tiny stand-in.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from studio.conditioning import NOTHING_SET, FrameInputs
from studio.models.errors import CheckpointError
from studio.models.finite import check_finite, to_pictures
from studio.models.libraries import Net
from studio.models.wan.checkpoint import check_fit, read_weights
from studio.models.weight_files import plain_folder

FRAMES = 4  # pictures a latent frame stands for
Features = list[Tensor | None]  # the last input of each convolution that sees the past; None before the first


class WanAutoencoder:
    """Diffusers' `AutoencoderKLWan` between normalised latents and pictures in [0, 1]; shared by all streams.

    Latents are normalised by the autoencoder's own mean and deviation of every channel.
    """

    def __init__(self, folder: Path, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32) -> None:
        self.net = read_autoencoder(folder, dtype).to(device)
        config = self.net.config
        self.mean = channel_values(config, "latents_mean", folder).to(device)
        self.deviation = channel_values(config, "latents_std", folder).to(device)
        self.patch: int | None = config.patch_size
        self.channels: int = config.z_dim
        self.scale: int = config.scale_factor_spatial
        if type(self.scale) is not int or self.scale < 1:
            raise CheckpointError(
                f"the autoencoder in {folder}/vae has a scale_factor_spatial of {self.scale!r}; download it again"
            )
        self._lock = Lock()  # diffusers' encode keeps its state in the module

    @torch.no_grad()
    def encode(self, pictures: Tensor) -> Tensor:
        """Encode pictures (1 + 4 n, 3, H, W) in [0, 1] as latents (1 + n, C, h, w), float32, the likeliest ones."""
        pixels = rearrange(pictures, "f c h w -> 1 c f h w").to(self.net.device, self.net.dtype)
        with self._lock:
            latents = self.net.encode(pixels * 2 - 1).latent_dist.mode()[0].float()
        return ((latents - self.mean) / self.deviation).transpose(0, 1)

    def start_encoding(self) -> Features:
        """Give the state of a stream that has encoded nothing: what each convolution saw last."""
        return [None] * self.net._cached_conv_counts["encoder"]

    @torch.no_grad()
    def encode_next(self, pictures: Tensor, state: Sequence[Tensor | None]) -> tuple[Tensor, Features]:
        """Encode the pictures (n, 3, H, W) of one latent that follow a state: (1, C, h, w), and the new state.

        n is 1 for the very first and 4 for each later one; latents as those of `encode`.
        """
        state = list(state)
        pixels = rearrange(pictures, "f c h w -> 1 c f h w").to(self.net.device, self.net.dtype) * 2 - 1
        if p := self.patch:
            pixels = rearrange(pixels, "n c f (h p) (w q) -> n (c q p) f h w", p=p, q=p)
        made = self.net.quant_conv(self.net.encoder(pixels, feat_cache=state, feat_idx=[0]))
        latents = made[0].float().chunk(2)[0]
        return ((latents - self.mean) / self.deviation).transpose(0, 1), state

    def start(self) -> Features:
        """Give the state of a stream that has decoded nothing: what each convolution saw last."""
        return [None] * self.net._cached_conv_counts["decoder"]

    @torch.no_grad()
    def decode(self, latents: Tensor, state: Sequence[Tensor | None]) -> tuple[Tensor, Features]:
        """Decode latents (F, C, h, w) that follow a state: pictures in [0, 1], (4 F, 3, H, W), and the new state.

        The very first latent is a picture of its own and goes alone; the others go in one pass.
        """
        state = list(state)
        whole = latents.to(self.net.device).float().transpose(0, 1) * self.deviation + self.mean
        ready = self.net.post_quant_conv(whole[None].to(self.net.dtype))
        first = state[0] is None
        parts = [ready[:, :, :1], ready[:, :, 1:]] if first else [ready]
        out = [
            self.net.decoder(part, feat_cache=state, feat_idx=[0], first_chunk=first and number == 0)
            for number, part in enumerate(parts)
            if part.shape[2]
        ]
        pixels = torch.cat(out, 2)[0].float()
        if self.patch:
            pixels = rearrange(pixels, "(c q p) f h w -> c f (h p) (w q)", p=self.patch, q=self.patch)
        return (pixels / 2 + 0.5).transpose(0, 1), state


def channel_values(config: Any, name: str, folder: Path) -> Tensor:
    """Give a config's number for every latent channel, (C, 1, 1, 1) float32; CheckpointError unless they are C."""
    try:
        values = torch.tensor(config[name], dtype=torch.float32).view(config.z_dim, 1, 1, 1)
    except (TypeError, ValueError, RuntimeError) as error:
        raise CheckpointError(
            f"the autoencoder in {folder}/vae has no {name} for each of {config.z_dim} channels ({error}); download it "
            "again"
        ) from error
    if not values.isfinite().all() or (name == "latents_std" and (values <= 0).any()):
        raise CheckpointError(
            f"the autoencoder in {folder}/vae has a {name} that is none; download its config.json again"
        )
    return values


def read_autoencoder(folder: Path, dtype: torch.dtype) -> Net:  # diffusers' configuration has no types
    """Read the autoencoder of a base folder."""
    from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan

    read: Any = AutoencoderKLWan.from_pretrained
    if not (Path(folder) / "vae" / "config.json").is_file():
        raise CheckpointError(f"{folder} lacks vae; give a whole Wan folder in diffusers' layout as base")
    try:
        with plain_folder(Path(folder) / "vae") as place:
            net, report = read(
                place, torch_dtype=dtype, local_files_only=True, use_safetensors=True, output_loading_info=True
            )
    except Exception as error:  # diffusers raises OSError, ValueError, SafetensorError and others here
        raise CheckpointError(f"the autoencoder in {folder}/vae cannot be read ({error}); download it again") from error
    if wrong := [*report["missing_keys"], *report["mismatched_keys"], *report["unexpected_keys"]]:
        raise CheckpointError(
            f"the autoencoder in {folder}/vae is not what its config.json says: {', '.join(map(str, wrong[:3]))}; "
            "download it again"
        )
    check_finite(net.named_parameters(), folder / "vae")
    return net.eval().requires_grad_(False)


class MemoryBlock(nn.Module):
    """A residual block of three convolutions that also sees the features of the frame before.

    forward: x (F, C, H, W) and the features of the frame before the first, (1, C, H, W), zeros at the start.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        widths = (2 * width, width, width, width)
        layers = [(nn.Conv2d(a, b, 3, padding=1), nn.ReLU()) for a, b in pairwise(widths)]
        self.conv = nn.Sequential(*[part for layer in layers for part in layer][:-1])

    def forward(self, x: Tensor, before: Tensor) -> Tensor:
        past = torch.cat([before, x[:-1]])
        return F.relu(x + self.conv(torch.cat([x, past], 1)))


class Grow(nn.Module):
    """Every frame becomes `frames` frames, by a convolution of one pixel."""

    def __init__(self, width: int, frames: int) -> None:
        super().__init__()
        self.frames = frames
        self.conv = nn.Conv2d(width, width * frames, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return rearrange(self.conv(x), "f (t c) h w -> (f t) c h w", t=self.frames)


class Squash(nn.Module):
    """Latents softly held within -3..3."""

    def forward(self, x: Tensor) -> Tensor:
        return 3 * torch.tanh(x / 3)


def run_layers(layers: nn.Sequential, x: Tensor, before: Sequence[Tensor | None]) -> tuple[Tensor, Features]:
    """Run layers over frames (n, C, h, w); give what comes out, and the last frame that each memory block saw.

    before: those of the frames before, None where there were none.
    """
    now: Features = []
    for layer in layers:
        if isinstance(layer, MemoryBlock):
            past = before[len(now)]
            now.append(x[-1:].clone())  # a view would keep all frames
            x = layer(x, torch.zeros_like(x[:1]) if past is None else past)
        else:
            x = layer(x)
    return x, now


class TinyDecoder(nn.Module):
    """TAEHV's decoder (github.com/madebyollin/taehv): 2D convolutions, each block remembering one frame.

    Fed with normalised latents. Every latent makes four pictures; of the first one only the last counts. widths:
    features at 1/8, 1/4, 1/2 and the whole of a side; grows: frames every frame becomes before each enlargement.
    """

    def __init__(self, channels: int, widths: Sequence[int], grows: Sequence[int]) -> None:
        super().__init__()
        layers: list[nn.Module] = [Squash(), nn.Conv2d(channels, widths[0], 3, padding=1), nn.ReLU()]
        for (width, after), frames in zip(pairwise(widths), grows):
            layers += [MemoryBlock(width) for _ in range(3)]
            layers += [nn.Upsample(scale_factor=2), Grow(width, frames)]
            layers += [nn.Conv2d(width, after, 3, padding=1, bias=False)]
        layers += [nn.ReLU(), nn.Conv2d(widths[-1], 3, 3, padding=1)]
        self.decoder = nn.Sequential(*layers)
        self.channels = channels

    def start(self) -> Features:
        """Give the state of a stream that has decoded nothing: the last features each block saw."""
        return [None] * sum(isinstance(layer, MemoryBlock) for layer in self.decoder)

    @torch.no_grad()
    def decode(self, latents: Tensor, state: Sequence[Tensor | None]) -> tuple[Tensor, Features]:
        """Decode as `WanAutoencoder.decode`: latents (F, C, h, w) to pictures in [0, 1], and the new state."""
        weight = next(self.parameters())
        x = latents.to(weight.device, weight.dtype)
        x, now = run_layers(self.decoder, x, state)
        dropped = FRAMES - 1 if state[0] is None else 0
        return x[dropped:].float(), now


def load_tiny_decoder(
    path: Path, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32
) -> TinyDecoder:
    """Load TAEHV's decoder with the weights of a file (taew2_1, .safetensors or .pth); its encoder's are not used.

    Widths and growth are read from the weights' own shapes.
    """
    state = {name: weight for name, weight in read_weights(path).items() if name.startswith("decoder.")}
    try:
        widths = [len(state[f"decoder.{place}.weight"]) for place in (1, 8, 14, 20)]
        grows = [len(state[f"decoder.{place}.conv.weight"]) // width for place, width in zip((7, 13, 19), widths)]
        channels = state["decoder.1.weight"].shape[1]
    except (KeyError, IndexError, TypeError) as error:
        raise CheckpointError(
            f"{Path(path).name} is no tiny decoder of Wan 2.1 (it lacks {error}); give taew2_1.safetensors or "
            "taew2_1.pth of github.com/madebyollin/taehv"
        ) from error
    if (frames := math.prod(grows)) != FRAMES:
        raise CheckpointError(f"{Path(path).name} makes {frames} pictures of a latent, Wan 2.1 needs {FRAMES}")
    check_finite(state.items(), Path(path).name)
    net = TinyDecoder(channels, widths, grows)
    check_fit(state, {name: weight.shape for name, weight in net.state_dict().items()}, Path(path))
    net.load_state_dict(state)
    return net.to(device, dtype).eval().requires_grad_(False)


class VideoDecoder:
    """One stream's latents to pictures. The net is shared; its state is this decoder's own.

    net: WanAutoencoder or TinyDecoder. Snapshots cost nothing: a state is replaced, never changed.
    """

    def __init__(self, net: WanAutoencoder | TinyDecoder) -> None:
        self.net = net
        self.reset()

    def reset(self) -> None:
        """Start as if nothing had been decoded: the next latent is one picture."""
        self._state: Sequence[Tensor | None] = self.net.start()

    def decode(self, latents: Tensor, inputs: FrameInputs = NOTHING_SET) -> list[np.ndarray]:
        """Decode the uint8 (H, W, 3) pictures of latents (F, C, h, w): four of each, of the first after a start one.

        One by one, for memory's sake. Raises NotFinite for pictures that are no numbers.
        """
        state = self._state

        def pixels() -> Iterator[Tensor]:
            nonlocal state
            for latent in latents.split(1):
                part, state = self.net.decode(latent, state)
                yield part.mul(255)

        pictures = to_pictures(pixels())
        self._state = state
        return pictures

    def snapshot(self) -> tuple[Tensor | None, ...]:
        return tuple(self._state)

    def restore(self, state: tuple[Tensor | None, ...]) -> None:
        self._state = list(state)
