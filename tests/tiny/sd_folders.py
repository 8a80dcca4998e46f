"""Diffusers folders of tiny seeded random nets, made by the real `save_pretrained`: milliseconds a forward, no network.

Pictures are eight times the latent (16x16 and more); 64x64 is a good size.
"""

import json
from pathlib import Path

import torch
from torch import nn

from studio.bench import nets

CROSS = {"sd": 32, "sdxl": 64}  # width of the text states
POOLED = 32
SDXL_TIMES = 6  # numbers in SDXL's time ids, each embedded in TIME_WIDTH
TIME_WIDTH = 8


def tiny_sd(
    folder, family="sd", prediction="epsilon", scheduler="EulerDiscreteScheduler", zero_snr=False, guidance_width=None
):
    """A Stable Diffusion folder; family "sd" (SD1.5, SD2, SD-Turbo) or "sdxl"; prediction "epsilon" or "v_prediction".

    scheduler: the class named in it; zero_snr: its last level is pure noise; guidance_width: LCM's time_cond_proj_dim.
    """
    import diffusers

    folder = Path(folder)
    torch.manual_seed(1)
    nets = {"unet": tiny_unet(family, guidance_width), "vae": tiny_vae()}
    nets |= {"text_encoder": tiny_clip(pooled=False)}
    if family == "sdxl":
        nets |= {"text_encoder_2": tiny_clip(pooled=True)}
    for name, net in nets.items():
        net.save_pretrained(folder / name)
        if name.startswith("text_encoder"):
            tiny_tokenizer(folder / name.replace("text_encoder", "tokenizer"))
    told = {"rescale_betas_zero_snr": True} if zero_snr else {}
    getattr(diffusers, scheduler)(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        prediction_type=prediction,
        timestep_spacing="trailing",
        steps_offset=1,
        **told,
    ).save_pretrained(folder / "scheduler")
    (folder / "model_index.json").write_text(json.dumps(index(nets, family, scheduler), indent=1))
    return folder


def index(nets, family, scheduler):
    """What model_index.json says, as the pipeline's own save_pretrained writes it."""
    library = {"unet": "diffusers", "vae": "diffusers"}
    named = {name: [library.get(name, "transformers"), type(net).__name__] for name, net in nets.items()}
    named |= {
        name.replace("text_encoder", "tokenizer"): ["transformers", "CLIPTokenizer"] for name in nets if "text" in name
    }
    absent = {"safety_checker": [None, None]} if family == "sd" else {"force_zeros_for_empty_prompt": True}
    absent |= {"feature_extractor": [None, None], "image_encoder": [None, None]}
    pipeline = "StableDiffusionPipeline" if family == "sd" else "StableDiffusionXLPipeline"
    return {"_class_name": pipeline, **named, "scheduler": ["diffusers", scheduler], **absent}


def tiny_unet(family="sd", guidance_width=None):
    """A real UNet2DConditionModel: two levels, one with attention, self and cross."""
    net = nets.unet(unet_shape(family) | {"time_cond_proj_dim": guidance_width})
    with torch.no_grad():  # so that words show
        for name, weight in net.named_parameters():
            if "attn2.to_v" in name or "attn2.to_out.0.weight" in name:
                weight.mul_(5)
    return net


def unet_shape(family):
    """The arguments a UNet and its ControlNet share."""
    more = dict(in_channels=4, use_linear_projection=family == "sdxl")
    if family == "sdxl":
        more |= dict(
            addition_embed_type="text_time",
            addition_time_embed_dim=TIME_WIDTH,
            projection_class_embeddings_input_dim=SDXL_TIMES * TIME_WIDTH + POOLED,
            transformer_layers_per_block=(1, 2),
        )
    return nets.unet_shape(CROSS[family], heads=(2, 4), **more)


UP_BLOCKS = ("up_block_types", "sample_size")  # what a ControlNet has not


def tiny_vae():
    """A real AutoencoderKL, eight times down."""
    from diffusers import AutoencoderKL

    net = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=(8, 8, 8, 16),
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=4,
        sample_size=64,
    )
    with torch.no_grad():  # so that a picture shows in its latent, whose scale is about one
        net.encoder.conv_out.weight.mul_(20)
    return net.eval()


