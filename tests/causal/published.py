"""The published ways to compute causal video, written plainly, and models with the published cache."""

import torch
from diffusers.models.transformers.transformer_wan import WanAttnProcessor
from tiny.causal import LATENT, CausalModel, told

from studio.noise import noise

CLOSE = 1e-5
CHUNK = 3
LONGLIVE = {"sink": 3, "window": 6, "chunk": 3, "recache": "bidirectional"}


def assert_close(one, other, atol=CLOSE):
    torch.testing.assert_close(one, other, atol=atol, rtol=0)


def published(**options):
    """A model with the published cache: places by frame number, eviction after writing; Wan's prediction and shift."""
    settings = {"sink": 0, "window": 18, "chunk": CHUNK, "positions": "absolute", "evicts": "after", **options}
    model = CausalModel(prediction="velocity", **settings)
    model.shift = 5.0
    return model


def run_steps(stream, state, count):
    return torch.cat([stream.step(state) for _ in range(count)])


def fresh(seed, frames, step):
    return torch.stack([noise(seed, frame, step, LATENT) for frame in frames])


class Masked:
    """diffusers' own attention, with a mask where a row's tokens look at rows' tokens."""

    def __init__(self, mask):
        self.mask, self.stock = mask, WanAttnProcessor()

    def __call__(self, attn, hidden_states, encoder_hidden_states=None, attention_mask=None, rotary_emb=None):
        mask = self.mask if encoder_hidden_states is None else None
        return self.stock(attn, hidden_states, encoder_hidden_states, mask, rotary_emb)


def stock(model, x, sigma, cond, seen):
    """The whole sequence in one forward of diffusers' class, absolute positions, seen (F, F) saying who sees whom."""
    tokens = x.shape[-1] * x.shape[-2] // 4
    mask = torch.tensor(seen).repeat_interleave(tokens, 0).repeat_interleave(tokens, 1)
    for block in model.transformer.blocks:
        block.attn1.set_processor(Masked(mask[None, None]))
    latents = torch.cat([x, cond.tracks], 1).transpose(0, 1)[None]
    out = model.transformer(latents, 1000 * sigma.repeat_interleave(tokens)[None], cond.text[:1], return_dict=False)[0]
    return x - sigma[:, None, None, None] * out[0].transpose(0, 1)


def blocks(frames, sink=0, window=99, chunk=CHUNK):
    """Who sees whom: each chunk itself, the `window` frames before it and the first `sink`."""
    starts = [frame // chunk * chunk for frame in range(frames)]
    return [[(j < s + chunk) and (j >= s - window or j < sink) for j in range(frames)] for s in starts]


def one_prompt(frames, seed=0):
    cond = told(frames, seed)
    return cond.with_text(cond.prompts[0])


def written(net, x, cond, cache, chunk=CHUNK, start=0):
    """Clean chunks into the cache, one after the other."""
    for at in range(0, len(x), chunk):
        part = range(at, min(at + chunk, len(x)))
        net(x[at : at + chunk], (0.0,) * len(part), cond.rows(list(part)), [start + i for i in part], cache, len(part))


def held(cache):
    """The kept frames' keys and values in the order of time, (layers, frames, tokens, width) each."""
    state = cache.snapshot()
    order = [state.frames.index(frame) for frame in cache.frames]
    return tuple(part.unflatten(1, (len(state.frames), -1))[:, order] for part in (state.keys, state.values))


def assert_same_cache(one, other, atol=CLOSE):
    assert one.frames == other.frames
    for ours, theirs in zip(held(one), held(other), strict=True):
        assert_close(ours, theirs, atol)
