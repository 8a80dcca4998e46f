"""Tiny Wan checkpoints with seeded random weights, in the layouts the real ones come in; nothing is downloaded.

The base folder is what `WanPipeline.save_pretrained` writes; the students' files carry the names of the original code
(`blocks.0.self_attn.q.weight`, `head.head.weight`) under the prefixes and nestings their trainers left.
"""

import json
import string
from pathlib import Path

import torch
from diffusers import AutoencoderKLWan, FlowMatchEulerDiscreteScheduler, WanTransformer3DModel
from safetensors.torch import save_file
from transformers import T5TokenizerFast, UMT5Config, UMT5EncoderModel

from studio.bench.nets import wan_net

TEXT = 32  # numbers a token state has
LAYERS = 2
PIECES = ["\u2581" + word for word in ("a", "the", "fox", "sea", "snow", "forest", "city", "runs", "at", "night", "in")]
# Diffusers' name of a part -> the original code's. Written out here again, as a witness of the loader's own table.
ORIGINAL = {
    "condition_embedder.time_embedder.linear_1.": "time_embedding.0.",
    "condition_embedder.time_embedder.linear_2.": "time_embedding.2.",
    "condition_embedder.text_embedder.linear_1.": "text_embedding.0.",
    "condition_embedder.text_embedder.linear_2.": "text_embedding.2.",
    "condition_embedder.time_proj.": "time_projection.1.",
    "patch_embedding.": "patch_embedding.",
    "proj_out.": "head.head.",
    "scale_shift_table": "head.modulation",
}
ORIGINAL_IN_BLOCK = {
    "attn1.": "self_attn.",
    "attn2.": "cross_attn.",
    "to_q.": "q.",
    "to_k.": "k.",
    "to_v.": "v.",
    "to_out.0.": "o.",
    "norm2.": "norm3.",
    "ffn.net.0.proj.": "ffn.0.",
    "ffn.net.2.": "ffn.2.",
    "scale_shift_table": "modulation",
}


def tiny_transformer(seed: int = 0, layers: int = LAYERS) -> WanTransformer3DModel:
    """Two layers of two heads, 24 wide; norms are not all ones, so that a forgotten one shows."""
    torch.manual_seed(seed)
    net = wan_net((16, 16), TEXT, layers=layers)
    for name, weight in net.named_parameters():
        if ".norm" in name:
            weight.data += torch.randn_like(weight) / 3
    return net.eval().requires_grad_(False)


def tiny_vae(seed: int = 0) -> AutoencoderKLWan:
    """16 latent channels, 8 x 8 pixels and four frames a latent, as Wan 2.1's; a few channels inside."""
    torch.manual_seed(seed)
    return AutoencoderKLWan(base_dim=4, z_dim=16, num_res_blocks=1).eval().requires_grad_(False)


