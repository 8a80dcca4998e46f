"""A tiny AnyFlow-FAR folder with seeded random weights, as diffusers writes it, and as NVIDIA's code names things."""

import json
from pathlib import Path

import torch
from diffusers import AnyFlowFARPipeline, AnyFlowFARTransformer3DModel, FlowMapEulerDiscreteScheduler

from tiny.wan_folders import TEXT, tiny_wan_folder


def tiny_far_net(seed: int = 0) -> AnyFlowFARTransformer3DModel:
    """Two layers of two heads; coarse patches are not the fine ones enlarged, norms not all ones, so that both show."""
    torch.manual_seed(seed)
    net = AnyFlowFARTransformer3DModel(
        num_attention_heads=2, attention_head_dim=24, text_dim=TEXT, freq_dim=32, ffn_dim=64, num_layers=2
    )
    for name, weight in net.named_parameters():
        if ".norm" in name or name.startswith("far_patch"):
            weight.data += torch.randn_like(weight) / 3
    return net.eval().requires_grad_(False)


def tiny_anyflow_folder(folder: Path, original: bool = False, **config: object) -> Path:
    """A whole folder. original: with the names and the settings of the published config.json; config: changed in it."""
    folder = tiny_wan_folder(Path(folder))
    tiny_far_net().save_pretrained(folder / "transformer", safe_serialization=True)
    FlowMapEulerDiscreteScheduler(shift=5.0).save_pretrained(folder / "scheduler")
    index = json.loads((folder / "model_index.json").read_text())
    index["_class_name"] = "FARWanAnyFlowPipeline" if original else "AnyFlowFARPipeline"
    index["scheduler"] = ["diffusers", "FlowMapEulerDiscreteScheduler"]
    index["transformer"] = ["diffusers", "AnyFlowFARTransformer3DModel"]
    (folder / "model_index.json").write_text(json.dumps(index))
    place = folder / "transformer" / "config.json"
    settings = json.loads(place.read_text())
    if original:
        settings |= {"_class_name": "FAR_Wan_Transformer3DModel", "added_kv_proj_dim": None, "init_flowmap_model": True}
        settings |= {"qk_norm": "rms_norm_across_heads", "init_far_model": True, "chunk_partition": None}
    place.write_text(json.dumps(settings | config))
    return folder


def published(folder: Path, words: torch.Tensor, noise: torch.Tensor, steps: int, first: torch.Tensor | None = None):
    """Diffusers' own pipeline: the latents (F, C, h, w) it draws from noise of that shape. first: a latent it begins
    from."""
    pipeline = AnyFlowFARPipeline.from_pretrained(folder, local_files_only=True)
    pipeline.set_progress_bar_config(disable=True)
    frames = len(noise)
    out = pipeline(
        prompt_embeds=words[None],
        latents=noise.transpose(0, 1)[None],
        video_latents=None if first is None else first[None, None],
        num_frames=4 * frames - 3,
        height=8 * noise.shape[-2],
        width=8 * noise.shape[-1],
        num_inference_steps=steps,
        chunk_partition=[1, *[3] * (frames // 3)],
        output_type="latent",
    )
    return out.frames[0].transpose(0, 1)
