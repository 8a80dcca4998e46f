"""Image models: SD 1.x, 2.x and SDXL with their Turbo and LCM forms, as a diffusers folder or in one file.

The UNet is called by itself, a row a frame, each at its own noise level; what a pipeline does around it (the loop, the
noise, guidance) is the studio's. Levels and predictions are in `noise_levels`, a checkpoint's parts in `parts`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from studio.accelerate import accelerate
from studio.accelerate.options import Acceleration
from studio.conditioning import NOTHING_SET, Conditioning, FrameInputs, PromptMemory, PromptStates, Rows
from studio.models.base import NO_LORAS, Capabilities, Model, Stateless
from studio.models.finite import to_pictures
from studio.models.image.checkpoint import Codec, fingerprint
from studio.models.image.cross_frame import join as cross_frame_attention
from studio.models.image.few_steps import why_undistilled
from studio.models.image.options import ImageOptions
from studio.models.image.parts import ImageParts, LiveLoras, add_loras, latent_size, read_parts, used_files
from studio.models.image.regional import hear_regions
from studio.models.image.sources import open_source
from studio.models.image.unet_forward import UNetForward
from studio.models.notices import Notices
from studio.models.options import flat_signature, from_flat
from studio.models.prompt_syntax import letters
from studio.pictures import as_bytes, cropped, decoded, edges
from studio.underpaint import sprites

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

    from studio.kv_cache import KVCache

ALONE = "its frames are drawn one by one, from words and pictures"
REFUSES = {
    "sink": f"{ALONE}: it keeps no past that a sink would hold",
}


class Image(Model):
    """An image model as the studio plays it, see `models.base.Model`; rows alone, no cache.

    Raises MissingWeights or CheckpointError for files that cannot be played as asked, before anything is played.
    """

    def __init__(self, folder: Path | str, options: ImageOptions | None = None) -> None:
        """folder: a diffusers folder, or a checkpoint in one file."""
        options = options or ImageOptions()
        source = open_source(Path(folder))
        notices = Notices()
        self.parts = parts = read_parts(source, options, notices)
        latent = latent_size(parts, options.size)
        self._loras = add_loras(parts, options, notices)
        branches = cross_frame_attention(parts.unet) if options.cross_frame else None
        for net in filter(None, (parts.unet, parts.controlnet)):
            hear_regions(net)
        accelerate_parts(parts, options.acceleration)
        self.name = source.path.name
        self.weights_id = fingerprint(used_files(source, options))
        able = capabilities(parts, self._loras, (int(options.size[0]), int(options.size[1])), latent)
        self.capabilities = replace(
            able, undistilled=why_undistilled(source, parts, options), notices=tuple(notices.words)
        )
        self._unet = UNetForward(parts, self._loras, branches, self.size)
        self._prompts = PromptMemory(self._encode, 64, int(parts.family == "sdxl"), self._remarks)
        self._control_picture = lru_cache(maxsize=8)(self._make_control_picture)

    def sigmas(self, steps: int, strength: float = 1.0) -> tuple[float, ...]:
        """Give the levels of a schedule: four steps at strength 1 are the timesteps 999, 749, 499 and 249."""
        return self.parts.levels.sigmas(steps, strength)

    def sigmas_at(self, t_index_list: Sequence[int]) -> tuple[float, ...]:
        """Give the levels of StreamDiffusion's list of timesteps: (32, 45) are the timesteps 359 and 99."""
        return self.parts.levels.sigmas_at(t_index_list)

    def prepare(self, prompt: str, loras: Mapping[str, float] = NO_LORAS) -> PromptStates:
        """Read a prompt, under the LoRAs that change how words are read; see `Words.states`. 64 are remembered."""
        named = zip(self._loras.names, self._loras.changes_words, strict=True)
        return self._prompts((prompt, tuple(loras.get(name, 0.0) if changes else 0.0 for name, changes in named)))

    def _encode(self, key: tuple[str, tuple[float, ...]]) -> Tensor:
        """Give the states of a text read under LoRAs of these weights."""
        (text, weights), parts = key, self.parts
        with parts.words.lock:
            self._loras.words.set(torch.tensor([weights]) if weights else None, parts.device, parts.dtype)
            return parts.words.states(text)

    def _remarks(self, key: tuple[str, tuple[float, ...]]) -> list[str]:
        """Say what of a text is letters to it: it reads any length, in chunks, with the weights of words."""
        return list(letters(key[0], self.name, weighs=True))

    def condition(self, states: PromptStates, inputs: FrameInputs, frames: Sequence[int]) -> Conditioning:
        """Make what the frames are told: their words, and no tracks.

        extra: "guidance" (LCM's embedding of the scale), "loras" their weights and "strength" the ControlNet's, both on
        the CPU, "structure" the control picture, only while there is a strength.
        """
        extra: dict[str, Tensor] = {}
        if width := self.parts.unet.config.time_cond_proj_dim:
            extra["guidance"] = guidance_embedding(inputs.guidance_scale, width).to(self.parts.device)
        if names := self._loras.names:
            extra["loras"] = torch.tensor([inputs.loras.get(name, 0.0) for name in names])
        if self.parts.controlnet and inputs.structure_strength and (inputs.picture or inputs.painted is not None):
            extra["structure"] = self._structure(inputs)
            extra["strength"] = torch.tensor(inputs.structure_strength)
        rows = len(frames)
        tracks = torch.zeros(rows, 0, *self.latent[1:], device=states.states.device)
        each = {name: part.expand(rows, *part.shape) for name, part in extra.items()}
        return Conditioning((states,) * rows, tracks, each)

    def denoise(self, rows: Rows, cache: KVCache | None = None, write: int = 0, causal: bool = True) -> Tensor:
        """Denoise rows at sigmas of the schedule; h and w may be a part's. No cache is read or written.

        Rows do not see each other, but with `cross_frame`, where those of one branch do.
        """
        parts = self.parts
        level = parts.levels.at(tuple(map(float, rows.sigma)), parts.device)
        noisy = rows.x.to(parts.device, torch.float32) * level.scale
        ready = noisy.to(parts.dtype, memory_format=torch.channels_last)
        return parts.levels.clean(self._unet(ready, level.t, rows.cond, rows.frames), noisy, level)

    def encode_picture(self, picture: bytes | np.ndarray | Picture, signed: bool = False) -> Tensor:
        """Encode a picture, its middle cropped to the model's size: (C, h, w) float32, always the same one.

        Args:
            picture: a JPEG, PNG or WebP, a PIL image, or an array (H, W, 3): uint8, or floats in [0, 1].
            signed: whether an array's floats are in [-1, 1].
        """
        whole = (
            decoded(picture, self.size) if isinstance(picture, bytes) else cropped(as_bytes(picture, signed), self.size)
        )
        return self.parts.codec.encode(torch.tensor(whole))

    def _structure(self, inputs: FrameInputs) -> Tensor:
        """Give what the ControlNet is shown: of the underpainting, or else of the picture that came in."""
        if inputs.painted is not None:
            return self._shown(inputs.painted, inputs.structure_look)
        return self._control_picture(inputs.picture, inputs.structure_look)

    def _make_control_picture(self, data: bytes, look: str) -> Tensor:
        return self._shown(decoded(data, self.size), look)

    def _shown(self, whole: np.ndarray, look: str) -> Tensor:
        """Give (3, H, W) in [0, 1]: what the ControlNet is shown of a picture (H, W, 3)."""
        shown = torch.tensor(edges(whole) if look == "edges" else whole)
        return (shown.permute(2, 0, 1) / 255).to(self.parts.device, self.parts.dtype)

    def reads(self, label: str) -> tuple[str, bool]:
        """Give the subject whose picture is pasted for a label; "" and False where none is, and it is only heard."""
        return sprites.subject(label) or "", sprites.subject(label) is not None

    def new_decoder(self) -> ImageDecoder:
        """Make a decoder, which remembers nothing."""
        return ImageDecoder(self.parts.codec)


