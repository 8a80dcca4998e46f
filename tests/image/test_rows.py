"""Rows in one forward: none changes another, unless frames are to see each other."""

import pytest
import torch

from image.drawing import SIZE, draw, forward, other_latent, picture_bytes, rows_changed, state
from studio.conditioning import condition_frames
from studio.controls import Picture, Prompt, Structure
from studio.models.image.model import open_image
from studio.noise import noise


def test_rows_at_different_levels_are_each_as_alone(opened):
    for name in ("sd", "sdxl", "lcm"):
        model = opened(name)
        levels = model.sigmas(4)
        x = torch.stack([noise(1, row, 0, model.latent) for row in range(4)])
        together = draw(model, x=x, levels=levels)
        for row in range(4):
            alone = draw(model, x=x[[row]], levels=levels[row : row + 1])
            assert torch.allclose(together[[row]], alone, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("name", ["sd", "sdxl"])
def test_stream_06_a_changed_row_changes_that_row_alone(opened, name):
    """Property 6: rows never mix: latent, level and words of one change that one."""
    model = opened(name)

    def other_level(x, levels, cond):
        return x, (levels[0], model.sigmas(8)[3], levels[2]), cond

    def other_words(x, levels, cond):
        told = condition_frames(model, state(Prompt("a lake")), [6])
        return x, levels, cond.cat([cond.rows([0]), told, cond.rows([2])])

    for change in (other_latent, other_level, other_words):
        assert rows_changed(model, state(), change) == [False, True, False]


def test_stream_06_permuted_rows_permute_the_answers(opened):
    """Property 6."""
    model = opened("sd")
    x, levels = torch.stack([noise(1, row, 0, model.latent) for row in range(3)]), model.sigmas(3)
    order = [2, 0, 1]
    assert torch.allclose(
        draw(model, x=x, levels=levels)[order],
        draw(model, x=x[order], levels=tuple(levels[row] for row in order)),
        rtol=1e-5,
        atol=1e-4,
    )


def test_stream_06_with_cross_frame_attention_rows_see_each_other(opened):
    """Property 6: unless cross-frame attention is on; and one row alone sees what it always sees."""
    model = opened("sd", cross_frame=True)
    assert rows_changed(model, state(), other_latent) == [True, True, True]
    assert torch.allclose(draw(model), draw(opened("sd")), rtol=1e-5, atol=1e-4)


def test_branches_of_the_same_frames_do_not_see_each_other(opened):
    model = opened("sd", cross_frame=True)
    x = torch.stack([noise(1, row, 0, model.latent) for row in range(2)])
    levels, frames = model.sigmas(2), [5, 4]
    told = condition_frames(model, state(), frames)
    against = condition_frames(model, state(), frames).with_text(model.prepare("blurred"))
    both = forward(model, torch.cat([x, x]), levels * 2, told.cat([told, against]), frames * 2)
    apart = [forward(model, x, levels, cond, frames) for cond in (told, against)]
    assert torch.allclose(both, torch.cat(apart), rtol=1e-5, atol=1e-4)
    assert not torch.allclose(apart[0], apart[1], atol=1e-3)


def test_cross_frame_attention_is_attention_over_all_rows_tokens(opened):
    """Against the same sum written plainly, on one layer."""
    from studio.models.image.cross_frame import Branches, CrossFrameAttention

    attn = opened("sd").parts.unet.mid_block.attentions[0].transformer_blocks[0].attn1
    x = noise(1, 0, 0, (3, 5, 32))
    branches = Branches()
    branches.set([1, 2, 3])
    split = [layer(x).reshape(3, 5, attn.heads, -1) for layer in (attn.to_q, attn.to_k, attn.to_v)]
    query, key, value = split
    score = torch.einsum("fqhd,gkhd->fhqgk", query, key) * query.shape[-1] ** -0.5
    share = score.flatten(3).softmax(-1).reshape(score.shape)
    plain = attn.to_out[0](torch.einsum("fhqgk,gkhd->fqhd", share, value).flatten(2))
    assert torch.allclose(CrossFrameAttention(branches)(attn, x), plain, atol=1e-5)


def test_without_cross_frame_attention_the_unet_is_diffusers_own_bit_for_bit(opened, folders):
    from diffusers import UNet2DConditionModel

    model = opened("sd")
    stock = UNet2DConditionModel.from_pretrained(folders / "sd" / "unet").eval().to(memory_format=torch.channels_last)
    x = noise(1, 0, 0, (2, *model.latent)).contiguous(memory_format=torch.channels_last)
    t, text = torch.tensor([999, 499]), condition_frames(model, state(), [0, 1]).text
    with torch.no_grad():
        said = [net(x, t, encoder_hidden_states=text).sample for net in (model.parts.unet, stock)]
    assert torch.equal(*said)


def test_every_row_has_its_own_structure(opened, folders):
    model = opened("sd", controlnet=folders / "controlnet-sd")
    data = picture_bytes()
    held = [state(Picture(data), Structure(strength, "edges")) for strength in (0.5, 2)]
    x = torch.stack([noise(1, row, 0, model.latent) for row in range(2)])
    levels = model.sigmas(2)
    conds = [condition_frames(model, each, [row]) for row, each in enumerate(held)]
    together = forward(model, x, levels, conds[0].cat(conds), [0, 1])
    alone = [forward(model, x[[row]], levels[row : row + 1], cond, [row]) for row, cond in enumerate(conds)]
    assert torch.allclose(together, torch.cat(alone), rtol=1e-5, atol=1e-4)


def test_structure_of_no_strength_is_never_asked(opened, folders, monkeypatch):
    model = opened("sd", controlnet=folders / "controlnet-sd")
    monkeypatch.setattr(model.parts.controlnet, "forward", lambda *told, **more: pytest.fail("asked"))
    for held in (state(Picture(picture_bytes())), state(Structure(1)), state()):
        assert torch.equal(draw(model, held), draw(opened("sd"), held))
    assert "structure" not in model.capabilities.refuses
    assert "controlnet=folder" in opened("sd").capabilities.refuses["structure"]


def test_graphs_do_not_go_with_what_changes_a_forward(folders):
    with pytest.raises(ValueError, match="not possible with loras or cross_frame"):
        open_image(folders / "sd", tiny_vae=folders / "taesd", size=SIZE, cross_frame=True, graphs=True)
