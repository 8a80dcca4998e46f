"""LoRAs of Wan as they are handed round: every layout against diffusers' own reading of it, on a tiny transformer."""

import json

import peft
import pytest
import torch
from safetensors.torch import save_file
from tiny import wan_folders

from studio.models.errors import CheckpointError
from studio.models.wan.checkpoint import load_transformer
from studio.models.wan.lora import layer_names, original_name


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """A folder of a transformer alone, which is all that is read here."""
    folder = tmp_path_factory.mktemp("wan-loras")
    wan_folders.tiny_transformer().save_pretrained(folder / "transformer")
    return folder


def loaded(base, lora, told=None):
    tell = (lambda words: None) if told is None else told.append
    return load_transformer(base, None, lora, None, torch.float32, tell)


def run(net):
    generator = torch.Generator().manual_seed(5)
    x, text = torch.randn(1, 16, 2, 4, 4, generator=generator), torch.randn(1, 5, wan_folders.TEXT, generator=generator)
    with torch.no_grad():
        return net(x, torch.tensor([700.0]), text, return_dict=False)[0]


def same(ours, theirs):
    torch.testing.assert_close(run(ours), theirs, rtol=1e-5, atol=1e-5)
    assert (theirs - run(wan_folders.tiny_transformer())).abs().max() > 0.03


def random(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed + sum(shape))) / 6


def factors(net, wanted=lambda name: True, down="lora_down", up="lora_up", rank=4):
    """Down and up of the net's linear layers, by the original code's names."""
    state = {}
    for number, (name, layer) in enumerate(net.named_modules()):
        if not isinstance(layer, torch.nn.Linear):
            continue
        original = wan_folders.original_name(f"{name}.weight").removesuffix(".weight")
        if wanted(original):
            state[f"{original}.{down}.weight"] = random(rank, layer.in_features, seed=number)
            state[f"{original}.{up}.weight"] = random(layer.out_features, rank, seed=number + 1)
    return state


def diffusers_reads(path):
    """What diffusers makes of a file: converted by its own loader, put beside the layers by PEFT."""
    from diffusers import WanPipeline

    net = wan_folders.tiny_transformer()
    state, metadata = WanPipeline.lora_state_dict(path, return_lora_metadata=True)
    net.load_lora_adapter(state, prefix="transformer", metadata=metadata)
    return run(net)


def in_blocks(name):
    return name.startswith("blocks.")


def with_alpha(state, alpha=2.0):
    stems = {key.split(".lora_")[0] for key in state}
    return state | {f"{stem}.alpha": torch.tensor(alpha) for stem in stems}


def comfy(net):
    state = with_alpha(factors(net, in_blocks)) | factors(net, lambda name: not in_blocks(name))
    biases = {name: random(48, seed=7) for name in ("blocks.0.self_attn.q", "blocks.1.cross_attn.o", "blocks.1.ffn.2")}
    state |= {f"{name}.diff_b": bias for name, bias in biases.items()}
    return {f"diffusion_model.{key}": held for key, held in state.items()}


def musubi(net):
    state = {}
    for key, held in with_alpha(factors(net, in_blocks), 3.0).items():
        stem, _, part = key.removesuffix(".alpha").partition(".lora_")
        state[f"lora_unet_{stem.replace('.', '_')}.{f'lora_{part}' if part else 'alpha'}"] = held
    return state


def comfy_ab(net):
    return {f"diffusion_model.{key}": held for key, held in factors(net, in_blocks, "lora_A", "lora_B").items()}


LAYOUTS = {"ComfyUI's": comfy, "musubi's": musubi, "ComfyUI's with A and B": comfy_ab}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_layout_plays_as_diffusers_reads_it(base, tmp_path, layout):
    path = tmp_path / "style.safetensors"
    save_file({key: held.contiguous() for key, held in LAYOUTS[layout](wan_folders.tiny_transformer()).items()}, path)
    told = []
    same(loaded(base, path, told), diffusers_reads(path))
    assert told == []


STRENGTHS = {
    "alpha": {"r": 4, "lora_alpha": 16},
    "rank-stabilised": {"r": 4, "lora_alpha": 16, "use_rslora": True},
    "patterns": {
        "r": 4,
        "lora_alpha": 8,
        "rank_pattern": {"attn1.to_q": 2},
        "alpha_pattern": {"blocks.0.attn1.to_q": 12},
    },
    "DoRA": {"r": 4, "lora_alpha": 16, "use_dora": True},
}  # fmt: skip


