"""LoRAs of image models: applied, merged, changed while streaming, refused where they do not fit."""

import threading

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny.sd_folders import tiny_lora, unet_shape

from image.drawing import SIZE, draw, forward, lora_files, picture_bytes, state
from studio.conditioning import condition_frames
from studio.controls import Lora, Picture, Prompt, Sampling, Structure
from studio.models.errors import CheckpointError
from studio.models.image import lora
from studio.models.image.model import open_image
from studio.noise import noise
from studio.samplers import PictureRollout, PictureStream


@pytest.mark.parametrize("style", ["kohya", "diffusers"])
@pytest.mark.parametrize("weight", [1.0, -0.5])
def test_a_lora_applied_is_the_lora_merged(opened, folders, style, weight):
    ((_, file), *_) = lora_files(folders, style=style)
    model, merged = (
        opened("sd", loras=(("first", file),)),
        open_image(folders / "sd", tiny_vae=folders / "taesd", size=SIZE),
    )
    tensors = load_file(file)
    for name, layer in merged.parts.unet.named_modules():
        keys = {
            "kohya": ("lora_unet_" + name.replace(".", "_"), "lora_down", "lora_up"),
            "diffusers": (f"unet.{name}", "lora_A", "lora_B"),
        }
        stem, down, up = keys[style]
        if f"{stem}.{down}.weight" in tensors:
            scale = float(tensors.get(f"{stem}.alpha", torch.tensor(2.0))) / 2
            product = tensors[f"{stem}.{up}.weight"].flatten(1) @ tensors[f"{stem}.{down}.weight"].flatten(1)
            layer.weight.data += weight * scale * product.reshape(layer.weight.shape)
    ours, theirs = draw(model, state(Lora("first", weight)), rows=2), draw(merged, rows=2)
    assert torch.allclose(ours, theirs, rtol=1e-5, atol=1e-5 * float(theirs.abs().max()))
    assert not torch.allclose(ours, draw(opened("sd"), rows=2), atol=1e-2)


def test_two_loras_of_different_ranks_applied_are_both_merged(opened, folders):
    files = [tiny_lora(folders / "ranks", folders / "sd", seed=seed, rank=seed) for seed in (2, 3)]
    model = opened("sd", loras=(("second", files[0]), ("third", files[1])))
    merged = open_image(folders / "sd", tiny_vae=folders / "taesd", size=SIZE)
    for file, weight in zip(files, (1.0, -0.6)):
        lora.fuse({"unet": merged.parts.unet}, lora.read(file, {"unet": merged.parts.unet}), weight)
    ours, theirs = draw(model, state(Lora("second", 1), Lora("third", -0.6))), draw(merged)
    assert torch.allclose(ours, theirs, rtol=1e-5, atol=1e-5 * float(theirs.abs().max()))


def test_every_row_has_its_own_weights_of_every_lora(opened, folders):
    """Two styles, three rows: together as each alone; what a sampler does with rows that began under others."""
    model = opened("sd", loras=lora_files(folders))
    mixes = (state(Lora("first", 1)), state(Lora("second", 0.7), Lora("first", -1)), state())
    x = torch.stack([noise(1, row, 0, model.latent) for row in range(3)])
    levels = model.sigmas(3)
    conds = [condition_frames(model, held, [row]) for row, held in enumerate(mixes)]
    together = forward(model, x, levels, conds[0].cat(conds), [0, 1, 2])
    for row, cond in enumerate(conds):
        alone = forward(model, x[[row]], levels[row : row + 1], cond, [row])
        assert torch.allclose(together[[row]], alone, rtol=1e-5, atol=1e-4)
    assert torch.allclose(together[[2]], draw(opened("sd"), x=x[[2]], levels=levels[2:]), rtol=1e-5, atol=1e-4)


def test_a_lora_taken_away_leaves_nothing(opened, folders):
    model = opened("sd", loras=lora_files(folders))
    before = draw(model)
    assert not torch.equal(draw(model, state(Lora("first", 2))), before)
    assert torch.equal(draw(model, state(Lora("first", 2), Lora("first", 0))), before)
    assert torch.equal(before, draw(opened("sd")))
    assert model.capabilities.loras == ("first", "second")
    assert "lora" not in model.capabilities.refuses
    assert "loras={name: file}" in opened("sd").capabilities.refuses["lora"]


