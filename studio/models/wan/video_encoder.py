"""Pictures to video latents as they come: TAEHV's encoder, the other half of the tiny decoder's file, or Wan's own.

Every stream carries a state of its own, and encodes what a whole encode would. Four pictures make a latent; which four
is a matter of the file, see `TinyEncoder.lead`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch
from einops import rearrange
from torch import Tensor, nn

from studio.models.base import encode_whole
from studio.models.errors import CheckpointError
from studio.models.finite import check_finite
from studio.models.wan.checkpoint import check_fit, read_weights
from studio.models.wan.video_decoder import FRAMES, MemoryBlock, WanAutoencoder, run_layers
from studio.models.weight_files import is_safetensors


class Pool(nn.Module):
    """Every `frames` frames become one, by a convolution of one pixel."""

    def __init__(self, width: int, frames: int) -> None:
        super().__init__()
        self.frames = frames
        self.conv = nn.Conv2d(width * frames, width, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(rearrange(x, "(f t) c h w -> f (t c) h w", t=self.frames))


@dataclass(frozen=True)
class Encoding:
    """What a stream has encoded: pictures (n < 4, 3, H, W) that make no latent yet, and each block's last features.

    No features: nothing was encoded.
    """

    waiting: Tensor
    features: tuple[Tensor | None, ...]


class TinyEncoder(nn.Module):
    """TAEHV's encoder (github.com/madebyollin/taehv): 2D convolutions, each block remembering one frame.

    Pictures in [0, 1] to normalised latents, an eighth of a side. widths: features at the whole, 1/2, 1/4 and 1/8 of a
    side; pools: frames that become one before each halving. lead: how often the first picture is repeated before a
    stream. With 3 a latent is made of the pictures it stands for, Wan's one and then four by four. The published files
    have 0: latent k is made of pictures 4k to 4k+3 and stands for 4k-3 to 4k, and so comes three pictures late.
    """

    def __init__(self, channels: int, widths: Sequence[int], pools: Sequence[int], lead: int = 0) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, widths[0], 3, padding=1), nn.ReLU()]
        for (width, after), frames in zip(pairwise(widths), pools):
            layers += [Pool(width, frames), nn.Conv2d(width, after, 3, padding=1, stride=2, bias=False)]
            layers += [MemoryBlock(after) for _ in range(3)]
        layers += [nn.Conv2d(widths[-1], channels, 3, padding=1)]
        self.encoder = nn.Sequential(*layers)
        self.channels, self.lead = channels, lead

    def start(self) -> Encoding:
        """Give the state of a stream that has encoded nothing."""
        blocks = sum(isinstance(layer, MemoryBlock) for layer in self.encoder)
        return Encoding(torch.zeros(0, 3, 0, 0), (None,) * blocks)

    @torch.no_grad()
    def encode(self, pictures: Tensor, state: Encoding) -> tuple[Tensor, Encoding]:
        """Encode pictures (n, 3, H, W) that follow a state: the latents (m, C, h, w) they complete, and the new state.

        Any n: what makes no latent yet waits in the state. Height and width are multiples of 8.
        """
        if pictures.shape[-1] % 8 or pictures.shape[-2] % 8:
            raise ValueError(f"pictures of {pictures.shape[-2]} x {pictures.shape[-1]}; sides are multiples of 8")
        weight = next(self.parameters())
        x = pictures.to(weight.device, weight.dtype)
        is_first = state.features[0] is None and not len(state.waiting)
        before = x[:1].expand(self.lead if is_first else 0, -1, -1, -1)
        x = torch.cat([before, *([state.waiting] if len(state.waiting) else []), x])
        ready = len(x) // FRAMES * FRAMES
        if not ready:
            none = x.new_zeros(0, self.channels, x.shape[-2] // 8, x.shape[-1] // 8)
            return none.float(), Encoding(x, state.features)
        latents, features = run_layers(self.encoder, x[:ready], state.features)
        return latents.float(), Encoding(x[ready:].clone(), tuple(features))

    def encode_clip(self, pictures: Tensor) -> Tensor:
        """Encode a whole clip (1 + 4 n, 3, H, W) as `WanAutoencoder.encode` does: (1 + n, C, h, w)."""
        return encode_whole(self, pictures, FRAMES)


class WanEncoder:
    """The encoder of Wan's own autoencoder as one that carries a state: its first latent is one picture."""

    lead = FRAMES - 1

    def __init__(self, codec: WanAutoencoder) -> None:
        self.codec = codec

    def start(self) -> Encoding:
        """Give the state of a stream that has encoded nothing."""
        return Encoding(torch.zeros(0, 3, 0, 0), tuple(self.codec.start_encoding()))

    def encode(self, pictures: Tensor, state: Encoding) -> tuple[Tensor, Encoding]:
        """Encode pictures (n, 3, H, W) that follow a state, see `TinyEncoder.encode`."""
        x, features, latents = pictures, state.features, []
        if len(state.waiting):
            x = torch.cat([state.waiting.to(x), x])
        while len(x) >= (count := 1 if features[0] is None else FRAMES):
            latent, features = self.codec.encode_next(x[:count], features)
            latents.append(latent)
            x = x[count:]
        scale = self.codec.scale
        none = x.new_zeros(0, self.codec.channels, x.shape[-2] // scale, x.shape[-1] // scale)
        return torch.cat([none.to(latents[0]) if latents else none, *latents]), Encoding(x.clone(), tuple(features))


def stream_encoder(
    tiny: Path | None, codec: WanAutoencoder, device: torch.device | str, dtype: torch.dtype
) -> TinyEncoder | WanEncoder:
    """Give the encoder a student redraws with: that of the tiny decoder's file where it has one, else Wan's own."""
    if tiny is not None and "encoder.17.weight" in read_weights(tiny):
        return load_tiny_encoder(tiny, device, dtype)
    return WanEncoder(codec)


def load_tiny_encoder(
    path: Path, device: torch.device | str = "cpu", dtype: torch.dtype = torch.float32
) -> TinyEncoder:
    """Load TAEHV's encoder with the weights of a file (taew2_1, .safetensors or .pth); its decoder's are not used.

    Widths and pools are read from the weights' own shapes, the lead from the file's metadata; published ones have none.
    Raises CheckpointError for a file without an encoder.
    """
    path = Path(path)
    state = {name: weight for name, weight in read_weights(path).items() if name.startswith("encoder.")}
    try:
        widths = [len(state[f"encoder.{place}.weight"]) for place in (0, 3, 8, 13)]
        pools = [
            state[f"encoder.{place}.conv.weight"].shape[1] // width for place, width in zip((2, 7, 12), widths[:3])
        ]
        channels = len(state["encoder.17.weight"])
    except (KeyError, IndexError, TypeError) as error:
        raise CheckpointError(
            f"{path.name} has no encoder of TAEHV's (it lacks {error}); give taew2_1.safetensors or taew2_1.pth of "
            "github.com/madebyollin/taehv whole"
        ) from error
    if (frames := math.prod(pools)) != FRAMES:
        raise CheckpointError(f"{path.name} makes a latent of {frames} pictures, Wan 2.1 needs {FRAMES}")
    check_finite(state.items(), path.name)
    net = TinyEncoder(channels, widths, pools, file_lead(path))
    check_fit(state, {name: weight.shape for name, weight in net.state_dict().items()}, path)
    net.load_state_dict(state)
    return net.to(device, dtype).eval().requires_grad_(False)


def file_lead(path: Path) -> int:
    """Read the lead a file was trained with; 0 where it does not say."""
    from safetensors import safe_open

    if not is_safetensors(path):
        return 0
    with safe_open(path, framework="pt") as file:
        said = (file.metadata() or {}).get("lead", "0")
    if not said.isdecimal() or int(said) >= FRAMES:
        raise CheckpointError(f"{path.name} says its lead is {said[:20]!r}, possible: 0 to {FRAMES - 1}")
    return int(said)