def trained_by_diffusers(settings):
    """A transformer with a trained adapter, as diffusers' scripts make it."""
    net = wan_folders.tiny_transformer()
    config = peft.LoraConfig(**settings, init_lora_weights=False, target_modules=["to_q", "to_out.0", "ffn.net.2"])
    net.add_adapter(config)
    for number, (name, weight) in enumerate(net.named_parameters()):
        if "lora_" in name:
            weight.data += random(*weight.shape, seed=number)
    return net


@pytest.mark.parametrize("kind", STRENGTHS)
@pytest.mark.parametrize("saved_as", ["a file", "a folder of PEFT"])
def test_the_strength_is_that_of_the_note(base, tmp_path, kind, saved_as):
    """L4: diffusers' note in the file, `transformer.lora_alpha`; L1: PEFT's adapter_config.json beside it."""
    from diffusers import WanPipeline
    from diffusers.training_utils import _collate_lora_metadata

    net = trained_by_diffusers(STRENGTHS[kind])
    layers = peft.get_peft_model_state_dict(net)
    if saved_as == "a file":
        WanPipeline.save_lora_weights(
            tmp_path, transformer_lora_layers=layers, **_collate_lora_metadata({"transformer": net})
        )
    else:
        save_file(
            {f"base_model.model.{key}": held for key, held in layers.items()}, tmp_path / "adapter_model.safetensors"
        )
        net.peft_config["default"].save_pretrained(tmp_path)
    same(loaded(base, tmp_path), run(net))


def test_a_note_in_the_files_own_head_is_read(base, tmp_path):
    state = factors(wan_folders.tiny_transformer(), in_blocks, "lora_A", "lora_B")
    save_file(state, tmp_path / "one.safetensors", {"transformer.r": "4", "transformer.lora_alpha": "16"})
    stronger = {key: held * (4 if "lora_B" in key else 1) for key, held in state.items()}
    save_file(stronger, tmp_path / "four.safetensors")
    same(loaded(base, tmp_path / "one.safetensors"), run(loaded(base, tmp_path / "four.safetensors")))


def test_the_other_names_are_the_original_codes_as_diffusers_converts_them():
    from diffusers.loaders.single_file_utils import convert_wan_transformer_to_diffusers

    net = wan_folders.tiny_transformer()
    names = layer_names(net).layers["transformer"]
    originals = {name: wan_folders.original_name(name) for name in net.state_dict() if name.endswith(".weight")}
    converted = convert_wan_transformer_to_diffusers({original: original for original in originals.values()})
    for name, original in originals.items():
        assert converted[name] == original
        assert names[original.removesuffix(".weight").replace(".", "_")] == name.removesuffix(".weight")
    assert original_name("blocks_3_attn2_norm_k") == "blocks_3_cross_attn_norm_k"


def test_changes_of_norms_and_biases_beside_a_and_b_are_played(base, tmp_path):
    """L22: each is added to the parameter that it names; diffusers leaves those of norms out."""
    state = comfy_ab(wan_folders.tiny_transformer())
    whole = {
        "blocks.0.norm3.diff": ("blocks.0.norm2.weight", 48),
        "blocks.0.norm3.diff_b": ("blocks.0.norm2.bias", 48),
        "blocks.1.self_attn.norm_q.diff": ("blocks.1.attn1.norm_q.weight", 48),
        "head.head.diff_b": ("proj_out.bias", 64),
        "patch_embedding.diff_b": ("patch_embedding.bias", 48),
        "text_embedding.0.diff_b": ("condition_embedder.text_embedder.linear_1.bias", 48),
        "blocks.1.diff_m": ("blocks.1.scale_shift_table", (1, 6, 48)),  # LightX2V's
        "head.diff_m": ("scale_shift_table", (1, 2, 48)),
    }
    sizes = {key: size if isinstance(size, tuple) else (size,) for key, (_, size) in whole.items()}
    changes = {key: random(*size, seed=number) for number, (key, size) in enumerate(sizes.items())}
    save_file(state, tmp_path / "plain.safetensors")
    save_file(state | {f"diffusion_model.{key}": held for key, held in changes.items()}, tmp_path / "whole.safetensors")
    plain, told = loaded(base, tmp_path / "plain.safetensors").state_dict(), []
    ours = loaded(base, tmp_path / "whole.safetensors", told).state_dict()
    assert told == []
    added = {whole[key][0]: held for key, held in changes.items()}
    for name, weight in plain.items():
        torch.testing.assert_close(ours[name], weight + added.get(name, 0.0), rtol=1e-6, atol=1e-6)