def test_sessions_play_one_model_with_styles_of_their_own_at_once(opened, folders):
    model = opened("sd", loras=lora_files(folders))
    mixes = [state(Lora("first", weight)) for weight in (0, 1)]
    wanted = [draw(model, held) for held in mixes]
    wrong = []

    def play(which):
        for _ in range(20):
            if not torch.equal(draw(model, mixes[which]), wanted[which]):
                wrong.append(which)

    threads = [threading.Thread(target=play, args=(which,)) for which in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("guidance", ["none", "full", "initialize"])
def test_styles_structure_and_pictures_change_while_streaming_and_nothing_in_flight_is_lost(opened, folders, guidance):
    """Every frame is as drawn alone under what was in force when it began, three steps in one batch."""
    model = opened("sd", loras=lora_files(folders), controlnet=folders / "controlnet-sd")
    data = picture_bytes()
    sampling = Sampling(steps=3, guidance=guidance, scale=2, strength=0.7)
    changes = [
        (),
        (Lora("first", 1),),
        (Picture(data), Lora("first", -0.5)),
        (Picture(data), Structure(0.7)),
        (Picture(data), Structure(0.7), Lora("second", 1)),
        (Prompt("a lake"),),
    ]
    held = [state(sampling, *controls) for controls in changes]
    stream, alone = PictureStream(model), PictureRollout(model)
    came = [latent for each in held if (latent := stream.tick(each)) is not None] + stream.flush(held[-1])
    wanted = [alone.step(each) for each in held]
    assert len(came) == len(wanted)
    for one, other in zip(came, wanted):
        assert torch.allclose(one, other, rtol=1e-5, atol=2e-5 * float(other.abs().max()))


def test_a_lora_of_the_text_encoder_changes_how_the_prompt_is_read(opened, folders):
    loras = lora_files(folders, text=True)
    model, plain = opened("sd", loras=loras), opened("sd")
    told = condition_frames(model, state(Lora("first", 1)), [0]).text
    assert not torch.allclose(told, condition_frames(model, state(), [0]).text, atol=1e-3)
    assert torch.equal(condition_frames(model, state(), [0]).text, condition_frames(plain, state(), [0]).text)
    assert torch.equal(model.prepare("a fox").states, plain.prepare("a fox").states)


def test_a_consistency_lora_is_fused_and_brings_its_levels(opened, folders):
    ((_, file), *_) = lora_files(folders)
    fused, live = opened("sd", lcm_lora=file), opened("sd", loras=(("first", file),))
    assert [fused.parts.levels.timestep(sigma) for sigma in fused.sigmas(4)] == [999, 759, 499, 259]
    levels = fused.sigmas(1)
    theirs = draw(live, state(Lora("first", 1)), levels=levels)
    assert torch.allclose(draw(fused, levels=levels), theirs, rtol=1e-5, atol=1e-5 * float(theirs.abs().max()))
    assert torch.equal(draw(opened("sd", lcm_lora=file.parent / file.name)), draw(fused))


@pytest.mark.parametrize("each", [1, 2])
def test_kohyas_names_of_sdxl_are_those_of_diffusers_own_table(each):
    """Every layer that stands in a block, by the name that Stability's code gives it; `each` layers a block."""
    from diffusers import UNet2DConditionModel
    from diffusers.loaders.lora_conversion_utils import _maybe_map_sgm_blocks_to_diffusers

    net = UNet2DConditionModel(**unet_shape("sdxl") | {"layers_per_block": each})
    ours = lora.aliases(net)
    names = {name for name, flat in lora.sgm_names(net) if "block" in name and flat in ours} - {"input_blocks_0_0"}
    theirs = _maybe_map_sgm_blocks_to_diffusers({f"lora_unet_{name}.alpha": name for name in names}, net.config)
    inner = {"in_layers_2": "conv1", "out_layers_3": "conv2", "emb_layers_1": "time_emb_proj", "_op": "_conv"}
    inner |= {"skip_connection": "conv_shortcut", "input_blocks": "down_blocks", "output_blocks": "up_blocks"}
    inner |= {"middle_block": "mid_block"}
    for key, name in theirs.items():
        flat = key.removeprefix("lora_unet_").removesuffix(".alpha")
        for old, new in inner.items():
            flat = flat.replace(old, new)
        assert ours[name] == ours[flat]
    layers = [name for name, layer in net.named_modules() if "blocks" in name and hasattr(layer, "stride")]
    assert {ours[name] for name in theirs.values()} >= set(layers)


def test_stabilitys_name_of_a_layer_after_a_block_without_attention():
    """As in SD 1.x, whose own checkpoints say output_blocks.2.1.conv; no table of diffusers has it."""
    from diffusers import UNet2DConditionModel

    turned = {"up_block_types": ("UpBlock2D", "CrossAttnUpBlock2D"), "layers_per_block": 2}
    names = lora.aliases(UNet2DConditionModel(**unet_shape("sd") | turned))
    assert names["output_blocks_2_1_conv"] == "up_blocks.0.upsamplers.0.conv"


def rewritten(file, path, change):
    tensors = load_file(file)
    save_file(change(tensors), path)
    return path


def test_a_lora_that_does_not_fit_is_told_and_nothing_is_changed(opened, folders, tmp_path):
    ((_, file), *_) = lora_files(folders)
    first = next(key for key in load_file(file) if key.endswith("lora_down.weight"))
    wide = tiny_lora(tmp_path, folders / "sdxl")
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(file.read_bytes()[:-500])
    bad = {
        "is for another base: it has layer lora_unet_down_blocks_1_attentions_0_transformer_blocks_1_attn1_to_k": wide,
        r"for another base: its layer .* \(rank 2, .*, the model's .* use one trained": rewritten(
            file, tmp_path / "a.safetensors", lambda held: {**held, first: held[first][:, :3].contiguous()}
        ),
        "has only alpha, up of layer": rewritten(
            file, tmp_path / "b.safetensors", lambda held: {key: held[key] for key in held if key != first}
        ),
        "is a LoHa": rewritten(file, tmp_path / "c.safetensors", lambda held: {"lora_unet_x.hada_w1_a": held[first]}),
        "is no LoRA: it has conv.weight": rewritten(
            file, tmp_path / "d.safetensors", lambda held: {"conv.weight": held[first]}
        ),
        "text_encoder_2 does not exist": rewritten(
            file, tmp_path / "e.safetensors", lambda held: {"lora_te2_text_model_x.lora_down.weight": held[first]}
        ),
        "cannot be read": cut,
        "not there|No such file": tmp_path / "none.safetensors",
        "holds one safetensors file": tmp_path,
    }
    nets = {"unet": opened("sd").parts.unet, **opened("sd").parts.words.encoders}
    before = {name: held.clone() for name, held in nets["unet"].state_dict().items()}
    for message, path in bad.items():
        with pytest.raises(CheckpointError, match=message):
            lora.read(path, nets)
        with pytest.raises(CheckpointError):
            open_image(folders / "sd", tiny_vae=folders / "taesd", loras={"bad": path}, size=SIZE)
    after = nets["unet"].state_dict()
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)