def tiny_tokenizer() -> T5TokenizerFast:
    """Words it knows, else letters; pads with 0 and ends with </s>, as T5's does."""
    letters = ["\u2581", *string.ascii_letters, *string.digits, *string.punctuation, "\u00e9", "\u00fc"]
    rare = [(piece, -10.0) for piece in letters]
    common = [(piece, -2.0) for piece in PIECES]
    return T5TokenizerFast(vocab=[("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0), *common, *rare], extra_ids=0)


def tiny_text_encoder(vocabulary: int, seed: int = 0) -> UMT5EncoderModel:
    torch.manual_seed(seed)
    config = UMT5Config(vocab_size=vocabulary, d_model=TEXT, d_kv=8, d_ff=64, num_layers=2, num_heads=4)
    return UMT5EncoderModel(config).eval().requires_grad_(False)


def tiny_wan_folder(folder: Path, seed: int = 0, shards: bool = False) -> Path:
    """A diffusers folder of a whole Wan pipeline; with `shards` the transformer is spread over several files."""
    folder = Path(folder)
    tokenizer = tiny_tokenizer()
    tokenizer.save_pretrained(folder / "tokenizer")
    tiny_text_encoder(len(tokenizer), seed).save_pretrained(folder / "text_encoder")
    tiny_vae(seed).save_pretrained(folder / "vae")
    tiny_transformer(seed).save_pretrained(folder / "transformer", max_shard_size="100KB" if shards else "10GB")
    FlowMatchEulerDiscreteScheduler(shift=5.0).save_pretrained(folder / "scheduler")
    index = {
        "_class_name": "WanPipeline",
        "_diffusers_version": "0.42.1",
        "scheduler": ["diffusers", "FlowMatchEulerDiscreteScheduler"],
        "text_encoder": ["transformers", "UMT5EncoderModel"],
        "tokenizer": ["transformers", "T5TokenizerFast"],
        "transformer": ["diffusers", "WanTransformer3DModel"],
        "vae": ["diffusers", "AutoencoderKLWan"],
    }
    (folder / "model_index.json").write_text(json.dumps(index, indent=1))
    return folder


def original_name(name: str) -> str:
    """The name the original code gives a weight of `WanTransformer3DModel`."""
    if not name.startswith("blocks."):
        part = next(part for part in ORIGINAL if name.startswith(part))
        return name.replace(part, ORIGINAL[part])
    _, number, rest = name.split(".", 2)
    for part, original in ORIGINAL_IN_BLOCK.items():
        if rest.startswith(part) or f".{part}" in rest:
            rest = rest.replace(part, original, 1)
    return f"blocks.{number}.{rest}"


def original_weights(seed: int = 0, prefix: str = "", layers: int = LAYERS) -> dict[str, torch.Tensor]:
    """`tiny_transformer`'s weights under their original names."""
    state = tiny_transformer(seed, layers).state_dict()
    return {prefix + original_name(name): weight.clone() for name, weight in state.items()}


def tiny_wan_file(path: Path, prefix: str = "", **nets: int) -> Path:
    """A student's file, .pt or .safetensors, the weights under original names after `prefix`.

    Without nets: the weights of `tiny_wan_folder`, plainly. nets: name -> seed, as in the trainers' own files:
    `tiny_wan_file("x.pt", "model.", generator=1, generator_ema=0, critic=2)`.
    """
    path = Path(path)
    state = {name: original_weights(seed, prefix) for name, seed in nets.items()} or original_weights(0, prefix)
    if path.suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save(state, path)
    return path


def lora_weights(seed: int = 0, rank: int = 4, layers: int = LAYERS) -> dict[str, torch.Tensor]:
    """A LoRA on every linear layer of the blocks, under the names peft gives them."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for name, weight in original_weights(layers=layers).items():
        if name.startswith("blocks.") and name.endswith(".weight") and weight.ndim == 2:
            layer = f"base_model.model.{name.removesuffix('.weight')}"
            state[f"{layer}.lora_A.weight"] = torch.randn(rank, weight.shape[1], generator=generator) / 8
            state[f"{layer}.lora_B.weight"] = torch.randn(weight.shape[0], rank, generator=generator) / 8
    return state


def tiny_wan_lora(path: Path, seed: int = 0, rank: int = 4, layers: int = LAYERS) -> Path:
    """LongLive's LoRA file: {"generator_lora": ..., "critic_lora": ...}."""
    path = Path(path)
    torch.save(
        {f"{net}_lora": lora_weights(seed + n, rank, layers) for n, net in enumerate(["generator", "critic"])}, path
    )
    return path


def tiny_taehv(path: Path, seed: int = 0, widths: tuple[int, ...] = (12, 8, 6, 6)) -> Path:
    """A tiny decoder under the names of madebyollin/taehv's files, .pth or .safetensors, an encoder's weight beside."""
    generator = torch.Generator().manual_seed(seed)

    def random(*shape: int) -> torch.Tensor:
        return torch.randn(shape, generator=generator) / torch.tensor(shape[1:]).prod() ** 0.5

    state = {"encoder.0.weight": random(6, 3, 3, 3)}
    state |= {"decoder.1.weight": random(widths[0], 16, 3, 3), "decoder.1.bias": random(widths[0], 1)[:, 0]}
    for stage, (width, after, frames) in enumerate(zip(widths, widths[1:], (1, 2, 2))):
        for block in range(3):
            layer = f"decoder.{3 + 6 * stage + block}.conv"
            for number, inputs in ((0, 2 * width), (2, width), (4, width)):
                state[f"{layer}.{number}.weight"] = random(width, inputs, 3, 3)
                state[f"{layer}.{number}.bias"] = random(width, 1)[:, 0] / 8
        state[f"decoder.{7 + 6 * stage}.conv.weight"] = random(width * frames, width, 1, 1)
        state[f"decoder.{8 + 6 * stage}.weight"] = random(after, width, 3, 3)
    state |= {"decoder.22.weight": random(3, widths[3], 3, 3), "decoder.22.bias": torch.full((3,), 0.5)}
    path = Path(path)
    if path.suffix == ".safetensors":
        save_file(state, path)
    else:
        torch.save(state, path)
    return path
