"""The video student as a folder of a Wan student: what `load(folder)` opens, in the layout of the published ones."""

from __future__ import annotations

import copy
import json
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from studio.models.libraries import Net
from studio.training.diffusion import Stage, descend, follow, rate_at
from studio.training.losses import psnr
from studio.training.video_clips import World
from studio.training.video_codec import CHANNELS, VideoAutoencoder, crops

TINY = "taew2_1.safetensors"  # the tiny autoencoder's file, named as the published one
WAN_VAE: dict[str, Any] = dict(
    base_dim=8, z_dim=CHANNELS, num_res_blocks=1, latents_mean=[0.0] * CHANNELS, latents_std=[1.0] * CHANNELS
)
INDEX = {
    "_class_name": "WanPipeline",
    "_diffusers_version": "0.42.1",
    "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
    "text_encoder": ["transformers", "UMT5EncoderModel"],
    "tokenizer": ["transformers", "T5TokenizerFast"],
    "transformer": ["diffusers", "WanTransformer3DModel"],
    "vae": ["diffusers", "AutoencoderKLWan"],
}


def new_wan_vae(seed: int = 3) -> Net:
    """Make an untrained autoencoder of Wan 2.1's own kind, a thousandth of its size."""
    from diffusers.models.autoencoders.autoencoder_kl_wan import AutoencoderKLWan

    torch.manual_seed(seed)
    return AutoencoderKLWan(**WAN_VAE)


def vae_loss(vae: Net, codec: VideoAutoencoder, clips: Tensor) -> Tensor:
    """Compute how far its latents of clips (B, T, 3, H, W) are from the tiny codec's, and what it makes of those."""
    with torch.no_grad():
        latents = codec.encode(clips)
    pixels = clips.transpose(1, 2) * 2 - 1
    mean = vae.encode(pixels).latent_dist.mode()
    made = vae.decode(latents.transpose(1, 2), return_dict=False)[0]
    return (mean - latents.transpose(1, 2)).square().mean() + 4 * (made - pixels).abs().mean()


def train_wan_vae(codec: VideoAutoencoder, world: World, folder: Path, stage: Stage, seed: int = 8) -> Iterator[dict]:
    """Teach a small `AutoencoderKLWan` the tiny autoencoder's latents, for what encodes with a base's own.

    Writes `folder`/vae; done already, it does nothing.
    """
    if (folder / "vae" / "config.json").exists():
        return
    vae, rng, began = new_wan_vae().train(), np.random.default_rng(seed), time.monotonic()
    average, optimiser = copy.deepcopy(vae), torch.optim.AdamW(vae.parameters(), lr=stage.rate, betas=(0.9, 0.98))
    for step in range(stage.steps):
        clips, _ = crops(world, stage.clips, stage.frames, rng)
        loss = vae_loss(vae, codec, clips)
        descend(loss, optimiser, vae.parameters(), stage.rate * rate_at(step, stage.steps, stage.falling))
        follow(average, vae, min(0.99, (step + 1) / (step + 10)))
        if step % 20 == 19 or step == stage.steps - 1:
            yield {"step": step + 1, "loss": loss.item(), "seconds_a_step": (time.monotonic() - began) / (step + 1)}
    average.half().save_pretrained(folder / "vae")
    yield {"step": stage.steps, **vae_quality(average.float().eval(), codec, world)}


@torch.no_grad()
def vae_quality(vae: Net, codec: VideoAutoencoder, world: World) -> dict[str, float]:
    """Measure the PSNR of its decoder on the tiny encoder's latents, and of the tiny decoder on its latents."""
    clips, _ = crops(world, 8, 5, np.random.default_rng(99))
    latents = codec.encode(clips).transpose(1, 2)
    own = vae.encode(clips.transpose(1, 2) * 2 - 1).latent_dist.mode()
    decoded = vae.decode(latents, return_dict=False)[0].transpose(1, 2) / 2 + 0.5
    tiny = codec.decode(own.transpose(1, 2))
    flat = clips.flatten(0, 1)
    return {"vae_psnr_db": psnr(decoded.flatten(0, 1), flat), "vae_encoder_psnr_db": psnr(tiny.flatten(0, 1), flat)}


def export(net: Net, codec: VideoAutoencoder, folder: Path, out: Path) -> None:
    """Write the folder `out`: the transformer in bfloat16, the rest in half precision, what is done already copied."""
    from diffusers.schedulers.scheduling_flow_match_euler_discrete import FlowMatchEulerDiscreteScheduler

    out.mkdir(parents=True, exist_ok=True)
    copy.deepcopy(net).to(torch.bfloat16).save_pretrained(out / "transformer")
    codec.save(out / TINY)
    for part in ("tokenizer", "text_encoder", "vae"):
        if (folder / part).is_dir():
            shutil.copytree(folder / part, out / part, dirs_exist_ok=True)
    FlowMatchEulerDiscreteScheduler(shift=5.0).save_pretrained(out / "scheduler")
    (out / "model_index.json").write_text(json.dumps(INDEX, indent=1) + "\n", encoding="utf-8")
