"""The pocket model: the embedded one, small enough to generate live on two CPU cores.

Drawn world -> autoencoder (16x16 cells) -> causal diffusion transformer (the Wan class, 64 tokens a frame). What a
frame is told: the prompt as one sentence vector, the layout the seed chose as another token, the painted strokes as a
track map, and as constant channels where each cell is and what the world's clock says.
"""

import json
import math
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..conditioning import Conditioning
from ..schedule import ladder
from ..trajectory import placements
from .appearance import MAP, TRACK_CHANNELS, AppearanceMemory, draw_track, fold
from .autoencoder import PATCH, Autoencoder
from .causal_wan import CausalWan
from .text import DIMENSIONS, text_encoder

WEIGHTS = Path(__file__).parent / "weights" / "pocket"
SIZE = 256
CELLS = SIZE // PATCH
CLOCK = 8  # the drawn world's animation repeats every 8 frames
VIEWS = 4  # layouts a place has; the seed chooses
COORDINATES = 14
CONSTANTS = COORDINATES + CLOCK
FILES = ("codec", "transformer", "memory")


def text_tokens(vectors: Tensor, views: Tensor) -> Tensor:
    """What cross-attention reads: sentence vectors (..., 384) and layouts (...) -> (..., 2, 384).

    Both tokens have about unit variance; a layout is one of four rows of a fixed Walsh pattern.
    """
    steps = torch.arange(DIMENSIONS)
    patterns = torch.stack([1.0 - 2.0 * ((steps >> k) & 1) for k in range(VIEWS)]).to(vectors)
    return torch.stack([vectors * math.sqrt(DIMENSIONS), patterns[views]], dim=-2)


def constant_channels(phases: Tensor) -> Tensor:
    """Where each cell is and what the clock says: phases (F,) -> (F, 22, 16, 16)."""
    place = _coordinates().to(phases.device).expand(len(phases), -1, -1, -1)
    clock = F.one_hot(phases % CLOCK, CLOCK).float()[:, :, None, None].expand(-1, -1, CELLS, CELLS)
    return torch.cat([place, clock], 1)


@lru_cache(maxsize=1)
def _coordinates() -> Tensor:
    line = (torch.arange(CELLS) + 0.5) / CELLS * 2 - 1
    waves = [line] + [wave(math.pi * k * line) for k in (0.5, 1, 2) for wave in (torch.sin, torch.cos)]
    down = [w[:, None].expand(CELLS, CELLS) for w in waves]
    across = [w[None, :].expand(CELLS, CELLS) for w in waves]
    return torch.stack(down + across)


class PocketNet(nn.Module):
    """Everything that is trained, in three parts: codec, transformer and memory.

    config: {"codec": Autoencoder's arguments, "transformer": WanTransformer3DModel's, "memory": {subjects, keys}}.
    """

    def __init__(self, config: dict):
        super().__init__()
        from diffusers import WanTransformer3DModel

        self.config = config
        self.codec = Autoencoder(**config["codec"])
        channels = config["codec"]["channels"]
        self.transformer = WanTransformer3DModel(
            patch_size=(1, 2, 2), in_channels=channels + TRACK_CHANNELS + CONSTANTS, out_channels=channels,
            text_dim=DIMENSIONS, freq_dim=256, cross_attn_norm=True, rope_max_seq_len=32, **config["transformer"],
        )
        self.memory = AppearanceMemory(**config["memory"])
        self.denoiser = CausalWan(self.transformer, prediction="wiener")

    def save(self, folder: Path, about: dict, dtype: torch.dtype = torch.bfloat16) -> None:
        """Writes the parts as safetensors, and config.json with `about` (subjects, words, recipe) beside them."""
        from safetensors.torch import save_file

        folder.mkdir(parents=True, exist_ok=True)
        for name in FILES:
            state = getattr(self, name).state_dict()
            save_file(
                {k: (v.to(dtype) if v.is_floating_point() else v).contiguous() for k, v in state.items()},
                folder / f"{name}.safetensors",
            )
        text = json.dumps({**self.config, **about}, indent=1, ensure_ascii=False)
        (folder / "config.json").write_text(text + "\n")

    @staticmethod
    def load(folder: Path) -> tuple["PocketNet", dict]:
        """The net in float32 and its config.json."""
        from safetensors.torch import load_file

        config = json.loads((folder / "config.json").read_text())
        net = PocketNet({name: config[name] for name in FILES})
        for name in FILES:
            getattr(net, name).load_state_dict(load_file(folder / f"{name}.safetensors"))
        return net.eval(), config


def native_bfloat16() -> bool:
    """Whether this processor multiplies bfloat16 in hardware; elsewhere it is emulated, and slower than float32."""
    return torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
