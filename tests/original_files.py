"""Checkpoints in one file: diffusers' nets written back in the original layout's names, by tables of their own.

The nets are tiny, but of the published shapes where a file's reader counts on them: groups of 32, 8 heads in SD 1.x's
UNet, heads of 64 elsewhere, CLIP's whole vocabulary.
"""

import json
import re
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

KINDS = ("sd1", "sd2", "sdxl")
TEXT = 64  # width of every text encoder
UNET = {
    "sd1": dict(block_out_channels=(32, 64), attention_head_dim=8, cross_attention_dim=TEXT),
    "sd2": dict(block_out_channels=(64, 128), attention_head_dim=(1, 2), cross_attention_dim=TEXT),
    "sdxl": dict(
        block_out_channels=(64, 64, 128),
        attention_head_dim=(1, 1, 2),
        cross_attention_dim=2 * TEXT,
        transformer_layers_per_block=(1, 1, 2),
        addition_embed_type="text_time",
        addition_time_embed_dim=256,
        projection_class_embeddings_input_dim=6 * 256 + TEXT,
    ),
}
DOWN = {"sd1": "CD", "sd2": "CD", "sdxl": "DCC"}  # C: a level with cross-attention, D: without
LAYERS = 2  # a level
BLOCKS = {"C": "CrossAttnDownBlock2D", "D": "DownBlock2D"}
RESNET = {
    "norm1.": "in_layers.0.",
    "conv1.": "in_layers.2.",
    "norm2.": "out_layers.0.",
    "conv2.": "out_layers.3.",
    "time_emb_proj.": "emb_layers.1.",
    "conv_shortcut.": "skip_connection.",
}
ENDS = {
    "time_embedding.linear_1.": "time_embed.0.",
    "time_embedding.linear_2.": "time_embed.2.",
    "add_embedding.linear_1.": "label_emb.0.0.",
    "add_embedding.linear_2.": "label_emb.0.2.",
    "conv_in.": "input_blocks.0.0.",
    "conv_norm_out.": "out.0.",
    "conv_out.": "out.2.",
    "mid_block.resnets.0.": "middle_block.0.",
    "mid_block.attentions.0.": "middle_block.1.",
    "mid_block.resnets.1.": "middle_block.2.",
    "controlnet_mid_block.": "middle_block_out.0.",
    "controlnet_cond_embedding.conv_in.": "input_hint_block.0.",
    "controlnet_cond_embedding.conv_out.": "input_hint_block.14.",
}


def nets_of(kind):
    """The nets of a kind, by the names of their folders; seeded."""
    from diffusers import AutoencoderKL, UNet2DConditionModel
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    torch.manual_seed(7)
    nets = {"unet": UNet2DConditionModel(**unet_shape(kind))}
    with torch.no_grad():  # so that words show
        for name, weight in nets["unet"].named_parameters():
            if "attn2.to_v" in name or "attn2.to_out.0.weight" in name:
                weight.mul_(5)
    nets["vae"] = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(32, 32, 32, 64),
        layers_per_block=1,
        latent_channels=4,
        scaling_factor=0.13025 if kind == "sdxl" else 0.18215,
    )
    told = dict(hidden_size=TEXT, intermediate_size=96, num_attention_heads=1, projection_dim=TEXT)
    first = CLIPTextConfig(
        **told, num_hidden_layers=23 if kind == "sd2" else 2, hidden_act="gelu" if kind == "sd2" else "quick_gelu"
    )
    nets["text_encoder"] = CLIPTextModel(first)
    if kind == "sdxl":
        nets["text_encoder_2"] = CLIPTextModelWithProjection(
            CLIPTextConfig(**told, num_hidden_layers=3, hidden_act="gelu")
        )
    with torch.no_grad():
        nets["vae"].encoder.conv_out.weight.mul_(20)
        for net in nets.values():  # norms that are not all ones, so that a mistaken one shows
            for name, weight in net.named_parameters():
                weight.copy_(weight + torch.randn_like(weight) / 5 if "norm" in name else weight)
    return {name: net.half().eval() for name, net in nets.items()}


def unet_shape(kind):
    """The arguments of a UNet, and of its ControlNet but for the way up."""
    shape = UNET[kind] | dict(in_channels=4, layers_per_block=LAYERS, use_linear_projection=kind != "sd1")
    up = [BLOCKS[letter].replace("Down", "Up") for letter in reversed(DOWN[kind])]
    return shape | dict(down_block_types=[BLOCKS[letter] for letter in DOWN[kind]], up_block_types=up)


