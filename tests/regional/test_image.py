"""Words by region in image models: the fast way, one masked attention, is the slow one, each text attended apart."""

import pytest
import torch
from image.drawing import draw, lora_files, state
from tiny.pictures import noisy

from regional.masks import LEFT, RIGHT, WHOLE, mask
from studio.conditioning import condition_frames
from studio.controls import Picture, Prompt, Region, Sampling, Structure
from studio.models.image.regional import RegionalAttention
from studio.regional import side_by_side
from studio.samplers import PictureStream

CLOSE = dict(rtol=1e-4, atol=1e-5)


@pytest.fixture(autouse=True)
def playing():
    with torch.no_grad():
        yield


class Apart(RegionalAttention):
    """The slow definition: each text attended apart, then the mean by its share times its sum of exponentials."""

    def __init__(self, rows, lengths, grids):
        super().__init__()
        self.shares, self.lengths, self.grids = side_by_side(rows).shares, lengths, grids

    def __call__(self, attn, hidden, encoder_hidden_states=None, attention_mask=None, temb=None, heard=None):
        if (words := encoder_hidden_states) is None:
            return super().__call__(attn, hidden)
        shares = torch.nn.functional.adaptive_avg_pool2d(self.shares, self.grids[hidden.shape[1]]).flatten(2)
        query = attn.to_q(hidden).unflatten(2, (attn.heads, -1)).transpose(1, 2)
        said, sums = [], []
        for text, share in zip(words.split(self.lengths, 1), shares.unbind(1), strict=True):
            key, value = (
                layer(text).unflatten(2, (attn.heads, -1)).transpose(1, 2) for layer in (attn.to_k, attn.to_v)
            )
            scores = query @ key.mT / key.shape[-1] ** 0.5
            said.append(scores.softmax(-1) @ value)
            sums.append(share[:, None, :, None] * scores.logsumexp(-1, keepdim=True).exp())
        out = sum(one * weight for one, weight in zip(said, sums)) / sum(sums)
        return attn.to_out[0](out.transpose(1, 2).flatten(2))


@pytest.mark.parametrize("family", ["sd", "sdxl"])
def test_one_masked_attention_is_each_text_attended_by_itself(opened, family):
    model = opened(family)
    held = state(LEFT, RIGHT)
    fast = draw(model, held, rows=2)
    cond = condition_frames(model, held, [0, 1])
    own, *texts = (len(one.states) - one.apart for one in (cond.prompts[0], *side_by_side(cond.regions).texts))
    grids = {h * w: (h, w) for h, w in [(model.latent[1] >> level, model.latent[2] >> level) for level in range(4)]}
    layers = {name: one for name, one in model.parts.unet.named_modules() if name.endswith("attn2")}
    before = {name: layer.processor for name, layer in layers.items()}
    for layer in layers.values():
        layer.set_processor(Apart(cond.regions, [own, *texts], grids))
    try:
        torch.testing.assert_close(draw(model, held, rows=2), fast, **CLOSE)
    finally:
        for name, layer in layers.items():
            layer.set_processor(before[name])
    assert (fast - draw(model, state(), rows=2)).abs().max() > 1e-3


def test_words_for_the_whole_picture_at_full_strength_are_the_prompt(opened):
    model = opened()
    torch.testing.assert_close(draw(model, state(WHOLE)), draw(model, state(Prompt(WHOLE.text))), **CLOSE)


def test_without_a_region_not_one_bit_differs(opened):
    from diffusers.models.attention_processor import AttnProcessor2_0

    model = opened()
    now = draw(model, state(), rows=2)
    silent = Region("left", LEFT.text, LEFT.mask, 0.0)
    assert torch.equal(draw(model, state(silent), rows=2), now)
    layers = [one for one in model.parts.unet.modules() if type(getattr(one, "processor", None)) is RegionalAttention]
    for layer in layers:
        layer.set_processor(AttnProcessor2_0())
    try:
        assert torch.equal(draw(model, state(), rows=2), now)
    finally:
        for layer in layers:
            layer.set_processor(RegionalAttention())


def test_strength_goes_from_the_prompt_to_the_regions_words(opened):
    model, plain = opened(), draw(opened(), state())
    apart = [
        float((draw(model, state(Region("a", WHOLE.text, WHOLE.mask, share))) - plain).abs().mean())
        for share in (0.1, 0.4, 0.7, 1.0)
    ]
    assert apart == sorted(apart)


def test_a_region_is_heard_where_it_is(opened):
    model = opened()
    moved = (draw(model, state(Region("a", WHOLE.text, mask(0, 0.25)))) - draw(model, state())).abs().mean((0, 1, 2))
    assert moved[:2].mean() > 2 * moved[4:].mean()


def test_it_goes_with_loras_a_controlnet_and_rows_that_see_each_other(opened, folders):
    from studio.controls import Lora

    model = opened(loras=lora_files(folders, text=True), controlnet=folders / "controlnet-sd", cross_frame=True)
    held = state(Picture(noisy(1)), Structure(0.8), Lora("first", 0.7))
    with_words = draw(model, held.updated(LEFT, RIGHT), rows=2)
    assert with_words.isfinite().all()
    for other in (held, held.updated(LEFT, RIGHT, Lora("first", 0.0)), held.updated(LEFT, RIGHT, Structure(0.0))):
        assert (draw(model, other, rows=2) - with_words).abs().max() > 1e-4


def test_a_compiled_net_hears_the_same(opened):
    held = state(LEFT, RIGHT)
    torch.testing.assert_close(draw(opened(compile="eager"), held), draw(opened(), held), **CLOSE)


@pytest.mark.parametrize("guidance", ["none", "full", "initialize"])
def test_rows_in_flight_each_hear_the_regions_they_began_under(opened, guidance):
    """A batch of rows under other regions each is what each frame is alone."""
    model = opened()
    states = [state(Sampling(1, guidance, 1.5, 3), *more) for more in ((), (LEFT,), (LEFT, RIGHT), (RIGHT,), (), ())]
    stream, alone = PictureStream(model), PictureStream(model)
    came = [stream.tick(held) for held in states] + stream.flush(states[-1])
    got = torch.cat([one for one in came if one is not None])
    wanted = []
    for held in states:
        alone.tick(held)
        wanted += alone.flush(held)
    torch.testing.assert_close(got, torch.cat(wanted), rtol=1e-3, atol=1e-4)


def test_a_snapshot_with_regions_goes_on_the_same(opened):
    model, held = opened(), state(Sampling(steps=3), LEFT, RIGHT)
    stream, other = PictureStream(model), PictureStream(model)
    stream.step(held)
    other.restore(stream.snapshot())
    assert all(torch.equal(stream.step(held), other.step(held)) for _ in range(3))
