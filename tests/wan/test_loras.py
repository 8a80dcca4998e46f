"""LoRAs of Wan: merged, scaled, refused where they do not fit (20)."""

import pytest
import torch
from tiny import wan_folders

from studio.conditioning import Rows, condition_frames
from studio.controls import ControlState
from studio.models.errors import CheckpointError
from studio.models.wan.checkpoint import load_transformer
from studio.models.wan.model import open_wan
from wan.checks import SIZE, drawn, loaded, saved


def forward(net, x, level, text):
    """Diffusers' own forward: x (F, C, h, w), one noise level -> velocity (F, C, h, w)."""
    out = net(x.transpose(0, 1)[None], torch.tensor([1000.0 * level]), text[None], return_dict=False)[0]
    return out[0].transpose(0, 1)


def test_causal_20_a_merged_lora_is_the_lora_applied_beside_the_weights(base, tmp_path):
    merged = load_transformer(base, None, wan_folders.tiny_wan_lora(tmp_path / "lora.pt", seed=1), None, torch.float32)
    plain, state, changed = wan_folders.tiny_transformer(), wan_folders.lora_weights(1), 0
    for name, layer in plain.named_modules():
        original = wan_folders.original_name(f"{name}.weight").removesuffix(".weight") if "blocks." in name else ""
        if (a := state.get(f"base_model.model.{original}.lora_A.weight")) is not None:
            b = state[f"base_model.model.{original}.lora_B.weight"]
            layer.register_forward_hook(lambda _, told, out, a=a, b=b: out + told[0] @ a.T @ b.T)
            changed += 1
    assert changed == 10 * wan_folders.LAYERS == len(state) // 2
    x, text = drawn(3, 16, 4, 6), drawn(5, wan_folders.TEXT, seed=1)
    difference = forward(merged, x, 0.8, text) - forward(plain, x, 0.8, text)
    assert difference.abs().max() < 1e-5
    assert (forward(merged, x, 0.8, text) - forward(wan_folders.tiny_transformer(), x, 0.8, text)).abs().max() > 0.05


def test_a_lora_is_merged_into_the_generator_it_was_trained_on(base, tmp_path):
    file = wan_folders.tiny_wan_file(tmp_path / "student.pt", "model.", generator=1, generator_ema=2)
    lora = wan_folders.tiny_wan_lora(tmp_path / "lora.pt")
    untouched = "blocks.0.norm2.weight"
    assert torch.equal(loaded(base, file, lora)[untouched], wan_folders.tiny_transformer(1).state_dict()[untouched])
    wanted = wan_folders.tiny_transformer(2).state_dict()[untouched]
    assert torch.equal(loaded(base, file, lora, "generator_ema")[untouched], wanted)


def test_a_loras_alpha_scales_it(base, tmp_path):
    state = wan_folders.lora_weights()
    layers = {name.split(".lora_")[0] for name in state}
    whole = loaded(base, None, saved(tmp_path / "a.pt", state))
    half = loaded(
        base, None, saved(tmp_path / "b.pt", state | {f"{layer}.alpha": torch.tensor(2.0) for layer in layers})
    )
    plain = loaded(base)
    name = "blocks.1.attn2.to_k.weight"
    torch.testing.assert_close(half[name] - plain[name], (whole[name] - plain[name]) / 2)


def lora_of_another_width():
    return {
        name: torch.cat([weight, weight], 1 if ".lora_A" in name else 0)
        for name, weight in wan_folders.lora_weights().items()
    }


def half_a_lora():
    return {name: weight for name, weight in wan_folders.lora_weights().items() if ".lora_A" in name}


BAD_LORAS = {
    "another width": (lora_of_another_width, r"down \(4, 96\).*, the model's \(48, 48\) \(20 of its 20 layers do not"),
    "more layers": (lambda: wan_folders.lora_weights(layers=3), r"has none of that name \(10 of its 30 layers do not"),
    "half of it": (half_a_lora, "has only down of layer transformer.blocks.0"),
    "a net": (wan_folders.original_weights, "is no LoRA but Wan's transformer"),
    "nothing": (dict, "is no LoRA: it has nothing"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD_LORAS)
def test_a_lora_for_another_base_says_so(base, tmp_path, kind):
    make, words = BAD_LORAS[kind]
    with pytest.raises(CheckpointError, match=words):
        loaded(base, None, saved(tmp_path / "lora.pt", make()))


@pytest.mark.parametrize("level", [1.0, 0.8333, 0.625])
def test_causal_20_one_cached_forward_is_diffusers_own(base, tmp_path, level):
    student = open_wan(
        base, generator=wan_folders.tiny_wan_file(tmp_path / "x.pt", "model.", generator_ema=1), size=SIZE
    )
    x = drawn(3, *student.latent)
    cond = condition_frames(student, ControlState(), [0, 1, 2])
    ours = student.denoise(Rows(x, (level,) * 3, cond, (0, 1, 2)), student.new_cache())
    theirs = x - level * forward(wan_folders.tiny_transformer(1), x, level, cond.text[0])
    torch.testing.assert_close(ours, theirs, atol=2e-5, rtol=0)
