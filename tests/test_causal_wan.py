import copy

import pytest
import torch
from tiny.causal import LATENT, TEXT, drawn, tiny, told

from studio.conditioning import BatchConditioning, Conditioning, PromptStates
from studio.models.wan.masks import attention_mask
from studio.models.wan.rope import apply_rope, rope_3d

CLOSE = 1e-5


@pytest.fixture(autouse=True)
def playing():
    with torch.no_grad():
        yield


def masked(model, x, sigma, cond, views):
    """The slow definition, from diffusers' own modules: every frame at its own level and under its own text, seeing the
    frames of its view (itself the last), which are numbered from 0 anew for every frame.
    """
    net = model.transformer
    frames, _, height, width = x.shape
    grid = (height // 2, width // 2)
    hidden = net.patch_embedding(torch.cat([x, cond.tracks], 1).transpose(0, 1)[None])[0].flatten(2).permute(1, 2, 0)
    time, step, text, _ = net.condition_embedder(1000 * sigma, cond.text)
    step = step.unflatten(1, (6, -1))
    for block in net.blocks:
        a, b, gate, c, d, late = (block.scale_shift_table + step).unsqueeze(2).unbind(1)
        flat = block.norm1(hidden) * (1 + b) + a
        attn = block.attn1
        query, key, value = attn.norm_q(attn.to_q(flat)), attn.norm_k(attn.to_k(flat)), attn.to_v(flat)
        seen = []
        for frame, view in enumerate(views):
            turn = rope_3d(torch.arange(len(view))[None], *grid, net.config.attention_head_dim)
            keys = apply_rope(key[view].flatten(0, 1)[None], turn, attn.heads)
            own = apply_rope(query[frame][None], turn[:, -query.shape[1] :], attn.heads)
            values = value[view].flatten(0, 1)[None].unflatten(-1, (attn.heads, -1))
            scores = torch.einsum("bqhc,bkhc->bhqk", own, keys) / own.shape[-1] ** 0.5
            seen.append(torch.einsum("bhqk,bkhc->bqhc", scores.softmax(-1), values).flatten(2))
        hidden = hidden + gate * attn.to_out[0](torch.cat(seen))
        hidden = hidden + block.attn2(block.norm2(hidden), text)
        hidden = hidden + late * block.ffn(block.norm3(hidden) * (1 + d) + c)
    shift, scale = (net.scale_shift_table + time.unsqueeze(1)).unsqueeze(2).unbind(1)
    out = net.proj_out(net.norm_out(hidden) * (1 + scale) + shift).view(frames, *grid, 2, 2, -1)
    velocity = out.permute(0, 5, 1, 3, 2, 4).reshape(frames, -1, height, width)
    return x - sigma[:, None, None, None] * velocity


def everything(frames):
    return [[*range(frame + 1)] for frame in range(frames)]


def sink_and_window(frames, sink, window):
    """What written frames see: the first `sink` frames and the last `window` ones, themselves among them."""
    return [
        sorted({*range(min(sink, frame)), *range(max(0, frame + 1 - window), frame + 1)}) for frame in range(frames)
    ]


def cached(model, x, cond, cache, start=0):
    """Frame after frame, each a clean row that is written."""
    rows = [model(x[i : i + 1], (0.0,), cond.rows([i]), (start + i,), cache, 1) for i in range(len(x))]
    return torch.cat(rows)


def test_one_chunk_is_the_class_of_diffusers():
    model, x, sigma, cond = tiny(chunk=3), drawn(3, *LATENT), drawn(3).sigmoid(), told(3)
    cond = cond.with_text(cond.prompts[0])
    stock = model.transformer(
        torch.cat([x, cond.tracks], 1).transpose(0, 1)[None],
        1000 * sigma.repeat_interleave(12)[None],
        cond.text[:1],
        return_dict=False,
    )[0][0].transpose(0, 1)
    torch.testing.assert_close(model.predict(x, sigma, cond, range(3)), stock, atol=CLOSE, rtol=0)


def test_the_full_forward_is_block_causal_with_a_level_and_a_text_per_frame():
    model, x, sigma, cond = tiny(), drawn(5, *LATENT), drawn(5).sigmoid(), told(5)
    slow = masked(model, x, sigma, cond, everything(5))
    torch.testing.assert_close(model(x, sigma, cond, range(5)), slow, atol=CLOSE, rtol=0)


@pytest.mark.parametrize(("sink", "window"), [(0, 9), (1, 2), (2, 1), (0, 3), (3, 3)])
def test_cached_frames_equal_the_masked_full_forward_with_sink_and_window(sink, window):
    model, x, cond = tiny(), drawn(9, *LATENT), told(9)
    sigma = torch.tensor([0.0] * 7 + [0.4, 0.9])
    cache = model.new_cache(sink, window, LATENT)
    before = cached(model, x[:6], cond, cache)
    tick = model(x[6:], sigma[6:], cond.rows([6, 7, 8]), (6, 7, 8), cache, 1)  # one clean frame, two in flight
    views = sink_and_window(7, sink, window)
    views += [[*views[6], 7], [*views[6], 7, 8]]
    slow = masked(model, x, sigma, cond, views)
    # at sigma 0 the clean latent is the input whatever the net says: it is the rows in flight that tell
    torch.testing.assert_close(torch.cat([before, tick]), slow, atol=CLOSE, rtol=0)
    assert (slow[7:] - x[7:]).abs().max() > 0.1
    assert cache.frames == tuple(views[6])


def test_full_precision_of_one_pass_over_many_written_frames_equals_one_by_one():
    model, x, cond = tiny(), drawn(5, *LATENT), told(5)
    one, many = model.new_cache(2, 3, LATENT), model.new_cache(2, 3, LATENT)
    cached(model, x, cond, one)
    model(x, (0.0,) * 5, cond, range(5), many, 5)
    for left, right in zip(one.snapshot().keys, many.snapshot().keys, strict=True):
        torch.testing.assert_close(left, right, atol=CLOSE, rtol=0)


def test_training_on_a_batch_is_each_clip_alone():
    model, x, sigma = tiny(), drawn(2, 4, *LATENT), drawn(2, 4).sigmoid()
    conds = [told(4, seed=1), told(4, seed=5)]
    batch = BatchConditioning(torch.stack([c.text for c in conds]), torch.stack([c.tracks for c in conds]))
    both = model(x, sigma, batch, torch.arange(4))
    alone = [model(x[i], sigma[i], conds[i], range(4)) for i in range(2)]
    torch.testing.assert_close(both, torch.stack(alone), atol=CLOSE, rtol=0)
    apart = model(x, sigma, batch, torch.tensor([[0, 1, 2, 3], [0, 5, 6, 7]]))
    torch.testing.assert_close(apart[0], both[0], atol=CLOSE, rtol=0)
    assert not torch.allclose(apart[1], both[1], atol=1e-3)


@torch.enable_grad()
def test_gradients_reach_every_weight():
    model = tiny().train().requires_grad_(True)
    x, sigma, cond = drawn(1, 3, *LATENT), drawn(1, 3).sigmoid(), told(3)
    cond = BatchConditioning(cond.text[None], cond.tracks[None])
    model(x, sigma, cond, torch.arange(3)).square().mean().backward()
    missing = [name for name, weight in model.named_parameters() if weight.grad is None or not weight.grad.any()]
    # the keys of the texts have no bias gradient: a softmax does not see what all its keys share
    assert [name for name in missing if "attn2.to_k.bias" not in name] == []


@pytest.mark.parametrize("same", [True, False])
def test_training_and_playing_draw_the_same(same):
    model, x, sigma, cond = tiny(), drawn(3, *LATENT), drawn(3).sigmoid(), told(3)
    cond = cond.with_text(cond.prompts[0]) if same else cond
    played = model(x, sigma, cond, range(3))
    torch.testing.assert_close(model.train()(x, sigma, cond, range(3)), played, atol=CLOSE, rtol=0)


def test_a_long_text_is_seen_as_well_as_a_short_one():
    model, x, sigma, cond = tiny(), drawn(3, *LATENT), drawn(3).sigmoid(), told(3)
    cond = Conditioning.of(drawn(3, 40, TEXT[1]), cond.tracks)
    slow = masked(model, x, sigma, cond, everything(3))
    torch.testing.assert_close(model(x, sigma, cond, range(3)), slow, atol=CLOSE, rtol=0)


def test_evaluation_sees_new_weights_after_training():
    model, x, cond = tiny(), drawn(2, *LATENT), told(2)
    with torch.no_grad():
        before = model(x, (0.5, 0.9), cond, range(2))
        model.train()
        model.transformer.condition_embedder.time_proj.weight.mul_(0.5)
        model.transformer.blocks[0].attn2.to_v.weight.mul_(0.5)
        model.eval()
        after = model(x, (0.5, 0.9), cond, range(2))
        fresh = copy.deepcopy(model)(x, (0.5, 0.9), cond, range(2))
    assert not torch.allclose(before, after, atol=1e-3)
    assert torch.equal(after, fresh)


def test_a_stream_looks_the_same_at_frame_9_and_at_frame_3009():
    model, x, cond = tiny(), drawn(6, *LATENT), told(6)
    streams = []
    for start in (9, 3009):
        cache = model.new_cache(1, 2, LATENT)
        cached(model, x[:4], cond, cache, start)
        streams.append(model(x[4:], (0.3, 0.8), cond.rows([4, 5]), (start + 4, start + 5), cache))
    assert torch.equal(*streams)


def test_rows_of_one_frame_number_are_alternatives_that_do_not_see_each_other():
    model, x, cond = tiny(), drawn(5, *LATENT), told(5)
    cache = model.new_cache(1, 2, LATENT)
    cached(model, x[:3], cond, cache)
    pick = [3, 4]
    alone = model(x[pick], (0.4, 0.9), cond.rows(pick), (3, 4), cache)
    other = model(torch.cat([x[pick], x[:1]]), (0.4, 0.9, 0.5), cond.rows([3, 4, 0]), (3, 4, 4), cache)
    torch.testing.assert_close(other[:2], alone, atol=CLOSE, rtol=0)
    first = model(x[[3, 4, 0]], (0.4, 0.9, 0.5), cond.rows([3, 4, 0]), (3, 4, 3), cache)
    torch.testing.assert_close(first[:2], alone, atol=CLOSE, rtol=0)  # later frames see the first of two alone
    swapped = model(torch.cat([x[3:4], x[:1]]), (0.4, 0.5), cond.rows([3, 0]), (3, 4), cache)
    torch.testing.assert_close(other[2], swapped[1], atol=CLOSE, rtol=0)


def test_two_way_attention_is_asked_for_and_differs():
    model, x, cond = tiny(), drawn(3, *LATENT), told(3)
    both = model(x, (0.2, 0.5, 0.9), cond, range(3), causal=False)
    slow = masked(model, x, torch.tensor([0.2, 0.5, 0.9]), cond, everything(3))
    assert not torch.allclose(both, slow, atol=1e-3)
    torch.testing.assert_close(both[2], slow[2], atol=1e-1, rtol=0)


def test_chunks_see_themselves_both_ways_and_earlier_ones():
    model, x, sigma, cond = tiny(chunk=2), drawn(4, *LATENT), drawn(4).sigmoid(), told(4)
    whole = model(x, sigma, cond, range(4))
    cache = model.new_cache(0, 4, LATENT)
    first = model(x[:2], sigma[:2], cond.rows([0, 1]), (0, 1), cache, 2)
    second = model(x[2:], sigma[2:], cond.rows([2, 3]), (2, 3), cache)
    torch.testing.assert_close(torch.cat([first, second]), whole, atol=CLOSE, rtol=0)
    single = tiny()(x, sigma, cond, range(4))
    assert not torch.allclose(single[0], whole[0], atol=1e-3)


@pytest.mark.parametrize("positions", ["slots", "absolute"])
def test_writing_and_drawing_in_one_forward_is_writing_first_and_drawing_then(positions):
    model, x, cond = tiny(chunk=2), drawn(14, *LATENT), told(14)
    one, two = (model.new_cache(2, 4, LATENT, positions) for _ in range(2))
    for cache in (one, two):
        for start in range(0, 10, 2):
            model(x[start : start + 2], (0.0,) * 2, cond.rows([start, start + 1]), (start, start + 1), cache, 2)
    rows = [10, 11, 12, 13]
    together = model(x[rows], (0.0, 0.0, 0.6, 0.6), cond.rows(rows), rows, one, 2)
    model(x[10:12], (0.0,) * 2, cond.rows([10, 11]), (10, 11), two, 2)
    apart = model(x[12:], (0.6,) * 2, cond.rows([12, 13]), (12, 13), two)
    assert one.frames == two.frames == (0, 1, 8, 9, 10, 11)
    torch.testing.assert_close(together[2:], apart, atol=CLOSE, rtol=0)


def test_two_way_rows_do_not_see_their_alternatives():
    model, x, cond = tiny(), drawn(3, *LATENT), told(3)
    plain = model(x[:2], (0.4, 0.9), cond.rows([0, 1]), (0, 1), causal=False)
    other = model(x[[0, 1, 2]], (0.4, 0.9, 0.9), cond, (0, 1, 1), causal=False)
    torch.testing.assert_close(other[:2], plain, atol=CLOSE, rtol=0)
    swapped = model(x[[0, 2]], (0.4, 0.9), cond.rows([0, 2]), (0, 1), causal=True)
    assert (other[2] - plain[1]).abs().max() > 1e-2
    assert swapped.isfinite().all()


def test_who_sees_whom():
    yes, no = True, False
    assert attention_mask(range(2), (5, 6), 1) == ((yes, no), (yes, yes))
    assert attention_mask((2, 3), (0, 1, 2, 3), 1) == ((yes, yes, yes, no), (yes,) * 4)
    assert attention_mask((2, 0), (8, 3, 7), 1) == ((no, yes, yes), (yes,) * 3)  # slots are in any order
    assert attention_mask(range(2), (5, 6), 1, causal=False) is None
    assert attention_mask((2, 3), (0, 1, 2, 3), 2) is None
    # rows of one frame number: the first is seen by others, and none by its alternatives
    assert attention_mask(range(3), (4, 5, 5), 1) == ((yes, no, no), (yes, yes, no), (yes, no, yes))
    assert attention_mask(range(3), (4, 5, 5), 1, causal=False) == ((yes, yes, no), (yes, yes, no), (yes, no, yes))
    # what fills no chunk is the first frame, which was given
    assert attention_mask(range(4), range(4), 3) == ((yes, no, no, no), (yes,) * 4, (yes,) * 4, (yes,) * 4)


def test_a_text_written_to_in_place_is_a_new_text():
    model, x, cond = tiny(), drawn(2, *LATENT), told(2)
    text = drawn(*TEXT, seed=4)
    first = model(x, (0.5, 0.9), cond.with_text(PromptStates(text)), range(2))
    text.mul_(-1)
    changed = model(x, (0.5, 0.9), cond.with_text(PromptStates(text)), range(2))
    assert not torch.allclose(first, changed, atol=1e-3)
    torch.testing.assert_close(
        copy.deepcopy(model)(x, (0.5, 0.9), cond.with_text(PromptStates(text)), range(2)), changed
    )


def test_levels_places_and_mixed_texts_that_are_on_a_device_are_not_looked_at():
    model = tiny(chunk=3).to("meta")
    x, sigma, text = (torch.empty(shape, device="meta") for shape in ((1, 6, *LATENT), (1, 6), (1, 6, *TEXT)))
    cond = BatchConditioning(text, torch.empty(1, 6, 3, *LATENT[1:], device="meta"))
    assert model(x, sigma, cond, torch.arange(6, device="meta")).shape == x.shape
    single = Conditioning.of(text[0], cond.tracks[0])
    assert model(x[0], sigma[0], single, range(6), model.new_cache(3, 6, LATENT)).shape == x[0].shape


def test_real_and_complex_rotation_are_the_same(monkeypatch):
    """Compiled code multiplies real numbers, which can be fused; otherwise complex ones are faster."""
    turn, x = rope_3d(torch.tensor([[0, 7, 3000]]), 2, 3, 24), drawn(1, 18, 48)
    plain = apply_rope(x, turn, 2)
    monkeypatch.setattr(torch.compiler, "is_compiling", lambda: True)
    torch.testing.assert_close(apply_rope(x, turn, 2), plain, atol=1e-6, rtol=0)
    assert (plain - x.unflatten(-1, (2, -1))).abs().max() > 0.1


def test_a_new_prompt_reaches_the_picture_at_once_and_the_old_one_returns_exactly():
    model, x, cond = tiny(), drawn(2, *LATENT), told(2)
    with torch.no_grad():
        first = model(x, (0.5, 0.9), cond, range(2))
        changed = model(x, (0.5, 0.9), cond.with_text(PromptStates(drawn(*TEXT, seed=9))), range(2))
        again = model(x, (0.5, 0.9), cond, range(2))
    assert torch.equal(first, again)
    assert not torch.allclose(first, changed, atol=1e-3)


def test_text_keys_are_computed_once_per_text(monkeypatch):
    model, x, cond = tiny(), drawn(2, *LATENT), told(2)
    calls = []
    embed = model.transformer.condition_embedder.text_embedder.forward
    monkeypatch.setattr(
        model.transformer.condition_embedder.text_embedder, "forward", lambda text: calls.append(1) or embed(text)
    )
    with torch.no_grad():
        prompts = {seed: PromptStates(drawn(*TEXT, seed=seed)) for seed in (1, 2)}
        for prompt in (1, 1, 2, 2, 1):
            model(x, (0.5, 0.9), cond.with_text(prompts[prompt]), range(2))
    assert len(calls) == 2


def test_few_texts_are_remembered_however_many_are_heard():
    model, x, cond = tiny(), drawn(2, *LATENT), told(2)
    prompts = [PromptStates(drawn(*TEXT, seed=seed)) for seed in range(9)]
    for states in prompts:
        model(x, (0.5, 0.9), cond.with_text(states), range(2))
    assert [bool(states._computed) for states in prompts] == [False] * 6 + [True] * 3


@pytest.mark.parametrize("prediction", ["velocity", "wiener"])
def test_the_ready_copy_draws_the_same_and_is_close_in_bfloat16(prediction):
    model, x, cond = tiny(prediction=prediction), drawn(4, *LATENT), told(4)
    outputs = []
    for copied in (model, model.ready(), model.ready(torch.bfloat16)):
        cache = copied.new_cache(1, 2, LATENT)
        cached(copied, x[:2], cond, cache)
        outputs.append(copied(x[2:], (0.5, 0.9), cond.rows([2, 3]), (2, 3), cache))
    torch.testing.assert_close(outputs[1], outputs[0], atol=CLOSE, rtol=0)
    assert (outputs[2] - outputs[0]).norm() / outputs[0].norm() < 0.02
    assert outputs[2].dtype == torch.float32


def test_the_checkpoint_is_diffusers_own(tmp_path):
    model, x, cond = tiny(), drawn(2, *LATENT), told(2)
    model.transformer.save_pretrained(tmp_path)
    loaded = type(model.transformer).from_pretrained(tmp_path)
    torch.testing.assert_close(
        type(model)(loaded).eval()(x, (0.5, 0.9), cond, range(2)), model(x, (0.5, 0.9), cond, range(2))
    )


def test_a_forward_that_fails_leaves_no_half_written_cache(monkeypatch):
    model, x, cond = tiny(), drawn(3, *LATENT), told(3)
    cache = model.new_cache(1, 2, LATENT)
    cached(model, x[:2], cond, cache)
    monkeypatch.setattr(model.transformer.blocks[1].attn2.to_q, "forward", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        model(x[2:], (0.0,), cond.rows([2]), (2,), cache, 1)
    assert len(cache) == 0


def test_what_cannot_be_is_said_with_what_can():
    with pytest.raises(ValueError, match="velocity, wiener"):
        tiny(prediction="epsilon")
    model, x, cond = tiny(), drawn(1, 2, *LATENT).expand(2, -1, -1, -1, -1), told(2)
    batch = BatchConditioning(cond.text.expand(2, -1, -1, -1), cond.tracks.expand(2, -1, -1, -1, -1))
    with pytest.raises(ValueError, match="one stream"):
        model(x, torch.zeros(2, 2), batch, range(2), model.new_cache(1, 1, LATENT))