def test_what_is_an_image_to_video_nets_is_named_and_left_aside(base, tmp_path):
    state = comfy_ab(wan_folders.tiny_transformer())
    save_file(state, tmp_path / "plain.safetensors")
    more = {"patch_embedding.diff": random(48, 36, 1, 2, 2), "blocks.9.diff_m": random(6, 48)}
    for name in ("blocks.0.cross_attn.k_img", "img_emb.proj.1"):
        more |= {f"{name}.lora_A.weight": random(4, 48), f"{name}.lora_B.weight": random(48, 4)}
    state |= {f"diffusion_model.{key}": held for key, held in more.items()}
    state |= {"transformer_2.blocks.0.attn1.to_q.lora_A.weight": random(4, 48)}
    save_file(state, tmp_path / "i2v.safetensors")
    told = []
    ours = loaded(base, tmp_path / "i2v.safetensors", told)
    assert torch.equal(run(ours), run(loaded(base, tmp_path / "plain.safetensors")))
    modulation, words = sorted(told, key=len)
    assert "1 modulations that this model has not are left aside (as diffusion_model.blocks.9.diff_m)" in modulation
    assert words.startswith("LoRA i2v.safetensors: what cannot be played is left aside, the rest plays: ")
    for named in ("4 of the layers of an image-to-video Wan (as diffusion_model.blocks.0.cross_attn.k_img)",
                  "1 of whole changes of layers of another shape (as diffusion_model.patch_embedding",
                  "1 of a transformer_2, which this model has not"):  # fmt: skip
        assert named in words


def test_numbers_that_are_not_finite_are_refused(base, tmp_path):
    state = comfy_ab(wan_folders.tiny_transformer())
    state["diffusion_model.blocks.0.self_attn.q.lora_A.weight"][1, 2] = float("nan")
    save_file(state, tmp_path / "nan.safetensors")
    torch.save({"generator_lora": state}, tmp_path / "nan.pt")
    for name in ("nan.safetensors", "nan.pt"):
        with pytest.raises(
            CheckpointError, match=rf"LoRA {name} holds numbers that are not finite: 1 of the 192 in .*q\.lora_A"
        ):
            loaded(base, tmp_path / name)


def test_a_student_with_numbers_that_are_not_finite_is_refused(base, tmp_path):
    state = wan_folders.original_weights()
    state["blocks.1.ffn.2.bias"][3] = float("inf")
    save_file(state, tmp_path / "student.safetensors")
    with pytest.raises(
        CheckpointError, match=r"not finite: 1 of the 48 in blocks.1.ffn.net.2.bias .* Download it again"
    ):
        load_transformer(base, tmp_path / "student.safetensors", None, None, torch.float32)


def test_another_alpha_is_another_model(base, tmp_path):
    """The strength beside the weights counts in the model's id, or a take would replay at another one."""
    from studio.models.lora.source import used_files
    from studio.models.wan.checkpoint import fingerprint

    save_file(comfy_ab(wan_folders.tiny_transformer()), tmp_path / "adapter_model.safetensors")
    ids = set()
    for alpha in (4, 8):
        (tmp_path / "adapter_config.json").write_text(json.dumps({"r": 4, "lora_alpha": alpha}))
        ids.add(fingerprint(*used_files(tmp_path)))
    assert len(ids) == 2


def test_a_peft_folder_is_opened_with_the_model_and_what_is_left_aside_is_said(tmp_path):
    from studio.models.loader import load

    folder = wan_folders.tiny_wan_folder(tmp_path / "wan")
    state = {
        f"base_model.model.{key}": held
        for key, held in factors(wan_folders.tiny_transformer(), in_blocks, "lora_A", "lora_B").items()
    }
    (tmp_path / "ink").mkdir()
    save_file(state | {"base_model.model.blocks.0.oft_R": random(2, 2)}, tmp_path / "ink" / "adapter_model.safetensors")
    (tmp_path / "ink" / "adapter_config.json").write_text(json.dumps({"r": 4, "lora_alpha": 16}))
    model = load(folder, lora=tmp_path / "ink", size=(32, 48), device="cpu")
    (words,) = model.capabilities.notices
    assert "1 of OFT (as base_model.model.blocks.0.oft_R)" in words
    plain = load(folder, size=(32, 48), device="cpu")
    name = "blocks.0.attn2.to_q.weight"
    a, b = (state[f"base_model.model.blocks.0.cross_attn.q.lora_{part}.weight"] for part in "AB")
    ours, before = (each.net.transformer.state_dict()[name] for each in (model, plain))
    torch.testing.assert_close(ours, before + 4 * b @ a, rtol=1e-5, atol=1e-5)
    assert model.weights_id != plain.weights_id