def original_folder(folder, kind, prediction="epsilon", **scheduler):
    """A diffusers folder of a kind, with CLIP's own vocabulary."""
    from diffusers import EulerDiscreteScheduler

    from studio.models.image.clip_tokenizer import END, clip_tokenizer

    folder, nets = Path(folder), nets_of(kind)
    for name, net in nets.items():
        net.save_pretrained(folder / name)
        if "text" in name:
            tokenizer = clip_tokenizer("!" if kind == "sd2" or name.endswith("2") else END)
            tokenizer.save_pretrained(folder / name.replace("text_encoder", "tokenizer"))
    levels = dict(beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear", prediction_type=prediction)
    EulerDiscreteScheduler(**levels, timestep_spacing="leading", **scheduler).save_pretrained(folder / "scheduler")
    index = {
        name: ["diffusers" if name in ("unet", "vae") else "transformers", type(net).__name__]
        for name, net in nets.items()
    }
    index["_class_name"] = "StableDiffusionXLPipeline" if kind == "sdxl" else "StableDiffusionPipeline"
    index |= {"scheduler": ["diffusers", "EulerDiscreteScheduler"], "force_zeros_for_empty_prompt": kind == "sdxl"}
    (folder / "model_index.json").write_text(json.dumps(index))
    return folder


def original_state(kind):
    """A whole checkpoint's weights under the original names, with what such files hold beside them."""
    nets = nets_of(kind)
    state = {f"model.diffusion_model.{unet_name(name, DOWN[kind])}": w for name, w in nets["unet"].state_dict().items()}
    state |= {f"first_stage_model.{vae_name(name)}": w for name, w in nets["vae"].state_dict().items()}
    for name in [name for name in state if re.search(r"mid\.attn_1\.(q|k|v|proj_out)\.weight", name)]:
        state[name] = state[name][..., None, None]  # convolutions of one pixel, as they were trained
    if kind == "sd2":
        state |= open_clip(nets["text_encoder"], "cond_stage_model.model.", layer_more=True)
    else:
        prefix = "conditioner.embedders.0.transformer." if kind == "sdxl" else "cond_stage_model.transformer."
        state |= {f"{prefix}text_model.{bare(name)}": w for name, w in nets["text_encoder"].state_dict().items()}
        state[f"{prefix}text_model.embeddings.position_ids"] = torch.arange(77)[None]
    if kind == "sdxl":
        state |= open_clip(nets["text_encoder_2"], "conditioner.embedders.1.model.")
    beside = {
        "alphas_cumprod": torch.ones(5),
        "model_ema.decay": torch.ones(1),
        "first_stage_model.loss.logvar": torch.ones(1),
    }
    return {name: weight.clone().contiguous() for name, weight in (state | beside).items()}


def original_file(path, kind, metadata=None, **more):
    """A checkpoint in one file: .safetensors, or .ckpt with its weights under `state_dict`. more: tensors beside."""
    state = original_state(kind) | more
    if Path(path).suffix == ".safetensors":
        save_file(state, path, metadata)
    else:
        torch.save({"state_dict": state, "global_step": 7}, path)
    return Path(path)


def bare(name):
    """A CLIP text model's name, which some releases of transformers begin with its wrapper's."""
    return name.removeprefix("text_model.")


def unet_name(name, down):
    """The original name of a UNet's or ControlNet's weight. down: which levels have attention, as in DOWN."""
    if end := next((end for end in ENDS if name.startswith(end)), None):
        return resnet_name(name.replace(end, ENDS[end], 1))
    side, block, part, number, rest = re.fullmatch(r"(\w+?)_blocks\.(\d+)\.?(?:(\w+)\.(\d+)\.)?(.+)", name).groups()
    if side == "controlnet_down":
        return f"zero_convs.{block}.0.{rest}"
    if side == "controlnet_cond_embedding":
        raise AssertionError(name)
    place = int(block) * (LAYERS + 1) + int(number) + (side == "down")
    if part == "downsamplers":
        return f"input_blocks.{(int(block) + 1) * (LAYERS + 1)}.0.op.{rest.removeprefix('conv.')}"
    if part == "upsamplers":
        attends = down[len(down) - 1 - int(block)] == "C"
        return f"output_blocks.{place + LAYERS}.{2 if attends else 1}.{rest}"
    stem = f"{'input' if side == 'down' else 'output'}_blocks.{place}"
    return f"{stem}.1.{rest}" if part == "attentions" else resnet_name(f"{stem}.0.{rest}")


def resnet_name(name):
    for new, old in RESNET.items():
        if re.search(rf"(blocks\.\d+\.0|middle_block\.[02])\.{re.escape(new)}", name):
            return name.replace(new, old)
    return name


def vae_name(name):
    """The original name of an autoencoder's weight; it has four levels."""
    name = re.sub(r"down_blocks\.(\d)\.resnets\.(\d)", r"down.\1.block.\2", name)
    name = re.sub(r"down_blocks\.(\d)\.downsamplers\.0", r"down.\1.downsample", name)
    name = re.sub(r"up_blocks\.(\d)\.resnets\.(\d)", lambda m: f"up.{3 - int(m[1])}.block.{m[2]}", name)
    name = re.sub(r"up_blocks\.(\d)\.upsamplers\.0", lambda m: f"up.{3 - int(m[1])}.upsample", name)
    name = re.sub(r"mid_block\.resnets\.(\d)", lambda m: f"mid.block_{int(m[1]) + 1}", name)
    inner = {"group_norm": "norm", "to_q": "q", "to_k": "k", "to_v": "v", "to_out.0": "proj_out"}
    for new, old in inner.items():
        name = name.replace(f"mid_block.attentions.0.{new}.", f"mid.attn_1.{old}.")
    return name.replace("conv_norm_out", "norm_out").replace("conv_shortcut", "nin_shortcut")


def open_clip(net, prefix, layer_more=False):
    """A text encoder in OpenCLIP's names; layer_more: with the last layer, which SD 2.x does not read."""
    state = {bare(name): weight for name, weight in net.state_dict().items()}
    found = {
        "token_embedding.weight": state["embeddings.token_embedding.weight"],
        "positional_embedding": state["embeddings.position_embedding.weight"],
        "ln_final.weight": state["final_layer_norm.weight"],
        "ln_final.bias": state["final_layer_norm.bias"],
        "logit_scale": torch.ones(()),
        "text_projection": state["text_projection.weight"].T if "text_projection.weight" in state else torch.eye(TEXT),
    }
    names = {"layer_norm1": "ln_1", "layer_norm2": "ln_2", "mlp.fc1": "mlp.c_fc", "mlp.fc2": "mlp.c_proj"}
    names["self_attn.out_proj"] = "attn.out_proj"
    depth = net.config.num_hidden_layers
    for layer in range(depth + layer_more):
        own, to = f"encoder.layers.{min(layer, depth - 1)}.", f"transformer.resblocks.{layer}."
        for end in ("weight", "bias"):
            found |= {f"{to}{old}.{end}": state[f"{own}{new}.{end}"] for new, old in names.items()}
            joined = [state[f"{own}self_attn.{each}_proj.{end}"] for each in "qkv"]
            found[f"{to}attn.in_proj_{end}"] = torch.cat(joined)
    return {prefix + name: weight for name, weight in found.items()}


def original_controlnet(kind):
    """A ControlNet that fits a kind's UNet."""
    from diffusers import ControlNetModel

    torch.manual_seed(9)
    shape = {name: value for name, value in unet_shape(kind).items() if name != "up_block_types"}
    net = ControlNetModel(**shape, conditioning_embedding_out_channels=(8, 8, 16, 32))
    for layer in [*net.controlnet_down_blocks, net.controlnet_mid_block, net.controlnet_cond_embedding.conv_out]:
        nn.init.normal_(layer.weight, std=0.3)
    return net.eval()


def controlnet_state(kind):
    """Its weights under the original names."""
    state = {}
    for name, weight in original_controlnet(kind).state_dict().items():
        if hint := re.fullmatch(r"controlnet_cond_embedding\.blocks\.(\d+)\.(\w+)", name):
            state[f"input_hint_block.{2 * int(hint[1]) + 2}.{hint[2]}"] = weight
        else:
            state[unet_name(name, DOWN[kind])] = weight
    return {f"control_model.{name}": weight.clone() for name, weight in state.items()}
