"""Image models: any diffusers folder of the families SD 1.x, 2.x and SDXL, with their Turbo and LCM forms.

The UNet is called by itself, a row a frame, each at its own noise level; what a pipeline does around it (the loop, the
noise, guidance) is the studio's. Levels and predictions are in `levels`, the folder's parts in `image_parts`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from studio.accelerate import Acceleration, accelerate
from studio.conditioning import Conditioning, heard
from studio.controls import Picture, Sampling, Structure, lora_weights
from studio.models.base import Stateless
from studio.models.devices import resolve_device
from studio.models.errors import CheckpointError
from studio.models.image import checkpoint as image_parts
from studio.models.image import lora
from studio.models.image.checkpoint import Codec, Words
from studio.models.image.cross_frame import join as cross_frame_attention
from studio.pictures import as_bytes, cropped, decoded, edges

if TYPE_CHECKING:
    from studio.controls import ControlState
    from studio.kv_cache import KVCache

ALONE = "its frames are drawn one by one, from words and pictures"
REFUSES = {
    "stroke": f"{ALONE}; paint on a video model, as the pocket model is",
    "erase": f"{ALONE}: there are no strokes to take away",
    "sink": f"{ALONE}: it keeps no past that a sink would hold",
}


class Image:
    """An image model as the studio plays it, see `models.base.Model`.

    folder: a diffusers folder; tiny_vae: an AutoencoderTiny folder to use instead of its full one, many times faster;
    lcm_lora: a latent consistency LoRA (file or folder), fused at loading; controlnet: a ControlNet folder; loras:
    name -> file, played live by `Lora`; size (H, W); dtype: float16 on a GPU, float32 on the CPU; cross_frame: frames
    in flight see each other, so that they look alike; compile, graphs, quantize, attention: see `accelerate`.
    Raises MissingWeights or CheckpointError for files that cannot be played as asked, before anything is played.
    """

    chunk = 1
    sink = 0
    window = 0
    independent = True

    def __init__(
        self,
        folder: Path | str,
        tiny_vae: Path | str | None = None,
        lcm_lora: Path | str | None = None,
        controlnet: Path | str | None = None,
        loras: Mapping[str, Path | str] | None = None,
        size: tuple[int, int] = (512, 512),
        dtype: torch.dtype | None = None,
        device: torch.device | str | None = None,
        cross_frame: bool = False,
        quantize: str | None = None,
        compile: bool | str = False,
        attention: str | None = None,
        graphs: bool = False,
    ):
        folder = Path(folder)
        self.name = folder.name
        self.device = resolve_device(device)
        self.dtype = dtype or (torch.float16 if self.device.type == "cuda" else torch.float32)
        self.loras = tuple(loras or {})
        self._lock = Lock()  # LoRA weights and branches are set around a forward; sessions share the model
        tiny, lcm, structure = (Path(path) if path else None for path in (tiny_vae, lcm_lora, controlnet))
        files = [Path(path) for path in (loras or {}).values()]
        if graphs and (files or cross_frame):
            raise ValueError("CUDA graphs keep what a forward does: graphs is not possible with loras or cross_frame")
        self._read(folder, tiny, lcm, structure)
        self.steps = 4 if self.levels.grid else 2  # until a person says otherwise
        self._measure(size)
        self._adapt(files, quantize)
        self._branches = cross_frame_attention(self.unet) if cross_frame else None
        accelerate(self.unet, Acceleration(attention=attention))
        for net in filter(None, (self.unet, self.controlnet, self.codec.net)):
            accelerate(net, Acceleration(compile=compile, graphs=graphs))
        given = [path for path in (tiny, lcm, structure, *files) if path]
        self.weights_id = image_parts.fingerprint(used_files(folder, tiny is not None, given))
        self.refuses = REFUSES | self._lacks()
        self._states = lru_cache(maxsize=64)(self._encode)
        self._shown = lru_cache(maxsize=8)(self._show)

    def _lacks(self) -> dict[str, str]:
        """The controls that this one was not opened for."""
        lacks = {} if self.loras else {"lora": "it was opened without LoRAs; open it with loras={name: file}"}
        if not self.controlnet:
            lacks["structure"] = "it was opened without a ControlNet; open it with controlnet=folder"
        return lacks

    def _read(self, folder: Path, tiny_vae: Path | None, lcm_lora: Path | None, controlnet: Path | None) -> None:
        """Every part, in its dtype and on the device."""
        from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

        index, self.family = image_parts.read_index(folder)
        self.levels = image_parts.read_levels(folder / "scheduler", distilled=lcm_lora is not None)
        image_parts.check_unet(folder / "unet", self.family)
        self.unet: Any = image_parts.read_net(UNet2DConditionModel, folder / "unet", self.dtype)
        self.controlnet: Any = controlnet and image_parts.read_controlnet(controlnet, self.unet, self.dtype)
        if lcm_lora:
            lora.fuse({"unet": self.unet}, lora.read(lcm_lora, {"unet": self.unet}))
        for net in filter(None, (self.unet, self.controlnet)):
            net.to(self.device, memory_format=torch.channels_last)
        self.words = Words.read(folder, index, self.family, self.dtype, self.device)
        self.codec = Codec.read(folder / "vae", tiny_vae, self.dtype, self.device)
        self._check(folder)

    def _check(self, folder: Path) -> None:
        """That the parts speak of the same widths."""
        told = self.unet.config
        width, pooled = self.words.width, told.projection_class_embeddings_input_dim
        times = 6 * (told.addition_time_embed_dim or 0)
        if told.cross_attention_dim != width or (self.family == "sdxl" and pooled != times + self.words.pooled):
            raise CheckpointError(
                f"{folder}: its text encoders give {width} numbers a token and {self.words.pooled} of the whole text, "
                f"its UNet takes {told.cross_attention_dim} and {(pooled or 0) - times}; the parts are of two models"
            )

    def _adapt(self, files: Sequence[Path], quantize: str | None) -> None:
        """LoRAs beside the layers, the UNet's quantized before; all are read before the first is put there."""
        nets = {"unet": self.unet, **self.words.encoders}
        deltas = [lora.read(file, nets) for file in files]
        if quantize:
            accelerate(self.unet, Acceleration(quantize=quantize))
        of_unet = [{place: delta for place, delta in each.items() if place[0] == "unet"} for each in deltas]
        of_words = [{place: delta for place, delta in each.items() if place[0] != "unet"} for each in deltas]
        self._mix, self._word_mix = lora.adapt(nets, of_unet), lora.adapt(nets, of_words)
        self._speaks = tuple(bool(each) for each in of_words)  # whether a LoRA changes how words are read

    def _measure(self, size: tuple[int, int]) -> None:
        """The size of pictures and latents, as the autoencoder has it."""
        height, width = self.size = (int(size[0]), int(size[1]))
        channels, across, _ = self.codec.encode(torch.zeros(64, 64, 3, dtype=torch.uint8)).shape
        factor = 64 // across
        if channels != self.unet.config.in_channels:
            raise CheckpointError(
                f"the autoencoder has {channels} latent channels and the UNet {self.unet.config.in_channels}; "
                "use one of the model's own family"
            )
        if height % factor or width % factor or not 2 * factor <= min(height, width) <= max(height, width) <= 4096:
            raise ValueError(
                f"size is {height}x{width}; possible: height and width divisible by {factor}, "
                f"{2 * factor} to 4096 pixels, best near those it was trained at"
            )
        self.latent = (channels, height // factor, width // factor)
        self._times = torch.tensor([[height, width, 0, 0, height, width]], dtype=torch.float32, device=self.device)

    def sigmas(self, steps: int, strength: float = 1.0) -> tuple[float, ...]:
        """See `Levels.sigmas`: four steps at strength 1 are the timesteps 999, 749, 499 and 249."""
        return self.levels.sigmas(steps, strength)

    def encode_text(self, text: str) -> Tensor:
        """(L, D) float32 token states; see `Words.states`. The last 64 texts are remembered."""
        return self._states(text, (0.0,) * len(self.loras))

    def _encode(self, text: str, weights: tuple[float, ...]) -> Tensor:
        """The states of a text read under LoRAs of these weights."""
        with self.words.lock:
            self._word_mix.set(torch.tensor([weights]) if weights else None, self.device, self.dtype)
            return self.words.states(text)

    def condition(self, state: ControlState, frames: Sequence[int], text: Tensor | None = None) -> Conditioning:
        """What the frames are told; `text` stands in for the prompt's own states, which a LoRA may change.

        extra: "pooled" (SDXL), "guidance" (LCM's embedding of the scale), "loras" their weights and "strength" the
        ControlNet's, both on the CPU, "structure" the control picture, only while there is a strength.
        """
        if text is None:
            weights = tuple(
                lora_weights(state).get(name, 0.0) if speaks else 0.0 for name, speaks in zip(self.loras, self._speaks)
            )
            text = heard(state, lambda words: self._states(words, weights))
        extra: dict[str, Tensor] = {}
        if self.family == "sdxl":
            text, extra["pooled"] = text[:-1], text[-1, : self.words.pooled]
        if width := self.unet.config.time_cond_proj_dim:
            extra["guidance"] = guidance_embedding(distilled_scale(state), width).to(self.device)
        if self.loras:
            extra["loras"] = torch.tensor([lora_weights(state).get(name, 0.0) for name in self.loras])
        structure = state[Structure]
        if self.controlnet and structure.strength and state[Picture].data:
            extra["structure"] = self._shown(state[Picture].data, structure.look)
            extra["strength"] = torch.tensor(structure.strength)
        rows = len(frames)
        spread = {name: part.expand(rows, *part.shape) for name, part in extra.items()}
        tracks = torch.zeros(rows, 0, *self.latent[1:], device=text.device)
        return Conditioning(text.expand(rows, -1, -1), tracks, spread)

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
        """x (F, C, h, w), a sigma of the sigmas each -> x0 (F, C, h, w), float32; h and w may be a part's.

        Rows do not see each other, but with `cross_frame`, where those of one branch do. No cache is read or written.
        """
        told = self.levels.told(tuple(map(float, sigma)), self.device)
        noisy = x.to(self.device, torch.float32) * told.scale
        with torch.no_grad(), self._lock:
            self._mix.set(cond.extra.get("loras"), self.device, self.dtype)
            if self._branches:
                self._branches.set(positions, self.device)
            output = self._predicted(noisy.to(self.dtype, memory_format=torch.channels_last), told.t, cond)
        return self.levels.clean(output, noisy, told)

    def _predicted(self, x: Tensor, t: Tensor, cond: Conditioning) -> Tensor:
        """What the UNet says."""
        told: dict[str, Any] = {"encoder_hidden_states": cond.text.to(self.dtype), "return_dict": False}
        if "pooled" in cond.extra:
            pooled, times = cond.extra["pooled"].to(self.dtype), self._times.expand(len(x), -1)
            told["added_cond_kwargs"] = {"text_embeds": pooled, "time_ids": times}
        residuals: dict[str, Any] = {}
        if "structure" in cond.extra:
            strength = cond.extra["strength"].to(self.device, self.dtype)[:, None, None, None]
            shown = cond.extra["structure"]
            down, middle = self.controlnet(x, t, controlnet_cond=shown, conditioning_scale=strength, **told)
            residuals = {"down_block_additional_residuals": down, "mid_block_additional_residual": middle}
        if "guidance" in cond.extra:
            told["timestep_cond"] = cond.extra["guidance"].to(self.dtype)
        return self.unet(x, t, **told, **residuals)[0]

    def encode_picture(self, picture: Picture | Any, signed: bool = False) -> Tensor:
        """(C, h, w) float32: the latent of a picture, its middle cropped to the model's size; always the same one.

        Beside the control a PIL image or an array (H, W, 3): uint8, floats in [0, 1], or `signed` ones in [-1, 1].
        """
        data = getattr(picture, "data", None)
        whole = decoded(data, self.size) if isinstance(data, bytes) else cropped(as_bytes(picture, signed), self.size)
        return self.codec.encode(torch.tensor(whole))

    def _show(self, data: bytes, look: str) -> Tensor:
        """(3, H, W) in [0, 1]: what the ControlNet is shown of a picture."""
        whole = decoded(data, self.size)
        shown = torch.tensor(edges(whole) if look == "edges" else whole)
        return (shown.permute(2, 0, 1) / 255).to(self.device, self.dtype)

    def new_cache(self) -> KVCache:
        raise TypeError("an image model's frames do not see each other: it has no cache; play it with PictureStream")

    def new_decoder(self) -> ImageDecoder:
        return ImageDecoder(self.codec)


class ImageDecoder(Stateless):
    """Latents to pictures, one by one."""

    def __init__(self, codec: Codec):
        self.codec = codec

    def decode(self, latents: Tensor) -> list[np.ndarray]:
        """(F, C, h, w) -> F pictures, uint8 (H, W, 3)."""
        return [self.codec.decode(latent).cpu().numpy() for latent in latents]


def distilled_scale(state: ControlState) -> float:
    """The guidance a latent consistency model is told to draw with: the scale's, unless guidance is made outside it."""
    return state[Sampling].scale if state[Sampling].guidance == "none" else 1.0


def guidance_embedding(scale: float, width: int) -> Tensor:
    """(width,): a guidance scale as LCM's UNets are told it (arXiv 2310.04378, section 4.3), 1 being none."""
    from diffusers.models.embeddings import get_timestep_embedding

    return get_timestep_embedding(torch.tensor([1000 * (scale - 1)]), width, downscale_freq_shift=1)[0]


def used_files(folder: Path, tiny_vae: bool, others: Sequence[Path]) -> list[Path]:
    """The files that decide what a model of these draws."""
    nets = ["unet", "text_encoder", *([] if tiny_vae else ["vae"])]
    nets += ["text_encoder_2"] if (folder / "text_encoder_2").is_dir() else []
    files = [folder / "model_index.json", folder / "scheduler" / "scheduler_config.json"]
    for place in (*(folder / name for name in nets), *others):
        if (place / "config.json").exists():
            files += [place / "config.json", *image_parts.weight_files(place)[1]]
        else:
            files.append(lora.the_file(place))
    return files