def tiny_clip(pooled):
    """A real CLIP text model over the byte tokenizer's 514 tokens; `pooled`: SDXL's second, with a projection."""
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

    config = CLIPTextConfig(
        vocab_size=514,
        hidden_size=32,
        intermediate_size=48,
        num_hidden_layers=3,
        num_attention_heads=2,
        max_position_embeddings=77,
        projection_dim=POOLED,
        bos_token_id=512,
        eos_token_id=513,
        pad_token_id=513,
    )
    return (CLIPTextModelWithProjection if pooled else CLIPTextModel)(config).eval()


def tiny_tokenizer(folder):
    """A CLIP tokenizer without merges: every byte a token, at a word's end another, and the two marks: 514."""
    from transformers import CLIPTokenizer
    from transformers.convert_slow_tokenizer import bytes_to_unicode

    letters = list(bytes_to_unicode().values())
    words = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "vocab.json").write_text(json.dumps({word: number for number, word in enumerate(words)}))
    (folder / "merges.txt").write_text("#version: 0.2\n")
    CLIPTokenizer.from_pretrained(folder, model_max_length=77).save_pretrained(folder)


def tiny_taesd(folder):
    """An AutoencoderTiny folder, eight times down, four latent channels."""
    from diffusers import AutoencoderTiny

    torch.manual_seed(2)
    net = AutoencoderTiny(
        encoder_block_out_channels=(8, 8, 8, 8),
        decoder_block_out_channels=(8, 8, 8, 8),
        num_encoder_blocks=(1, 1, 1, 1),
        num_decoder_blocks=(1, 1, 1, 1),
    )
    with torch.no_grad():  # grey in the middle, and bright enough to see
        net.encoder.layers[-1].weight.mul_(40)
        net.decoder.layers[-1].weight.mul_(5)
        net.decoder.layers[-1].bias.fill_(0.5)
    net.eval().save_pretrained(folder)
    return Path(folder)


def tiny_controlnet(folder, base):
    """A ControlNet folder that fits the UNet of `base`; its last layers are random, not zero."""
    from diffusers import ControlNetModel

    torch.manual_seed(3)
    shape = {name: value for name, value in unet_shape(family_of(base)).items() if name not in UP_BLOCKS}
    net = ControlNetModel(**shape, conditioning_embedding_out_channels=(8, 8, 8, 16))
    for layer in [*net.controlnet_down_blocks, net.controlnet_mid_block]:
        nn.init.normal_(layer.weight, std=0.1)
    net.eval().save_pretrained(folder)
    return Path(folder)


def tiny_lora(folder, base, style="kohya", rank=2, seed=4, text=False):
    """A LoRA file for the UNet of `base`: attention, feed-forward and one convolution; gives the file's path.

    style: the names of its keys, "kohya" (lora_unet_..., with alpha) or "diffusers" (unet....lora_A). text: the text
    encoder's too.
    """
    from safetensors.torch import save_file

    generator = torch.Generator().manual_seed(seed)
    adapted = {f"unet.{name}": net for name, net in lora_layers(tiny_unet(family_of(base)))}
    if text:
        clip = tiny_clip(pooled=False)
        ends = ("q_proj", "out_proj")
        adapted |= {f"text_encoder.text_model.{n}": m for n, m in clip.named_modules() if n.endswith(ends)}
    tensors = {}
    for name, layer in adapted.items():
        kernel = layer.weight.shape[2:]
        inner, outer = (rank, layer.weight.shape[1], *kernel), (layer.weight.shape[0], rank, *(1 for _ in kernel))
        down, up = torch.randn(inner, generator=generator) * 0.3, torch.randn(outer, generator=generator) * 0.3
        if style == "kohya":
            flat = name.replace("unet.", "lora_unet_").replace("text_encoder.", "lora_te_").replace(".", "_")
            tensors |= {f"{flat}.lora_down.weight": down, f"{flat}.lora_up.weight": up}
            tensors[f"{flat}.alpha"] = torch.tensor(rank / 2)
        else:
            tensors |= {f"{name}.lora_A.weight": down, f"{name}.lora_B.weight": up}
    path = Path(folder) / f"{style}-{seed}.safetensors"
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path)
    return path


def lora_layers(unet):
    """The layers a LoRA is usually trained on."""
    ends = ("to_q", "to_k", "to_v", "to_out.0", "ff.net.0.proj", "ff.net.2", "conv1")
    return [(name, layer) for name, layer in unet.named_modules() if name.endswith(ends)]


def family_of(base):
    """The family, "sd" or "sdxl", of a folder made here."""
    return "sdxl" if (Path(base) / "text_encoder_2").exists() else "sd"