@flat_signature(ImageOptions)
def open_image(folder: Path | str, **options: Any) -> Image:
    """Open an image model with options by their flat names, as `load` and the command line give them.

    options: the fields of `ImageOptions` and of `Acceleration`.
    """
    return Image(folder, from_flat(ImageOptions, options))


class ImageDecoder(Stateless):
    """Latents to pictures, one by one."""

    def __init__(self, codec: Codec) -> None:
        self.codec = codec

    def decode(self, latents: Tensor, inputs: FrameInputs = NOTHING_SET) -> list[np.ndarray]:
        """Decode (F, C, h, w) to F pictures, uint8 (H, W, 3). Raises NotFinite for what is no number."""
        return to_pictures(self.codec.decode(latent) for latent in latents)


def capabilities(
    parts: ImageParts, loras: LiveLoras, size: tuple[int, int], latent: tuple[int, int, int]
) -> Capabilities:
    """Say what a model of these parts can do, and what it was not opened for."""
    lacks = {} if loras.names else {"lora": "it was opened without LoRAs; open it with loras={name: file}"}
    if not parts.controlnet:
        lacks["structure"] = "it was opened without a ControlNet; open it with controlnet=folder"
    return Capabilities(
        size=size,
        latent=latent,
        independent=True,
        steps=4 if parts.levels.grid else 2,  # until a person says otherwise
        takes_pictures=True,
        hears_regions=True,
        strokes="underpainting",
        refuses=REFUSES | lacks,
        loras=loras.names,
        device=parts.device,
    )


def accelerate_parts(parts: ImageParts, acceleration: Acceleration) -> None:
    """Make the networks faster as asked; weights were quantized before LoRAs were put beside them."""
    accelerate(parts.unet, Acceleration(attention=acceleration.attention))
    for net in filter(None, (parts.unet, parts.controlnet, parts.codec.net)):
        accelerate(net, Acceleration(compile=acceleration.compile, graphs=acceleration.graphs))


def guidance_embedding(scale: float, width: int) -> Tensor:
    """Embed a guidance scale as LCM's UNets are told it (arXiv 2310.04378, section 4.3), 1 being none: (width,)."""
    from diffusers.models.embeddings import get_timestep_embedding

    return get_timestep_embedding(torch.tensor([1000 * (scale - 1)]), width, downscale_freq_shift=1)[0]
