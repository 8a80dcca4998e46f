"""Live terrain: the consistency net that adaptive-terrain-diffusion ships, played as an image model.

A published net of one step (consistency models, arXiv 2303.01469), 128 x 128 heights, told a noise level and how rough
the ground is. Its noise is EDM's: x = x0 + sigma noise, sigma from 80 down to .002. Divided by 1 + sigma that is the
studio's (1 - s) x0 + s noise with s = sigma / (1 + sigma), so the picture stream plays it as any image model.
"""

from __future__ import annotations

import hashlib
import importlib.util
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from studio.conditioning import NOTHING_SET, Conditioning, FrameInputs, PromptMemory, PromptStates, Rows
from studio.models.base import NO_LORAS, Capabilities, Model, Stateless
from studio.models.errors import MissingWeights
from studio.models.terrain.relief import CLEARER, relief
from studio.models.terrain.words import LEAST, MOST, difficulty_of, remarks
from studio.pictures import as_bytes, cropped, decoded

if TYPE_CHECKING:
    from PIL.Image import Image

    from studio.kv_cache import KVCache

FILE = "weights/terrain_consistency_unet_difficulty100.onnx"
INSTALL = 'pip install "live-studio[terrain]" && pip install --no-deps adaptive-terrain-diffusion==0.4.2'
SIDE = 128  # heights a side; the net has no other
SIGMAS = (0.002, 80.0)  # the least and the most noise it knows
ALONE = "terrain is drawn frame by frame, from words and pictures"
REFUSES = {
    "stroke": f"{ALONE}; paint on a video model, as the pocket model is",
    "erase": f"{ALONE}: there are no strokes to take away",
    "sink": f"{ALONE}: it keeps no past that a sink would hold",
    "structure": f"{ALONE}; it has no ControlNet",
    "lora": "its net is played as it was published; no LoRA fits it",
    "similarity": "its net draws the whole ground at once, and what is alike as fast as what is not",
}


class Terrain(Model):
    """Terrain as the studio plays it, see `models.base.Model`; on the processor.

    Raises MissingWeights where onnxruntime or the package of the weights is not installed.
    """

    def __init__(self) -> None:
        path = find_weights()
        self.session = open_session(path)
        self.name = "terrain"
        self.weights_id = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
        self._prompts = PromptMemory(read_words, 64, remarks=remarks)
        self.capabilities = Capabilities(
            size=(CLEARER * SIDE, CLEARER * SIDE),
            latent=(1, SIDE, SIDE),
            independent=True,
            steps=1,
            takes_pictures=True,
            refuses=REFUSES,
        )

    def sigmas(self, steps: int, strength: float = 1.0) -> tuple[float, ...]:
        """Give levels evenly spaced by their logarithm, from what `strength` reaches down: one is 80 / 81 at 1."""
        if steps < 1 or not 0 < strength <= 1:
            raise ValueError(f"{steps} steps from strength {strength:g}; possible: 1 or more, strength in (0, 1]")
        least, most = SIGMAS
        levels = [least * (most / least) ** (strength * (1 - step / steps)) for step in range(steps)]
        return tuple(level / (1 + level) for level in levels)

    def prepare(self, prompt: str, loras: Mapping[str, float] = NO_LORAS) -> PromptStates:
        """Read a prompt: its difficulty, see `terrain.words`, as one state of one number, 0..1."""
        return self._prompts(prompt)

    def condition(self, states: PromptStates, inputs: FrameInputs, frames: Sequence[int]) -> Conditioning:
        """Make what the frames are told: their difficulty."""
        return Conditioning((states,) * len(frames), torch.zeros(len(frames), 0, SIDE, SIDE))

    def denoise(self, rows: Rows, cache: KVCache | None = None, write: int = 0, causal: bool = True) -> Tensor:
        """Denoise rows, each by itself, so that none depends on what is drawn beside it."""
        each = zip(rows.x.split(1), rows.sigma, rows.cond.prompts, strict=True)
        return torch.cat([self._denoise(x, sigma, states) for x, sigma, states in each])

    def _denoise(self, x: Tensor, sigma: float, states: PromptStates) -> Tensor:
        """Denoise one row, (1, 1, 128, 128)."""
        told = {
            "noisy": (x.float() / (1 - sigma)).numpy(),
            "sigma": np.array([sigma / (1 - sigma)], np.float32),
            "difficulty": states.states.reshape(-1)[:1].float().numpy(),
        }
        return torch.from_numpy(self.session.run(["denoised"], told)[0])

    def encode_picture(self, picture: bytes | np.ndarray | Image) -> Tensor:
        """Read a picture as heights, dark low and bright high: (1, 128, 128), its middle cropped."""
        size = (SIDE, SIDE)
        whole = decoded(picture, size) if isinstance(picture, bytes) else cropped(as_bytes(picture), size)
        return torch.tensor(whole).float().mean(-1)[None] / 127.5 - 1

    def new_decoder(self) -> TerrainDecoder:
        """Make a decoder, which remembers nothing."""
        return TerrainDecoder()


class TerrainDecoder(Stateless):
    """Heights to pictures, one by one."""

    def decode(self, latents: Tensor, inputs: FrameInputs = NOTHING_SET) -> list[np.ndarray]:
        """Draw (F, 1, 128, 128) as F reliefs, uint8 (512, 512, 3)."""
        return [relief(latent) for latent in latents.nan_to_num()]


def read_words(text: str) -> Tensor:
    """Give the state (1, 1) of a text: its difficulty as the net is told it, 0 of 1 and 1 of 100."""
    return torch.tensor([[(difficulty_of(text) - LEAST) / (MOST - LEAST)]])


def find_weights() -> Path:
    """Find the net in its package, which is not imported; MissingWeights says what to install."""
    found = importlib.util.find_spec("terrain_diffusion")
    places = found.submodule_search_locations if found else None
    path = Path(places[0]) / FILE if places else None
    if path is None or not path.is_file():
        raise MissingWeights(f"the terrain world's net is not on this machine (45 MB, MIT); to get it: {INSTALL}")
    return path


def open_session(path: Path) -> Any:
    """Open the net with onnxruntime, with as many threads as torch has; MissingWeights says what to install."""
    try:
        import onnxruntime
    except ImportError:
        raise MissingWeights(f"the terrain world is played by onnxruntime, which is not installed; {INSTALL}") from None
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
